"""How well records of two days (or shops) can be matched: the area under the attacker's curve."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z = 3.29
"""A two-sided false-alarm rate of 0.001 for each interval."""


def area(same: NDArray[np.float64], different: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return P(score of a same pair > of a different one) + ties/2, and its interval.

    Interval: Hanley and McNeil (1982), formula 2.
    """
    order = np.sort(different)
    below = np.searchsorted(order, same, side="left")
    upto = np.searchsorted(order, same, side="right")
    value = float((below + upto).mean() / 2 / different.size)
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    n, m = same.size, different.size
    variance = (value * (1 - value) + (n - 1) * (q1 - value**2) + (m - 1) * (q2 - value**2)) / n / m
    half = Z * sqrt(max(variance, 1 / n / m))
    return value, value - half, value + half


def auc(one: Sequence[bytes], other: Sequence[bytes]) -> tuple[float, float, float]:
    """Return the area for matching people by equal tokens; place i of both is the same person."""
    same = np.array([a == b for a, b in zip(one, other, strict=True)], np.float64)
    known = set(other)
    pairs = len(one) * (len(other) - 1)
    equal = sum(token in known for token in one) - int(same.sum())
    different = np.zeros(pairs)
    different[:equal] = 1
    return area(same, different)
