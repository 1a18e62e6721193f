"""Signals of misuse: explainable rules over receipts. They accuse nobody; somebody looks. Pure.

Each rule says what it saw in numbers; thresholds are above what a good customer does. Cost grows
with the receipts of members in the period looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

OWN_MIN, SERVED_BY_ONE_MIN, LATE_MIN = 3, 10, 8
"""Receipts: a seller's for the own account; of one member by one seller alone; attached late."""
LATE = timedelta(minutes=5)
FAST_MIN, FAST_WITHIN = 4, timedelta(hours=1)
RETURNS_MIN, RETURNED_SHARE = 4, 0.4
SELLER_RETURNS_MIN, SELLER_TIMES = 6, 4.0
"""Returns at one seller, and how many times the shop's usual share of receipts."""


class Kind(StrEnum):
    """What was seen."""

    SELF_AWARD = "self-award"
    VELOCITY = "velocity"
    REFUND_RING = "refund-ring"
    SELLER_RETURNS = "seller-returns"


class Seen(NamedTuple):
    """A receipt as the rules see it. ``seller`` is a name, empty where unknown;
    ``member`` None where nobody's; ``cents`` negative for a return; ``delay`` until attached."""

    at: datetime
    receipt: int
    shop: int
    member: int | None
    seller: str
    cents: int
    delay: timedelta = timedelta(0)


@dataclass(frozen=True)
class Signal:
    """One thing to look at. ``first`` and ``last`` bound the receipts, at ``shops``; ``cents`` is
    what they come to."""

    kind: Kind
    shops: tuple[int, ...]
    member: int | None
    seller: str
    receipts: tuple[int, ...]
    first: datetime
    last: datetime
    cents: int


def signals(seen: Iterable[Seen], own: dict[tuple[int, str], int]) -> list[Signal]:
    """Return all signals of some receipts, the newest first.

    ``own`` has the membership of sellers who told it, by shop and seller.
    """
    rows = sorted(seen)
    found = [
        *_self_award(rows, own),
        *_velocity(rows),
        *_refund_ring(rows),
        *_seller_returns(rows),
    ]
    return sorted(found, key=lambda signal: signal.last, reverse=True)


def _signal(kind: Kind, rows: Sequence[Seen], *, seller: str = "", member: bool = True) -> Signal:
    return Signal(
        kind=kind,
        shops=tuple(sorted({row.shop for row in rows})),
        member=rows[0].member if member else None,
        seller=seller,
        receipts=tuple(row.receipt for row in rows),
        first=rows[0].at,
        last=rows[-1].at,
        cents=sum(row.cents for row in rows),
    )


def _self_award(rows: Sequence[Seen], own: dict[tuple[int, str], int]) -> Iterable[Signal]:
    """A seller attaches receipts to the own account; or one member's receipts come from one seller
    alone, many of them long after the purchase: others' receipts."""
    groups: dict[tuple[int, str, int], list[Seen]] = defaultdict(list)
    at_shop: dict[tuple[int, int], int] = defaultdict(int)
    for row in rows:
        if row.member is not None and row.cents > 0:
            at_shop[row.shop, row.member] += 1
            if row.seller:
                groups[row.shop, row.seller, row.member].append(row)
    for (shop, seller, member), mine in groups.items():
        told = own.get((shop, seller)) == member and len(mine) >= OWN_MIN
        alone = len(mine) >= SERVED_BY_ONE_MIN and len(mine) > at_shop[shop, member] / 2
        late = [row for row in mine if row.delay >= LATE]
        if told or (alone and len(late) >= LATE_MIN):
            yield _signal(Kind.SELF_AWARD, mine if told else late, seller=seller)


def _velocity(rows: Sequence[Seen]) -> Iterable[Signal]:
    """One account, one shop, many purchases within the hour."""
    groups: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for row in rows:
        if row.member is not None and row.cents > 0:
            groups[row.shop, row.member].append(row)
    for mine in groups.values():
        begin = 0
        while begin + FAST_MIN <= len(mine):
            if mine[begin + FAST_MIN - 1].at - mine[begin].at > FAST_WITHIN:
                begin += 1
                continue
            end = begin + FAST_MIN
            while end < len(mine) and mine[end].at - mine[begin].at <= FAST_WITHIN:
                end += 1
            yield _signal(Kind.VELOCITY, mine[begin:end])
            begin = end


def _refund_ring(rows: Sequence[Seen]) -> Iterable[Signal]:
    """A member brings back much of what was bought at some shops, several times."""
    bought: dict[tuple[int, int], int] = defaultdict(int)
    back: dict[int, list[Seen]] = defaultdict(list)
    for row in rows:
        if row.member is None:
            continue
        if row.cents < 0:
            back[row.member].append(row)
        else:
            bought[row.member, row.shop] += row.cents
    for member, returns in back.items():
        there = sum(bought[member, shop] for shop in {row.shop for row in returns})
        share = -sum(row.cents for row in returns)
        if len(returns) >= RETURNS_MIN and share >= RETURNED_SHARE * there:
            yield _signal(Kind.REFUND_RING, returns)


def _seller_returns(rows: Sequence[Seen]) -> Iterable[Signal]:
    """Returns crowd at one seller of a shop: perhaps goods that never came back."""
    all_of: dict[tuple[int, str], int] = defaultdict(int)
    back: dict[tuple[int, str], list[Seen]] = defaultdict(list)
    for row in rows:
        if row.seller:
            all_of[row.shop, row.seller] += 1
            if row.cents < 0:
                back[row.shop, row.seller].append(row)
    for (shop, seller), returns in back.items():
        others = [key for key in all_of if key[0] == shop and key[1] != seller]
        usual = sum(len(back.get(key, ())) for key in others) / max(
            sum(all_of[key] for key in others), 1
        )
        share = len(returns) / all_of[shop, seller]
        if (
            others
            and len(returns) >= SELLER_RETURNS_MIN
            and share >= SELLER_TIMES * max(usual, 0.01)
        ):
            yield _signal(Kind.SELLER_RETURNS, returns, seller=seller, member=False)
