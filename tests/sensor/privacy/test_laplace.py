"""The noise has exactly the distribution that the privacy claim rests on."""

import os
from fractions import Fraction
from math import exp, sqrt

import numpy as np
import opendp.prelude as dp
import pytest
from numpy.typing import NDArray

from chaland.sensor.privacy import OperatingSystemBits, SeededBits
from chaland.sensor.privacy.coins import below, survives
from chaland.sensor.privacy.laplace import draw, draw_many
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import Mode

SCALES = sorted(
    {noised.scale for mode in Mode for noised in DEFAULT_MECHANISM.counts[mode].values()}
    | {DEFAULT_MECHANISM.dwell.scale, DEFAULT_MECHANISM.flood.scale, Fraction(1, 3), Fraction(7, 2)}
)
FALSE_ALARM_Z = 4.26
"""One-sided normal quantile of 1e-5: so rarely would a test here fail on a right sampler, if its
seeds were chosen anew. The seeds are fixed, so it does so never or always."""


def pmf(scale: Fraction, reach: int) -> NDArray[np.float64]:
    """Probabilities of -reach .. reach (shape (2 reach + 1,)), then the rest as a last entry."""
    a = 1 / float(scale)
    x = np.arange(-reach, reach + 1)
    p = (exp(a) - 1) / (exp(a) + 1) * np.exp(-a * np.abs(x))
    return np.append(p, max(1 - p.sum(), 0.0))


def histogram(draws: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    inside = draws[np.abs(draws) <= reach] + reach
    counts = np.bincount(inside, minlength=2 * reach + 1)
    return np.append(counts, draws.size - inside.size)


def chi_square_z(observed: NDArray[np.int64], expected: NDArray[np.float64], dof: int) -> float:
    """Pearson's statistic as a standard normal (Wilson and Hilferty)."""
    statistic = float(((observed - expected) ** 2 / expected).sum())
    spread = 2 / (9 * dof)
    return ((statistic / dof) ** (1 / 3) - (1 - spread)) / sqrt(spread)


def reach_for(scale: Fraction, count: int) -> int:
    """The widest range whose rarest value is still expected 10 times."""
    reach = 1
    while pmf(scale, reach + 1)[0] * count >= 10:
        reach += 1
    return reach


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_many_draws_have_the_exact_distribution(scale: Fraction) -> None:
    draws = draw_many(scale, 400_000, SeededBits(20))
    reach = reach_for(scale, draws.size)
    expected = pmf(scale, reach) * draws.size
    assert chi_square_z(histogram(draws, reach), expected, expected.size - 1) < FALSE_ALARM_Z


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_single_draws_have_the_exact_distribution(scale: Fraction) -> None:
    bits = SeededBits(21)
    draws = np.array([draw(scale, bits) for _ in range(30_000)])
    reach = reach_for(scale, draws.size)
    expected = pmf(scale, reach) * draws.size
    assert chi_square_z(histogram(draws, reach), expected, expected.size - 1) < FALSE_ALARM_Z


@pytest.mark.parametrize("scale", [Fraction(5), Fraction(25, 4)], ids=str)
def test_draws_are_distributed_as_those_of_opendp(scale: Fraction) -> None:
    """Two samples, one distribution; OpenDP's own bits can't be seeded, hence the tiny level."""
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    laplace = dp.m.make_laplace(*space, scale=float(scale))
    theirs = np.array(laplace([0] * 100_000))
    ours = draw_many(scale, theirs.size, SeededBits(22))
    reach = reach_for(scale, theirs.size)
    a, b = histogram(ours, reach), histogram(theirs, reach)
    both = (a + b) / 2
    statistic = float((((a - both) ** 2 + (b - both) ** 2) / both).sum())
    dof = both.size - 1
    z = ((statistic / dof) ** (1 / 3) - (1 - 2 / (9 * dof))) / sqrt(2 / (9 * dof))
    assert z < 5.6  # 1e-8


def test_a_chi_square_that_finds_a_wrong_scale() -> None:
    draws = draw_many(Fraction(26, 5), 400_000, SeededBits(20))
    reach = reach_for(Fraction(5), draws.size)
    expected = pmf(Fraction(5), reach) * draws.size
    assert chi_square_z(histogram(draws, reach), expected, expected.size - 1) > 20


class Enumerated:
    """Every word of a small alphabet in turn, to compute probabilities instead of sampling."""

    def __init__(self, words: list[int]) -> None:
        self._words = iter(words)

    def word(self) -> int:
        return next(self._words)

    def words(self, count: int) -> NDArray[np.uint64]:
        return np.array([self.word() for _ in range(count)], np.uint64)


def test_words_that_would_favour_small_remainders_are_refused() -> None:
    last_fair = 2**64 - 2**64 % 25 - 1
    assert below(25, Enumerated([2**64 - 1, last_fair + 1, last_fair])) == 24


@pytest.mark.parametrize(("words", "survived"), [([0, 1], False), ([0, 0, 1], True)])
def test_the_chain_of_coins_counts_its_steps(words: list[int], survived: bool) -> None:
    """exp(-1): coin k comes up with probability 1/k; a chain that ends at an odd k survives."""
    assert survives(1, 1, Enumerated(words)) is survived


def test_the_exact_probability_of_zero_by_summing_the_procedure() -> None:
    """P(X = 0) of algorithm 2, summed over its own branches, is the pmf's (scale 2)."""
    t = 2
    accept = [exp(-u / t) / t for u in range(t)]
    magnitude_zero = accept[0] / sum(accept) * (1 - exp(-1))
    assert magnitude_zero / 2 / (1 - magnitude_zero / 2) == pytest.approx(
        pmf(Fraction(2), 0)[0], abs=1e-15
    )


@pytest.mark.parametrize("scale", [Fraction(0), Fraction(-1), Fraction(1, 2**31)], ids=str)
def test_a_senseless_scale_is_refused(scale: Fraction) -> None:
    with pytest.raises(ValueError, match="noise scale"):
        draw(scale, SeededBits(1))
    with pytest.raises(ValueError, match="noise scale"):
        draw_many(scale, 5, SeededBits(1))


def test_a_seed_repeats_and_the_operating_system_does_not() -> None:
    one, two = (draw_many(Fraction(5), 1000, SeededBits(3)) for _ in range(2))
    assert (one == two).all()
    system = OperatingSystemBits()
    assert len({system.word() for _ in range(2000)}) == 2000
    assert (draw_many(Fraction(50), 500, system) != draw_many(Fraction(50), 500, system)).any()


def test_words_given_out_are_overwritten_in_the_pool() -> None:
    system = OperatingSystemBits()
    for _ in range(10):
        system.word()
    assert not system._pool[:10].any()
    assert system._pool[10:].any()


@pytest.mark.campaign
def test_ten_million_draws() -> None:
    seed = int(os.environ.get("CHALAND_CAMPAIGN_SEED", "1"))
    for scale in SCALES:
        draws = draw_many(scale, 10_000_000, SeededBits(seed))
        reach = reach_for(scale, draws.size)
        expected = pmf(scale, reach) * draws.size
        assert chi_square_z(histogram(draws, reach), expected, expected.size - 1) < FALSE_ALARM_Z
