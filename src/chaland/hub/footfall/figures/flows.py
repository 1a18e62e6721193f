"""Where a town's visitors go besides: shared visitors of places, directions, visitors of a day.

All of it is about *followable* visitors, those whose device keeps its address over the day, because
nobody else can be told to have been in two shops. It is made of stored estimates of sketches, each
of which was blurred on its sensor. Definitions: docs/reference/figures.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import flow_reads
from chaland.hub.footfall.estimates import flows as kernel
from chaland.hub.footfall.estimates import zone_flows
from chaland.hub.footfall.figures import flow_people
from chaland.hub.footfall.figures.flow_people import estimate_at, share_of
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.figures.remembered import TABLES
from chaland.hub.footfall.flow_reads import StoredDay
from chaland.hub.footfall.rules import Estimate

SEASON_DAYS = 91
"""Directions are told of so many days up to the period's last: fewer hardly ever tell any."""


class Level(StrEnum):
    """What the pairs are made of."""

    ZONES = "zones"
    SHOPS = "shops"


@dataclass(frozen=True)
class Place:
    """A zone or a shop; ``zone`` is the number of its zone, which sets its colour."""

    pk: int
    name: str
    slug: str
    zone: int


@dataclass(frozen=True)
class Pair:
    """Visitors that two places shared, summed over the days on which both had a sketch.

    ``of_a`` is the share of a's visitors of those days who were in b on the same day, too.
    """

    a: Place
    b: Place
    both: Estimate
    of_a: Estimate | None
    of_b: Estimate | None
    days: int
    separable: bool

    def turned(self) -> "Pair":
        """The same pair, seen from the other place."""
        return Pair(self.b, self.a, self.both, self.of_b, self.of_a, self.days, self.separable)


@dataclass(frozen=True)
class Direction:
    """Co-visits: last seen in ``first`` before 14:00 and in ``then`` after it.

    Who was in two shops of a zone counts twice.
    """

    first: Place
    then: Place
    covisits: Estimate


@dataclass(frozen=True)
class Directions:
    """The directions that are clear, of ``asked``, over the ``days`` that end with the period.

    ``needed`` is how many co-visits a day a direction takes to be clear over so many days, by the
    error that the stored days have; None where nothing was measured. ``needed_in_season`` is the
    same over a whole season of such days.
    """

    clear: list[Direction]
    asked: int
    days: int
    needed: float | None

    @property
    def needed_in_season(self) -> float | None:
        if self.needed is None or self.days >= SEASON_DAYS:
            return None
        return self.needed * math.sqrt(self.days / SEASON_DAYS)


@dataclass(frozen=True)
class Sample:
    """What an answer rests on: days with sketches of days asked for, sketches of sensors."""

    days: int
    days_asked: int
    sketches: int
    sketches_expected: int

    @property
    def complete(self) -> bool:
        return self.days == self.days_asked and self.sketches == self.sketches_expected


@dataclass(frozen=True)
class Flows:
    """Everything that the page, its chart and its CSV say of a town's flows in one period.

    ``visitors`` is a mean over days, of distinct followable visitors of one day each;
    ``shops_each`` how many shops one of them went to.
    """

    period: Period
    level: Level
    places: list[tuple[Place, Estimate]]
    pairs: list[Pair]
    directions: Directions
    visitors: Estimate | None
    shops_each: Estimate | None
    followable: Estimate | None
    sample: Sample

    @property
    def separable(self) -> list[Pair]:
        """The pairs that are clear enough to be told, strongest first."""
        return [pair for pair in self.pairs if pair.separable]


def town_flows(shops: Sequence[Shop], level: Level, period: Period, today: date) -> Flows:
    """Answer for a whole town, which the viewer is known to be allowed to see.

    ``shops`` are all shops of one association.
    """
    days, before = read_days(shops, period)
    season = _season(shops, days[-1].day) if days and level is Level.ZONES else []
    ask = zone_flows.zone_visitors if level is Level.ZONES else kernel.shop_pairs
    places = places_of(shops, level)
    found = TABLES.ask(ask, days, before) if days else None
    visitors = flow_people.visitors_a_day(days, before)
    return Flows(
        period=period,
        level=level,
        places=[] if found is None else _visitors(found, places),
        pairs=[] if found is None else sorted(_pairs(found, places), key=_strength),
        directions=_directions(season, places),
        visitors=visitors,
        shops_each=flow_people.shops_each(days, visitors),
        followable=flow_people.followable_share(shops, days),
        sample=sample(days, period, today),
    )


