"""How the browser of a till names a member: a signed reference, good on that till alone.

Numbers of members are never taken from a browser: who has stolen a device could count through them.
"""

from datetime import timedelta

from django.core import signing

from chaland.hub.loyalty.models import Member, Till

OPEN_FOR = timedelta(hours=12)
"""How long a member who was looked up can be opened again."""
ATTACH_FOR = timedelta(days=30)
"""How long a receipt that waits on a device may name a member by it."""


class StaleRefErrorFinal(Exception):
    """The reference is of another till, too old, or its member is gone: look the member up."""


def ref_of(till: Till, member_id: int) -> str:
    """Return the reference of a member who was looked up on this till."""
    return _signer(till).sign(str(member_id))


def member_of(till: Till, ref: str, valid_for: timedelta = OPEN_FOR) -> Member:
    """Return the member, of the till's association; StaleRefErrorFinal otherwise."""
    try:
        number = int(_signer(till).unsign(ref, max_age=valid_for))
    except signing.BadSignature:
        raise StaleRefErrorFinal from None
    member = Member.objects.filter(pk=number, association_id=till.association_id).first()
    if member is None:
        raise StaleRefErrorFinal
    return member


def receipt_ref(till: Till, receipt_id: int) -> str:
    """Return the reference of a receipt that this till attached or was offered."""
    return _signer(till, "receipt").sign(str(receipt_id))


def receipt_of(till: Till, ref: str) -> int:
    """Return a receipt's id; StaleRefErrorFinal where it isn't this till's or too old."""
    try:
        return int(_signer(till, "receipt").unsign(ref, max_age=OPEN_FOR))
    except signing.BadSignature:
        raise StaleRefErrorFinal from None


def _signer(till: Till, what: str = "member") -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"chaland.till.{till.pk}.{what}")
