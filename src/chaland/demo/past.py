"""History in a hurry: days of a town, counted exactly, then noised by the sensor's own sampler.

Runs in worker processes; knows no Django. The counts that it returns are what sensors would have
released; the true numbers beside them feed the simulated door counters.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from fractions import Fraction
from multiprocessing import get_context
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.privacy import SeededBits, draw_many
from chaland.simulate.history import DayCounts, count_day
from chaland.simulate.rhythm import real_rhythm
from chaland.simulate.town import drawn_town
from chaland.simulate.walkers import Walkers
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import Mode

Counts: TypeAlias = NDArray[np.int64]
WORKERS = 2
_DAYS_A_TASK = 7
_WORTH_A_PROCESS = 21


class TownSeed(NamedTuple):
    """All that makes a simulated town."""

    shops: int
    seed: int

    def walkers(self) -> Walkers:
        """Return the town's people."""
        return Walkers(drawn_town(self.shops), real_rhythm(), self.seed)


def released_days(
    town: TownSeed, days: Sequence[date], workers: int = WORKERS
) -> Iterator[list[DayCounts]]:
    """Yield days with released (noised) counts, a few at a time, in order.

    Where there are many, ``workers`` processes make them; they start at once, before the first
    is asked for.
    """
    tasks = [days[at : at + _DAYS_A_TASK] for at in range(0, len(days), _DAYS_A_TASK)]
    if not workers or len(days) < _WORTH_A_PROCESS:
        return (_make(town, task) for task in tasks)
    pool = ProcessPoolExecutor(workers, get_context("spawn"))
    made = pool.map(_make, [town] * len(tasks), tasks)
    return _until_closed(pool, made)


def _until_closed(
    pool: ProcessPoolExecutor, made: Iterator[list[DayCounts]]
) -> Iterator[list[DayCounts]]:
    with pool:
        yield from made


def _make(town: TownSeed, days: Sequence[date]) -> list[DayCounts]:
    walkers = town.walkers()
    return [
        _noised(count_day(walkers, day, DEFAULT_MECHANISM.dwell_edges_s), town.seed) for day in days
    ]


def _noised(exact: DayCounts, seed: int) -> DayCounts:
    """Replace exact counts by what the mechanism releases; the seed and the day set the noise."""
    bits = SeededBits(seed * 1_000_003 + exact.day.toordinal())
    scales: Mapping[str, Fraction] = {
        name: noised.scale for name, noised in DEFAULT_MECHANISM.counts[Mode.DEFAULT].items()
    }
    return replace(
        exact,
        counts={name: _add(values, scales[name], bits) for name, values in exact.counts.items()},
        dwell=_add(exact.dwell, DEFAULT_MECHANISM.dwell.scale, bits),
    )


def _add(values: Counts, scale: Fraction, bits: SeededBits) -> Counts:
    return values + draw_many(scale, values.size, bits).reshape(values.shape)
