"""How languages write dates here, where Django's own way would mislead."""
