"""Purchases per hundred visits, and how sure that is. Pure.

Visits are estimated, with their interval of 90 %. Receipts are counted, but few of them vary by
chance: theirs is Byar's approximation of the Poisson's (Breslow and Day 1987, 2.7). The quotient's
adds both on the logarithmic scale, where they are independent (as MOVER-R does, Donner and Zou
2012).
"""

import math
from dataclasses import dataclass
from typing import Protocol

_Z = 1.645
"""Of an interval of 90 %, on both sides."""
SURE = 0.5
"""Visits whose interval begins below this share of them say too little to divide by."""


class Interval(Protocol):
    """A value with its interval, as footfall publishes one."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Conversion:
    """Receipts per hundred visits."""

    value: float
    low: float
    high: float

    def against(self, usual: "Conversion") -> int:
        """Return 1 where it is clearly more than ``usual``, -1 clearly less, 0 neither.

        A shop's calibration errs alike on both sides; so this says "clearly" too seldom, not too
        often.
        """
        return int(self.low > usual.high) - int(self.high < usual.low)


def conversion(receipts: int, visits: Interval | None) -> Conversion | None:
    """Return receipts per hundred visits of the same hours; None where visits aren't published for
    any of them, or too uncertain."""
    if visits is None or visits.value <= 0 or visits.low < SURE * visits.value:
        return None
    value, (fewest, most) = receipts / visits.value, _poisson(receipts)
    low, high = 0.0, most / visits.low
    if receipts:
        low = value / _together(receipts / fewest, visits.high / visits.value)
        high = value * _together(most / receipts, visits.value / visits.low)
    return Conversion(100 * value, 100 * low, 100 * high)


def _poisson(count: int) -> tuple[float, float]:
    """Return the means between which a count lies in nine of ten cases."""
    n, more = count, count + 1
    low = n * (1 - 1 / (9 * n) - _Z / (3 * math.sqrt(n))) ** 3 if n else 0.0
    return low, more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3


def _together(one: float, other: float) -> float:
    """Return the factor of two independent factors of error."""
    return math.exp(math.hypot(math.log(one), math.log(other)))
