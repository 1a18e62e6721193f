"""Joins what the two planes publish, figures with figures; nothing else passes the wall here."""
