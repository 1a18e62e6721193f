"""Answers of the flows' kernels, remembered in the process: a page and its file fit once.

A question is known by the stored bytes of its days, never by the database's numbers: a day that is
stored anew is another question, and towns of several databases can't be mistaken for each other.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar, cast

from chaland.hub.footfall import flow_reads
from chaland.hub.footfall.flow_reads import StoredDay

T = TypeVar("T")


class Remembered:
    """The ``kept`` answers that were asked for last; threads share them, nobody may change them."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._answers: OrderedDict[tuple[object, ...], object] = OrderedDict()
        self._lock = Lock()

    def ask(self, kernel: Callable[..., T], *series: Sequence[StoredDay]) -> T:
        """Return ``kernel`` of each series' estimates, which must depend on nothing else."""
        asked = (kernel, *(b"".join(day.digest for day in days) for days in series))
        with self._lock:
            if asked in self._answers:
                self._answers.move_to_end(asked)
                return cast(T, self._answers[asked])
        answer = kernel(*(flow_reads.towns(days) for days in series))
        with self._lock:
            self._answers[asked] = answer
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
        return answer


TABLES = Remembered(32)
"""Tables of pairs: 40 kB each for 30 shops, 170 kB for 60."""
NUMBERS = Remembered(1024)
"""A few numbers of a day: the days of two years and more."""
