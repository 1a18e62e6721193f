"""What a private sale reduces: checked against the shop's prices, and priced for a customer.

An offer names one article, a product group, or all. Each of its articles needs a proof: the lowest
price of the thirty days before the sale (`reference_price`); where one lacks, the offer is blocked
and says which. What is shown beside a member price is that reference, and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Offer, PrivateSale, Receipt
from chaland.hub.loyalty.sales import prices, reference_price, town
from chaland.hub.loyalty.sales.prices import Article
from chaland.hub.loyalty.sales.reference_price import Lowest
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

NO_ARTICLES, NO_PRICE, NOT_LOWER = "no-articles", "no-price", "not-lower"
"""Values of ``Offer.blocked``; `why_blocked` says them in words."""
_NAMED_AT_MOST = 3


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
class Priced:
    """What a member pays for one piece of an article. ``reference_cents`` stands beside it, by
    law; None where the law asks for none (goods that spoil soon) and none is known."""

    offer_id: int
    item_id: str
    item_name: str
    member_cents: int
    reference_cents: int | None
    percent: int | None
    """Of the ladder's step or the offer; None for a member price."""


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


def check(offer: Offer, sale: PrivateSale) -> None:
    """Set an offer's ``proof`` and ``blocked`` as the shop's prices stand now; not saved."""
    day = town.days_of(sale)[0]
    growing = offer.exception == Offer.Excepted.PROGRESSIVE  # it may have begun at any time
    found = prices.articles(
        offer.shop_id,
        None if growing else day,
        item_ids=[offer.item_id] if offer.item_id else None,
        group=offer.group,
    )
    perishable = offer.exception == Offer.Excepted.PERISHABLE
    offer.proof = [_proof(offer, article, day) for article in found]
    offer.checked_at = clock.now()
    if perishable:
        lacking = False
    elif not found:
        offer.blocked = NO_ARTICLES
        return
    else:
        lacking = any(row["missing"] for row in offer.proof)
    lower = all(row["lower"] for row in offer.proof if not row["missing"])
    offer.blocked = NO_PRICE if lacking else "" if lower else NOT_LOWER


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
        return "; ".join(named) + _more(rows)
    if offer.blocked == NOT_LOWER:
        rows = [row for row in offer.proof if not row["missing"] and not row["lower"]]
        named = [
            _("{article} costs no less than before ({price})").format(
                article=row["name"], price=_euro(row)
            )
            for row in rows[:_NAMED_AT_MOST]
        ]
        return "; ".join(named) + _more(rows)
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
    """Say whether a member has bought at a shop since the sale's doors opened."""
    return Receipt.objects.filter(
        shop_id=shop_id, member=member_id, returns=None, gross_cents__gt=0,
        issued_at__gte=sale.starts_at - town.EARLY, issued_at__lt=sale.ends_at,
    ).exists()  # fmt: skip


def best(found: Iterable[Offer]) -> dict[str, Priced]:
    """Return the best price by some offers for a single piece of each article. Offers that ask for
    a least purchase are left out: who has typed the amount knows whether they hold."""
    prices: dict[str, Priced] = {}
    for offer in found:
        for row in offer.proof if not offer.least_cents else ():
            one, had = _priced(offer, row, 1), prices.get(row["item_id"])
            if one is not None and (had is None or one.member_cents < had.member_cents):
                prices[one.item_id] = one
    return prices


def on_everything(found: Iterable[Offer]) -> list[Offer]:
    """Return the offers that take a percentage off a whole purchase: what is to pay can be said of
    an amount alone (`reference_price.reduced`)."""
    return [o for o in found if o.percent is not None and not (o.item_id or o.group)]


def priced(offer: Offer) -> list[Priced]:
    """List an offer's articles with their prices (at a ladder's top)."""
    top = offer.ladder[-1][0] if offer.ladder else 1
    rows = (_priced(offer, row, top) for row in offer.proof)
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
    return Priced(offer.pk, row["item_id"], row["name"], cents, row["cents"], percent)


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


def _more(rows: Sequence[object]) -> str:
    rest = len(rows) - _NAMED_AT_MOST
    return "; " + _("and {count} more articles").format(count=rest) if rest > 0 else ""


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")


def _euro(row: dict[str, Any]) -> str:
    """What a member price must be less than: the reference, and what all pay now."""
    cents = min(each for each in (row["cents"], row["now_cents"]) if each is not None)
    return f"{cents // 100},{cents % 100:02d} €"
