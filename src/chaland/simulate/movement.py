"""Abstract movement: who visits which shops of a town in a day, without phones or radio.

For measuring what can be told of co-visits, where the truth must be known and the movement may be
anything. ``MODELS`` are those that the benchmark reports; another one is any callable with the
signature of ``Movement`` (``python -m bench privacy_utility --model package.module:name``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FURTHER_SHOPS = 1.5
"""Shops after the first one, on average (Poisson)."""
OPENS_S, CLOSES_S = 9 * 3600.0, 19 * 3600.0
STAY_S = 1500.0
"""Mean time from one shop to the next."""


@dataclass(frozen=True)
class Visits:
    """A day's visits of followable visitors, any order; one entry a visit.

    ``visitor`` numbers people from 0, anew each day; ``shop`` is 0 to shops - 1; ``time_s`` is in
    seconds since local midnight.
    """

    visitor: Ints
    shop: Ints
    time_s: Floats

    def matrix(self, shops: int) -> NDArray[np.bool_]:
        """Return who was where, (visitors, shops)."""
        seen = np.zeros((int(self.visitor.max(initial=-1)) + 1, shops), bool)
        seen[self.visitor, self.shop] = True
        return seen


class Movement(Protocol):
    """A movement model: yields ``days`` days of a town.

    ``zone`` (shops,) is each shop's zone from 0; ``visitors`` followable people come on an
    ordinary day. All randomness comes from ``rng``.
    """

    def __call__(self, zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
        """Yield each day's visits."""


def poisson(visitors: int, rng: Generator) -> Ints:
    """Return how many shops each visitor sees, (visitors,): the usual law."""
    return 1 + rng.poisson(FURTHER_SHOPS, visitors)


def geometric(visitors: int, rng: Generator) -> Ints:
    """After each shop two in five go home: the same mean as ``poisson``, more of few and many."""
    return rng.geometric(1 / (1 + FURTHER_SHOPS), visitors)


def half_one(visitors: int, rng: Generator) -> Ints:
    """Half see one shop (staff, terminals, errands), the others stroll: two and more."""
    return np.where(rng.random(visitors) < 0.5, 1, 2 + rng.poisson(2.0, visitors))


def two(visitors: int, rng: Generator) -> Ints:
    """Everybody sees two shops."""
    del rng
    return np.full(visitors, 2)


@dataclass(frozen=True)
class Pull:
    """What draws people: ``popularity`` (shops,) and ``affinity`` (shops, shops) of a next shop.

    ``law`` draws how many different shops each of so many visitors sees.
    """

    popularity: Floats
    affinity: Floats
    law: Callable[[int, Generator], Ints] = poisson

    def day(self, visitors: int, rng: Generator) -> Visits:
        """Walk everybody from shop to shop, as many different ones as ``law`` says."""
        shops, everybody = len(self.popularity), np.arange(visitors)
        stops = np.minimum(self.law(visitors, rng), shops)
        here = rng.choice(shops, visitors, p=self.popularity / self.popularity.sum())
        seen = np.zeros((visitors, shops), bool)
        seen[everybody, here] = True
        now = OPENS_S + (CLOSES_S - OPENS_S) * rng.beta(1.6, 2.0, visitors)
        walks = [(everybody, here.copy(), now)]
        draw = self.affinity * self.popularity
        for stop in range(1, int(stops.max())):
            going = np.flatnonzero(stops > stop)
            pull = (draw[here[going]] + 1e-9) * ~seen[going]
            ladder = pull.cumsum(axis=1)
            step = (ladder < ladder[:, -1:] * rng.random((len(going), 1))).sum(axis=1)
            here[going] = step
            seen[going, step] = True
            now = now + np.where(stops > stop, rng.exponential(STAY_S, visitors), 0.0)
            walks.append((going, step, now[going]))
        visitor, shop, time_s = (np.concatenate(column) for column in zip(*walks, strict=True))
        return Visits(visitor, shop, np.minimum(time_s, CLOSES_S + 3600.0))


