"""Sellers: a name and a PIN each, so that a till knows who serves. No account, no e-mail."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Seller, Till
from chaland.hub.loyalty.till import rules


class WeakPinErrorFinal(Exception):
    """A PIN of other than 4 to 8 digits, of one digit, or of digits in a row."""


@dataclass(frozen=True)
class PinAnswer:
    """Whether a PIN opened the till; else the tries that are left, or until when it is locked."""

    seller: Seller | None
    tries_left: int = 0
    locked_until: datetime | None = None


def add_seller(
    *, association_id: int, shop_id: int, name: str, pin: str, own_member_id: int | None = None
) -> Seller:
    """Add a seller to a shop.

    Raises:
        WeakPinErrorFinal: the PIN would be guessed.
    """
    return Seller.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        name=name,
        pin_hash=_hashed(pin),
        own_member_id=own_member_id,
    )


def set_pin(seller: Seller, pin: str) -> None:
    """Give a seller another PIN; this also ends a lock.

    Raises:
        WeakPinErrorFinal: the PIN would be guessed.
    """
    seller.pin_hash = _hashed(pin)
    seller.wrong_pins, seller.locked_until = 0, None
    seller.save(update_fields=["pin_hash", "wrong_pins", "locked_until"])


def close_seller(seller: Seller) -> None:
    """Let a seller serve no more; tills where the seller stands are locked at once."""
    with transaction.atomic(using="loyalty"):
        seller.active = False
        seller.save(update_fields=["active"])
        Till.objects.filter(seller=seller).update(seller=None)


def sellers_of(shop_id: int) -> QuerySet[Seller]:
    """List a shop's sellers who serve, by name."""
    return Seller.objects.filter(shop_id=shop_id, active=True).order_by("name", "pk")


def sign_in(till: Till, seller_id: int, pin: str) -> PinAnswer:
    """Put a seller at a till, where the PIN is right.

    Five wrong ones lock the seller (on all tills) for a quarter of an hour, and each wrong one
    after it again, until a right one or a new PIN.
    """
    now = clock.now()
    with transaction.atomic(using="loyalty"):
        # Locked, so that a thousand tries at once are counted as a thousand.
        seller = sellers_of(till.shop_id).select_for_update().filter(pk=seller_id).first()
        if seller is None:
            return PinAnswer(None)
        if seller.locked_until is not None and seller.locked_until > now:
            return PinAnswer(None, 0, seller.locked_until)
        if rules.pin_fits(pin, seller.pin_hash, settings.INDEX_KEY):
            seller.wrong_pins, seller.locked_until = 0, None
            till.seller = seller
            till.save(update_fields=["seller"])
        else:
            seller.wrong_pins = min(seller.wrong_pins + 1, 1000)
            if seller.wrong_pins >= rules.WRONG_PINS_BEFORE_LOCK:
                seller.locked_until = now + rules.LOCK
        seller.save(update_fields=["wrong_pins", "locked_until"])
    if seller.wrong_pins == 0:
        return PinAnswer(seller)
    left = max(0, rules.WRONG_PINS_BEFORE_LOCK - seller.wrong_pins)
    return PinAnswer(None, left, seller.locked_until)


def leave(till: Till) -> None:
    """Lock a till: nobody stands there until the next PIN."""
    till.seller = None
    till.save(update_fields=["seller"])


def _hashed(pin: str) -> str:
    if rules.is_weak_pin(pin):
        raise WeakPinErrorFinal
    return rules.pin_hash(pin, settings.INDEX_KEY)
