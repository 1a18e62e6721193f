"""The card: a QR or printed code that names a member to this association, and says nothing else.

24 signs of base32: member id (5 bytes), card version (2), and 8 bytes of HMAC-SHA-256 under
CHALAND_INDEX_KEY. A lost card is made worthless by raising the version.
"""

import base64
import hmac
from collections.abc import Iterable

from django.conf import settings

from chaland.hub.loyalty.models import Member

SIGNS = 24
_ID_BYTES, _VERSION_BYTES, _PROOF_BYTES = 5, 2, 8


def token(member: Member) -> str:
    """Return what a member's card says."""
    told = member.pk.to_bytes(_ID_BYTES) + member.card_version.to_bytes(_VERSION_BYTES)
    return base64.b32encode(told + _proof(member.association_id, told)).decode()


def member_of(association_id: int, text: str) -> Member | None:
    """Return the member that a card names (of a merged double: the one that remains), or None."""
    told = _read(association_id, text)
    if told is None:
        return None
    member = Member.objects.filter(pk=told[0], association_id=association_id).first()
    if member is None or member.card_version != told[1]:
        return None
    return survivor(member)


def members_of(association_id: int, tokens: Iterable[str]) -> dict[str, int]:
    """Return member ids by card, in one query; cards of nobody, or not valid now, are left out."""
    told = {text: read for text in tokens if (read := _read(association_id, text)) is not None}
    members = Member.objects.select_related("merged_into").in_bulk({pk for pk, _v in told.values()})
    answer: dict[str, int] = {}
    for text, (pk, version) in told.items():
        member = members.get(pk)
        if member is None or member.card_version != version:
            continue
        remains = survivor(member) if member.association_id == association_id else None
        if remains is not None and remains.state == Member.State.ACTIVE:
            answer[text] = remains.pk
    return answer


def survivor(member: Member) -> Member | None:
    """Follow mergings to the member that remains."""
    for _step in range(20):
        if member.state != Member.State.MERGED:
            return member
        if member.merged_into is None:
            return None
        member = member.merged_into
    return None


def _read(association_id: int, text: str) -> tuple[int, int] | None:
    plain = "".join(text.split()).upper()
    if len(plain) != SIGNS:
        return None
    try:
        whole = base64.b32decode(plain)
    except ValueError:  # not base32, or not even ASCII
        return None
    told, proof = whole[:-_PROOF_BYTES], whole[-_PROOF_BYTES:]
    if not hmac.compare_digest(proof, _proof(association_id, told)):
        return None
    return int.from_bytes(told[:_ID_BYTES]), int.from_bytes(told[_ID_BYTES:])


def _proof(association_id: int, told: bytes) -> bytes:
    message = f"chaland card {association_id} ".encode() + told
    return hmac.digest(settings.INDEX_KEYS[0], message, "sha256")[:_PROOF_BYTES]
