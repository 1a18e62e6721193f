"""A shop's keys for tills of others: shown once, kept as their hash, two valid at a time.

To rotate: make the second key, give it to the till, revoke the first when the second is in use.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from chaland.hub.loyalty.models import ApiKey

PREFIX = "chl_"
VALID_AT_MOST = 2
_HINT = 8
_USED_EVERY = timedelta(minutes=5)
"""How exactly the last use is known; a write for each request would cost more than the request."""


class TooManyKeysErrorFinal(Exception):
    """The shop has two valid keys: one must be revoked before a third is made."""


@dataclass(frozen=True)
class Caller:
    """Who calls: a key, and the shop that it belongs to."""

    key_id: int
    association_id: int
    shop_id: int

    @property
    def actor(self) -> str:
        """Return how ledger and look-ups name it."""
        return f"key:{self.key_id}"

    @property
    def scope(self) -> str:
        """Return whose idempotency keys these are: the shop's, so that they outlive a rotation."""
        return f"shop:{self.shop_id}"


def valid_keys(shop_id: int, now: datetime) -> QuerySet[ApiKey]:
    """List a shop's keys that open the door now, newest first."""
    return ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), shop_id=shop_id, revoked_at=None
    ).order_by("-pk")


def make_key(association_id: int, shop_id: int, name: str, now: datetime) -> str:
    """Make a key of a shop and return it: it can't be shown again. Raises TooManyKeysErrorFinal."""
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic(using="loyalty"):
        if len(valid_keys(shop_id, now).select_for_update()) >= VALID_AT_MOST:
            raise TooManyKeysErrorFinal
        ApiKey.objects.create(
            association_id=association_id,
            shop_id=shop_id,
            name=name,
            key_hash=_hashed(token),
            hint=token[:_HINT],
            made_at=now,
        )
    return token


def revoke(key: ApiKey, now: datetime) -> None:
    """Refuse a key from its next request on."""
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])


def caller_of(token: str, now: datetime) -> Caller | None:
    """Return who holds this key, or None: unknown, revoked or out of date, which nobody is told.

    It is found by the hash of 256 random bits, so the time that the index takes tells nothing.
    """
    if not token.startswith(PREFIX):
        return None
    hashed = _hashed(token)
    key = ApiKey.objects.filter(key_hash=hashed, revoked_at=None).first()
    if key is None or not hmac.compare_digest(key.key_hash, hashed):
        return None
    if key.expires_at is not None and key.expires_at <= now:
        return None
    if key.last_used_at is None or now - key.last_used_at > _USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return Caller(key.pk, key.association_id, key.shop_id)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
