"""Loyalty in figures, and signals of fraud."""
