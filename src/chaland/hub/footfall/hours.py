"""The local day in 24 clock hours: how instants fall into it, and how it is packed into one value.

Figures are kept by clock hour, because that is how a shop lives. On the day when clocks go back the
hour 02 holds two hours (its person-hours add up); when they go forward it stays empty.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.wire.periods import CELL_S, WINDOW_S, day_bounds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS = 24
FIELDS = (
    "person_hours",
    "visits_variance",
    "arrivals",
    "passers_by",
    "followable_variance",
    "windows",
    "windows_expected",
)
"""The fields of a packed hour, in order; ``followable_variance`` is that of the two before each;
12 windows are expected, and 24 or 0 in the hours in which clocks change."""

PERSON_HOURS, VARIANCE, ARRIVALS, PASSERS_BY, FOLLOWABLE_VARIANCE, WINDOWS, EXPECTED = range(
    len(FIELDS)
)
_PACKED = np.dtype("<f4")


def pack(hours: NDArray[np.floating]) -> bytes:
    """Pack one day, shape (24, fields) by clock hour, into bytes."""
    return np.ascontiguousarray(hours, _PACKED).tobytes()


def unpack(days: list[bytes]) -> Floats:
    """Unpack many days; shape (days, 24, fields)."""
    flat = np.frombuffer(b"".join(days), _PACKED)
    return flat.reshape(len(days), HOURS, len(FIELDS)).astype(np.float64)


@dataclass(frozen=True)
class Calendar:
    """Quarter hours of consecutive local days, 04:00 to 04:00.

    ``day_of`` and ``hour_of`` have one entry for each quarter hour from ``first_s`` (epoch seconds,
    UTC); ``windows`` is the number of 5-minute windows of each day: 276, 288 or 300.
    """

    first: date
    first_s: int
    day_of: Ints
    hour_of: Ints
    windows: Ints

    def index(self, start_s: Ints) -> Ints:
        """Return ``day * 24 + clock hour`` of each cell start; all must lie in the calendar."""
        quarter = self.quarter(start_s)
        slots: Ints = self.day_of[quarter] * HOURS + self.hour_of[quarter]
        return slots

    def quarter(self, start_s: Ints) -> Ints:
        """Return the number of the quarter hour of each cell start."""
        quarters: Ints = (start_s - self.first_s) // CELL_S
        return quarters


@lru_cache(maxsize=8)
def calendar(first: date, last: date, timezone: ZoneInfo) -> Calendar:
    """Lay out the local days ``first`` to ``last`` (both included)."""
    days = (last - first).days + 1
    bounds = [
        int(day_bounds(first + timedelta(days=i), timezone)[0].timestamp()) for i in range(days + 1)
    ]
    lengths = np.array([end - start for start, end in pairwise(bounds)], np.int64)
    day_of = np.repeat(np.arange(days), lengths // CELL_S)
    starts = range(bounds[0], bounds[-1], CELL_S)
    hour_of = [datetime.fromtimestamp(s, UTC).astimezone(timezone).hour for s in starts]
    return Calendar(first, bounds[0], day_of, np.array(hour_of, np.int64), lengths // WINDOW_S)
