"""Sellers: a name and a PIN each, so that a till knows who serves. No account, no e-mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    """Give a seller another PIN; this also ends a lock, on every till.

    Raises:
        WeakPinErrorFinal: the PIN would be guessed.
    """
    seller.pin_hash = _hashed(pin)
    with transaction.atomic(using="loyalty"):
        seller.save(update_fields=["pin_hash"])
        for till in Till.objects.select_for_update().filter(shop_id=seller.shop_id).order_by("pk"):
            if till.wrong_pins.pop(str(seller.pk), None):
                till.save(update_fields=["wrong_pins"])


def close_seller(seller: Seller) -> None:
    """Let a seller serve no more; tills where the seller stands are locked at once."""
    with transaction.atomic(using="loyalty"):
        seller.active, seller.closed_at = False, clock.now()
        seller.save(update_fields=["active", "closed_at"])
        Till.objects.filter(seller=seller).update(seller=None, seller_since=None)


def sellers_of(shop_id: int) -> QuerySet[Seller]:
    """List a shop's sellers who serve, by name."""
    return Seller.objects.filter(shop_id=shop_id, active=True).order_by("name", "pk")


def sign_in(till: Till, seller_id: int, pin: str) -> PinAnswer:
    """Put a seller at a till, where the PIN is right.

    Five wrong ones lock the seller out of this till for a quarter of an hour, and each wrong one
    after it again, until a right one or a new PIN.
    """
    with transaction.atomic(using="loyalty"):
        # Locked, so that a thousand tries at once are counted as a thousand.
        wrong_pins = Till.objects.select_for_update().get(pk=till.pk).wrong_pins
        seller = sellers_of(till.shop_id).filter(pk=seller_id).first()
        if seller is None:
            return PinAnswer(None)
        wrong, until = _tries(wrong_pins, seller)
        if until is not None and until > clock.now():
            return PinAnswer(None, 0, until)
        if rules.pin_fits(pin, seller.pin_hash, settings.INDEX_KEYS[0]):
            wrong_pins.pop(str(seller.pk), None)
            answer = PinAnswer(seller)
            till.seller, till.seller_since = seller, clock.now()
        else:
            wrong = min(wrong + 1, rules.WRONG_PINS_BEFORE_LOCK)
            left = rules.WRONG_PINS_BEFORE_LOCK - wrong
            until = None if left else clock.now() + rules.LOCK
            wrong_pins[str(seller.pk)] = [wrong, until.isoformat() if until else None]
            answer = PinAnswer(None, left, until)
        till.wrong_pins = wrong_pins
        till.save(update_fields=["wrong_pins", "seller", "seller_since"])
    return answer


def _tries(wrong_pins: Mapping[str, Any], seller: Seller) -> tuple[int, datetime | None]:
    wrong, until = wrong_pins.get(str(seller.pk), (0, None))
    return wrong, datetime.fromisoformat(until) if until else None


def locked_at(shop_id: int, now: datetime) -> set[int]:
    """Return the sellers who are locked out of one of the shop's tills."""
    tills = Till.objects.filter(shop_id=shop_id, revoked_at=None).exclude(wrong_pins={})
    return {
        seller.pk
        for till in tills
        for seller in sellers_of(shop_id)
        if (until := _tries(till.wrong_pins, seller)[1]) is not None and until > now
    }


def leave(till: Till) -> None:
    """Lock a till: nobody stands there until the next PIN."""
    till.seller = till.seller_since = None
    till.save(update_fields=["seller", "seller_since"])


def _hashed(pin: str) -> str:
    if rules.is_weak_pin(pin):
        raise WeakPinErrorFinal
    return rules.pin_hash(pin, settings.INDEX_KEYS[0])
