"""What one phone loses, in epsilon, by all that a day's sensors say: one computation for all who
state it (the public page, the impact assessment, docs/explanation/privacy-mechanism.md).

Each case is a worst case: the address probes inside the gate in every window that it is present,
and every bound is reached. Losses of an address add up over rows, visits, shops and days.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil

from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism
from chaland.wire.periods import WINDOW_S
from chaland.wire.summary import Mode

DAY_S = 86_400
HALF_AN_HOUR_S = 1_800
WINDOWS_OF_HALF_AN_HOUR = HALF_AN_HOUR_S // WINDOW_S + 1
"""It begins within one window and ends within another."""
SHOPS_OF_A_SHOPPER = 4
MEDIAN_SCANS_A_MINUTE = Fraction("0.65")
"""Of phones at rest and in pockets, as FOOTFALL's field recordings have it."""


class Case(StrEnum):
    """Whose loss is meant."""

    WINDOW = "one window of probing inside the gate"
    VISIT = "one visit, however long"
    SKETCH = "the day's sketch of one shop, however many visits"
    HALF_HOUR = "half an hour in one shop"
    SHOPPER = "a shopper in four shops, half an hour each, with one address"
    ROTATING = "the same shopper, with an address that changes with each scan"
    ALL_DAY = "a device that stays a whole day"
    RETURNING = "a device that falls silent and comes back as often as it can, all day"


@dataclass(frozen=True, slots=True)
class Loss:
    """The privacy loss (epsilon) of one case."""

    case: Case
    epsilon: Fraction


def window(mechanism: Mechanism, mode: Mode = Mode.DEFAULT) -> Fraction:
    """Return row E1's loss of one new address in one window, or of one new pair in its counts."""
    counts = mechanism.counts[mode]
    rows = (counts[name] for name in ("fingerprints", "scans") if name in counts)
    return sum((1 / noised.scale for noised in rows), Fraction())


def daily(mechanism: Mechanism = DEFAULT_MECHANISM) -> list[Loss]:
    """Return each case's loss, in the order of Case."""
    listened, visit = window(mechanism), mechanism.visit_loss
    sketch = Fraction(mechanism.sketch.epsilon)
    in_a_shop = WINDOWS_OF_HALF_AN_HOUR * listened + visit + sketch
    # Another address each scan: a new pair costs what a new window costs. Such addresses are not
    # followable, so visit and sketch are of the one with which the phone is associated.
    scans = ceil(HALF_AN_HOUR_S // 60 * MEDIAN_SCANS_A_MINUTE)
    rotating = scans * listened + visit + sketch
    all_windows = DAY_S // WINDOW_S * listened
    # Who stays too long to be a visitor leaves no dwell.
    staying = visit - Fraction(mechanism.dwell.epsilon)
    returns = DAY_S // (mechanism.minimum_stay_s + mechanism.linger_s)
    losses = {
        Case.WINDOW: listened,
        Case.VISIT: visit,
        Case.SKETCH: sketch,
        Case.HALF_HOUR: in_a_shop,
        Case.SHOPPER: SHOPS_OF_A_SHOPPER * in_a_shop,
        Case.ROTATING: SHOPS_OF_A_SHOPPER * rotating,
        Case.ALL_DAY: all_windows + staying + sketch,
        Case.RETURNING: all_windows + returns * visit + sketch,
    }
    return [Loss(case, losses[case]) for case in Case]
