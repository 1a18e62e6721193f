"""When a figure may be shown, and as what. Pure rules; numbers here are the product's promises.

Sources: the display threshold and the index rule are the product's own decisions (see
``docs/explanation/counting.md``); intervals are normal, two-sided, 90 %.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HOURS_IN_DAY = 24

VISITS_SHOWN_MIN = 10.0
"""Fewer visits an hour than this are "not enough people to show". Totals keep them."""

CLEAR_SD = 3.0
"""So many standard deviations above nobody a figure of an hour must be (one night hour in 700)."""

VERY_CLEAR_SD = 5.0
"""And so many to give an unusual hour a column of its own in the table of hours."""

ERROR_SHOWN_MAX = 0.35
"""Above this relative error on unseen days a shop shows an index, not people."""

INTERVAL_SHARE = 0.90
INTERVAL_SD = 1.6448536269514722

WINDOWS_IN_HOUR = 12
WINDOWS_MISSED_MAX = 1
"""An hour may miss one window of five minutes (the sensor's day process restarts at 04:00)."""

DAY_COMPLETE_SHARE = 0.95

COMPARED_SHARE_MIN = 0.5
"""Below this matched share of a period's hours, a comparison is no finding and is not shown."""

TYPICAL_WEEKS = 8
"""The typical day is the mean of the same weekdays over the eight weeks before the period."""

TOWN_INDEX_SHOPS_MIN = 5
"""A shopkeeper sees the town's index only when this many shops make it, with equal weights."""

CAPTURE_HALF_WIDTH_MAX = 0.15
"""A capture rate whose interval is wider than this to either side is not shown."""

CAPTURE_PHONES_MIN = 100
"""Nor is one of fewer phones."""

FRESH_FOR = timedelta(minutes=45)
"""How long the last cell stands for "now"; a summary comes every 15 minutes."""


class Unit(StrEnum):
    """What a shop's figures count."""

    VISITS = "visits"
    """People; where presence is meant, people present."""
    INDEX = "index"


class SensorState(StrEnum):
    """What a page says of a shop's listening, worst first."""

    NO_SENSOR = "no-sensor"
    NEVER_HEARD = "never-heard"
    NO_DATA = "no-data"
    DEAF = "deaf"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the interval that holds the truth nine times in ten, in the same unit."""

    value: float
    low: float
    high: float


def unit(calibrated: bool, held_out_error: float | None, scale_error: float) -> Unit:
    """Return what a shop may show.

    ``held_out_error`` is the relative error of visits (or of people present, where these are meant)
    on days that the calibration had not seen, as a share; ``None`` says that no such error could be
    measured, and then no person is shown either. ``scale_error`` is the relative error shared by
    all of the shop's figures (scale and stay).
    """
    if not calibrated or held_out_error is None:
        return Unit.INDEX
    return Unit.VISITS if max(held_out_error, scale_error) <= ERROR_SHOWN_MAX else Unit.INDEX


def enough_people(visits: float, variance: float) -> bool:
    """Tell whether an hour's ``visits`` may be shown: ten or more, and clear of their own noise.

    ``variance`` is their independent error; without that condition the noise of thirty closed
    shops would now and then look like visitors at night. NaN may not be shown.
    """
    return visits >= max(VISITS_SHOWN_MIN, CLEAR_SD * math.sqrt(max(variance, 0.0)))


def estimate(value: float, variance: float, shared_variance: float = 0.0) -> Estimate:
    """Return a value with its 90 % interval; people can't be fewer than none, so it ends at 0.

    ``variance`` is what independent errors of the parts add up to, ``shared_variance`` what does
    not average out (scale of the calibration, dwell).
    """
    half = INTERVAL_SD * math.sqrt(max(variance + shared_variance, 0.0))
    return Estimate(max(value, 0.0), max(value - half, 0.0), max(value + half, 0.0))


def ratio(
    above: float, above_variance: float, below: float, below_variance: float
) -> Estimate | None:
    """Return ``above / below`` with its interval (delta method, independent errors).

    ``None`` where ``below`` is not clearly more than nothing: such a ratio would be noise.
    """
    if below <= 0 or below <= 2 * math.sqrt(max(below_variance, 0.0)):
        return None
    value = above / below
    variance = (above_variance + value * value * below_variance) / (below * below)
    return estimate(value, variance)


def rounded(found: Estimate, least: float = 1.0) -> Estimate:
    """Round an estimate to digits that its interval leaves meaning, the ends outwards.

    ``least`` is the finest step: 1 visit, or 0.1 where tenths mean something.
    """
    width = found.high - found.low
    step = max(10.0 ** math.floor(math.log10(width / 4)) if width > 0 else least, least)
    return Estimate(
        round(found.value / step) * step,
        math.floor(round(found.low / step, 6)) * step,
        math.ceil(round(found.high / step, 6)) * step,
    )
