"""The mean stay of a shop where people who come in were counted, and how sure visits then are.

The stay is a ratio estimator: all person-hours that the sensor's calibration gives for the counted
time, over all people who came in then. A bias of the person-hours is in it and so cancels in
visits. What is left is measured on days that neither the curve nor the stay had seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.noise import NORMAL_90, Floats

Ints = NDArray[np.int64]

ARRIVALS_MIN = 30
"""Fewer people counted coming in make no stay: chance alone would move it by a fifth."""
HOURS_MIN = 3
FOLDS_MIN = 4
"""With fewer counted days, quarters of the counted hours stand in for days."""
BUSY = 10.0
"""Relative errors are quoted for hours with so many visits: those that a page shows."""
BUSY_HOURS_MIN = 10
USUAL_DAY_ERROR = 0.12
USUAL_DAYS = 7
"""What a day's hours share, in the simulated town's median shop, weighs as much as so many counted
days: a fortnight alone tells a variance too badly, and some shops would seem to have none."""
DRIFT_ERROR = 0.05
"""Relative error of visits away from the counted weeks: public, season and stays change. Measured
between fortnights of the simulated town (``python -m bench visits``)."""
TOWN_DAY_ERROR = 0.08
TOWN_HOUR_ERROR = 0.06
"""Relative errors of a day's visits, and of an hour's beside its day's, that all shops share: they
share its public. Both are contained in each shop's own errors, as the drift is; between shops they
do not average out. Measured on the simulated town, too."""
HIDDEN = 0.5
"""Visits added to each hour's estimate where scatter is concerned: few are never exactly none."""

_SCATTERS = np.geomspace(0.5, 32.0, 19)
_HOUR_ERRORS = np.linspace(0.0, 1.0, 41)


@dataclass(frozen=True)
class Stay:
    """A shop's counted stay: visits are person-hours * 3600 / ``stay_s``.

    The errors of visits: ``error`` is relative and shared by all; ``day_error`` relative and shared
    by the hours of a day; a single hour adds ``hour_error`` (relative) and ``scatter`` (variance a
    visit: people come in groups, and stay longer at some hours). ``held_out_error`` is the mean
    relative error of hours with ten visits or more on unseen days (with fewer than ten such hours:
    the total error over the total), by which a shop's visits are judged.
    """

    stay_s: float
    error: float
    day_error: float
    hour_error: float
    scatter: float
    held_out_error: float
    hours: int
    days: int

    @property
    def per_hour(self) -> float:
        """Return the visits that a person-hour makes."""
        return 3600 / self.stay_s

    def hour_variance(self, visits: Floats, noise: Floats) -> Floats:
        """Return the variance of each hour's visits, any shape, without what its day shares.

        ``noise`` is what the release noise makes of it, in visits squared.
        """
        seen = np.maximum(visits, 0.0)
        return noise + self.scatter * (seen + HIDDEN) + (self.hour_error * seen) ** 2


def fit_stay(
    person_hours: Floats,
    held_out: Floats,
    noise: Floats,
    *,
    arrivals: Floats,
    hour: Ints,
    day: Ints,
) -> Stay | None:
    """Fit the stay; all arrays (n,) over the cells in which people who came in were counted.

    ``person_hours`` are by the shop's curve, ``held_out`` by a curve that had not seen the cell's
    day, ``noise`` is the variance of the first that the release noise makes; ``hour`` and ``day``
    number clock hours and local days. None where too few came in, or nobody seemed to be there.
    """
    hours, place, first = _groups(hour)
    count = len(hours)
    came, made = _sums(place, arrivals), _sums(place, held_out)
    fold = _folds(day[first])
    total = float(person_hours.sum())
    if came.sum() < ARRIVALS_MIN or count < HOURS_MIN or total <= 0:
        return None
    others_came = came.sum() - _sums(fold, came)
    others_made = made.sum() - _sums(fold, made)
    if (others_made <= 0).any() or (others_came <= 0).any():
        return None
    per_hour = float(came.sum()) / total
    guess = made * (others_came / others_made)[fold]
    released = _sums(place, noise) * per_hour**2
    miss = came - guess
    scatter, hour_error = _likeliest(guess, released, miss)
    own = released + scatter * (np.maximum(guess, 0) + HIDDEN) + (hour_error * guess) ** 2
    missed, due, seen = (_sums(fold, each) for each in (miss, own, np.maximum(guess, 0.0)))
    return Stay(
        stay_s=3600 / per_hour,
        error=_scale_error(missed, float(came.sum())),
        day_error=_day_error(missed, due, seen),
        hour_error=hour_error,
        scatter=scatter,
        held_out_error=_held_out_error(miss, came),
        hours=count,
        days=len(np.unique(day)),
    )


def _sums(group: Ints, values: Floats) -> Floats:
    return np.bincount(group, values).astype(np.float64)


def _groups(hour: Ints) -> tuple[Ints, Ints, Ints]:
    hours, first, place = np.unique(hour, return_index=True, return_inverse=True)
    return hours, place, first


def _folds(day: Ints) -> Ints:
    """Number the days of the hours from 0, or quarters of the hours where days are few."""
    _, fold = np.unique(day, return_inverse=True)
    if int(fold.max()) + 1 >= FOLDS_MIN:
        return fold
    return np.arange(len(day)) * min(FOLDS_MIN, len(day)) // len(day)


def _likeliest(guess: Floats, released: Floats, miss: Floats) -> tuple[float, float]:
    """Return scatter and relative error of an hour that explain the misses best (normal)."""
    seen = np.maximum(guess, 0.0)
    best, found = np.inf, (float(_SCATTERS[0]), 0.0)
    for hour_error in _HOUR_ERRORS:
        own = released + (hour_error * seen) ** 2
        for scatter in _SCATTERS:
            variance = own + scatter * (seen + HIDDEN)
            surprise = float((np.log(variance) + miss**2 / variance).sum())
            if surprise < best:
                best, found = surprise, (float(scatter), float(hour_error))
    return found


def _day_error(missed: Floats, due: Floats, seen: Floats) -> float:
    """Return the relative error that a day's hours share, by moments, pulled to the usual one."""
    excess = float((missed**2 - due).sum()) + USUAL_DAYS * USUAL_DAY_ERROR**2 * float(
        (seen**2).mean()
    )
    among = float((seen**2).sum()) * (1 + USUAL_DAYS / len(seen))
    return float(np.sqrt(max(excess / among, 0.0)))


def _scale_error(missed: Floats, came: float) -> float:
    """Return the relative standard error of the ratio, from the folds' misses.

    Few folds know their own spread badly; the factor is that of Student's distribution at 90 %
    (Cornish and Fisher's first term), so that a normal interval stays honest.
    """
    free = len(missed) - 1
    spread = float(np.sqrt((missed**2).sum() * len(missed) / free)) / came
    own = spread * (1 + (NORMAL_90**2 + 1) / (4 * free))
    return float(np.hypot(own, DRIFT_ERROR))


def _held_out_error(miss: Floats, came: Floats) -> float:
    busy = came >= BUSY
    if busy.sum() >= BUSY_HOURS_MIN:
        return float(np.mean(np.abs(miss[busy]) / came[busy]))
    return float(np.abs(miss).sum() / came.sum())
