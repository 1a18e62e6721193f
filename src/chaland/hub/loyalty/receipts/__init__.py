"""Receipts: taken in once, attached to a member now or later, returned line by line."""
