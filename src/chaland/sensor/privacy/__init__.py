"""Keys, exact noise, the co-visit sketch and the objection filter."""

from chaland.sensor.privacy.laplace import draw, draw_many
from chaland.sensor.privacy.random_bits import OperatingSystemBits, RandomBits, SeededBits

__all__ = [
    "OperatingSystemBits",
    "RandomBits",
    "SeededBits",
    "draw",
    "draw_many",
]
