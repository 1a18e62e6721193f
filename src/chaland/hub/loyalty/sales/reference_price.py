"""The price that a reduction is counted from, by Code de la consommation L112-1-1 (L20). Pure.

It is the lowest price practised in the thirty days before the reduction begins. What is not known
of these days is said, never guessed. The reduction itself is counted from that price (Court of
Justice, C-330/23, Aldi Süd, 26 September 2024), not from a higher one of yesterday.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

DAYS = 30
PERCENT_AT_MOST = 99
LADDER_AT_MOST = 50
DEEP = 50
"""More percent off than this is warned of: selling under cost is forbidden outside soldes (Code de
commerce L442-5), and what was paid for an article is not known here."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price from a day on, and who said so."""

    since: date
    cents: int
    recorded_at: datetime
    recorded_by: str = ""
    number: int = 0
    """Of the row: of two that were recorded at once for one day, the later one holds."""


@dataclass(frozen=True, slots=True)
class Lowest:
    """The lowest price of the days ``first`` to ``last``.

    ``price`` is None where none of these days has a price. Days before ``known_from`` have none
    (None: all do).
    """

    first: date
    last: date
    price: Price | None
    known_from: date | None = None

    @property
    def complete(self) -> bool:
        """Whether a price is known for each of the days: only then it is a proof."""
        return self.price is not None and self.known_from is None

    @property
    def missing(self) -> tuple[date, date] | None:
        """The first and the last day without a price."""
        if self.complete:
            return None
        day = timedelta(days=1)
        return self.first, self.last if self.known_from is None else self.known_from - day


def history(prices: Iterable[Price]) -> list[Price]:
    """Return what held, by day: of several prices for one day the one recorded last."""
    held: dict[date, Price] = {}
    for price in sorted(prices, key=lambda p: (p.since, p.recorded_at, p.number)):
        held[price.since] = price
    return list(held.values())


def in_force(held: Sequence[Price], day: date) -> Price | None:
    """Return the price of a day: what began last on it or before it."""
    return next((price for price in reversed(held) if price.since <= day), None)


def lowest_before(held: Sequence[Price], day: date, days: int = DAYS) -> Lowest:
    """Return the lowest price of the ``days`` days before ``day``; ``held`` is a `history`.

    The price that is in force when they begin counts; one that begins on ``day`` itself doesn't.
    """
    first, last = day - timedelta(days=days), day - timedelta(days=1)
    inside = [price for price in held if first < price.since <= last]
    at_first = in_force(held, first)
    candidates = [at_first, *inside] if at_first else inside
    if not candidates:
        return Lowest(first, last, None)
    price = min(candidates, key=lambda p: (p.cents, p.since))
    return Lowest(first, last, price, None if at_first else inside[0].since)


def first_reduction(held: Sequence[Price], day: date) -> date:
    """Return the day on which a reduction that still goes on at ``day`` began, or ``day``.

    For reductions that follow each other without a break: the law takes the price before the
    first of them. A price that stood for thirty days is an ordinary one, and ends the search; so
    does any rise.
    """
    began = day
    before = [price for price in held if price.since < day]
    while len(before) > 1:
        now, earlier = before[-1], before[-2]
        if now.cents >= earlier.cents or (began - now.since).days >= DAYS:
            break
        began = now.since
        before.pop()
    return began


def reduced(cents: int, percent: int) -> int:
    """Return a price less ``percent``, in whole cents, never more than promised."""
    return cents * (100 - percent) // 100


def step_of(ladder: Sequence[Sequence[int]], articles: int) -> int:
    """Return the percent off that a ladder gives for so many articles (0 below its first step)."""
    return max((percent for count, percent in ladder if articles >= count), default=0)


def is_ladder(steps: object) -> bool:
    """Say whether this is a ladder: ``[[articles, percent], …]``, both rising, percent 1 to 50."""
    if not isinstance(steps, (list, tuple)) or not 1 <= len(steps) <= 10:
        return False
    pairs = [tuple(step) for step in steps if isinstance(step, (list, tuple))]
    whole = all(len(p) == 2 and all(type(n) is int for n in p) for p in pairs)
    if len(pairs) != len(steps) or not whole or pairs[0][0] < 1 or pairs[0][1] < 1:
        return False
    rising = all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    return rising and bool(pairs[-1][1] <= LADDER_AT_MOST)
