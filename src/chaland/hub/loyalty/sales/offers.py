"""What a private sale reduces: checked against the shop's prices, and priced for a customer.

An offer names one article, a product group, or all. Each of its articles needs a proof: the lowest
price of the thirty days before the sale (`reference_price`); where one lacks, the offer is blocked
and says which. What is shown beside a member price is that reference, and nothing else.

An offer may be of 100,000 articles. Each is looked at; the rows of `PROVED_AT_MOST` of them are
kept, those at fault first. Prices are never changed, so the rest of the proof can be worked out
from them at any time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

from django.db import connections
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty.models import Offer, PrivateSale, Receipt
from chaland.hub.loyalty.sales import prices, reference_price, town
from chaland.hub.loyalty.sales.prices import Article
from chaland.hub.loyalty.sales.reference_price import Lowest, Price
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

NO_ARTICLES, NO_PRICE, NOT_LOWER = "no-articles", "no-price", "not-lower"
"""Values of ``Offer.blocked``; `why_blocked` says them in words."""
PROVED_AT_MOST = 200
_NAMED_AT_MOST = 3
_NEVER = datetime(1, 1, 1)  # noqa: DTZ001  # when a price was recorded decides nothing here
_MANY, _KEPT_AT_MOST = 1_000, 32


@dataclass(frozen=True, slots=True)
class OfferIn:
    """An offer as entered: exactly one of ``percent``, ``price_cents`` and ``ladder``."""

    name: str
    item_id: str = ""
    group: str = ""
    percent: int | None = None
    price_cents: int | None = None
    ladder: Sequence[Sequence[int]] | None = None
    least_cents: int | None = None
    once: bool = False
    while_stock: bool = False
    exception: str = Offer.Excepted.NONE


@dataclass(frozen=True, slots=True)
class Checked:
    """What the prices of a shop say of an offer."""

    proof: Sequence[dict[str, Any]]
    articles: int
    at_fault: int
    blocked: str


_kept: dict[tuple[object, ...], Checked] = {}
"""Of offers of very many articles, what was found last: by their terms and the shop's prices."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What a member pays for one piece of an article, taking so many ``articles``.
    ``reference_cents`` stands beside it, by law; None where the law asks for none (goods that spoil
    soon) and none is known."""

    offer_id: int
    item_id: str
    item_name: str
    member_cents: int
    reference_cents: int | None
    percent: int | None
    """Of the ladder's step or the offer; None for a member price."""
    articles: int = 1


def checked(told: OfferIn) -> OfferIn:
    """Return an offer that makes sense; SaleErrorFinal says what doesn't."""
    if not 1 <= len(told.name.strip()) <= 80:
        raise SaleErrorFinal("name")
    if told.item_id and told.group:
        raise SaleErrorFinal("offer-what")
    if sum(how is not None for how in (told.percent, told.price_cents, told.ladder)) != 1:
        raise SaleErrorFinal("offer-how")
    if told.percent is not None and not 1 <= told.percent <= reference_price.PERCENT_AT_MOST:
        raise SaleErrorFinal("percent")
    if told.price_cents is not None and (
        not 0 < told.price_cents <= prices.CENTS_AT_MOST or not (told.item_id or told.group)
    ):
        raise SaleErrorFinal("price")
    if told.ladder is not None and not reference_price.is_ladder(told.ladder):
        raise SaleErrorFinal("ladder")
    if told.least_cents is not None and not 0 < told.least_cents <= prices.CENTS_AT_MOST:
        raise SaleErrorFinal("least")
    return told


def made(told: OfferIn, shop_id: int) -> Offer:
    """Return the offer of a shop that was told, in no sale yet, unchecked and unsaved."""
    return Offer(
        shop_id=shop_id,
        name=on_one_line(told.name),
        item_id=told.item_id,
        group=told.group,
        percent=told.percent,
        price_cents=told.price_cents,
        ladder=None if told.ladder is None else [list(step) for step in told.ladder],
        least_cents=told.least_cents,
        once=told.once,
        while_stock=told.while_stock,
        exception=told.exception,
    )


def check(offer: Offer, sale: PrivateSale) -> None:
    """Set what an offer's ``proof`` and ``blocked`` are as the shop's prices stand; not saved."""
    found = look(offer, town.days_of(sale)[0])
    offer.proof, offer.articles = list(found.proof), found.articles
    offer.at_fault, offer.blocked = found.at_fault, found.blocked
    offer.checked_at = clock.now()


