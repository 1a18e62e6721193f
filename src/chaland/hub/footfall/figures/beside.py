"""A shop's published visits in given clock hours, and in the same hours of the weeks before.

For what is set beside them from elsewhere. An hour is told here as on the figures' own page: whole,
calibrated, ten visits or more and clear of its noise; any other has no visits, not few.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.footfall import rules, selectors
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.totals import Mask
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.selectors import Cube
from chaland.wire.periods import local_day

WEEK = timedelta(days=7)
WEEKS = rules.TYPICAL_WEEKS


class Why(StrEnum):
    """Why a shop's hours can't be read."""

    NOTHING = ""
    NO_SENSOR = "no-sensor"
    INDEX = "index"
    """The shop isn't calibrated well enough to show people."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A clock hour by its beginning. ``visits`` is None where they aren't published."""

    start: datetime
    visits: Estimate | None


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours, and the sum of those that are published; None without one."""

    each: tuple[Seen, ...]
    total: Estimate | None

    @property
    def published(self) -> list[datetime]:
        return [hour.start for hour in self.each if hour.visits is not None]


@dataclass(frozen=True, slots=True)
class Beside:
    """The hours asked for, and the same ones of the `WEEKS` weeks before."""

    why: Why
    hours: Hours
    before: Hours


def clock_hours(begin: datetime, end: datetime, timezone: ZoneInfo) -> list[datetime]:
    """List the whole clock hours within [begin, end), in UTC; an hour cut at either end is none."""
    first = begin.astimezone(timezone).replace(minute=0, second=0, microsecond=0)
    if first < begin:
        first += timedelta(hours=1)
    start = first.astimezone(begin.tzinfo)
    found = []
    while start + timedelta(hours=1) <= end:
        found.append(start)
        start += timedelta(hours=1)
    return found


def beside(shop_id: int, hours: Sequence[datetime], timezone: ZoneInfo) -> Beside:
    """Read a shop's published visits in ``hours`` (beginnings of clock hours), and before.

    Times before are at the same local hour of the same weekday. The stay that visits are made with
    is that of the days asked for, on both sides: else a stay estimated anew would look like people.
    """
    nothing = Hours((), None)
    if not selectors.have_sensor([shop_id])[0]:
        return Beside(Why.NO_SENSOR, nothing, nothing)
    if not hours:
        return Beside(Why.NOTHING, nothing, nothing)
    local = [hour.astimezone(timezone) for hour in hours]
    earlier = [hour - week * WEEK for week in range(1, WEEKS + 1) for hour in local]
    days = [local_day(hour, timezone) for hour in (*local, *earlier)]
    cube = selectors.read_cube([shop_id], min(days), max(days))
    asked = cube.part(min(days[: len(local)]), max(days))
    if selectors.units([shop_id], asked.scale_error)[0] is not rules.Unit.VISITS:
        return Beside(Why.INDEX, nothing, nothing)
    stay = asked.mean_stay_h()
    cube = cube.at_stay(np.where(np.isnan(stay), 1.0, stay))
    return Beside(
        Why.NOTHING, _hours(cube, local, timezone), _hours(cube, sorted(earlier), timezone)
    )


def _hours(cube: Cube, hours: Sequence[datetime], timezone: ZoneInfo) -> Hours:
    whole = totals.complete(cube)
    mask: Mask = np.zeros(cube.visits.shape, bool)
    seen = []
    for hour in hours:
        day = (local_day(hour, timezone) - cube.first).days
        place = (0, day, hour.astimezone(timezone).hour)
        visits, variance = float(cube.visits[place]), float(cube.visits_variance[place])
        mask[place] = whole[place] and rules.enough_people(visits, variance)
        shared = (float(cube.scale_error[0]) * visits) ** 2
        told = rules.rounded(rules.estimate(visits, variance, shared)) if mask[place] else None
        seen.append(Seen(hour, told))
    total = totals.totals(cube, mask).shop(0) if mask.any() else None
    return Hours(tuple(seen), total)
