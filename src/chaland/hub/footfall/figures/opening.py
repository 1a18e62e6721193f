"""Declared opening hours: when a sensor should have listened, and what is merely closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.association.models import OpeningHours
from chaland.hub.footfall import selectors
from chaland.hub.footfall.figures.period import Preset, preset_period
from chaland.hub.footfall.figures.totals import Mask
from chaland.hub.footfall.hours import HOURS, Floats
from chaland.hub.footfall.selectors import Cube
from chaland.wire.periods import local_day

DAY_STARTS_AT = 4
"""Clock hour at which the local day begins (``wire.periods``)."""


@dataclass(frozen=True)
class Opening:
    """Which hours the shops are open: ``week`` (shops, 7, 24) 0 or 1, ``declared`` (shops,).

    A shop that declared nothing is all zeros in ``week``.
    """

    week: Floats
    declared: Mask

    def select(self, shops: Sequence[int]) -> "Opening":
        return Opening(self.week[list(shops)], self.declared[list(shops)])

    def days(self, cube: Cube) -> Floats:
        """Return the share of the declaring shops that are open, (days, 24); NaN: none declared."""
        weekdays = (cube.first.weekday() + np.arange(cube.days)) % 7
        declaring = self.week[self.declared]
        if not len(declaring):
            return np.full((cube.days, HOURS), np.nan)
        share: Floats = declaring[:, weekdays].mean(axis=0)
        return share


def read_opening(ids: Sequence[int]) -> Opening:
    """Read the declared opening hours of some shops: one query.

    The local day ends at 04:00: what is open after midnight belongs to the day before.
    """
    week = np.zeros((len(ids), 7, HOURS))
    place = {shop_id: i for i, shop_id in enumerate(ids)}
    for row in OpeningHours.objects.filter(shop_id__in=ids):
        last = row.closes.hour if row.closes.minute else row.closes.hour - 1
        for hour in range(row.opens.hour, last + 1):
            weekday = (row.weekday - (hour < DAY_STARTS_AT)) % 7
            week[place[row.shop_id], weekday, hour] = 1
    return Opening(week, week.sum(axis=(1, 2)) > 0)


def running_hour(timezone: ZoneInfo, now: datetime) -> tuple[date, int]:
    """Return the running local day, and the place of the running hour in it (0 is 04:00)."""
    return local_day(now, timezone), (now.astimezone(timezone).hour - 4) % HOURS


def expected(opening: Opening, cube: Cube, timezone: ZoneInfo, now: datetime) -> Floats:
    """Return the part of each hour in which a shop's sensor should have listened, by its hours.

    Shape (shops, days, 24), 0 or 1. A shop without declared opening hours should listen all day.
    The running hour and those still to come count nothing.
    """
    week = np.where(opening.declared[:, None, None], opening.week, 1.0)
    weekdays = (cube.first.weekday() + np.arange(cube.days)) % 7
    wanted: Floats = week[:, weekdays]
    today, hour = running_hour(timezone, now)
    row_today = (today - cube.first).days
    wanted[:, max(row_today + 1, 0) :] = 0
    if 0 <= row_today < cube.days:
        wanted[:, row_today, (np.arange(HOURS) - 4) % HOURS >= hour] = 0
    return wanted


def coverage(cube: Cube, wanted: Floats) -> Floats:
    """Return the listened share of the hours that should have been, (shops, days); NaN: none."""
    heard = cube.heard_share() * wanted
    hours = wanted.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(hours > 0, heard.sum(axis=2) / hours, np.nan)


def mean_coverage(covered: Floats) -> float | None:
    """Average what is known; None where no hour should have been listened to yet."""
    known = covered[~np.isnan(covered)]
    return float(known.mean()) if known.size else None


def covered_lately(
    shop_ids: Sequence[int], timezone: ZoneInfo, now: datetime
) -> dict[int, float | None]:
    """Return each shop's coverage of the last seven days, by the rule of the page of figures."""
    period = preset_period(Preset.WEEK, local_day(now, timezone))
    cube = selectors.read_cube(shop_ids, period.first, period.last)
    found = coverage(cube, expected(read_opening(shop_ids), cube, timezone, now))
    return {shop_id: mean_coverage(found[i]) for i, shop_id in enumerate(shop_ids)}
