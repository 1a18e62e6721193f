"""What the pages read: released months of shops and town, and a shop's own receipts as they are.

Released months are rows of their own, so that a page's cost doesn't grow with the receipts. A
shop's own month is read live: its cost grows with the receipts of that shop in thirteen months.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Sum, Value, When

from chaland.hub.loyalty.figures.fraud import Seen
from chaland.hub.loyalty.figures.measures import DAY_S, Attach, month_number, month_of
from chaland.hub.loyalty.models import MonthFigures, Receipt, Seller
from chaland.hub.loyalty.models.figures import THE_TOWN

SIGNAL_DAYS = 62
"""How far back signals of misuse are looked for."""
_ROWS_AT_ONCE = 2_000


def month_bounds(month: date, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which a local calendar month begins and ends."""
    after = month_of(month_number(month) + 1)
    begin, end = (datetime.combine(day, datetime.min.time(), timezone) for day in (month, after))
    return begin, end


def released_months(association_id: int) -> list[date]:
    """List the months that the town's figures are released of, the newest first."""
    rows = MonthFigures.objects.filter(association_id=association_id, shop_id=THE_TOWN)
    return list(rows.order_by("-month").values_list("month", flat=True))


def released(
    association_id: int, shop_id: int, first: date, last: date
) -> dict[date, Mapping[str, Any]]:
    """Return a shop's (or the town's) released months from ``first`` to ``last``."""
    rows = MonthFigures.objects.filter(
        association_id=association_id, shop_id=shop_id, month__range=(first, last)
    )
    return dict(rows.values_list("month", "content"))


def released_shops(association_id: int, month: date) -> dict[int, Mapping[str, Any]]:
    """Return each shop's released figures of a month."""
    rows = MonthFigures.objects.filter(association_id=association_id, month=month)
    return dict(rows.exclude(shop_id=THE_TOWN).values_list("shop_id", "content"))


def newest_month(shop_id: int, timezone: ZoneInfo) -> date | None:
    """Return the local month of a shop's newest receipt; None where it has none."""
    last = Receipt.objects.filter(shop_id=shop_id).aggregate(last=Max("issued_at"))["last"]
    return None if last is None else last.astimezone(timezone).date().replace(day=1)


def _purchases(shop_id: int, since: datetime, until: datetime) -> QuerySet[Receipt]:
    return Receipt.objects.filter(
        shop_id=shop_id, issued_at__gte=since, issued_at__lt=until, returns__isnull=True
    ).exclude(gross_cents__lt=0)


def own_trend(shop_id: int, months: Sequence[date], timezone: ZoneInfo) -> dict[date, Attach]:
    """Return a shop's own months, live; ``attached_24h`` isn't counted here (0)."""
    bounds = [month_bounds(month, timezone)[0] for month in months]
    bucket = Case(
        *(When(issued_at__gte=bounds[i], then=Value(i)) for i in reversed(range(len(months)))),
        output_field=IntegerField(),
    )
    found = Q(attached_at__isnull=False)
    rows = (
        _purchases(shop_id, bounds[0], month_bounds(months[-1], timezone)[1])
        .annotate(bucket=bucket)
        .values("bucket")
        .annotate(
            receipts=Count("pk"),
            attached=Count("pk", filter=found),
            cents=Sum("gross_cents"),
            attached_cents=Sum("gross_cents", filter=found, default=0),
        )
    )
    return {
        months[row["bucket"]]: Attach(
            row["receipts"], row["attached"], 0, row["cents"], row["attached_cents"]
        )
        for row in rows.order_by("bucket")
    }


@dataclass(frozen=True)
class OwnMonth:
    """A shop's own month, live: as a whole, and by till, seller and local hour."""

    whole: Attach
    members: int
    newcomers: int
    tills: dict[str, Attach]
    sellers: dict[str, Attach]
    hours: dict[int, Attach]


def own_month(shop_id: int, month: date, timezone: ZoneInfo) -> OwnMonth:
    """Count a shop's own month. An empty label: the till didn't say."""
    begin, end = month_bounds(month, timezone)
    rows = _purchases(shop_id, begin, end).values_list(
        "issued_at", "attached_at", "gross_cents", "member_id", "till_label", "seller_label"
    )
    nothing = Attach(0, 0, 0, 0, 0)
    tills: defaultdict[str, Attach] = defaultdict(lambda: nothing)
    sellers: defaultdict[str, Attach] = defaultdict(lambda: nothing)
    hours: defaultdict[int, Attach] = defaultdict(lambda: nothing)
    counted: Counter[tuple[int, str, str, bool, bool]] = Counter()
    cents_of: Counter[tuple[int, str, str, bool, bool]] = Counter()
    members = set()
    for issued, attached, cents, member, till, seller in rows.iterator(chunk_size=_ROWS_AT_ONCE):
        found = attached is not None
        soon = attached is not None and (attached - issued).total_seconds() <= DAY_S
        key = (issued.astimezone(timezone).hour, till, seller, found, soon)
        counted[key] += 1
        cents_of[key] += cents
        members.add(member)
    whole = nothing
    for key, n in counted.items():
        hour, till, seller, found, soon = key
        cents = cents_of[key]
        part = Attach(n, n * found, n * soon, cents, cents * found)
        whole = whole.added(part)
        tills[till] = tills[till].added(part)
        sellers[seller] = sellers[seller].added(part)
        hours[hour] = hours[hour].added(part)
    members.discard(None)
    before = (
        Receipt.objects.filter(shop_id=shop_id, member_id__in=members, issued_at__lt=begin)
        .values("member_id")
        .distinct()
        .count()
    )
    return OwnMonth(
        whole, len(members), len(members) - before, dict(tills), dict(sellers), dict(hours)
    )


def seen_receipts(association_id: int, now: datetime, shop_id: int | None) -> Iterator[Seen]:
    """Read the members' receipts that signals are looked for in, one at a time: member by member,
    each in order of time. A seller goes by name: who attached it, else who the till says sold."""
    rows = Receipt.objects.filter(
        association_id=association_id,
        issued_at__gte=now - timedelta(days=SIGNAL_DAYS),
        member__isnull=False,
    )
    if shop_id is not None:
        rows = rows.filter(shop_id=shop_id)
    columns = rows.order_by("member_id", "issued_at", "pk").values_list(
        "issued_at", "pk", "shop_id", "member_id", "attached_by", "seller_label", "gross_cents",
        "attached_at",
    )  # fmt: skip
    names = _seller_names(association_id)
    for issued, pk, shop, member, by, label, cents, attached in columns.iterator(
        chunk_size=_ROWS_AT_ONCE
    ):
        seller = _seller(by, names) or label
        yield Seen(issued, pk, shop, member, seller, cents, (attached or issued) - issued)


def _seller(attached_by: str, names: Mapping[str, str]) -> str:
    """Return the name behind ``till:3 seller:5``; empty where no seller is in it."""
    _till, _space, seller = attached_by.partition("seller:")
    return names.get(seller, "")


def own_memberships(association_id: int) -> dict[tuple[int, str], int]:
    """Return the members that sellers say they are, by shop and seller's name."""
    rows = Seller.objects.filter(association_id=association_id, own_member_id__isnull=False)
    return {
        (shop, name): member
        for shop, name, member in rows.values_list("shop_id", "name", "own_member_id")
        if member is not None
    }


def _seller_names(association_id: int) -> dict[str, str]:
    rows = Seller.objects.filter(association_id=association_id).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}
