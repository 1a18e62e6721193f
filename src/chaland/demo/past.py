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

from chaland.demo import cast
from chaland.hub.footfall.estimates.covisits import TownDay, close_day
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.sensor.privacy import SeededBits, draw_many
from chaland.simulate.history import DayCounts, count_day
from chaland.simulate.rhythm import real_rhythm
from chaland.simulate.sketches import sample
from chaland.simulate.town import Town, drawn_town
from chaland.simulate.walkers import DAY_STARTS_S, Walkers, generator
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import Mode

Counts: TypeAlias = NDArray[np.int64]
WORKERS = 2
_DAYS_A_TASK = 7
_WORTH_A_PROCESS = 21


class Released(NamedTuple):
    """A day of a town as it left the sensors, and what its sketches said of its flows.

    ``flows`` numbers shops and zones by their order in the town; shops in ``absent`` sent nothing.
    """

    counts: DayCounts
    flows: TownDay
    absent: frozenset[int]


class TownSeed(NamedTuple):
    """All that makes a simulated town."""

    shops: int
    seed: int

    def walkers(self) -> Walkers:
        """Return the town's people."""
        return Walkers(drawn_town(self.shops), real_rhythm(), self.seed)


def released_days(
    town: TownSeed, days: Sequence[date], founded: date, workers: int = WORKERS
) -> Iterator[list[Released]]:
    """Yield days with released (noised) counts, a few at a time, in order.

    ``founded`` is the demo's first day: it says which boxes were silent or deaf on a day.

    Where there are many, ``workers`` processes make them; they start at once, before the first
    is asked for.
    """
    tasks = [days[at : at + _DAYS_A_TASK] for at in range(0, len(days), _DAYS_A_TASK)]
    if not workers or len(days) < _WORTH_A_PROCESS:
        return (_make(town, task, founded) for task in tasks)
    pool = ProcessPoolExecutor(workers, get_context("spawn"))
    made = pool.map(_make, [town] * len(tasks), tasks, [founded] * len(tasks))
    return _until_closed(pool, made)


def _until_closed(
    pool: ProcessPoolExecutor, made: Iterator[list[Released]]
) -> Iterator[list[Released]]:
    with pool:
        yield from made


def _make(town: TownSeed, days: Sequence[date], founded: date) -> list[Released]:
    walkers = town.walkers()
    return [_day(walkers, day, founded) for day in days]


def _day(walkers: Walkers, day: date, founded: date) -> Released:
    exact = count_day(walkers, day, DEFAULT_MECHANISM.dwell_edges_s)
    absent = frozenset(
        index
        for index, shop in enumerate(walkers.town.shops)
        if cast.is_silent(shop.slug, day, founded) or cast.is_deaf(shop.slug, day, founded)
    )
    flows = _flows(walkers.town, exact, absent, generator(walkers.seed, 9, day.toordinal()))
    return Released(_noised(exact, walkers.seed), flows, absent)


def _flows(town: Town, day: DayCounts, absent: frozenset[int], rng: np.random.Generator) -> TownDay:
    """Sample the sketches of the shops that sent one, and estimate as the hub does at day's end."""
    followed, mechanism = day.followed, DEFAULT_MECHANISM.sketch
    split = mechanism.afternoon_from
    after = followed.came_s >= 3600 * split.hour + 60 * split.minute - DAY_STARTS_S
    bits, symbols = sample(
        followed.who, followed.shop, after, len(town.shops), rng, mechanism=mechanism
    )
    sent = np.array([i for i in range(len(town.shops)) if i not in absent], np.int64)
    zone = np.array([town.zones.index(shop.zone) for shop in town.shops], np.int64)
    return close_day(
        Sketches(
            shops=sent,
            zones=zone[sent],
            keys=["simulated"] * len(sent),
            bits=bits[sent],
            symbols=symbols[sent],
            epsilon=float(mechanism.epsilon),
            counted=np.ones(len(sent)),
        )
    )


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
