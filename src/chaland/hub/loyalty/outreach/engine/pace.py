"""How fast: messages a second, and a campaign's slow start. Pure but for the waiting itself."""

import time
from collections.abc import Callable
from datetime import datetime

BURST_S = 0.1
"""What was not used of so short a time may be caught up: sleeping is no exact science."""


class Pace:
    """Lets messages through one after the other, so many a second (0: without waiting)."""

    def __init__(
        self,
        per_s: int,
        read: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._gap_s = 1 / per_s if per_s else 0.0
        self._read, self._sleep = read, sleep
        self._due = read()

    def wait(self) -> None:
        """Return when the next message may go."""
        if not self._gap_s:
            return
        now = self._read()
        self._due = max(self._due, now - BURST_S)
        if self._due > now:
            self._sleep(self._due - now)
        self._due += self._gap_s


def allowed(first_hour: int, started_at: datetime, now: datetime) -> int | None:
    """Return how many of a campaign may have left by ``now``: ``first_hour`` in its first hour,
    twice as many in the next, and so on; None: all."""
    if not first_hour:
        return None
    hours = max(0, int((now - started_at).total_seconds() // 3600))
    return None if hours > 24 else first_hour * (2 ** (hours + 1) - 1)
