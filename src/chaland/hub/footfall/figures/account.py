"""The privacy account as it is shown: what shops spent of their limits, by month and by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Min, QuerySet, Sum

from chaland.hub.association.models import Shop
from chaland.hub.footfall.models import BudgetEntry
from chaland.hub.footfall.services.budget import ROWS

SHOWN = tuple(row for row in ROWS if row != "E3")
"""E3 shares E2's budget, and stands with it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent of a limit, both in epsilon, and by how many releases."""

    epsilon: Decimal = Decimal(0)
    limit: Decimal = Decimal(0)
    releases: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.limit - self.epsilon

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.epsilon + other.epsilon,
            self.limit + other.limit,
            self.releases + other.releases,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A shop over a month, or one of its days: what it spent on each of SHOWN, and on all."""

    of: Shop | date
    rows: tuple[Spent, ...]
    days: int = 1

    @property
    def total(self) -> Spent:
        return sum(self.rows, Spent())


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def span(shops: Sequence[Shop]) -> tuple[date, date] | None:
    """Return the first and the last local day that have an entry, None without any."""
    ids = [shop.pk for shop in shops]
    ends = BudgetEntry.objects.filter(shop_id__in=ids).aggregate(first=Min("day"), last=Max("day"))
    return (ends["first"], ends["last"]) if ends["first"] else None


def by_shop(shops: Sequence[Shop], first: date, last: date) -> list[Line]:
    """Return a line for each shop that has entries from ``first`` to ``last``."""
    sums = (
        _entries(shops, first, last)
        .values("shop_id", "row")
        .annotate(spent=Sum("epsilon"), most=Sum("limit"), number=Sum("releases"))
    )
    days: dict[int, set[date]] = {}
    for shop_id, day in _entries(shops, first, last).values_list("shop_id", "day").distinct():
        days.setdefault(shop_id, set()).add(day)
    found: dict[int, dict[str, Spent]] = {}
    for each in sums:
        spent = Spent(each["spent"], each["most"], each["number"])
        found.setdefault(each["shop_id"], {})[each["row"]] = spent
    return [
        Line(shop, _shown(found[shop.pk]), len(days[shop.pk])) for shop in shops if shop.pk in found
    ]


def by_day(shop: Shop, first: date, last: date) -> list[Line]:
    """Return a line for each day of a shop that has entries, newest first."""
    found: dict[date, dict[str, Spent]] = {}
    for entry in _entries([shop], first, last).order_by("-day"):
        spent = Spent(entry.epsilon, entry.limit, entry.releases)
        found.setdefault(entry.day, {})[entry.row] = spent
    return [Line(day, _shown(rows)) for day, rows in found.items()]


def entries(shops: Sequence[Shop], first: date, last: date) -> Iterable[tuple[Shop, BudgetEntry]]:
    """Yield the account's entries by day, shop and row."""
    by_id = {shop.pk: shop for shop in shops}
    for entry in _entries(shops, first, last).order_by("day", "shop_id", "row"):
        yield by_id[entry.shop_id], entry


def _entries(shops: Sequence[Shop], first: date, last: date) -> QuerySet[BudgetEntry]:
    ids = [shop.pk for shop in shops]
    return BudgetEntry.objects.filter(shop_id__in=ids, day__range=(first, last))


def _shown(rows: dict[str, Spent]) -> tuple[Spent, ...]:
    return tuple(rows.get(row, Spent()) for row in SHOWN)
