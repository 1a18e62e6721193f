"""Receipts, the matching queue, and the receipt that a customer reads by link."""
