"""Randomised response over k symbols, exact: what keeps each place of a sketch deniable.

The answer is the truth with probability e^epsilon / (e^epsilon + k - 1), and each other symbol
with 1 / (e^epsilon + k - 1): whatever the truth, each answer is at most e^epsilon times likelier
than under another truth, and for one pair exactly so often. (Warner 1965 for two symbols;
Kairouz, Oh, Viswanath 2016, who show that nothing tells more at this epsilon when it is large.)

By rejection: draw a symbol uniformly; keep the truth always, another one with probability
e^-epsilon; else draw again. So the two probabilities stand as 1 to e^-epsilon, and no floating
point is in them.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.privacy.coins import LARGEST_TERM, below, many_below, many_outlast, outlasts
from chaland.sensor.privacy.random_bits import RandomBits


def respond(truth: int, symbols: int, epsilon: Fraction, bits: RandomBits) -> int:
    """Answer for one truth of 0 .. ``symbols`` - 1. ValueError if epsilon is not modest."""
    _check(epsilon)
    while True:
        symbol = below(symbols, bits)
        if symbol == truth or outlasts(epsilon, bits):
            return symbol


def respond_many(
    truths: NDArray[np.uint8], symbols: int, epsilon: Fraction, bits: RandomBits
) -> NDArray[np.uint8]:
    """Answer for each of ``truths`` (shape (n,)) independently; shape (n,). Errors as above."""
    _check(epsilon)
    answers = np.empty(truths.size, np.uint8)
    open_ = np.arange(truths.size)
    while open_.size:
        drawn = many_below(symbols, open_.size, bits).astype(np.uint8)
        kept = (drawn == truths[open_]) | many_outlast(epsilon, open_.size, bits)
        answers[open_[kept]] = drawn[kept]
        open_ = open_[~kept]
    return answers


def _check(epsilon: Fraction) -> None:
    if not 0 < epsilon <= 100 or epsilon.denominator >= LARGEST_TERM:
        raise ValueError(
            f"epsilon {epsilon} of a randomised response must be above 0 and at most 100, "
            "with a denominator below 2**31"
        )
