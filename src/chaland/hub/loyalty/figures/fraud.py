"""Signals of misuse: explainable rules over receipts. They accuse nobody; somebody looks. Pure.

Each rule says what it saw in numbers; thresholds are above what a good customer does. Time grows
with the receipts of members in the period looked at; memory holds one member's, and all returns.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
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

    ``seen`` comes member by member, each in order of time, and is read once. ``own`` has the
    membership of sellers who told it, by shop and seller.
    """
    found: list[Signal] = []
    served = _Served()
    for member, receipts in groupby(seen, attrgetter("member")):
        rows = list(receipts)
        served.add(rows)
        if member is not None:
            found += [*_self_award(rows, own), *_velocity(rows), *_refund_ring(rows)]
    found += served.signals()
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
    """A seller attaches receipts to the own account; or this member's receipts come from one
    seller alone, many of them long after the purchase: others' receipts."""
    groups: dict[tuple[int, str], list[Seen]] = defaultdict(list)
    at_shop: dict[int, int] = defaultdict(int)
    for row in rows:
        if row.cents > 0:
            at_shop[row.shop] += 1
            if row.seller:
                groups[row.shop, row.seller].append(row)
    for (shop, seller), mine in groups.items():
        told = own.get((shop, seller)) == mine[0].member and len(mine) >= OWN_MIN
        alone = len(mine) >= SERVED_BY_ONE_MIN and len(mine) > at_shop[shop] / 2
        late = [row for row in mine if row.delay >= LATE]
        if told or (alone and len(late) >= LATE_MIN):
            yield _signal(Kind.SELF_AWARD, mine if told else late, seller=seller)


def _velocity(rows: Sequence[Seen]) -> Iterable[Signal]:
    """One account, one shop, many purchases within the hour."""
    groups: dict[int, list[Seen]] = defaultdict(list)
    for row in rows:
        if row.cents > 0:
            groups[row.shop].append(row)
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
    returns = [row for row in rows if row.cents < 0]
    if len(returns) < RETURNS_MIN:
        return
    shops = {row.shop for row in returns}
    bought = sum(row.cents for row in rows if row.cents >= 0 and row.shop in shops)
    if -sum(row.cents for row in returns) >= RETURNED_SHARE * bought:
        yield _signal(Kind.REFUND_RING, returns)


class _Served:
    """What each seller served, over all members: how many receipts, and the returns themselves."""

    def __init__(self) -> None:
        self._count: dict[tuple[int, str], int] = defaultdict(int)
        self._back: dict[tuple[int, str], list[Seen]] = defaultdict(list)

    def add(self, rows: Iterable[Seen]) -> None:
        """Take in receipts; those without a seller are nobody's."""
        for row in rows:
            if row.seller:
                self._count[row.shop, row.seller] += 1
                if row.cents < 0:
                    self._back[row.shop, row.seller].append(row)

    def signals(self) -> Iterable[Signal]:
        """Returns crowd at one seller of a shop: perhaps goods that never came back."""
        for (shop, seller), returns in self._back.items():
            others = [key for key in self._count if key[0] == shop and key[1] != seller]
            usual = sum(len(self._back.get(key, ())) for key in others) / max(
                sum(self._count[key] for key in others), 1
            )
            share = len(returns) / self._count[shop, seller]
            if (
                others
                and len(returns) >= SELLER_RETURNS_MIN
                and share >= SELLER_TIMES * max(usual, 0.01)
            ):
                yield _signal(Kind.SELLER_RETURNS, sorted(returns), seller=seller, member=False)
