"""What time it is for the hub: the one place to ask, so that the demo's town can have its own."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from chaland.wire.periods import local_day

_read: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731  # replaced by ``use``
_read_real: Callable[[], datetime] | None = None


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return _read()


def real_now() -> datetime:
    """Return the instant by which short limits for people run: undo, a code to type, a link.

    It is ``now``, except in the demo, whose town lives faster than those who look at it.
    """
    return _read_real() if _read_real else now()


def today(timezone: str) -> date:
    """Return the local day in a time zone. It begins at 04:00, for charters and forms as well."""
    return local_day(now(), ZoneInfo(timezone))


def use(read: Callable[[], datetime], real: Callable[[], datetime] | None = None) -> None:
    """Take the time from ``read`` from now on, in this process. Only the demo does.

    ``real``: the time of those who look at it, where it isn't the same.
    """
    global _read, _read_real  # one clock for a process is the point
    _read, _read_real = read, real
