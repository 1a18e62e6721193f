"""A person's rights, for who answers for data protection: what is known, proof of consent, erasure.

For a letter or a mail that reaches the association; members do all of this in their own account.
"""

from typing import Any

from chaland.hub.association.models import Association
from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account.portable import everything
from chaland.hub.loyalty.consent.services import chain_of, verify_member
from chaland.hub.loyalty.consent.wordings import digest_of
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.lookups import Asker, logged
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import Lookup, Member

_ACTOR = "console"


def members_with(contact: str) -> list[Member]:
    """Return who has this number or address, in each association; on record as a look-up.

    Raises MemberErrorFinal where the text is neither.
    """
    by_mail = "@" in contact
    value = contacts.email_of(contact) if by_mail else contacts.phone_of(contact)
    kind = "email" if by_mail else "phone"
    found = []
    for town in Association.objects.values_list("pk", flat=True):
        there = list(
            Member.objects.filter(
                association_id=town, **{f"{kind}_index": contacts.blind(kind, town, value)}
            )
        )
        asker = Asker(town, None, _ACTOR)
        logged(asker, Lookup.Kind.EMAIL if by_mail else Lookup.Kind.PHONE, there)
        found += there
    return found


def known(member: Member) -> dict[str, Any]:
    """Return all that is known of a member (L15), as the account's own export tells it."""
    return everything(member)


def proof(member: Member) -> dict[str, Any]:
    """Return the chain of consents with what each link rests on, and whether it is whole (L3)."""
    checked = verify_member(member)
    return {
        "sound": checked.sound,
        "events": checked.events,
        "head": checked.head,
        "salt": bytes(member.chain_salt).hex(),
        "chain": [
            {
                "position": event.position,
                "at": event.occurred_at.isoformat(),
                "recorded_at": event.recorded_at.isoformat(),
                "controller": event.controller,
                "purpose": event.purpose,
                "channel": event.channel,
                "given": event.given,
                "place": event.place,
                "evidence": event.evidence,
                "text": event.wording.text if event.wording else "",
                "text_sha256": digest_of(event.wording.text) if event.wording else "",
                "commitment": event.commitment,
                "digest": event.digest,
            }
            for event in chain_of(member.chain)
        ],
    }


def erase(member: Member) -> bool:
    """Erase a member at once (L14)."""
    return erasure.erase(member.pk, actor=_ACTOR)


__all__ = ["MemberErrorFinal", "erase", "known", "members_with", "proof"]
