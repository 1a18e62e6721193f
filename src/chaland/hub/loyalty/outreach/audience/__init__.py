"""Whom a campaign is for: criteria, drawing, and the moment in which an address is read."""
