"""A shop's prices, day by day: recorded, never changed; and the lowest of thirty days (L20)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from chaland.hub.common import clock
from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import ArticlePrice
from chaland.hub.loyalty.sales import reference_price
from chaland.hub.loyalty.sales.reference_price import DAYS, Price
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

CENTS_AT_MOST = 100_000_000
_BETWEEN = " · "
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

    @property
    def label(self) -> str:
        """Its number and name, as chosen from a list; `meant` reads it."""
        return f"{self.item_id}{_BETWEEN}{self.name}"


@dataclass(frozen=True, slots=True)
class Article:
    """An article of a shop, by what was said of it last, with prices that hold."""

    item_id: str
    name: str
    group: str
    held: Sequence[Price]


def unrecorded(shop_id: int, told: Iterable[PriceIn], today: date) -> list[PriceIn]:
    """Return prices, asked from some day until ``today``, without those that are on record just so
    already: a file may be sent again. SaleErrorFinal on a bad price."""
    checked = [_checked(price, today) for price in told]
    known = _known(shop_id, {price.item_id for price in checked})
    return [
        p
        for p in dict.fromkeys(checked)
        if known.get((p.item_id, p.since)) != (p.item_name, p.cents, p.group)
    ]


def record(
    association_id: int,
    shop_id: int,
    prices: Iterable[PriceIn],
    actor: str,
    *,
    source: str = ArticlePrice.Source.ENTERED,
) -> None:
    """Write prices that are `unrecorded`. `services` look at the sales anew afterwards: pages call
    those."""
    now = clock.now()
    bulk.insert(
        ArticlePrice,
        _FIELDS,
        [
            (
                association_id, shop_id, p.item_id, p.item_name, p.group, p.cents, p.since,
                str(source), now, actor,
            )
            for p in prices
        ],
    )  # fmt: skip


def recorded(shop_id: int) -> tuple[object, ...]:
    """Return what differs as soon as a price of a shop is added: of one state of its prices."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id)
    found = rows.aggregate(last=Max("pk"), at=Max("recorded_at"), count=Count("pk"))
    return tuple(found.values())


def prices_of(shop_id: int, item_id: str) -> list[ArticlePrice]:
    """List all that was recorded of an article, newest day first, corrected rows too."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id, item_id=item_id)
    return list(rows.order_by("-since", "-recorded_at", "-pk"))


def names(shop_id: int, *, item_ids: Iterable[str] | None = None, group: str = "") -> list[Named]:
    """List a shop's articles (all, some, or those of a group) by what was said of each last."""
    found = _newest(shop_id, item_ids, group).order_by("item_id")
    return [Named(*each) for each in found.values_list("item_id", "item_name", "group").iterator()]


def meant(shop_id: int, typed: str) -> Named | None:
    """Return the article that somebody typed or chose: by its number, as a list labels it, or by a
    name that no other has. None: there is none, or several."""
    text = on_one_line(typed)
    cuts = [at for at in range(len(text)) if text.startswith(_BETWEEN, at)]
    found = {a.item_id: a for a in names(shop_id, item_ids=[text, *(text[:at] for at in cuts)])}
    if found:
        return found[max(found, key=len)]
    rows = ArticlePrice.objects.filter(shop_id=shop_id, item_name__iexact=text)
    ids = list(rows.order_by("item_id").values_list("item_id", flat=True).distinct()[:2])
    return names(shop_id, item_ids=ids)[0] if len(ids) == 1 else None


def groups(shop_id: int, at_most: int) -> list[str]:
    """List the product groups that a shop's articles are in, in order; not more than so many."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id).exclude(group="").order_by("group")
    named = rows.values_list("group", flat=True).distinct()[:at_most]
    return [group for group in named if _newest(shop_id, None, group).exists()]


def numbers(shop_id: int, wanted: str = "") -> QuerySet[ArticlePrice, str]:
    """Return a shop's article numbers, in order: those of which number, name or group, as ever
    said, hold ``wanted``."""
    rows = ArticlePrice.objects.filter(shop_id=shop_id)
    text = on_one_line(wanted)
    if text:  # SQLite knows no É of é: as typed, small and large
        spelt = (
            {text, text.lower(), text.upper(), text.capitalize()} if not text.isascii() else {text}
        )
        holds = Q()
        for column in ("item_id", "item_name", "group"):
            for each in spelt:
                holds |= Q(**{f"{column}__icontains": each})
        rows = rows.filter(holds)
    return rows.order_by("item_id").values_list("item_id", flat=True).distinct()


def by_day(
    shop_id: int, *, item_ids: Iterable[str] | None = None, group: str = ""
) -> Iterator[tuple[str, dict[date, int]]]:
    """Yield a shop's articles (all, some, or those of a group), each with what it cost from which
    day on, in order of days: for looking at very many."""
    rows = _rows(shop_id, item_ids, group).order_by("item_id", "since", "recorded_at", "pk")
    item_id, held = "", dict[date, int]()
    for number, since, cents in rows.values_list("item_id", "since", "cents").iterator():
        if number != item_id:
            if held:
                yield item_id, held
            item_id, held = number, {}
        held[since] = cents
    if held:
        yield item_id, held


def articles(
    shop_id: int,
    day: date | None,
    *,
    item_ids: Iterable[str] | None = None,
    group: str = "",
) -> list[Article]:
    """List a shop's articles, some of them, or those of a group, with the prices that count for the
    thirty days before ``day`` and since; None: with all that have held."""
    rows = _rows(shop_id, item_ids, group)
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


def _rows(shop_id: int, item_ids: Iterable[str] | None, group: str) -> QuerySet[ArticlePrice]:
    rows = ArticlePrice.objects.filter(shop_id=shop_id)
    if item_ids is not None:
        rows = rows.filter(item_id__in=list(item_ids))
    if group:
        rows = rows.filter(item_id__in=_newest(shop_id, None, group).values("item_id"))
    return rows


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


def _known(shop_id: int, items: set[str]) -> dict[tuple[str, date], tuple[str, int, str]]:
    """Return what holds for articles, by article and day: name, cents, group."""
    known: dict[tuple[str, date], tuple[str, int, str]] = {}
    wanted = sorted(items)
    for at in range(0, len(wanted), 500):
        rows = ArticlePrice.objects.filter(shop_id=shop_id, item_id__in=wanted[at : at + 500])
        told = rows.order_by("recorded_at", "pk").values_list(
            "item_id", "since", "item_name", "cents", "group"
        )
        for item_id, since, name, cents, group in told:
            known[item_id, since] = name, cents, group
    return known


def _checked(price: PriceIn, today: date) -> PriceIn:
    if not 1 <= len(price.item_id) <= 64 or not 1 <= len(price.item_name) <= 120:
        raise SaleErrorFinal("article")
    words = (price.item_id, price.item_name, price.group)
    if len(price.group) > 64 or any(on_one_line(word) != word for word in words):
        raise SaleErrorFinal("article")
    if not 0 < price.cents <= CENTS_AT_MOST or not _OLDEST <= price.since <= today:
        raise SaleErrorFinal("bad-price")
    return price
