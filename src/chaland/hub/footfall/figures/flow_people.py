"""How many people flows are about: distinct visitors of one day, their share of all, and shares.

Never over days: a sum of days counts visits by day, and nobody can say how many people made them.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import rules, selectors
from chaland.hub.footfall.estimates import distinct
from chaland.hub.footfall.estimates.covisits import TownDay
from chaland.hub.footfall.figures.remembered import NUMBERS
from chaland.hub.footfall.flow_reads import StoredDay
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate, Unit

HELPING_DAYS = 28
"""So many days before a day tell with it how many shops a visitor goes to."""


class Table(Protocol):
    """A kernel's numbers with their intervals, (rows, columns)."""

    @property
    def value(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...


class ReturningVisitorsFinal(Exception):
    """Somebody asked for visitors over several days; that isn't known, and never will be."""


def distinct_visitors(
    days: Sequence[StoredDay], before: Sequence[StoredDay] = ()
) -> Estimate | None:
    """Return how many followable visitors a town had on one day, each counted once.

    Over several days nobody can say it, because each day's key is another one and is gone with its
    day; nor does this product want to: raises ReturningVisitorsFinal. ``before`` are earlier days,
    which only tell how many shops a visitor goes to. None: no sketches, or too few to tell.
    """
    if len(days) > 1:
        raise ReturningVisitorsFinal(
            "distinct visitors are known within one day only: ask for each day by itself"
        )
    if not days:
        return None
    found = Estimate(*NUMBERS.ask(_town_visitors, days, before))
    return None if math.isnan(found.value) else found


def _town_visitors(
    days: Sequence[TownDay], before: Sequence[TownDay]
) -> tuple[float, float, float]:
    return distinct.town_visitors(days[0], before)


def visitors_a_day(days: Sequence[StoredDay], before: Sequence[StoredDay] = ()) -> Estimate | None:
    """Return the mean over days of each day's distinct visitors. Never their sum: see above.

    Most of their error, how many shops a visitor goes to, is the same on all days: it is not
    averaged out.
    """
    every = [*before, *days]
    each = [
        distinct_visitors([day], every[max(i - HELPING_DAYS, 0) : i])
        for i, day in enumerate(every)
        if i >= len(before)
    ]
    known = [found for found in each if found is not None]
    if not known:
        return None
    return Estimate(*(float(np.mean(side)) for side in zip(*map(sides, known), strict=True)))


def shops_each(days: Sequence[StoredDay], visitors: Estimate | None) -> Estimate | None:
    """Return how many shops one of a day's mean ``visitors`` went to, on average."""
    if visitors is None:
        return None
    seen = sum(float(day.town.visitors.sum()) for day in days) / len(days)
    noise = sum(float(day.town.variance.sum()) for day in days) / len(days) ** 2
    found = rules.ratio(seen, noise, visitors.value, variance_of(visitors))
    return found and Estimate(*(max(side, 1.0) for side in sides(found)))


def followable_share(shops: Sequence[Shop], days: Sequence[StoredDay]) -> Estimate | None:
    """Return followable arrivals over visits, in the shops that may show visits, on some days.

    None where no shop shows visits, or there are too few of them to say.
    """
    if not days:
        return None
    ids = [shop.pk for shop in shops]
    cube = selectors.read_cube(ids, days[0].day, days[-1].day)
    units = selectors.units(ids, cube.scale_error)
    kept = [i for i, unit in enumerate(units) if unit is Unit.VISITS]
    cube = cube.select(kept)
    asked = np.array([(day.day - cube.first).days for day in days])
    followed = cube.arrivals[:, asked]
    # each of the two numbers of an hour, arrivals and passers-by, has this noise
    noise = float(cube.followable_variance[:, asked].sum())
    visits = cube.visits[:, asked]
    spread = cube.visits_variance[:, asked].sum(axis=2) * cube.togetherness[:, asked]
    shared = (cube.scale_error * visits.sum(axis=(1, 2))) ** 2
    arrivals = float(followed.sum())
    found = rules.ratio(
        arrivals,
        max(arrivals, 0.0) + noise,
        float(visits.sum()),
        float(spread.sum()) + float(shared.sum()),
    )
    return found and Estimate(*(min(side, 1.0) for side in sides(found)))


def share_of(both: Estimate, visitors: float, own: Estimate) -> Estimate | None:
    """Return the share of a place's ``visitors`` who were in the other place, too.

    ``visitors`` are those of the days that could be compared; ``own``, all of the period's, tells
    how exact they are. None where the interval would be wider than the share: too uncertain.
    """
    if not (visitors >= 1 and own.value >= 1):  # NaN: not measured
        return None
    variance = variance_of(own) * visitors / own.value
    share = rules.ratio(both.value, variance_of(both), visitors, variance)
    if share is None or share.high - share.low > share.value:
        return None
    return Estimate(*(min(side, 1.0) for side in sides(share)))


def estimate_at(found: Table, i: int, j: int) -> Estimate:
    """Return one number of a kernel's table with its interval."""
    return Estimate(*(float(side[i, j]) for side in (found.value, found.low, found.high)))


def variance_of(found: Estimate) -> float:
    """Return the variance that a 90 % interval stands for; its wider side counts."""
    half = max(found.high - found.value, found.value - found.low)
    return (half / rules.INTERVAL_SD) ** 2


def sides(found: Estimate) -> tuple[float, float, float]:
    """Return an estimate as (value, low, high)."""
    return found.value, found.low, found.high
