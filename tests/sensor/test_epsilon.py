"""F6, empirically: neighbouring inputs through the real release give likelihoods within e^epsilon.

The attacker looks at one released number and asks: was the phone there? For every threshold t the
two probabilities of a release >= t may differ by at most the factor e^epsilon, in both directions.
Each is estimated from RUNS draws; the test fails only if the lower confidence limit of the one
exceeds e^epsilon times the upper limit of the other (Clopper-Pearson, via its normal
approximation, at a level that makes all of a test's comparisons together fail a right mechanism
with probability <= 1e-3). Seeds are fixed, so the tests do not flicker.
"""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from chaland.sensor.presence.cells import ExactCell, Noise
from chaland.sensor.privacy import SeededBits, draw_many
from chaland.wire.mechanism import DEFAULT_MECHANISM, Noised
from chaland.wire.summary import CellCounts, Mode, State

RUNS_SHORT, RUNS_LONG = 400_000, 10_000_000
THRESHOLDS = 60
FALSE_ALARM = 1e-3
Z = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * THRESHOLDS * 2))
CELL = ExactCell(
    start=datetime(2026, 1, 1, tzinfo=UTC), windows=3, state=State.OK, fingerprints=20, scans=40,
    arrivals=4, passers_by=9, peak=30, dwell_day=date(2025, 12, 31), dwell=(3, 1, 4, 1, 5, 9),
)  # fmt: skip
RELEASED = sorted(
    {(mode, name) for mode in Mode for name in DEFAULT_MECHANISM.counts[mode]}
    | {(Mode.DEFAULT, "dwell")}
)


def noised(mode: Mode, name: str) -> Noised:
    return DEFAULT_MECHANISM.dwell if name == "dwell" else DEFAULT_MECHANISM.counts[mode][name]


def upper_tails(draws: NDArray[np.int64], thresholds: NDArray[np.int64]) -> NDArray[np.float64]:
    return 1 - np.searchsorted(np.sort(draws), thresholds) / draws.size


def worst_excess(present: NDArray[np.int64], absent: NDArray[np.int64], epsilon: float) -> float:
    """Largest (lower limit of one) - e^eps (upper limit of the other); <= 0 keeps the promise."""
    centre = int(np.median(absent))
    spread = max(int(np.quantile(absent, 0.999)) - centre, 2)
    thresholds = np.unique(np.linspace(centre - spread, centre + spread, THRESHOLDS).astype(int))
    worst = -1.0
    for sign in (1, -1):
        tails = [
            upper_tails(sign * draws, np.sort(sign * thresholds)) for draws in (present, absent)
        ]
        for one, other in (tails, tails[::-1]):
            margins = [Z * np.sqrt(p * (1 - p) / present.size) for p in (one, other)]
            excess = (one - margins[0]) - exp(epsilon) * (other + margins[1])
            worst = max(worst, float(excess.max()))
    return worst


@pytest.mark.parametrize(("mode", "name"), RELEASED)
def test_each_release_hides_a_neighbour(mode: Mode, name: str) -> None:
    """The release adds one draw to the exact count (next test); here the draws by the million."""
    mechanism = noised(mode, name)
    bits = SeededBits(50)
    absent, present = (draw_many(mechanism.scale, RUNS_SHORT, bits) for _ in range(2))
    assert worst_excess(present + mechanism.bound, absent, float(mechanism.epsilon)) <= 0


@pytest.mark.parametrize(("mode", "name"), RELEASED)
def test_a_mechanism_that_promises_too_much_is_found(mode: Mode, name: str) -> None:
    """Noise for a bound half as large must fail the same test, or the test shows nothing."""
    mechanism = noised(mode, name)
    scale = mechanism.scale / 2
    bits = SeededBits(51)
    absent, present = (draw_many(scale, RUNS_SHORT, bits) for _ in range(2))
    assert worst_excess(present + mechanism.bound, absent, float(mechanism.epsilon)) > 0


def test_two_counts_of_one_budget_hide_a_visit_together() -> None:
    """A visitor instead of nobody, in any one cell of the day: the joint loss."""
    mechanism = DEFAULT_MECHANISM.counts[Mode.DEFAULT]["arrivals"]
    bits = SeededBits(52)
    a, b, c, d = (draw_many(mechanism.scale, RUNS_SHORT, bits) for _ in range(4))
    assert worst_excess(a + 1 + b, c + d, float(mechanism.epsilon)) <= 0


def values(release: CellCounts) -> dict[str, int]:
    counts = {name: count.value for name, count in release.counts.items()}
    assert release.dwell
    return counts | {f"dwell{i}": n for i, n in enumerate(release.dwell.counts)}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_release_is_the_exact_count_plus_one_draw_each(mode: Mode) -> None:
    """With the same bits, an input larger by k gives a release larger by k: the noise is added,
    independent of the count, and drawn anew for each number."""
    bigger = replace(CELL, scans=43, arrivals=5, passers_by=10, dwell=(3, 1, 4, 1, 6, 9))
    one, other = (
        values(Noise(DEFAULT_MECHANISM, mode, SeededBits(9)).release(cell))
        for cell in (CELL, bigger)
    )
    moved = {name: other[name] - one[name] for name in one if other[name] != one[name]}
    assert moved == {"scans": 3, "arrivals": 1, "passers_by": 1, "dwell4": 1}


