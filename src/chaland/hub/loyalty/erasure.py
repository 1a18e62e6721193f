"""Erasure: the person goes, the accounts stay."""
