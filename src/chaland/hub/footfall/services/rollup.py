"""Cells into days, in arrays: no database here. One shop at a time, a year in milliseconds."""

from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall import estimates
from chaland.hub.footfall import hours as clock
from chaland.hub.footfall.cells import Cells
from chaland.hub.footfall.hours import Calendar, Floats, Ints
from chaland.wire.periods import WINDOW_S


@dataclass(frozen=True)
class Days:
    """Days of one shop: person-hours and their variance (days,), hours (days, 24, fields)."""

    person_hours: Floats
    variance: Floats
    hours: Floats


def roll(
    cells: Cells, mean: Floats, variance: Floats, day_error: float, calendar: Calendar
) -> Days:
    """Add quarter hours up to clock hours and days; fields of the hours as in ``hours.FIELDS``.

    Person-hours are what was observed: a quarter hour with two of three windows adds ten minutes.
    ``day_error`` is the relative error that a day's quarter hours share (``estimates.Fit``).
    """
    slots = calendar.index(cells.start_s)
    days = len(calendar.windows)
    size = days * clock.HOURS
    noise = np.fmax(cells.scales["arrivals"], cells.scales["passers_by"])
    columns = {
        clock.ARRIVALS: cells.counts["arrivals"],
        clock.PASSERS_BY: cells.counts["passers_by"],
        clock.FOLLOWABLE_VARIANCE: 2 * noise**2,
        clock.WINDOWS: cells.windows.astype(np.float64),
    }
    hours = np.zeros((size, len(clock.FIELDS)))
    for field, values in columns.items():
        hours[:, field] = np.bincount(slots, np.nan_to_num(values), size)
    observed_h = cells.windows.astype(np.float64) * (WINDOW_S / 3600)
    own = np.maximum(variance - (day_error * mean) ** 2, 0.0) * observed_h**2
    people = PersonHours(np.nan_to_num(mean * observed_h), np.nan_to_num(own), day_error)
    hours[:, clock.PERSON_HOURS], hours[:, clock.VARIANCE] = people.by(slots, size)
    total, total_variance = people.by(slots // clock.HOURS, days)
    return Days(total, total_variance, hours.reshape(days, clock.HOURS, len(clock.FIELDS)))


@dataclass(frozen=True)
class PersonHours:
    """Person-hours of quarter hours and their own variances, (n,), 0 where nobody listened."""

    value: Floats
    own_variance: Floats
    day_error: float

    def by(self, group: Ints, groups: int) -> tuple[Floats, Floats]:
        """Sum by group; within a day, as each group must be, ``day_error`` does not average out."""
        total: Floats = np.bincount(group, self.value, groups).astype(np.float64)
        own: Floats = np.bincount(group, self.own_variance, groups).astype(np.float64)
        return total, own + (self.day_error * total) ** 2


@dataclass(frozen=True)
class Dwell:
    """Mean stay for each day of a calendar, seconds, and its relative error; (days,) each.

    ``per_hour`` is how many visits a person-hour makes: 3600 / mean stay, corrected for the error.
    """

    mean_s: Floats
    relative_sd: Floats
    per_hour: Floats


def trailing_dwell(counts: Floats, scales: Floats, edges_s: tuple[int, ...], days: int) -> Dwell:
    """Return each day's mean stay from the ``days`` days that end with it.

    ``counts`` has shape (days, bins), zeros where no histogram came; ``scales`` (days,) is the
    Laplace scale of each bin. Where too few stays were seen, the default stay stands in, with an
    error so wide that the shop shows an index.
    """
    pooled = _trailing_sum(counts, days)
    pooled_scales = np.sqrt(_trailing_sum(scales[:, None] ** 2, days))[:, 0]
    stays = [
        estimates.mean_dwell(edges_s, row, float(scale))
        for row, scale in zip(pooled, pooled_scales, strict=True)
    ]
    mean_s, variance = np.array(stays).T
    one = np.ones(len(mean_s))
    per_hour, _, relative_sd = estimates.visits(one, one, mean_s, variance)
    return Dwell(mean_s, relative_sd, per_hour)


def _trailing_sum(values: Floats, days: int) -> Floats:
    total: Floats = np.cumsum(values, axis=0)
    total[days:] -= total[:-days].copy()
    return total
