"""An invented town with real rhythms: phones, walkers, shops and their radio, with ground truth.

The same arrays of stays and bursts become either 802.11 bytes (``air``, for the real decoder) or
the counts of a cell (``history``, a year in seconds). Nothing here describes a real person or a
real place; see docs/explanation/simulation.md for what is invented and what is measured.
Everything is drawn from a seed: the same seed gives the same town, people and bytes.
"""