def read_days(shops: Sequence[Shop], period: Period) -> tuple[list[StoredDay], list[StoredDay]]:
    """Return a town's stored days of a period, and the days before it that sharpen them."""
    if not shops:
        return [], []
    learnt = period.before(kernel.BEFORE_DAYS // 7)
    stored = flow_reads.read(shops[0].association_id, learnt.first, period.last)
    return (
        [day for day in stored if day.day >= period.first],
        [day for day in stored if day.day < period.first],
    )


def _season(shops: Sequence[Shop], last: date) -> list[StoredDay]:
    first = last - timedelta(days=SEASON_DAYS - 1)
    return flow_reads.read(shops[0].association_id, first, last)


def sample(days: Sequence[StoredDay], period: Period, today: date) -> Sample:
    """Say what an answer rests on. A day's sketches come at its end, so today isn't asked for."""
    asked = sum(day < today for day in period.dates())
    return Sample(
        len(days),
        max(asked, len(days)),
        sum(day.sensors for day in days),
        sum(day.sensors_expected for day in days),
    )


def places_of(shops: Sequence[Shop], level: Level) -> dict[int, Place]:
    """Return the places of a level by their number, in the town's order."""
    zones = sorted({shop.zone_id: shop.zone for shop in shops}.values(), key=lambda z: z.name)
    order = {zone.pk: i for i, zone in enumerate(zones)}
    if level is Level.ZONES:
        return {zone.pk: Place(zone.pk, zone.name, zone.slug, order[zone.pk]) for zone in zones}
    grouped = sorted(shops, key=lambda shop: (order[shop.zone_id], shop.name))
    return {shop.pk: Place(shop.pk, shop.name, shop.slug, order[shop.zone_id]) for shop in grouped}


def _visitors(found: kernel.Pairs, places: dict[int, Place]) -> list[tuple[Place, Estimate]]:
    at = {int(pk): i for i, pk in enumerate(found.ids)}
    return [
        (place, estimate_at(found, at[pk], at[pk]))
        for pk, place in places.items()
        if pk in at and not np.isnan(found.value[at[pk], at[pk]])
    ]


def _pairs(found: kernel.Pairs, places: dict[int, Place]) -> Iterator[Pair]:
    own = [estimate_at(found, i, i) for i in range(len(found.ids))]
    for i, j in combinations(range(len(found.ids)), 2):
        a, b = places.get(int(found.ids[i])), places.get(int(found.ids[j]))
        if a is None or b is None or np.isnan(found.value[i, j]):
            continue
        both = estimate_at(found, i, j)
        yield Pair(
            a=a,
            b=b,
            both=both,
            of_a=share_of(both, float(found.visitors[i, j]), own[i]),
            of_b=share_of(both, float(found.visitors[j, i]), own[j]),
            days=int(found.days[i, j]),
            separable=bool(found.separable[i, j]),
        )


def _directions(days: Sequence[StoredDay], places: dict[int, Place]) -> Directions:
    """Return the directions that are clear, strongest first, and what it takes to be one."""
    if not days:
        return Directions([], 0, 0, None)
    found = TABLES.ask(zone_flows.zone_order, days)
    clear, asked, needed = [], 0, []
    for i, j in np.ndindex(*found.value.shape):
        first, then = places.get(int(found.ids[i])), places.get(int(found.ids[j]))
        if i == j or first is None or then is None or np.isnan(found.value[i, j]):
            continue
        asked += 1
        if found.value[i, j] > 0:  # below that the interval was cut
            half = found.high[i, j] - found.value[i, j]
            needed.append(2 * half / found.days[i, j])  # no wider than the value: see separable
        if found.separable[i, j]:
            clear.append(Direction(first, then, estimate_at(found, i, j)))
    clear.sort(key=lambda direction: -direction.covisits.value)
    return Directions(clear, asked, len(days), float(np.median(needed)) if needed else None)


def _strength(pair: Pair) -> tuple[bool, float]:
    return not pair.separable, -pair.both.value
