"""Figures of members and receipts, never under the smallest cell; signals of fraud."""
