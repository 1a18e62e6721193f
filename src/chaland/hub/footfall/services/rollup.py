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


def roll(cells: Cells, mean: Floats, variance: Floats, calendar: Calendar) -> Days:
    """Add quarter hours up to clock hours and days; fields of the hours as in ``hours.FIELDS``.

    Person-hours are what was observed: a quarter hour with two of three windows adds ten minutes.
    """
    slots = calendar.index(cells.start_s)
    days = len(calendar.windows)
    size = days * clock.HOURS
    observed_h = cells.windows * (WINDOW_S / 3600)
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
    hours[:, clock.PERSON_HOURS], hours[:, clock.VARIANCE] = _added(
        mean, variance, observed_h, slots, size
    )
    total, total_variance = _added(mean, variance, observed_h, slots // clock.HOURS, days)
    return Days(total, total_variance, hours.reshape(days, clock.HOURS, len(clock.FIELDS)))


def _added(
    mean: Floats, variance: Floats, observed_h: Floats, group: Ints, groups: int
) -> tuple[Floats, Floats]:
    """Sum person-hours by group, with a variance that knows that errors of a day go together."""
    heard = ~np.isnan(mean)
    at = group[heard]
    total = np.bincount(at, (mean * observed_h)[heard], groups)
    spread = np.bincount(at, (variance * observed_h**2)[heard], groups)
    return total, spread


@dataclass(frozen=True)
class Dwell:
    """Mean stay for each day of a calendar, seconds, and its relative error; (days,) each."""

    mean_s: Floats
    relative_sd: Floats


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
    mean_s = np.array([stay[0] for stay in stays])
    return Dwell(mean_s, np.sqrt(np.array([stay[1] for stay in stays])) / mean_s)


def _trailing_sum(values: Floats, days: int) -> Floats:
    total = np.cumsum(values, axis=0)
    total[days:] -= total[:-days].copy()
    return total
