"""Programmes: the rules by which a receipt earns, and what a balance buys."""
