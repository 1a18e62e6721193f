"""Exact discrete Laplace noise, with integers only.

P(X = x) = (e^a - 1) / (e^a + 1) * e^(-a |x|) with a = 1 / scale, for every integer x. A sampler
that rounds a floating-point Laplace leaks through the gaps between floats (Mironov 2012); here
every probability is a comparison of uniform integers, so the distribution is exactly this one.

Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020),
algorithms 1 (the coin of e^-x, in ``coins``) and 2 (discrete Laplace of scale t / s).

``draw`` takes one number at a time, as the sensor does; ``draw_many`` is the same procedure on
whole arrays, for the simulation. Both consume random bits by rejection, so the time a draw takes
varies; nobody outside the sensor can time it against a frame (a cell is drawn on the quarter).
"""

from fractions import Fraction

import numpy as np

from chaland.sensor.privacy.coins import (
    LARGEST_TERM,
    Integers,
    below,
    many_below,
    many_survive,
    survives,
)
from chaland.sensor.privacy.random_bits import RandomBits


def draw(scale: Fraction, bits: RandomBits) -> int:
    """Draw one discrete Laplace integer. ValueError if the scale is not positive and modest."""
    t, s = _terms(scale)
    while True:
        remainder = below(t, bits)
        if not survives(remainder, t, bits):
            continue
        quotient = 0
        while survives(1, 1, bits):
            quotient += 1
        magnitude = (remainder + t * quotient) // s
        if below(2, bits) == 0:
            return magnitude
        if magnitude:
            return -magnitude


def draw_many(scale: Fraction, count: int, bits: RandomBits) -> Integers:
    """Draw ``count`` independent discrete Laplace integers, shape (count,), like ``draw``."""
    t, s = _terms(scale)
    result = np.empty(count, np.int64)
    filled = 0
    while filled < count:
        wanted = count - filled
        drawn = _attempts(t, s, wanted + wanted // 2 + 64, bits)[:wanted]
        result[filled : filled + drawn.size] = drawn
        filled += drawn.size
    return result


def _terms(scale: Fraction) -> tuple[int, int]:
    t, s = scale.numerator, scale.denominator
    if t <= 0 or max(t, s) >= LARGEST_TERM:
        raise ValueError(
            f"noise scale {scale} must be above 0, with numerator and denominator below 2**31"
        )
    return t, s


def _attempts(t: int, s: int, count: int, bits: RandomBits) -> Integers:
    """Run ``count`` rounds of the algorithm at once; return what the accepted rounds drew."""
    remainder = many_below(t, count, bits)
    remainder = remainder[many_survive(remainder, t, bits)]
    quotient = np.zeros(remainder.size, np.int64)
    rising = np.arange(remainder.size)
    while rising.size:
        rising = rising[many_survive(np.ones(rising.size, np.int64), 1, bits)]
        quotient[rising] += 1
    magnitude = (remainder + t * quotient) // s
    negative = many_below(2, magnitude.size, bits) == 1
    accepted = ~(negative & (magnitude == 0))
    result: Integers = np.where(negative, -magnitude, magnitude)[accepted]
    return result
