"""Shifts: what a right PIN gives to the device, and every receipt that is typed then carries.

A receipt may reach the hub hours later, when nobody or somebody else stands there. A seller's
number alone is never believed: the token says, signed, who stood at which till since when.
"""

from datetime import UTC, datetime, timedelta

from django.core import signing

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Seller, Till

LONGEST = timedelta(hours=14)
CLOCKS_APART = timedelta(minutes=10)


class ShiftErrorFinal(Exception):
    """Nobody had given the PIN when this was made."""


def is_open(till: Till) -> bool:
    """Say whether somebody stands at the till: gave the PIN, not longer ago than a shift."""
    since = till.seller_since
    return till.seller_id is not None and since is not None and clock.now() - since <= LONGEST


def token_of(till: Till) -> str:
    """Return the token of who stands at the till now; empty where nobody does."""
    if till.seller_since is None or not is_open(till):
        return ""
    return _signer(till).sign_object([till.seller_id, int(till.seller_since.timestamp())])


def seller_of(till: Till, token: str, made_at: datetime) -> int:
    """Return who stood at the till when something was made.

    Raises:
        ShiftErrorFinal: no token of this till; made before or long after the PIN, or in the
            future; or by somebody who had ceased to serve.
    """
    try:
        seller_id, seconds = _signer(till).unsign_object(token)
    except signing.BadSignature:
        raise ShiftErrorFinal from None
    since = datetime.fromtimestamp(seconds, tz=UTC)
    if not since - CLOCKS_APART <= made_at <= min(since + LONGEST, clock.now() + CLOCKS_APART):
        raise ShiftErrorFinal
    seller = Seller.objects.filter(pk=seller_id, shop_id=till.shop_id).first()
    if seller is None or (seller.closed_at is not None and made_at > seller.closed_at):
        raise ShiftErrorFinal
    return seller.pk


def _signer(till: Till) -> signing.Signer:
    return signing.Signer(salt=f"chaland.till.{till.pk}.shift")
