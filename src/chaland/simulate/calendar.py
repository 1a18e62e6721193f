"""A shop's own time: it stands still while the shop is closed, and runs when the town is busy."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from chaland.simulate.assortment import TRADES
from chaland.simulate.rhythm import Rhythm, day_factor
from chaland.simulate.town import Shop, Town

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SLOTS = 96
_WEEKDAYS = (0.85, 0.85, 1.0, 0.9, 1.05, 1.6, 1.0)
"""Monday to Sunday: people buy on Saturdays, more than they merely pass."""


@dataclass(frozen=True)
class Calendar:
    """``busy`` (shops, days + 1) is the time that has passed for each shop by each midnight: as
    many days as the calendar's over a usual year. ``slots`` (shops, 7, 97) runs from 0 to 1 over
    the quarter hours of a weekday."""

    days: list[date]
    busy: Floats
    slots: Floats

    @classmethod
    def of(cls, town: Town, rhythm: Rhythm, seed: int, first: date, last: date) -> "Calendar":
        """Make the calendar of a town's shops, from ``first`` to ``last`` (both included)."""
        days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        weather = np.array([day_factor(seed, day) for day in days])
        each = np.stack([_of_days(shop, days) for shop in town.shops]) * weather
        usual = each.mean(axis=1, keepdims=True)
        each = np.divide(each, usual, out=np.zeros_like(each), where=usual > 0)
        busy = np.concatenate([np.zeros((len(each), 1)), np.cumsum(each, axis=1)], axis=1)
        slots = np.stack([_of_hours(shop, rhythm) for shop in town.shops])
        return cls(days, busy, slots)

    def passed(self, shop: Ints, moment: Floats) -> Floats:
        """Return each shop's own time at a moment (in days since the first midnight)."""
        day = np.clip(moment.astype(np.int64), 0, len(self.days) - 1)
        part = np.clip(moment - day, 0, 1)
        begins = self.busy[shop, day]
        own: Floats = begins + part * (self.busy[shop, day + 1] - begins)
        return own

    def moments(self, shop: Ints, passed: Floats, rng: np.random.Generator) -> Floats:
        """Return moments (days since the first midnight) within opening hours, by shops' time."""
        day = np.zeros(len(shop), np.int64)
        for index in np.unique(shop):
            here = np.flatnonzero(shop == index)
            found = np.searchsorted(self.busy[index], passed[here], "right") - 1
            # the last day on which the shop was open, where time stands still at the end
            ends = np.searchsorted(self.busy[index], self.busy[index, -1], "left") - 1
            day[here] = np.clip(found, 0, max(ends, 0))
        weekday = (self.days[0].weekday() + day) % 7
        u = rng.random(len(shop))
        at = np.zeros(len(shop))
        for index, open_on in np.unique(np.stack([shop, weekday], axis=1), axis=0):
            here = np.flatnonzero((shop == index) & (weekday == open_on))
            line = self.slots[index, open_on]
            # strictly increasing, so that a closed slot is never hit
            at[here] = np.interp(u[here] * (1 - 1e-9), *_increasing(line))
        moment: Floats = day + at / _SLOTS
        return moment


def _increasing(line: Floats) -> tuple[Floats, Floats]:
    """Return the points of a step-wise line that are needed to read it backwards."""
    rises = np.diff(line) > 0
    keep = np.concatenate([rises, [False]]) | np.concatenate([[False], rises])
    if not keep.any():
        return np.array([0.0, 1.0]), np.array([48.0, 49.0])
    height, place = line[keep], np.flatnonzero(keep).astype(float)
    return height + np.arange(len(height)) * 1e-12, place


def _of_days(shop: Shop, days: list[date]) -> Floats:
    months = TRADES[shop.trade].months
    return np.array(
        [
            _WEEKDAYS[day.weekday()] * months[day.month - 1] if shop.openings_on(day) else 0.0
            for day in days
        ]
    )


def _of_hours(shop: Shop, rhythm: Rhythm) -> Floats:
    quarter_s = 86_400 // _SLOTS
    line = np.zeros((7, _SLOTS + 1))
    for weekday in range(7):
        openings = [opening for opening in shop.openings if opening.weekday == weekday]
        inside = np.array(
            [
                any(o.opens_s <= slot * quarter_s < o.closes_s for o in openings)
                for slot in range(_SLOTS)
            ]
        )
        weight = np.repeat(rhythm.hours[weekday], _SLOTS // 24) * inside
        if weight.sum() > 0:
            line[weekday, 1:] = np.cumsum(weight) / weight.sum()
    return line
