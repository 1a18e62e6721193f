"""A shop's prices, day by day: recorded, never changed; and the lowest of thirty days (L20)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from chaland.hub.common import clock
from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import ArticlePrice
from chaland.hub.loyalty.sales import reference_price
from chaland.hub.loyalty.sales.reference_price import DAYS, Lowest, Price
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
class Article:
    """An article of a shop, by what was said of it last, with all its prices that hold."""

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


def lowest_before(shop_id: int, item_id: str, day: date, days: int = DAYS) -> Lowest:
    """Return the lowest price that a shop practised for an article in the days before ``day``."""
    held = [article.held for article in articles(shop_id, item_id=item_id)]
    return reference_price.lowest_before(held[0] if held else [], day, days)


def prices_of(shop_id: int, item_id: str) -> list[ArticlePrice]:
    """List all that was recorded of an article, newest day first, corrected rows too."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id, item_id=item_id)
    return list(rows.order_by("-since", "-recorded_at", "-pk"))


def articles(shop_id: int, *, item_id: str = "", group: str = "") -> list[Article]:
    """List a shop's articles with their prices: one of them, those of a group, or all."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id)
    if item_id:
        rows = rows.filter(item_id=item_id)
    elif group:  # of an article that changed its group, the other rows count as well
        rows = rows.filter(item_id__in=rows.filter(group=group).values("item_id"))
    by_item: defaultdict[str, list[ArticlePrice]] = defaultdict(list)
    for row in rows.order_by("item_id", "since", "recorded_at", "pk").iterator():
        by_item[row.item_id].append(row)
    found = [_article(number, each) for number, each in by_item.items()]
    return [article for article in found if not group or item_id or article.group == group]


def groups(shop_id: int) -> list[str]:
    """List the product groups of a shop's articles."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id).exclude(group="")
    return sorted(rows.values_list("group", flat=True).distinct())


def last_recorded(shop_id: int) -> date | None:
    """Return the day of the newest price of a shop; None where it has none."""
    newest: date | None = ArticlePrice.objects.filter(shop_id=shop_id).aggregate(last=Max("since"))[
        "last"
    ]
    return newest


def _article(item_id: str, rows: Sequence[ArticlePrice]) -> Article:
    newest = max(rows, key=lambda row: (row.recorded_at, row.pk))
    told = (Price(r.since, r.cents, r.recorded_at, r.recorded_by, r.pk) for r in rows)
    return Article(item_id, newest.item_name, newest.group, reference_price.history(told))


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
