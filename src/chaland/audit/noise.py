"""F6: what a release loses about one phone, by attack: for every count of every mode.

Three steps, each against the shipped code. (1) Neighbouring streams through the pipeline: the exact
counts differ by the stated bounds at most. (2) Neighbouring exact counts through ``Pipeline.run``,
hundreds of thousands of times: no threshold of the output tells them apart better than e^epsilon.
(3) The noise is what it is said to be: its distribution, its independence, never the same twice.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.audit import statistics, streams
from chaland.audit.bench import Bench
from chaland.audit.promises import PROMISED, PROMISED_DWELL
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.audit.streams import Air, Frames
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.presence.cells import ExactCell
from chaland.wire.mechanism import DEFAULT_MECHANISM, Noised
from chaland.wire.summary import CellCounts, Mode, State

RUNS = 400_000
DWELL_RUNS = 70_000  # of six bins each: together as many draws as RUNS
RANDOM_STREAMS = 40
_TESTS = 40
"""More statistical tests than one run makes; each has a share of half of FALSE_ALARM."""
_CHANCE = FALSE_ALARM / 2 / _TESTS
_CELL = ExactCell(
    start=datetime(2026, 1, 1, 12, tzinfo=UTC), windows=3, state=State.OK, fingerprints=20,
    scans=40, arrivals=4, passers_by=9, peak=30, dwell_day=None, dwell=(),
)  # fmt: skip
_DWELL = (3, 1, 4, 1, 5, 9)


def judge(bench: Bench, outcome: Outcome) -> None:
    """Attack every scalar output."""
    _promise(outcome)
    _bounds(outcome)
    for mode in Mode:
        _counts(bench, outcome, mode)
    _dwell(bench, outcome)
    _flood(bench, outcome)


def _promise(outcome: Outcome) -> None:
    """What the mechanism says of itself is what the checklist promises."""
    for mode, promised in PROMISED.items():
        said = {
            name: (noised.bound, noised.epsilon)
            for name, noised in DEFAULT_MECHANISM.counts[mode].items()
        }
        outcome.require(said == promised, f"the {mode} mode's budget is {said}, not {promised}")
    dwell = DEFAULT_MECHANISM.dwell
    outcome.require(
        (dwell.bound, dwell.epsilon) == PROMISED_DWELL, f"the dwell's budget is {dwell.epsilon}"
    )


# Exact counts of neighbours ---------------------------------------------------------------------


def _bounds(outcome: Outcome) -> None:
    """Step 1. Small tables as well, so that rows interact."""
    compared = 0
    shapes = [(name, make()) for name, make in streams.SHAPES.items()]
    shapes += [(f"wanders {seed}", streams.wanders(seed)) for seed in range(RANDOM_STREAMS)]
    for number, (name, victim) in enumerate(shapes):
        others = streams.quiet() + streams.crowd(40, number)
        mode = list(Mode)[number % 2]
        for every_mode in Mode if name in streams.SHAPES else (mode,):
            for capacity in (DEFAULT_MECHANISM.window_capacity, 3):
                _compare(outcome, (name, victim), others, every_mode, capacity)
                compared += 1
    outcome.measure("pairs of neighbouring streams", compared)


def _compare(
    outcome: Outcome, phone: tuple[str, Frames], others: Frames, mode: Mode, capacity: int
) -> None:
    name, victim = phone
    mechanism = replace(DEFAULT_MECHANISM, window_capacity=capacity)
    present = streams.exact(others + victim, mode, mechanism=mechanism)
    absent = streams.exact(others, mode, mechanism=mechanism)
    pairs = list(zip(present, absent, strict=False))
    same = [(a.start, a.windows, a.state, a.dwell_day) for a in present] == [
        (b.start, b.windows, b.state, b.dwell_day) for b in absent
    ]
    outcome.require(same, f"a phone that {name} changes which cells there are, or their state")
    for count in ("fingerprints", "scans"):
        bound = PROMISED[mode].get(count, (0, ""))[0]
        moved = max(abs(getattr(a, count) - getattr(b, count)) for a, b in pairs)
        outcome.require(
            moved <= bound,
            f"a phone that {name} moves {count} of a cell by {moved}, not {bound} ({mode} mode)",
        )
    most = streams.lives(victim)
    visits = sum(
        abs(getattr(a, count) - getattr(b, count))
        for a, b in pairs
        for count in ("arrivals", "passers_by")
    )
    outcome.require(
        visits <= most,
        f"a phone that {name}, {most} visits, moves arrivals and passers-by by {visits} together",
    )
    stays = sum(abs(x - y) for a, b in pairs for x, y in zip(a.dwell, b.dwell, strict=False))
    outcome.require(stays <= most, f"a phone that {name}, {most} visits, moves dwell by {stays}")
    peaks = {a.peak - b.peak for a, b in pairs}
    outcome.require(peaks <= {0, 1}, f"a phone that {name} moves the peak by {sorted(peaks)}")


# Releases of neighbours -------------------------------------------------------------------------


class _Repeated(Pipeline):
    """The shipped pipeline and its release, over one exact cell many times."""

    _cell: ExactCell
    _times: int

    def exact_cells(self) -> Iterator[ExactCell]:  # type: ignore[override]
        for _ in range(self._times):
            yield self._cell


def releases(mode: Mode, cell: ExactCell, times: int) -> Iterator[CellCounts]:
    """Release one exact cell many times, with noise from the operating system."""
    pipeline = _Repeated(PipelineConfig(ZoneInfo("Europe/Paris"), mode=mode), Air([]))
    pipeline._cell, pipeline._times = cell, times
    return iter(pipeline.run())


def _counts(bench: Bench, outcome: Outcome, mode: Mode) -> None:
    promised = PROMISED[mode]
    bounds = {name: bound for name, (bound, _) in promised.items()}
    moved = replace(_CELL, **{name: getattr(_CELL, name) + by for name, by in bounds.items()})
    runs = bench.runs(RUNS)
    absent, present = (_drawn(mode, cell, list(promised), runs) for cell in (_CELL, moved))
    for row, (name, (bound, epsilon)) in enumerate(promised.items()):
        label = f"{name} ({mode} mode)"
        _indistinguishable(outcome, label, present[row], absent[row], float(epsilon))
        noised = Noised(bound, epsilon)
        _noise_as_said(outcome, label, absent[row] - getattr(_CELL, name), noised.scale)
    for i in range(len(promised)):
        for j in range(i):
            _uncorrelated(outcome, f"noise of two counts ({mode} mode)", absent[i], absent[j])
    outcome.require(
        not np.array_equal(absent[:, :100], _drawn(mode, _CELL, list(promised), 100)),
        "the noise repeats itself: the same input was released twice with the same noise",
    )


def _drawn(mode: Mode, cell: ExactCell, names: list[str], times: int) -> NDArray[np.int64]:
    drawn = np.zeros((len(names), times), np.int64)
    for i, release in enumerate(releases(mode, cell, times)):
        drawn[:, i] = [release.counts[name].value for name in names]
    return drawn


def _dwell(bench: Bench, outcome: Outcome) -> None:
    bins, runs = len(_DWELL), bench.runs(DWELL_RUNS)
    drawn = []
    for stays in (_DWELL, tuple(n + PROMISED_DWELL[0] for n in _DWELL)):
        cell = replace(_CELL, dwell_day=date(2026, 1, 1), dwell=stays)
        rows = [
            release.dwell.counts if release.dwell else (0,) * bins
            for release in releases(Mode.DEFAULT, cell, runs)
        ]
        drawn.append(np.array(rows, np.int64) - np.array(_DWELL))
    absent, present = (each.ravel() for each in drawn)
    _indistinguishable(outcome, "dwell bins", present, absent, float(PROMISED_DWELL[1]))
    _noise_as_said(outcome, "dwell bins", absent, Noised(*PROMISED_DWELL).scale)


def _flood(bench: Bench, outcome: Outcome) -> None:
    """Whether the dwell is withheld says, too, how many were present: epsilon twice 0.02."""
    runs = bench.runs(20_000)
    level = DEFAULT_MECHANISM.flood_level
    withheld = []
    for peak in (level - 1, level):
        cell = replace(_CELL, peak=peak)
        flooded = sum(
            "arrivals" not in release.counts
            for _ in range(runs // 10)
            for release in releases(Mode.STRICT, cell, 1)
        )
        withheld.append(flooded)
    tries = runs // 10
    low, high = statistics.limits(np.array(withheld, np.float64), tries, _CHANCE)
    allowed = np.exp(2 * 0.02)
    outcome.measure("share withheld at the flood's level", withheld[0] / tries, "0.5 or so")
    outcome.require(
        low[1] <= allowed * high[0] and low[0] <= allowed * high[1],
        "the flood test tells one phone more or less apart",
    )


def _indistinguishable(
    outcome: Outcome,
    name: str,
    present: NDArray[np.int64],
    absent: NDArray[np.int64],
    epsilon: float,
) -> None:
    point, sure = statistics.epsilon_shown(present, absent, _CHANCE)
    outcome.measure(f"privacy loss, {name}: most likely", round(point, 3))
    outcome.measure(f"privacy loss, {name}: surely at least", round(sure, 3), f"<= {epsilon}")
    outcome.require(sure <= epsilon, f"{name} loses {sure:.3f} at least, not {epsilon}")


def _noise_as_said(outcome: Outcome, name: str, noise: NDArray[np.int64], scale: Fraction) -> None:
    """Step 3: too little noise breaks the promise, too much the figures; both are not as said."""
    worst = statistics.deviate(_CHANCE)
    off = statistics.misfit(noise, float(scale))
    outcome.require(off <= worst, f"the noise of {name} is no discrete Laplace of scale {scale}")
    _uncorrelated(outcome, f"successive noise of {name}", noise[1:], noise[:-1])


def _uncorrelated(
    outcome: Outcome, what: str, one: NDArray[np.int64], other: NDArray[np.int64]
) -> None:
    off = statistics.correlation(one.astype(np.float64), other.astype(np.float64))
    outcome.require(abs(off) <= statistics.deviate(_CHANCE / 10), f"{what} is correlated")