@pytest.mark.parametrize("name", ["fingerprints", "scans", "arrivals", "passers_by", "dwell0"])
def test_what_is_released_has_the_stated_scale(name: str) -> None:
    mechanism = noised(Mode.DEFAULT, name.rstrip("0"))
    noise = Noise(DEFAULT_MECHANISM, Mode.DEFAULT, SeededBits(10))
    drawn = np.array([values(noise.release(CELL))[name] for _ in range(4000)])
    a = 1 / float(mechanism.scale)
    sd = sqrt(2 * exp(-a)) / (1 - exp(-a))
    exact = CELL.dwell[0] if name == "dwell0" else getattr(CELL, name)
    assert drawn.std() == pytest.approx(sd, rel=0.12)
    assert drawn.mean() == pytest.approx(exact, abs=5 * sd / sqrt(drawn.size))


def test_the_flood_test_misses_a_full_table_less_than_once_in_a_million_million() -> None:
    """The margin against the tail of the difference of two discrete Laplace noises, summed out."""
    a = 1 / float(DEFAULT_MECHANISM.flood.scale)
    margin = DEFAULT_MECHANISM.flood_level - (DEFAULT_MECHANISM.visit_capacity - 1)
    noise = np.arange(-4000, 4001)
    chance = (1 - exp(-a)) / (1 + exp(-a)) * np.exp(-a * np.abs(noise))
    below = margin - 1 + noise  # the peak's noise must stay below this
    tail = np.where(below < 0, np.exp(a * below), 1.0) / (1 + exp(-a))
    assert np.sum(chance * tail) < 1e-12


def floods(peaks: tuple[int, ...], runs: int, seed: int) -> NDArray[np.int64]:
    """Return for each run the cell in which the flood test first fires; the number of cells if
    none does."""
    cells = [replace(CELL, peak=peak, dwell_day=None, dwell=()) for peak in peaks]
    small = replace(DEFAULT_MECHANISM, visit_capacity=500, flood_margin=400, flood=Noised(1, "1"))
    bits, fired = SeededBits(seed), []
    for _ in range(runs):
        noise = Noise(small, Mode.STRICT, bits)
        fires = (i for i, cell in enumerate(cells) if noise.release(cell) and noise.flooded)
        fired.append(next(fires, len(cells)))
    return np.array(fired)


def test_the_flood_test_is_paid_once_however_many_cells_a_visit_lasts() -> None:
    """A visit of 12 cells raises every peak by one. Paid per cell, this would cost 12 epsilon;
    drawing the level once, it costs two (here 2, of e^2 = 7.4), at every outcome."""
    runs, cells = 6_000, 12
    absent, present = (floods((peak,) * cells, runs, peak) for peak in (98, 99))
    for fired in range(cells + 1):
        p, q = np.mean(present == fired), np.mean(absent == fired)
        margins = [Z * sqrt(max(x * (1 - x), 1 / runs) / runs) for x in (p, q)]
        assert p - margins[0] <= exp(2) * (q + margins[1])
        assert q - margins[1] <= exp(2) * (p + margins[0])
    assert 0.3 < np.mean(present < cells) / max(np.mean(absent < cells), 1e-9) < exp(2)


def test_after_a_flood_the_level_is_drawn_anew() -> None:
    """Lives end with the wipe; what was learnt of the old level says nothing of the new one."""
    noise = Noise(DEFAULT_MECHANISM, Mode.DEFAULT, SeededBits(3))
    levels = {noise._flood_level}
    for peak in (DEFAULT_MECHANISM.visit_capacity, 30, DEFAULT_MECHANISM.visit_capacity, 30):
        noise.release(replace(CELL, peak=peak))
        assert noise.flooded == (peak != 30)
        levels.add(noise._flood_level)
    assert len(levels) == 3


def test_the_budgets_add_up_to_the_estimand_table() -> None:
    for mode in Mode:
        counts = DEFAULT_MECHANISM.counts[mode]
        e1 = sum(
            Fraction(counts[name].epsilon) for name in ("fingerprints", "scans") if name in counts
        )
        assert e1 == Fraction("0.75")
        shared = {counts[name].epsilon for name in ("arrivals", "passers_by")}
        flood = 2 * Fraction(DEFAULT_MECHANISM.flood.epsilon)
        assert Fraction(shared.pop()) + flood == Fraction("0.5")
        assert not shared
    assert DEFAULT_MECHANISM.dwell.epsilon == "0.25"
    assert DEFAULT_MECHANISM.visit_loss == Fraction("0.75")


@pytest.mark.campaign
@pytest.mark.parametrize(("mode", "name"), RELEASED)
def test_ten_million_neighbours(mode: Mode, name: str) -> None:
    mechanism = noised(mode, name)
    bits = SeededBits(int(os.environ.get("CHALAND_CAMPAIGN_SEED", "1")))
    absent, present = (draw_many(mechanism.scale, RUNS_LONG, bits) for _ in range(2))
    assert worst_excess(present + mechanism.bound, absent, float(mechanism.epsilon)) <= 0