def look(offer: Offer, day: date) -> Checked:
    """Return what the shop's prices say of an offer in a sale that begins on ``day``.

    Of very many articles it takes a second. So pages look before they lock or write: what was found
    holds until the shop records a price, and isn't worked out again."""
    if offer.item_id:
        return _looked(offer, day)
    key = (
        offer.shop_id, offer.group, offer.percent, offer.price_cents, str(offer.ladder),
        offer.exception, day, prices.recorded(offer.shop_id),
    )  # fmt: skip
    found = _kept.get(key)
    if found is None:
        found = _looked(offer, day)
        # Within a transaction prices may be read that are undone with it.
        if found.articles >= _MANY and not connections["loyalty"].in_atomic_block:
            for old in list(_kept)[: len(_kept) - _KEPT_AT_MOST + 1]:
                _kept.pop(old, None)
            _kept[key] = found
    return found


def _looked(offer: Offer, day: date) -> Checked:
    items = [offer.item_id] if offer.item_id else None
    lacking, dear, sound = list[str](), list[str](), list[str]()
    outright: dict[int, str] = {}  # of the many that have always cost the same: by the price
    for item_id, held in prices.by_day(offer.shop_id, item_ids=items, group=offer.group):
        since, cents = next(iter(held.items()))
        always = len(held) == 1 and (day - since).days >= reference_price.DAYS
        fault = outright.get(cents) if always else None
        if fault is None:
            one = Article(item_id, "", "", [Price(*each, _NEVER) for each in held.items()])
            row = _proof(offer, one, day)
            fault = NO_PRICE if row["missing"] else "" if row["lower"] else NOT_LOWER
            if always:
                outright[cents] = fault
        {NO_PRICE: lacking, NOT_LOWER: dear}.get(fault, sound).append(item_id)
    kept = list(islice(chain(lacking, dear, sound), PROVED_AT_MOST))
    return Checked(
        _rows(offer, kept, day),
        len(lacking) + len(dear) + len(sound),
        len(lacking) or len(dear),
        _blocked(offer, bool(lacking), bool(dear), bool(lacking or dear or sound)),
    )


def _rows(offer: Offer, item_ids: Sequence[str], day: date) -> list[dict[str, Any]]:
    growing = offer.exception == Offer.Excepted.PROGRESSIVE  # it may have begun at any time
    found = prices.articles(offer.shop_id, None if growing else day, item_ids=item_ids)
    return [_proof(offer, article, day) for article in found]


def _blocked(offer: Offer, lacking: bool, dear: bool, any_: bool) -> str:
    if not any_ and offer.exception != Offer.Excepted.PERISHABLE:
        return NO_ARTICLES
    return NO_PRICE if lacking else NOT_LOWER if dear else ""


def why_blocked(offer: Offer) -> str:
    """Say in words why an offer can't be announced, and what to do; empty: it can."""
    if offer.blocked == NO_ARTICLES:
        return _("no price is on record for what it names: enter or import prices first")
    if offer.blocked == NO_PRICE:
        rows = [row for row in offer.proof if row["missing"]]
        named = [
            _("no price of {article} is known from {first} to {last}").format(
                article=row["name"], first=_day(row["missing"][0]), last=_day(row["missing"][1])
            )
            for row in rows[:_NAMED_AT_MOST]
        ]
        return "; ".join(named) + _more(offer.at_fault)
    if offer.blocked == NOT_LOWER:
        rows = [row for row in offer.proof if not row["missing"] and not row["lower"]]
        named = [
            _("{article} costs no less than before ({price})").format(
                article=row["name"], price=_euro(row)
            )
            for row in rows[:_NAMED_AT_MOST]
        ]
        return "; ".join(named) + _more(offer.at_fault)
    return ""


def is_deep(offer: Offer) -> bool:
    """Say whether more than half comes off somewhere: allowed, but mind that selling under cost is
    forbidden outside soldes (Code de commerce L442-5)."""
    if offer.percent is not None:
        return offer.percent > reference_price.DEEP
    rows = [row for row in offer.proof if row["cents"] and row["member_cents"] is not None]
    return any(row["member_cents"] * 2 < row["cents"] for row in rows)


def standing(sale: PrivateSale, shop_id: int, *, used: bool = False) -> list[Offer]:
    """List a shop's offers that stand; ``used``: for a member who has bought there in this sale,
    without those for a first purchase."""
    offers = Offer.objects.filter(sale=sale, shop_id=shop_id, blocked="").order_by("pk")
    return list(offers.filter(once=False) if used else offers)


def has_used(sale: PrivateSale, shop_id: int, member_id: int) -> bool:
    """Say whether a member has bought at a shop since the sale's doors opened, and not brought all
    of it back."""
    bought = Receipt.objects.filter(
        shop_id=shop_id, member=member_id, returns=None, gross_cents__gt=0,
        issued_at__gte=sale.starts_at - town.EARLY, issued_at__lt=sale.ends_at,
    )  # fmt: skip
    back = Coalesce(Sum("returned_by__gross_cents"), 0)  # each of them is less than nothing
    return bought.annotate(kept=F("gross_cents") + back).filter(kept__gt=0).exists()


