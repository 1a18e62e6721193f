"""The e-receipt: an address under which a customer reads a receipt, member or not.

The address holds a token that nobody can guess, of which only the hash is stored. A contact given
to send it to is sealed on the link, found by no index, copied nowhere, and wiped once sent (L5).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from chaland.hub.loyalty.models import Receipt, ReceiptLink

LIVES = timedelta(days=90)
_TOKEN_BYTES = 16
CONTACT_LIVES = timedelta(days=7)
"""A contact whose link couldn't be sent by then is wiped, too."""


def make(receipt_id: int, now: datetime, contact: str | None = None) -> tuple[ReceiptLink, str]:
    """Make a link; returns it and the token of its address, which can't be had again."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    link = ReceiptLink.objects.create(
        receipt_id=receipt_id,
        token_hash=_hashed(token),
        contact=contact,
        made_at=now,
        expires_at=now + LIVES,
    )
    return link, token


def made_for(receipt_id: int, key: UUID, now: datetime) -> str:
    """Return the token of the one link that goes with a message, by the message's ``key``, however
    often it is tried: derived under CHALAND_INDEX_KEY, and no more stored than others are."""
    told = hmac.digest(settings.INDEX_KEYS[0], b"chaland receipt link\0" + key.bytes, "sha256")
    token = urlsafe_b64encode(told[:_TOKEN_BYTES]).decode().rstrip("=")
    ReceiptLink.objects.get_or_create(
        token_hash=_hashed(token),
        defaults={"receipt_id": receipt_id, "made_at": now, "expires_at": now + LIVES},
    )
    return token


def receipt_of(token: str, now: datetime) -> Receipt | None:
    """Return the receipt behind a token; None for a wrong one or one whose time is over."""
    link = (
        ReceiptLink.objects.select_related("receipt")
        .defer("contact")
        .filter(token_hash=_hashed(token), expires_at__gt=now)
        .first()
    )
    return link.receipt if link else None


def sent(link_id: int) -> None:
    """Wipe the contact: the link went out."""
    ReceiptLink.objects.filter(pk=link_id).update(contact=None)


def wipe_contacts(now: datetime) -> int:
    """Wipe contacts that waited too long; returns how many."""
    old = ReceiptLink.objects.filter(made_at__lt=now - CONTACT_LIVES).exclude(contact=None)
    return old.update(contact=None)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
