"""Cells into days, in arrays: no database here. One shop at a time, a year in milliseconds."""

from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall import estimates
from chaland.hub.footfall import hours as clock
from chaland.hub.footfall.cells import Cells
from chaland.hub.footfall.estimates import Stay
from chaland.hub.footfall.hours import Calendar, Floats
from chaland.hub.footfall.people import Model
from chaland.wire.periods import WINDOW_S, WINDOWS_PER_CELL


@dataclass(frozen=True)
class Present:
    """People present in a shop's quarter hours: mean, its variance, and the part of it that the
    release noise makes; (n,) each, NaN where nobody listened."""

    mean: Floats
    variance: Floats
    noise: Floats


@dataclass(frozen=True)
class Days:
    """Days of one shop, (days,) each, and their hours, (days, 24, fields).

    ``visits_variance`` is that of a day's visits, but for ``scale_error``, the relative error that
    all days share. ``stay_s`` turns person-hours into visits.
    """

    person_hours: Floats
    visits_variance: Floats
    stay_s: Floats
    scale_error: Floats
    hours: Floats


def roll(cells: Cells, present: Present, model: Model, dwell: "Dwell", calendar: Calendar) -> Days:
    """Add quarter hours up to clock hours and days; fields of the hours as in ``hours.FIELDS``.

    Person-hours are what was observed: a quarter hour with two of three windows adds ten minutes.
    Visits and their errors come from the stay that ``model`` has from counting, or else from
    ``dwell``, the stay of devices that can be followed.
    """
    slots = calendar.index(cells.start_s)
    days = len(calendar.windows)
    size = days * clock.HOURS
    noise = np.fmax(cells.scales["arrivals"], cells.scales["passers_by"])
    observed_h = cells.windows.astype(np.float64) * (WINDOW_S / 3600)
    columns = {
        clock.PERSON_HOURS: present.mean * observed_h,
        clock.ARRIVALS: cells.counts["arrivals"],
        clock.PASSERS_BY: cells.counts["passers_by"],
        clock.FOLLOWABLE_VARIANCE: 2 * noise**2,
        clock.WINDOWS: cells.windows.astype(np.float64),
    }
    hours: Floats = np.zeros((size, len(clock.FIELDS)))
    for field, values in columns.items():
        hours[:, field] = np.bincount(slots, np.nan_to_num(values), size)

    quarters = np.bincount(calendar.day_of * clock.HOURS + calendar.hour_of, minlength=size)
    hours[:, clock.EXPECTED] = quarters * WINDOWS_PER_CELL
    hours = hours.reshape(days, clock.HOURS, len(clock.FIELDS))

    def by_hour(variance: Floats) -> Floats:
        added = np.bincount(slots, np.nan_to_num(variance * observed_h**2), size)
        return added.astype(np.float64).reshape(days, clock.HOURS)

    if model.stay is not None:
        spread = _by_counted_stay(hours, by_hour(present.noise), model.stay)
    else:
        shared = (model.day_error * present.mean) ** 2
        own = by_hour(np.maximum(present.variance - shared, 0.0))
        spread = _by_followed_stay(hours, own, model, dwell)
    hours[:, :, clock.VARIANCE] = spread.hours
    return Days(
        hours[:, :, clock.PERSON_HOURS].sum(axis=1),
        spread.days,
        spread.stay_s,
        spread.scale_error,
        hours,
    )


@dataclass(frozen=True)
class _Spread:
    """Variances of visits in hours (days, 24) and days (days,), stays and shared errors (days,)."""

    hours: Floats
    days: Floats
    stay_s: Floats
    scale_error: Floats


def _by_counted_stay(hours: Floats, noise: Floats, stay: Stay) -> _Spread:
    visits = hours[:, :, clock.PERSON_HOURS] * stay.per_hour
    own = stay.hour_variance(visits, noise * stay.per_hour**2)
    own = np.where(hours[:, :, clock.WINDOWS] > 0, own, 0.0)
    days = own.sum(axis=1) + (stay.day_error * visits.sum(axis=1)) ** 2
    shared = (stay.day_error * visits) ** 2
    one = np.ones(len(hours))
    return _Spread(own + shared, days, stay.stay_s * one, stay.error * one)


def _by_followed_stay(hours: Floats, own: Floats, model: Model, dwell: "Dwell") -> _Spread:
    per_hour = dwell.per_hour
    people = hours[:, :, clock.PERSON_HOURS]
    each = own + (model.day_error * people) ** 2
    days = own.sum(axis=1) + (model.day_error * people.sum(axis=1)) ** 2
    unknown = np.hypot(model.scale_error, estimates.FOLLOWED_STAY_ERROR)
    return _Spread(
        each * per_hour[:, None] ** 2,
        days * per_hour**2,
        3600 / per_hour,
        np.hypot(unknown, dwell.relative_sd),
    )


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
