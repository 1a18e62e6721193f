"""A sale announced, called off and closed; and what keeps it from being announced."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import ArticlePrice, Offer, PrivateSale
from chaland.hub.loyalty.sales import legal, offers, prices, town
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import draft_locked, sale_locked

_State = PrivateSale.State


@contention.anew
@transaction.atomic(using="loyalty")
def open_sale(sale_id: int, texts: Sequence[str] = ()) -> PrivateSale:
    """Announce a sale: from now on members can be invited.

    ``texts`` are those of its campaigns. Each offer is checked anew; SaleErrorFinal is the first
    of `stops`. Shops that haven't agreed, and their offers, stay out.
    """
    sale = draft_locked(sale_id)
    for offer in _announced(sale):
        recheck(offer, sale)
    stop = next(iter(stops(sale, texts)), None)
    if stop is not None:
        raise stop
    sale.state = _State.OPEN
    sale.save(update_fields=["state"])
    return sale


def stops(sale: PrivateSale, texts: Iterable[str] = ()) -> list[SaleErrorFinal]:
    """List all that keeps a sale from being announced, for its page; empty: it can be.

    Offers are taken as they were checked last.
    """
    found = []
    if sale.ends_at <= clock.now():
        found.append(SaleErrorFinal("past"))
    if not sale.shops.filter(agreed_at__isnull=False).exists():
        found.append(SaleErrorFinal("no-shops"))
    announced = list(_announced(sale))
    if not announced:
        found.append(SaleErrorFinal("no-offers"))
    found += [_blocked(offer) for offer in announced if offer.blocked]
    return found + _words(sale, [sale.name, *(offer.name for offer in announced), *texts])


@contention.anew
@transaction.atomic(using="loyalty")
def cancel_sale(sale_id: int) -> PrivateSale:
    """Call a sale off, announced or not. Invitations stay, and open no door any more."""
    sale = sale_locked(sale_id)
    if sale.state == _State.CANCELLED:
        return sale
    if sale.state == _State.OVER or sale.ends_at <= clock.now():
        raise SaleErrorFinal("over")
    sale.state, sale.closed_at = _State.CANCELLED, clock.now()
    sale.save(update_fields=["state", "closed_at"])
    return sale


def close_due(now: datetime) -> int:
    """Close the sales whose time is over; return how many. (The worker, each minute.)"""
    due = PrivateSale.objects.filter(state=_State.OPEN, ends_at__lte=now)
    return due.update(state=_State.OVER, closed_at=now)


def checked_offer(offer: Offer, sale: PrivateSale) -> None:
    """Check an offer of a sale that is announced, and save it; SaleErrorFinal where it is blocked
    or its name complains."""
    recheck(offer, sale)
    if offer.blocked:
        raise _blocked(offer)
    for stop in _words(sale, [offer.name]):
        raise stop


@contention.anew
def take_prices(
    association_id: int,
    shop_id: int,
    told: Sequence[PriceIn],
    actor: str,
    *,
    today: date,
    source: str = ArticlePrice.Source.ENTERED,
) -> int:
    """Record prices of a shop, and check anew the offers of its sales that haven't begun; return
    how many prices were new.

    An announced offer that is blocked by it is no longer priced or listed. All in one transaction,
    which a file of 100,000 holds for a second or two: what is read of it is read before."""
    new = prices.unrecorded(shop_id, told, today)
    if new:
        _taken(association_id, shop_id, new, actor, source)
    return len(new)


@transaction.atomic(using="loyalty")
def _taken(
    association_id: int, shop_id: int, new: Sequence[PriceIn], actor: str, source: str
) -> None:
    prices.record(association_id, shop_id, new, actor, source=source)
    states = (_State.DRAFT, _State.OPEN)
    waiting = PrivateSale.objects.filter(
        offers__shop_id=shop_id, starts_at__gt=clock.now(), state__in=states
    )
    for sale_id in sorted(set(waiting.values_list("pk", flat=True))):
        sale = sale_locked(sale_id)
        for offer in sale.offers.filter(shop_id=shop_id):
            recheck(offer, sale)


def recheck(offer: Offer, sale: PrivateSale) -> None:
    """Check an offer by the prices of now, and keep what was found; the sale is locked."""
    offers.check(offer, sale)
    offer.save(update_fields=["proof", "articles", "at_fault", "blocked", "checked_at"])


def _announced(sale: PrivateSale) -> QuerySet[Offer]:
    agreed = sale.shops.filter(agreed_at__isnull=False).values("shop_id")
    return sale.offers.filter(shop_id__in=agreed).order_by("pk")


def _blocked(offer: Offer) -> SaleErrorFinal:
    told = f"{offer.name} ({offers.why_blocked(offer)})"
    return SaleErrorFinal("blocked", offer_id=offer.pk, offer=told)


def _words(sale: PrivateSale, texts: Iterable[str]) -> list[SaleErrorFinal]:
    first, last = town.days_of(sale)
    department = town.department_of(sale.association_id)
    return [
        SaleErrorFinal("soldes-word", word=complaint.word)
        for text in texts
        for complaint in legal.complaints(text, first, department, last)
    ]
