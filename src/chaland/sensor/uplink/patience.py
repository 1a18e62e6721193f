"""When to ask the hub again: soon after a success, later and later while it fails."""

import random
import time
from collections.abc import Callable

from chaland.sensor.uplink.asking import Reply

FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 600.0


class Patience:
    """The time of the next request. ``failures`` counts those in a row."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0
        self._monotonic_s = monotonic_s
        self._next_at_s = monotonic_s()

    @property
    def is_over(self) -> bool:
        """Tell whether the time has come."""
        return self._monotonic_s() >= self._next_at_s

    def succeeded(self, again_in_s: float = 0.0) -> None:
        """Note a success; the next request may follow in ``again_in_s``."""
        self.failures = 0
        self._next_at_s = self._monotonic_s() + again_in_s

    def hurry(self, within_s: float) -> None:
        """There is news: do not wait longer than this, unless the hub fails."""
        if not self.failures:
            self._next_at_s = min(self._next_at_s, self._monotonic_s() + within_s)

    def failed(self, reply: Reply | None = None) -> None:
        """Back off: up to twice as long after each failure, at random within the upper half."""
        longest = min(FIRST_DELAY_S * 2 ** min(self.failures, 10), LONGEST_DELAY_S)
        delay_s = longest * (0.5 + random.SystemRandom().random() / 2)
        asked = reply.headers.get("Retry-After", "") if reply is not None else ""
        if asked.isascii() and asked.isdigit():
            delay_s = max(delay_s, min(float(asked), LONGEST_DELAY_S))
        self.failures += 1
        self._next_at_s = self._monotonic_s() + delay_s
