"""A sale in preparation: its days, its shops, what they reduce."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Offer, PrivateSale, SaleShop
from chaland.hub.loyalty.sales import offers
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import CENTS_AT_MOST
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import draft_locked, sale_locked
from chaland.hub.loyalty.sales.services.opening import checked_offer, recheck

LONGEST = timedelta(days=31)
_State = PrivateSale.State


@dataclass(frozen=True, slots=True)
class SaleIn:
    """A sale as entered; ``shop_id`` None: of the association, with the shops that agree."""

    association_id: int
    shop_id: int | None
    name: str
    starts_at: datetime
    ends_at: datetime
    door_open: bool = True


@contention.anew
@transaction.atomic(using="loyalty")
def create(told: SaleIn, actor: str) -> PrivateSale:
    """Begin a sale; a shop's own has that shop in it, which agrees to itself."""
    _check(told)
    sale = PrivateSale.objects.create(
        association_id=told.association_id,
        shop_id=told.shop_id,
        name=on_one_line(told.name),
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        door_open=told.door_open,
        created_at=clock.now(),
        created_by=actor,
    )
    if told.shop_id is not None:
        _own_shop(sale, told.shop_id)
        SaleShop.objects.create(
            sale=sale, shop_id=told.shop_id, agreed_at=sale.created_at, agreed_by=actor
        )
    return sale


@contention.anew
@transaction.atomic(using="loyalty")
def edit(sale_id: int, told: SaleIn) -> PrivateSale:
    """Change name, days and door of a sale in preparation; its offers are checked anew, since the
    thirty days before it are others. Slots that no longer lie within it are an error."""
    sale = draft_locked(sale_id)
    _check(told)
    outside = sale.slots.exclude(starts_at__gte=told.starts_at, ends_at__lte=told.ends_at)
    if outside.exists():
        raise SaleErrorFinal("slot-times")
    sale.name, sale.door_open = on_one_line(told.name), told.door_open
    sale.starts_at, sale.ends_at = told.starts_at, told.ends_at
    sale.save(update_fields=["name", "door_open", "starts_at", "ends_at"])
    for offer in sale.offers.all():
        recheck(offer, sale)
    return sale


@contention.anew
@transaction.atomic(using="loyalty")
def add_shop(sale_id: int, shop_id: int) -> SaleShop:
    """Ask a shop to take part in an association's sale; it does once it agrees (`agree`)."""
    sale = _changeable(sale_id)
    _own_shop(sale, shop_id)
    if sale.shop_id is not None and sale.shop_id != shop_id:
        raise SaleErrorFinal("no-shop")
    return SaleShop.objects.get_or_create(sale=sale, shop_id=shop_id)[0]


@contention.anew
@transaction.atomic(using="loyalty")
def agree(sale_id: int, shop_id: int, actor: str) -> SaleShop:
    """Let a shop that was asked take part. In a sale that is announced already, each of its offers
    must be fit to be announced."""
    sale = _changeable(sale_id)
    there = _taking_part(sale, shop_id)
    if sale.state == _State.OPEN:
        for offer in sale.offers.filter(shop_id=shop_id):
            checked_offer(offer, sale)
    if there.agreed_at is None:
        there.agreed_at, there.agreed_by = clock.now(), actor
        there.save(update_fields=["agreed_at", "agreed_by"])
    return there


@contention.anew
@transaction.atomic(using="loyalty")
def withdraw(sale_id: int, shop_id: int) -> None:
    """Take a shop's yes back while an association's sale is in preparation: it is asked again, and
    what it typed stays. Once announced, members count on it."""
    sale = draft_locked(sale_id)
    if sale.shop_id is not None:
        raise SaleErrorFinal("no-shop")
    there = _taking_part(sale, shop_id)
    there.agreed_at, there.agreed_by = None, ""
    there.save(update_fields=["agreed_at", "agreed_by"])


@contention.anew
@transaction.atomic(using="loyalty")
def remove_shop(sale_id: int, shop_id: int) -> None:
    """Take a shop and its offers out of an association's sale that is in preparation: it was asked
    by mistake, or says no."""
    sale = draft_locked(sale_id)
    if sale.shop_id is not None:
        raise SaleErrorFinal("no-shop")
    _taking_part(sale, shop_id).delete()
    sale.offers.filter(shop_id=shop_id).delete()


@contention.anew
@transaction.atomic(using="loyalty")
def set_offer(sale_id: int, shop_id: int, told: OfferIn, offer_id: int | None = None) -> Offer:
    """Add or change (``offer_id``) an offer of a shop. In preparation it is kept even if blocked,
    with the reason; once announced, only an offer that is fit to be announced can be added, and
    none be changed."""
    told = offers.checked(told)
    sale = _changeable(sale_id)
    _taking_part(sale, shop_id)
    if offer_id is not None:
        if sale.state != _State.DRAFT:
            raise SaleErrorFinal("not-draft")
        if not sale.offers.filter(pk=offer_id, shop_id=shop_id).exists():
            raise SaleErrorFinal("no-offer")
    offer = offers.made(told, shop_id)
    offer.pk, offer.sale = offer_id, sale
    offers.check(offer, sale)
    offer.save()
    if sale.state == _State.OPEN:
        checked_offer(offer, sale)  # else the transaction is undone
    return offer


@contention.anew
@transaction.atomic(using="loyalty")
def remove_offer(sale_id: int, shop_id: int, offer_id: int) -> None:
    """Take an offer of a shop out of a sale in preparation."""
    gone, _each = draft_locked(sale_id).offers.filter(pk=offer_id, shop_id=shop_id).delete()
    if not gone:
        raise SaleErrorFinal("no-offer")


@contention.anew
@transaction.atomic(using="loyalty")
def set_cost(sale_id: int, cents: int | None) -> None:
    """Note what the goods that guests bought had cost the shop, with VAT; None: not told."""
    sale = sale_locked(sale_id)
    if cents is not None and not 0 < cents <= CENTS_AT_MOST:
        raise SaleErrorFinal("cost")
    sale.cost_cents = cents
    sale.save(update_fields=["cost_cents"])


def _changeable(sale_id: int) -> PrivateSale:
    sale = sale_locked(sale_id)
    if sale.state not in (_State.DRAFT, _State.OPEN) or sale.ends_at <= clock.now():
        raise SaleErrorFinal("over")
    return sale


def _taking_part(sale: PrivateSale, shop_id: int) -> SaleShop:
    there = SaleShop.objects.filter(sale=sale, shop_id=shop_id).first()
    if there is None:
        raise SaleErrorFinal("no-shop")
    return there


def _own_shop(sale: PrivateSale, shop_id: int) -> None:
    if not Shop.objects.filter(pk=shop_id, association_id=sale.association_id).exists():
        raise SaleErrorFinal("no-shop")


def _check(told: SaleIn) -> None:
    if not 1 <= len(on_one_line(told.name)) <= 80:
        raise SaleErrorFinal("name")
    if not timedelta(0) < told.ends_at - told.starts_at <= LONGEST:
        raise SaleErrorFinal("days")
    if told.ends_at <= clock.now():
        raise SaleErrorFinal("past")
