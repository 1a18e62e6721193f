"""Keys, exact noise, the objection filter, and the constants of the mechanism."""

from chaland.sensor.privacy.laplace import draw, draw_many
from chaland.sensor.privacy.mechanism import DEFAULT_MECHANISM, Mechanism, Noised
from chaland.sensor.privacy.random_bits import OperatingSystemBits, RandomBits, SeededBits

__all__ = [
    "DEFAULT_MECHANISM",
    "Mechanism",
    "Noised",
    "OperatingSystemBits",
    "RandomBits",
    "SeededBits",
    "draw",
    "draw_many",
]
