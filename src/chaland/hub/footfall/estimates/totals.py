"""Quarter hours into hours and days: means and variances when errors of one day go together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.noise import Floats

Ints = NDArray[np.int64]

HOUR_S = 3600
NOW_WEIGHTS = (2 / 3, 1 / 3)
"""The last cell and the one before it: halves the noise at the price of a quarter hour's lag."""


@dataclass(frozen=True)
class Averages:
    """One entry a group, in ascending order of ``key``: its mean, variance, and cells observed."""

    key: Ints
    mean: Floats
    variance: Floats
    cells: Ints


def average(mean: Floats, variance: Floats, group: Ints, day_error: float = 0.0) -> Averages:
    """Average the observed cells of each group; a group must lie within one day.

    ``mean``, ``variance`` (n,) come from ``occupancy``, NaN where nothing was observed: such cells
    are left out, never filled; a group without any is absent. ``day_error`` is the relative error
    that neighbouring cells have in common (``Fit.day_error``): it is contained in each cell's
    variance and does not average out inside the group.
    """
    seen = ~np.isnan(mean)
    key, place = np.unique(group[seen], return_inverse=True)
    cells = np.bincount(place, minlength=len(key))
    shared = (day_error * mean[seen]) ** 2
    own = np.bincount(place, np.maximum(variance[seen] - shared, 0.0), len(key)) / cells**2
    centre = np.bincount(place, mean[seen], len(key)) / cells
    return Averages(key, centre, own + (day_error * centre) ** 2, cells)


def hours(start_s: Ints, mean: Floats, variance: Floats, day_error: float = 0.0) -> Averages:
    """Return mean people present in each UTC hour; ``start_s`` (n,) are the cells' starts."""
    return average(mean, variance, start_s - start_s % HOUR_S, day_error)


def days(day: Ints, mean: Floats, variance: Floats, day_error: float = 0.0) -> Averages:
    """Return mean people present over the observed cells of each day; ``day`` (n,) numbers them."""
    return average(mean, variance, day, day_error)


def occupancy_now(mean: Floats, variance: Floats) -> tuple[float, float]:
    """Return people present now and the variance, from a shop's latest cells in time order.

    Uses the last two cells; a missing one (NaN) leaves the other. Both NaN: NaN.
    """
    last = mean[-2:][::-1]
    weights = np.array(NOW_WEIGHTS[: len(last)]) * ~np.isnan(last)
    if not weights.any():
        return float("nan"), float("nan")
    weights /= weights.sum()
    now = float(np.nansum(weights * last))
    return now, float(np.nansum(weights**2 * variance[-2:][::-1]))
