"""Exact coins: uniform integers and the coin of e^-x, by integer comparisons only.

Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020),
algorithm 1. Each function exists for one number, as the sensor draws, and for whole arrays.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.privacy.random_bits import RandomBits

_WORD = 2**64
LARGEST_TERM = 2**31
"""Numerators and denominators stay below this: products with small integers then fit 64 bits."""

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


def below(n: int, bits: RandomBits) -> int:
    """Uniform on 0 .. n - 1, exactly: words beyond the largest multiple of n are refused."""
    limit = _WORD - _WORD % n
    while (word := bits.word()) >= limit:
        pass
    return word % n


def survives(p: int, q: int, bits: RandomBits) -> bool:
    """Bernoulli of exp(-p / q) for 0 <= p / q <= 1: the parity of a chain of coins p / (q k)."""
    k = 1
    while below(q * k, bits) < p:
        k += 1
    return k % 2 == 1


def outlasts(x: Fraction, bits: RandomBits) -> bool:
    """Bernoulli of exp(-x) for any x >= 0: the product of coins of at most one each."""
    return all(survives(step.numerator, step.denominator, bits) for step in _steps(x))


def many_below(n: int, count: int, bits: RandomBits) -> Integers:
    """Return ``count`` uniform integers on 0 .. n - 1, shape (count,)."""
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


def many_survive(p: Integers, q: int, bits: RandomBits) -> Bools:
    """Like ``survives`` for each p (shape (n,)) and one q; returns shape (n,)."""
    survivors = np.empty(p.size, np.bool_)
    going = np.arange(p.size)
    numerators = p
    k = 1
    while going.size:
        on = many_below(q * k, going.size, bits) < numerators
        survivors[going[~on]] = k % 2 == 1
        going, numerators = going[on], numerators[on]
        k += 1
    return survivors


def many_outlast(x: Fraction, count: int, bits: RandomBits) -> Bools:
    """Return ``count`` coins of exp(-x), shape (count,), like ``outlasts``."""
    lasting = np.ones(count, np.bool_)
    for step in _steps(x):
        left = np.flatnonzero(lasting)
        terms = np.full(left.size, step.numerator)
        lasting[left] = many_survive(terms, step.denominator, bits)
    return lasting


def _steps(x: Fraction) -> Iterator[Fraction]:
    """Split x into ones and a rest below one."""
    while x >= 1:
        yield Fraction(1)
        x -= 1
    if x:
        yield x
