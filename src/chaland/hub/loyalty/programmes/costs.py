"""What a balance buys and what members get all year: pure, in whole numbers, as ``rules``.

Mirrored in ``assets/src/loyalty/rules.js``; ``tests/golden/rules`` holds cases for both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaland.hub.loyalty.programmes.rules import WHOLE, Line, net_lines


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reward takes of a balance, and what it is worth at the till."""

    units: int
    cents: int


def reward_cost(
    *, partial: bool, cost: int, value_cents: int, balance: int, wanted_cents: int | None = None
) -> Cost | None:
    """Say what a reward costs now; None where the balance is too small.

    A ``partial`` reward gives any part: as much as is ``wanted_cents`` and as the balance pays for.
    Its cents are rounded down and its units up, each by less than one.
    """
    if not partial:
        return Cost(cost, value_cents) if balance >= cost else None
    units = max(0, balance)
    if wanted_cents is not None:
        units = min(units, -(-max(0, wanted_cents) * cost // value_cents))
    cents = units * value_cents // cost
    if wanted_cents is not None:
        cents = min(cents, wanted_cents)
    return Cost(-(-cents * cost // value_cents), cents) if cents > 0 else None


@dataclass(frozen=True, slots=True)
class MemberPrice:
    """An advantage that a member has all year: ``percent`` off, or ``price_cents`` a piece, for
    an article, a group, or (neither named) everything."""

    id: int
    name: str = ""
    percent: int | None = None
    price_cents: int | None = None
    item_id: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What an advantage takes off one line, in cents."""

    line: int
    advantage: int
    cents: int


def member_prices(lines: Sequence[Line], advantages: Sequence[MemberPrice]) -> list[Reduction]:
    """Say what comes off each line: the best single advantage (the first of equal ones).

    A percentage is rounded to the nearest cent, halves in the member's favour.
    """
    net = net_lines(lines)
    found = []
    for line in lines:
        best: Reduction | None = None
        for advantage in advantages:
            cents = _off(advantage, line, net.get(line.number, 0))
            if cents > (best.cents if best else 0):
                best = Reduction(line.number, advantage.id, cents)
        if best:
            found.append(best)
    return found


def _off(advantage: MemberPrice, line: Line, net_cents: int) -> int:
    if advantage.item_id and advantage.item_id.lower() != line.item_id.lower():
        return 0
    if advantage.group and advantage.group.lower() != line.group.lower():
        return 0
    if advantage.percent is not None:
        return (net_cents * advantage.percent + 50) // 100
    price = ((advantage.price_cents or 0) * line.quantity_milli + 500) // WHOLE
    return max(0, net_cents - price)


@dataclass(frozen=True, slots=True)
class TierStep:
    """A tier: ``measure`` is ``spent`` (cents) or ``shops`` (different shops)."""

    id: int
    name: str
    measure: str
    threshold: int
    percent: int = 100


def standing(tiers: Iterable[TierStep], spent_cents: int, shops: int) -> TierStep | None:
    """Return the best tier that a member has reached within twelve months, or None."""
    reached = [
        tier
        for tier in tiers
        if (shops if tier.measure == "shops" else spent_cents) >= tier.threshold
    ]
    return max(reached, key=lambda tier: (tier.percent, tier.threshold), default=None)
