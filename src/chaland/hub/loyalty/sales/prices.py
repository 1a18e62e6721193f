"""A shop's prices, day by day: recorded, never changed; and the lowest of thirty days (L20)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from chaland.hub.common import clock
from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import ArticlePrice
from chaland.hub.loyalty.sales import reference_price
from chaland.hub.loyalty.sales.reference_price import DAYS, Price
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

CENTS_AT_MOST = 100_000_000
_OLDEST = date(2000, 1, 1)
_FIELDS = (
    "association_id", "shop_id", "item_id", "item_name", "group", "cents", "since", "source",
    "recorded_at", "recorded_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceIn:
    """A price as told: of an article of the shop, in cents, from a day on."""

    item_id: str
    item_name: str
    cents: int
    since: date
    group: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """An article by what was said of it last."""

    item_id: str
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article of a shop, by what was said of it last, with prices that hold."""

    item_id: str
    name: str
    group: str
    held: Sequence[Price]


def record(
    association_id: int,
    shop_id: int,
    prices: Iterable[PriceIn],
    actor: str,
    *,
    today: date,
    source: str = ArticlePrice.Source.ENTERED,
) -> int:
    """Write prices that were asked from some day until ``today``; return how many were new.

    What is on record just so already is left out, so that a file may be sent again. `services`
    look at the sales anew afterwards: pages call those. SaleErrorFinal on a bad price.
    """
    told = [_checked(price, today) for price in prices]
    known = _known(shop_id, {price.item_id for price in told})
    fresh = [
        price for price in dict.fromkeys(told) if known.get((price.item_id, price.since)) != price
    ]
    now = clock.now()
    bulk.insert(
        ArticlePrice,
        _FIELDS,
        [
            (
                association_id, shop_id, p.item_id, p.item_name, p.group, p.cents, p.since,
                str(source), now, actor,
            )
            for p in fresh
        ],
    )  # fmt: skip
    return len(fresh)


def prices_of(shop_id: int, item_id: str) -> list[ArticlePrice]:
    """List all that was recorded of an article, newest day first, corrected rows too."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id, item_id=item_id)
    return list(rows.order_by("-since", "-recorded_at", "-pk"))


def names(shop_id: int, *, item_ids: Iterable[str] | None = None, group: str = "") -> list[Named]:
    """List a shop's articles (all, some, or those of a group) by what was said of each last."""
    found = _newest(shop_id, item_ids, group).order_by("item_id")
    return [Named(*each) for each in found.values_list("item_id", "item_name", "group").iterator()]


def articles(
    shop_id: int,
    day: date | None,
    *,
    item_ids: Iterable[str] | None = None,
    group: str = "",
) -> list[Article]:
    """List a shop's articles, some of them, or those of a group, with the prices that count for the
    thirty days before ``day`` and since; None: with all that have held."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id)
    if item_ids is not None or group:
        rows = rows.filter(item_id__in=_newest(shop_id, item_ids, group).values("item_id"))
    if day is not None:
        first = day - timedelta(days=DAYS)
        later = ArticlePrice.objects.filter(
            shop_id=shop_id, item_id=OuterRef("item_id"),
            since__gt=OuterRef("since"), since__lte=first,
        )  # fmt: skip
        rows = rows.filter(Q(since__gt=first) | ~Exists(later))
    held: defaultdict[str, list[Price]] = defaultdict(list)
    told = rows.values_list("item_id", "since", "cents", "recorded_at", "recorded_by", "pk")
    for number, begins, cents, recorded_at, recorded_by, pk in told.iterator():
        held[number].append(Price(begins, cents, recorded_at, recorded_by, pk))
    return [
        Article(one.item_id, one.name, one.group, reference_price.history(held[one.item_id]))
        for one in names(shop_id, item_ids=item_ids, group=group)
    ]


def _newest(shop_id: int, item_ids: Iterable[str] | None, group: str) -> QuerySet[ArticlePrice]:
    """Return of each article the row that was recorded last."""
    newer = ArticlePrice.objects.filter(shop_id=shop_id, item_id=OuterRef("item_id")).filter(
        Q(recorded_at__gt=OuterRef("recorded_at"))
        | Q(recorded_at=OuterRef("recorded_at"), pk__gt=OuterRef("pk"))
    )
    rows = ArticlePrice.objects.filter(~Exists(newer), shop_id=shop_id)
    if item_ids is not None:
        rows = rows.filter(item_id__in=list(item_ids))
    return rows.filter(group=group) if group else rows


def _known(shop_id: int, items: set[str]) -> dict[tuple[str, date], PriceIn]:
    """Return what holds for articles, by article and day."""
    known: dict[tuple[str, date], PriceIn] = {}
    wanted = sorted(items)
    for at in range(0, len(wanted), 500):
        rows = ArticlePrice.objects.filter(shop_id=shop_id, item_id__in=wanted[at : at + 500])
        for row in rows.order_by("recorded_at", "pk"):
            known[row.item_id, row.since] = PriceIn(
                row.item_id, row.item_name, row.cents, row.since, row.group
            )
    return known


def _checked(price: PriceIn, today: date) -> PriceIn:
    if not 1 <= len(price.item_id) <= 64 or not 1 <= len(price.item_name) <= 120:
        raise SaleErrorFinal("article")
    if len(price.group) > 64:
        raise SaleErrorFinal("article")
    if not 0 < price.cents <= CENTS_AT_MOST or not _OLDEST <= price.since <= today:
        raise SaleErrorFinal("bad-price")
    return price
