"""Consents: what a member agreed to, for whom, by which way; the root of every use of data."""
