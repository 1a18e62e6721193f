"""The calendar that sensor and hub share: windows, cells, and the local day.

A *window* is the longest time for which any per-phone state of the counters may live.
A *cell* is what is released: three windows. The local day runs from 04:00 to 04:00, so that
an evening out belongs to one day. All instants are aware datetimes in UTC or integer
microseconds since the epoch.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WINDOW_S = 300
WINDOWS_PER_CELL = 3
CELL_S = WINDOW_S * WINDOWS_PER_CELL
CELLS_PER_HOUR = 3600 // CELL_S
DAY_STARTS_AT = time(4, 0)


def cell_start(instant: datetime) -> datetime:
    """Return the start (UTC) of the cell that holds ``instant``."""
    seconds = int(instant.timestamp())
    return datetime.fromtimestamp(seconds - seconds % CELL_S, UTC)


def local_day(instant: datetime, timezone: ZoneInfo) -> date:
    """Return the local day (04:00 to 04:00) that holds ``instant``."""
    local = instant.astimezone(timezone)
    return local.date() if local.time() >= DAY_STARTS_AT else local.date() - timedelta(days=1)


def day_bounds(day: date, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the half-open UTC interval of a local day; 23 or 25 hours long at clock changes."""
    start = datetime.combine(day, DAY_STARTS_AT, timezone)
    end = datetime.combine(day + timedelta(days=1), DAY_STARTS_AT, timezone)
    return start.astimezone(UTC), end.astimezone(UTC)
