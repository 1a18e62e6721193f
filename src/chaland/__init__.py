"""Chaland: anonymous footfall and consented loyalty for a town's merchants' association."""

__version__ = "0.1.0"
