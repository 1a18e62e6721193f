"""Members, for the staff of a shop: its own customers only."""
