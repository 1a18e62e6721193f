"""How a till of others names a member: by what its scanner read on the card, or by a handle.

A handle is given out by a look-up or an enrolment. It holds the member's number and a MAC bound to
the shop, so that numbers can't be guessed and another shop's handles open nothing.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from django.conf import settings

from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.problems import ProblemErrorFinal
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import Member

_HANDLE = re.compile(r"m([1-9][0-9]{0,17})\.([a-z2-7]{16})", re.ASCII)


def handle(member_id: int, shop_id: int) -> str:
    """Return a member's name for one shop's tills: always the same, and nothing to anybody else."""
    text = f"chaland.handle\0{shop_id}\0{member_id}".encode()
    mac = hmac.new(settings.INDEX_KEY, text, hashlib.sha256).digest()[:10]
    return f"m{member_id}.{base64.b32encode(mac).decode().lower()}"


def members_of(texts: Iterable[str], association_id: int, shop_id: int) -> dict[str, int]:
    """Return the member that each card or handle stands for; what stands for none is left out."""
    wanted = {text for text in texts if text}
    claimed = {text: _number(text, shop_id) for text in wanted}
    numbers = [number for number in claimed.values() if number]
    there = set(
        Member.objects.filter(pk__in=numbers, association_id=association_id).values_list(
            "pk", flat=True
        )
    )
    found = {text: number for text, number in claimed.items() if number in there}
    scanned = [text for text in wanted if text not in found]
    return found | cards.members_of(association_id, scanned)


def member_of(text: str, who: Caller) -> Member:
    """Return the member that a card or handle stands for. Raises ProblemErrorFinal."""
    number = members_of([text], who.association_id, who.shop_id).get(text)
    member = Member.objects.filter(pk=number).first() if number else None
    if member is None or member.state != Member.State.ACTIVE:
        raise ProblemErrorFinal("member-unknown")
    return member


def _number(text: str, shop_id: int) -> int:
    """Return the number in a handle of this shop; 0 where it is none."""
    match = _HANDLE.fullmatch(text)
    if match is None:
        return 0
    number = int(match[1])
    return number if hmac.compare_digest(handle(number, shop_id), text) else 0
