"""The till page: a tablet or phone beside the shop’s own till."""
