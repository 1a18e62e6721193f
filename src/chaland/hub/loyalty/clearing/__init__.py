"""Clearing: the month's statement of each shop, and the bank's files."""
