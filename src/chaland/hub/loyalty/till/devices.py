"""Devices that serve as tills: paired by a one-time code, known by a cookie, revoked at once.

The code and the cookie's token are drawn at random; their SHA-256 is all that is stored.
"""

import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Till
from chaland.hub.loyalty.till import rules

_SEEN_EVERY = timedelta(minutes=5)


class PairingErrorFinal(Exception):
    """The code is unknown, used, or older than a quarter of an hour."""


def add_till(*, association_id: int, shop_id: int, name: str) -> tuple[Till, str]:
    """Make a till of a shop; return it and the code that pairs a device, as people read it."""
    till = Till(association_id=association_id, shop_id=shop_id, name=name)
    return till, _give_code(till)


def new_code(till: Till) -> str:
    """Give a till another pairing code. Its present device works until the code is used.

    A revoked till stays revoked: make another, so that old receipts name the device they came from.
    """
    if till.revoked_at is not None:
        raise PairingErrorFinal
    return _give_code(till)


def _give_code(till: Till) -> str:
    code = rules.draw_code()
    till.pairing_hash = rules.token_hash(code)
    till.pairing_expires_at = clock.real_now() + rules.CODE_LIFE
    if till.pk is None:
        till.save()
    else:  # these alone: the caller's copy may be older than the device that was paired since
        till.save(update_fields=["pairing_hash", "pairing_expires_at"])
    return rules.shown_code(code)


def pair(code: str) -> tuple[Till, str]:
    """Use a code; return its till and the token that the device's cookie carries from now on.

    Raises:
        PairingErrorFinal: nothing says whether the code was wrong, used or too old.
    """
    hashed = rules.token_hash(rules.typed_code(code))
    with transaction.atomic(using="loyalty"):
        till = Till.objects.select_for_update().filter(pairing_hash=hashed).first()
        expires = till.pairing_expires_at if till else None
        now = clock.now()
        if till is None or till.revoked_at or expires is None or expires <= clock.real_now():
            raise PairingErrorFinal
        token = secrets.token_urlsafe(32)
        till.token_hash = rules.token_hash(token)
        till.pairing_hash = till.pairing_expires_at = till.seller = till.seller_since = None
        till.paired_at = till.last_seen_at = now
        till.save()
    return till, token


def revoke(till: Till) -> None:
    """Shut a device out, from its next request on. Its unsent receipts stay on it, refused."""
    till.revoked_at = clock.now()
    till.token_hash = till.pairing_hash = till.seller = till.seller_since = None
    till.save(update_fields=["revoked_at", "token_hash", "pairing_hash", "seller", "seller_since"])


def till_of(token: str) -> Till | None:
    """Return the till that a cookie stands for, with the seller; None where there is none."""
    if not token:
        return None
    found = Till.objects.select_related("seller").filter(token_hash=rules.token_hash(token)).first()
    if found is None:
        return None
    now = clock.now()
    if found.last_seen_at is None or now - found.last_seen_at > _SEEN_EVERY:
        found.last_seen_at = now
        found.save(update_fields=["last_seen_at"])
    return found


def tills_of(shop_id: int) -> QuerySet[Till]:
    """List a shop's tills, revoked ones too, newest first."""
    return Till.objects.filter(shop_id=shop_id).select_related("seller").order_by("-pk")


def actor_of(till: Till, seller_id: int | None = None) -> str:
    """Return who acts, for ledger, consents and look-ups: ``till:3 seller:5``."""
    seller_id = seller_id or till.seller_id
    return f"till:{till.pk} seller:{seller_id}" if seller_id else f"till:{till.pk}"
