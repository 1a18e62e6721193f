"""Exact discrete Laplace noise, with integers only.

P(X = x) = (e^a - 1) / (e^a + 1) * e^(-a |x|) with a = 1 / scale, for every integer x. A sampler
that rounds a floating-point Laplace leaks through the gaps between floats (Mironov 2012); here
every probability is a comparison of uniform integers, so the distribution is exactly this one.

Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020),
algorithms 1 (Bernoulli of e^-g) and 2 (discrete Laplace of scale t / s).

``draw`` takes one number at a time, as the sensor does; ``draw_many`` is the same procedure on
whole arrays, for the simulation. Both consume random bits by rejection, so the time a draw takes
varies; nobody outside the sensor can time it against a frame (a cell is drawn on the quarter).
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.privacy.random_bits import RandomBits

_WORD = 2**64
_LARGEST_TERM = 2**31
"""Numerator and denominator stay below this, so that products with small integers fit 64 bits."""

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


def draw(scale: Fraction, bits: RandomBits) -> int:
    """Draw one discrete Laplace integer. ValueError if the scale is not positive and modest."""
    t, s = _terms(scale)
    while True:
        remainder = _below(t, bits)
        if not _survives(remainder, t, bits):
            continue
        quotient = 0
        while _survives(1, 1, bits):
            quotient += 1
        magnitude = (remainder + t * quotient) // s
        if _below(2, bits) == 0:
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
    if t <= 0 or max(t, s) >= _LARGEST_TERM:
        raise ValueError(
            f"noise scale {scale} must be above 0, with numerator and denominator below 2**31"
        )
    return t, s


def _below(n: int, bits: RandomBits) -> int:
    """Uniform on 0 .. n - 1, exactly: words beyond the largest multiple of n are refused."""
    limit = _WORD - _WORD % n
    while (word := bits.word()) >= limit:
        pass
    return word % n


def _survives(p: int, q: int, bits: RandomBits) -> bool:
    """Bernoulli of exp(-p / q) for 0 <= p / q <= 1: the parity of a chain of coins p / (q k)."""
    k = 1
    while _below(q * k, bits) < p:
        k += 1
    return k % 2 == 1


def _attempts(t: int, s: int, count: int, bits: RandomBits) -> Integers:
    """Run ``count`` rounds of the algorithm at once; return what the accepted rounds drew."""
    remainder = _many_below(t, count, bits)
    remainder = remainder[_many_survive(remainder, t, bits)]
    quotient = np.zeros(remainder.size, np.int64)
    rising = np.arange(remainder.size)
    while rising.size:
        rising = rising[_many_survive(np.ones(rising.size, np.int64), 1, bits)]
        quotient[rising] += 1
    magnitude = (remainder + t * quotient) // s
    negative = _many_below(2, magnitude.size, bits) == 1
    accepted = ~(negative & (magnitude == 0))
    result: Integers = np.where(negative, -magnitude, magnitude)[accepted]
    return result


def _many_below(n: int, count: int, bits: RandomBits) -> Integers:
    if n & (n - 1) == 0:
        return (bits.words(count) & np.uint64(n - 1)).astype(np.int64)
    limit = np.uint64(_WORD - _WORD % n)
    words = bits.words(count)
    refused = np.flatnonzero(words >= limit)
    if refused.size:
        words = words.copy()
        while refused.size:
            words[refused] = bits.words(refused.size)
            refused = refused[words[refused] >= limit]
    return (words - words // np.uint64(n) * np.uint64(n)).astype(np.int64)


def _many_survive(p: Integers, q: int, bits: RandomBits) -> Bools:
    survivors = np.empty(p.size, np.bool_)
    going = np.arange(p.size)
    numerators = p
    k = 1
    while going.size:
        on = _many_below(q * k, going.size, bits) < numerators
        survivors[going[~on]] = k % 2 == 1
        going, numerators = going[on], numerators[on]
        k += 1
    return survivors
