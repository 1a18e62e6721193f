"""Plane B: loyalty by consent. Nothing here knows of footfall; the planes meet in figures only."""
