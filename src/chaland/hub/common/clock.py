"""What time it is for the hub: the one place to ask, so that the demo's town can have its own."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from chaland.wire.periods import local_day

_read: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731  # replaced by ``use``


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return _read()


def today(timezone: str) -> date:
    """Return the local day in a time zone. It begins at 04:00, for charters and forms as well."""
    return local_day(now(), ZoneInfo(timezone))


def use(read: Callable[[], datetime]) -> None:
    """Take the time from ``read`` from now on, in this process. Only the demo does."""
    global _read  # noqa: PLW0603  # one clock for a process is the point
    _read = read