def independent(zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
    """Shops differ in popularity only; who was in one is no likelier in another."""
    pull = Pull(_popularity(zone, rng), np.ones((len(zone), len(zone))))
    for _ in range(days):
        yield pull.day(visitors, rng)


def gravity(
    zone: Ints,
    visitors: int,
    days: int,
    rng: Generator,
    law: Callable[[int, Generator], Ints] = poisson,
) -> Iterator[Visits]:
    """Shops lie in a unit square; the pull of the next falls as exp(-distance / 0.25)."""
    at = rng.random((len(zone), 2))
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    pull = Pull(_popularity(zone, rng), np.exp(-distance / 0.25), law)
    for _ in range(days):
        yield pull.day(visitors, rng)


def clustered(zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
    """People keep to their zone (pull 1 against 0.12 outside); zones like each other unequally."""
    pull = _clustered(zone, rng)
    for _ in range(days):
        yield pull.day(visitors, rng)


def event(zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
    """As clustered; each seventh day, the last one included, half as many more come for one zone.

    That zone then pulls five times as strongly, and its guests go on to one other zone.
    """
    usual = _clustered(zone, rng)
    zones = int(zone.max()) + 1
    for day in range(days):
        if (days - 1 - day) % 7:
            yield usual.day(visitors, rng)
            continue
        stage, beside = rng.permutation(zones)[:2]
        crowd = replace(
            usual,
            popularity=usual.popularity * np.where(zone == stage, 5.0, 1.0),
            affinity=usual.affinity * np.where(zone == beside, 3.0, 1.0),
        )
        yield crowd.day(visitors * 3 // 2, rng)


def adversarial(zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
    """A random tenth of the pairs is strong (about 18 times): nothing predicts which ones."""
    shops = len(zone)
    affinity = np.full((shops, shops), 0.15)
    row, column = np.triu_indices(shops, 1)
    strong = rng.choice(len(row), max(len(row) // 10, 1), replace=False)
    force = np.exp(rng.normal(1.0, 0.6, len(strong)))
    affinity[row[strong], column[strong]] = affinity[column[strong], row[strong]] = force
    pull = Pull(_popularity(zone, rng), affinity)
    for _ in range(days):
        yield pull.day(visitors, rng)


def ring(zone: Ints, visitors: int, days: int, rng: Generator) -> Iterator[Visits]:
    """Shops lie along a ring street; two anchors pull from everywhere, a third on market days.

    The pull of the next falls as exp(-steps / 3). Every third and seventh weekday half of the
    anchors' pull goes to the market's shop. For holding out: no constant was chosen on it.
    """
    shops = len(zone)
    steps = np.abs(np.arange(shops)[:, None] - np.arange(shops))
    near = np.exp(-np.minimum(steps, shops - steps) / 3.0)
    anchors = rng.permutation(shops)[:3]
    own = _popularity(zone, rng)
    for day in range(days):
        market = day % 7 in (2, 6)
        strength = np.array([1.0, 1.0, 2.0] if market else [2.0, 2.0, 0.0])
        popularity, affinity = own.copy(), near.copy()
        popularity[anchors] *= 1 + strength
        affinity[:, anchors] += 0.15 * strength
        affinity[anchors] += 0.15 * strength[:, None]
        yield Pull(popularity, affinity).day(visitors, rng)


MODELS: Mapping[str, Movement] = {
    "gravity": gravity,
    "clustered": clustered,
    "event": event,
    "adversarial": adversarial,
    "independent": independent,
}
HELD_OUT: Mapping[str, Movement] = {"held-out": ring}
"""Movement that no constant of the estimators was chosen on."""
LAWS: Mapping[str, Movement] = {
    "1 + Poisson": gravity,
    "geometric": partial(gravity, law=geometric),
    "half see one": partial(gravity, law=half_one),
    "everybody two": partial(gravity, law=two),
}
"""Laws of how many shops a visitor sees, each with the movement of ``gravity``."""


def zones_of_five(shops: int) -> Ints:
    """Return a zone for each shop: five neighbours in number make one."""
    return np.arange(shops, dtype=np.int64) // 5


def _popularity(zone: Ints, rng: Generator) -> Floats:
    return np.exp(rng.normal(0.0, 0.6, len(zone)))


def _clustered(zone: Ints, rng: Generator) -> Pull:
    zones = int(zone.max()) + 1
    liking = np.exp(rng.normal(0.0, 0.5, (zones, zones)))
    liking = (liking + liking.T) / 2
    near = np.where(zone[:, None] == zone[None], 1.0, 0.12)
    return Pull(_popularity(zone, rng), near * liking[zone][:, zone])
