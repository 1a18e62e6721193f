"""How many people are in the town and its zones hour by hour, and how long they stay.

Few stays can be timed, because few phones can be followed. Of everybody Little's law gives the
mean stay: people present over people arriving (D. C. Little, 1961), where arrivals were counted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import estimates, flow_reads, rules, selectors
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate, Unit
from chaland.hub.footfall.selectors import Cube

STAYS_CLEAR = 0.5
"""A followable stay whose interval is wider than this share to either side is not shown."""


@dataclass(frozen=True)
class HourPresent:
    """Mean people present in a clock hour; None where too few, or nobody listened."""

    hour: int
    present: Estimate | None


@dataclass(frozen=True)
class PlaceStays:
    """One place's stays and presence over a period.

    ``stay_s`` is everybody's mean stay in a shop, ``followed_s`` that of followable phones.
    ``counted`` of its ``shops`` make the presence, ``timed`` of them the stay.
    """

    name: str
    slug: str
    stay_s: Estimate | None
    followed_s: Estimate | None
    hours: list[HourPresent]
    shops: int
    counted: int
    timed: int

    @property
    def peak(self) -> HourPresent | None:
        """The hour with the most people present."""
        shown = [hour for hour in self.hours if hour.present]
        return max(
            shown, key=lambda hour: hour.present.value if hour.present else 0.0, default=None
        )


@dataclass(frozen=True)
class Stays:
    """The whole of what the viewer sees first, then its zones."""

    period: Period
    all: PlaceStays
    zones: list[PlaceStays]


@dataclass(frozen=True)
class _Counts:
    """The shops' days and errors: ``present_error`` (shops,) is the shared error of presence."""

    cube: Cube
    present_error: Floats
    shows_present: list[bool]
    shows_visits: list[bool]
    followed: list[flow_reads.Histogram]


def stays(shops: Sequence[Shop], period: Period, name: str) -> Stays:
    """Answer for shops that the viewer is known to be allowed to see; ``name`` is the whole's."""
    ids = [shop.pk for shop in shops]
    counts = _read(ids, period)
    zones: dict[int, list[int]] = {}
    for i, shop in enumerate(shops):
        zones.setdefault(shop.zone_id, []).append(i)
    parts = [
        _place(counts, members, shops[members[0]].zone.name, shops[members[0]].zone.slug)
        for members in zones.values()
    ]
    return Stays(
        period=period,
        all=_place(counts, list(range(len(ids))), name, ""),
        zones=sorted(parts, key=lambda part: part.name) if len(parts) > 1 else [],
    )


def _read(ids: Sequence[int], period: Period) -> _Counts:
    cube = selectors.read_cube(ids, period.first, period.last)
    calibrations = selectors.current_calibrations(ids)
    heard = cube.windows.sum(axis=(1, 2)) > 0
    errors = [calibrations[pk].scale_error if pk in calibrations else math.nan for pk in ids]
    present = [
        pk in calibrations
        and rules.unit(True, calibrations[pk].held_out_error, calibrations[pk].scale_error)
        is Unit.VISITS
        for pk in ids
    ]
    visits = [unit is Unit.VISITS for unit in selectors.units(ids, cube.scale_error)]
    followed = flow_reads.read_stays(ids, period.first, period.last)
    return _Counts(
        cube=cube,
        present_error=np.array(errors, np.float64),
        shows_present=[bool(shows and there) for shows, there in zip(present, heard, strict=True)],
        shows_visits=[bool(shows and there) for shows, there in zip(visits, heard, strict=True)],
        followed=[followed[pk] for pk in ids],
    )


def _place(counts: _Counts, members: Sequence[int], name: str, slug: str) -> PlaceStays:
    counted = [i for i in members if counts.shows_present[i]]
    timed = [i for i in members if counts.shows_visits[i] and counts.shows_present[i]]
    return PlaceStays(
        name=name,
        slug=slug,
        stay_s=_stay_of_all(counts, timed),
        followed_s=_followed_stay([counts.followed[i] for i in members]),
        hours=_hours(counts, counted),
        shops=len(members),
        counted=len(counted),
        timed=len(timed),
    )


def _stay_of_all(counts: _Counts, timed: Sequence[int]) -> Estimate | None:
    """Return people present over people arriving, by Little's law, in seconds.

    Over shops the law adds up: W = sum of L over sum of arrivals. ln W moves with shop i's own stay
    by v_i, its share of the visits, and with its presence by p_i - v_i, p_i being its share of the
    person-hours. Stays share the drift between them (delta method).
    """
    if not timed:
        return None
    cube = counts.cube.select(timed)
    visits = cube.visits.sum(axis=(1, 2))
    person_hours = (cube.visits.sum(axis=2) * cube.dwell_h).sum(axis=1)
    if visits.sum() <= 0 or person_hours.sum() <= 0:
        return None
    v, p = visits / visits.sum(), person_hours / person_hours.sum()
    variance = float((v**2 * cube.scale_error**2).sum())
    variance += float(totals.between_shops(v, estimates.DRIFT_ERROR))
    variance += float(((p - v) ** 2 * counts.present_error[timed] ** 2).sum())
    mean = 3600 * float(person_hours.sum() / visits.sum())
    return rules.estimate(mean, mean**2 * variance)


def _followed_stay(histograms: Sequence[flow_reads.Histogram]) -> Estimate | None:
    """Return the mean stay of followable phones, seconds; None where it says too little."""
    heard = [histogram for histogram in histograms if histogram.rows]
    if not heard:
        return None
    counts = np.sum([histogram.counts for histogram in heard], axis=0)
    scale = math.sqrt(sum(histogram.scale**2 for histogram in heard))
    mean, variance = estimates.mean_dwell(heard[0].edges_s, counts, scale)
    found = rules.estimate(mean, variance)
    return found if found.high - found.value <= STAYS_CLEAR * found.value else None


def _hours(counts: _Counts, counted: Sequence[int]) -> list[HourPresent]:
    """Return the mean people present in each clock hour that is shown, over the period's days."""
    cube = counts.cube.select(counted)
    means = totals.weekday_means(cube)
    visits, spread = totals.over_weekdays(means, totals.weekday_count(cube))
    visits, spread = np.nan_to_num(visits), np.nan_to_num(spread)
    stay_h = np.nan_to_num(cube.mean_stay_h())[:, None]
    present = visits * stay_h
    error = counts.present_error[counted][:, None]
    shared = ((error * present) ** 2).sum(axis=0)
    shared = shared + totals.between_shops(present, estimates.DRIFT_ERROR)
    variance = (spread * stay_h**2).sum(axis=0)
    shown = totals.hours_shown(visits.sum(axis=0)[None], spread.sum(axis=0)[None])
    return [
        HourPresent(
            hour,
            rules.estimate(
                float(present[:, hour].sum()), float(variance[hour]), float(shared[hour])
            )
            if rules.enough_people(float(visits[:, hour].sum()), float(spread[:, hour].sum()))
            else None,
        )
        for hour in shown
    ]