def best(found: Iterable[Offer]) -> dict[str, Priced]:
    """Return the best price by some offers for a single piece of each article that one of them has
    a proof of. Offers that ask for a least purchase are left out: who has typed the amount knows
    whether they hold."""
    stand = [offer for offer in found if not offer.least_cents]
    rows = {offer.pk: {row["item_id"]: row for row in offer.proof} for offer in stand}
    prices: dict[str, Priced] = {}
    for row in chain.from_iterable(each.values() for each in rows.values()):
        for offer in stand:
            own = rows[offer.pk].get(row["item_id"], row if _covers(offer, row) else None)
            one = None if own is None else _priced(offer, own, 1)
            had = prices.get(row["item_id"])
            if one is not None and (had is None or one.member_cents < had.member_cents):
                prices[one.item_id] = one
    return prices


def _covers(offer: Offer, row: dict[str, Any]) -> bool:
    """Say whether an offer of more articles than its proof tells is of this one, too, and by the
    same reference."""
    more = offer.articles > len(offer.proof) and offer.exception == Offer.Excepted.NONE
    return more and row["plain"] and offer.group in ("", row["group"])


def on_everything(found: Iterable[Offer]) -> list[Offer]:
    """Return the offers that take a percentage off a whole purchase: what is to pay can be said of
    an amount alone (`reference_price.reduced`)."""
    return [o for o in found if o.percent is not None and not (o.item_id or o.group)]


def priced(offer: Offer) -> list[Priced]:
    """List an offer's articles with their prices; of a ladder each with that of every step."""
    counts = [count for count, _percent in offer.ladder] if offer.ladder else [1]
    rows = (_priced(offer, row, count) for row in offer.proof for count in counts)
    return [row for row in rows if row is not None]


def _priced(offer: Offer, row: dict[str, Any], articles: int) -> Priced | None:
    basis = row["cents"] if row["cents"] is not None else row["now_cents"]
    percent = offer.percent
    if offer.ladder is not None:
        percent = reference_price.step_of(offer.ladder, articles)
    if basis is None or percent == 0:
        return None
    cents = offer.price_cents if percent is None else reference_price.reduced(basis, percent)
    if cents is None:
        return None
    return Priced(offer.pk, row["item_id"], row["name"], cents, row["cents"], percent, articles)


def _proof(offer: Offer, article: Article, day: date) -> dict[str, Any]:
    """Return what proves an offer's reduction of one article, as it is stored."""
    lowest = _lowest(offer, article, day)
    price, now = lowest.price, reference_price.in_force(article.held, day)
    known = price is not None and lowest.complete
    basis = price.cents if price is not None and known else now.cents if now else None
    member = _member_cents(offer, basis)
    missing = None if offer.exception == Offer.Excepted.PERISHABLE else lowest.missing
    return {
        "item_id": article.item_id,
        "name": article.name,
        "group": article.group,
        "plain": offer.exception == Offer.Excepted.NONE,
        "cents": price.cents if price is not None and known else None,
        "since": price.since.isoformat() if price is not None and known else None,
        "recorded_by": price.recorded_by if price is not None and known else "",
        "recorded_at": price.recorded_at.isoformat() if price is not None and known else None,
        "first": lowest.first.isoformat(),
        "last": lowest.last.isoformat(),
        "missing": [each.isoformat() for each in missing] if missing else None,
        "now_cents": now.cents if now else None,
        "member_cents": member,
        "lower": _is_lower(member, basis, now.cents if now else None),
    }


def _lowest(offer: Offer, article: Article, day: date) -> Lowest:
    if offer.exception == Offer.Excepted.PROGRESSIVE:
        day = reference_price.first_reduction(article.held, day)
    return reference_price.lowest_before(article.held, day)


def _member_cents(offer: Offer, basis: int | None) -> int | None:
    """Return the lowest that a member may pay by an offer (a ladder at its top)."""
    if offer.price_cents is not None:
        return offer.price_cents
    if basis is None:
        return None
    percent = offer.ladder[-1][1] if offer.ladder else offer.percent
    return reference_price.reduced(basis, percent or 0)


def _is_lower(member: int | None, basis: int | None, now: int | None) -> bool:
    """Say whether a member price is one: less than the reference, and than what all pay now."""
    if member is None:
        return True
    return (basis is None or member < basis) and (now is None or member < now)


def _more(count: int) -> str:
    rest = count - _NAMED_AT_MOST
    return "; " + _("and {count} more articles").format(count=rest) if rest > 0 else ""


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")


def _euro(row: dict[str, Any]) -> str:
    """What a member price must be less than: the reference, and what all pay now."""
    cents = min(each for each in (row["cents"], row["now_cents"]) if each is not None)
    return f"{cents // 100},{cents % 100:02d} €"
