"""How the browser of a till names a member: a sealed reference, good on that till alone.

Numbers of members are never taken from a browser: who has stolen a device could count through them.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.core import signing

from chaland.hub.loyalty.members import references
from chaland.hub.loyalty.members.references import How, Reference
from chaland.hub.loyalty.models import Member, Till

OPEN_FOR = timedelta(minutes=15)
"""How long a member who was found can be opened, and what there is be spent."""
ATTACH_FOR = timedelta(days=30)
"""How long a receipt that waits on a device may name a member by it."""
_RECEIPT_FOR = timedelta(hours=12)


class StaleRefErrorFinal(Exception):
    """The reference is of another till, too old, or its member is gone: look the member up."""


class ClosedAccountErrorFinal(Exception):
    """The member has left, lets the account rest, or was merged into another."""


class NameOnlyErrorFinal(Exception):
    """The member was found by a name alone: that is not enough to spend."""


def refs_of(
    till: Till, member_ids: Iterable[int], how: How, ago: timedelta = timedelta()
) -> dict[int, str]:
    """Return references of members who were found on this till, just now or some time ``ago``."""
    return references.give(_scope(till), member_ids, how, ago)


def read(till: Till, ref: str, valid_for: timedelta = OPEN_FOR) -> Reference:
    """Return what a reference says; StaleRefErrorFinal: of another till, or too old."""
    found = references.read(_scope(till), ref, valid_for)
    if found is None:
        raise StaleRefErrorFinal
    return found


def opened(till: Till, ref: str) -> tuple[Member, Reference]:
    """Return the member, of the till's association, and how the member was found.

    StaleRefErrorFinal as for `read`, or the card was replaced; ClosedAccountErrorFinal.
    """
    said = read(till, ref)
    member = Member.objects.filter(pk=said.member_id, association_id=till.association_id).first()
    if member is None:
        raise StaleRefErrorFinal
    if member.state != Member.State.ACTIVE:
        raise ClosedAccountErrorFinal
    if member.card_version != said.card_version:
        raise StaleRefErrorFinal
    return member, said


def member_of(till: Till, ref: str) -> Member:
    """Return the member. Raises as `opened`."""
    return opened(till, ref)[0]


def spender_of(till: Till, ref: str) -> Member:
    """Return the member whose purse may be spent. NameOnlyErrorFinal, or as `opened`."""
    member, said = opened(till, ref)
    if not said.spends:
        raise NameOnlyErrorFinal
    return member


def receipt_ref(till: Till, receipt_id: int) -> str:
    """Return the reference of a receipt that this till attached or was offered."""
    return _signer(till).sign(str(receipt_id))


def receipt_of(till: Till, ref: str) -> int:
    """Return a receipt's id; StaleRefErrorFinal where it isn't this till's or too old."""
    try:
        return int(_signer(till).unsign(ref, max_age=_RECEIPT_FOR))
    except signing.BadSignature:
        raise StaleRefErrorFinal from None


def _scope(till: Till) -> str:
    return f"till.{till.pk}"


def _signer(till: Till) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"chaland.till.{till.pk}.receipt")
