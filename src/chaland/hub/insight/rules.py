"""Purchases per hundred visits, and how sure that is. Pure.

Receipts are counted, visits are estimated: the whole error is of the visits, and the interval of
the quotient is theirs turned over (90 %, as theirs is).
"""

from dataclasses import dataclass
from typing import Protocol

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
    value, low, high = (100 * receipts / v for v in (visits.value, visits.high, visits.low))
    return Conversion(value, low, high)
