"""Counting what strangers sent, so that junk can't fill the database or wear it out.

What nobody signed is counted in memory first, and written at most once a minute and reason: a
stranger's request costs no durable write. A clean stop writes what is left; a crash loses at most
the strangers' counts since the last write.
"""

import atexit
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime

from django.db import DatabaseError, connections

from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services.drops import day_of, write

WRITE_EVERY_S = 60.0


class Strangers:
    """Counts of what came unsigned, waiting to be written. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: Counter[tuple[int | None, date, str]] = Counter()
        self._write_after: dict[str, float] = {}

    def count(self, reason: str, now: datetime, sensor: Sensor | None = None) -> None:
        """Add one; ``sensor`` is the one that the stranger claims to be. Writes what is due."""
        key = (sensor.pk if sensor else None, day_of(now, sensor), reason)
        with self._lock:
            self._waiting[key] += 1
        self.flush(due_only=True)

    def flush(self, *, due_only: bool = False) -> None:
        """Write what waits, or only the reasons not written for WRITE_EVERY_S."""
        at = self._clock()
        with self._lock:
            taken = Counter(
                {
                    key: number
                    for key, number in self._waiting.items()
                    if not due_only or at >= self._write_after.get(key[2], at)
                }
            )
            for key in taken:
                del self._waiting[key]
                self._write_after[key[2]] = at + WRITE_EVERY_S
        try:
            for key, number in list(taken.items()):
                write(*key, number)
                del taken[key]
        except DatabaseError:
            with self._lock:
                self._waiting.update(taken)  # nothing is lost: the next flush tries again
            raise

    def close(self) -> None:
        """Write what waits, at the end of the process."""
        if self._waiting:
            self.flush()
            connections.close_all()


strangers = Strangers()
atexit.register(strangers.close)
