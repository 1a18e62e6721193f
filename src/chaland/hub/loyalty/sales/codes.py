"""The code of an invitation: ten signs that a person can type, made of its number and a key.

Nothing is stored that opens a door. The number, with 20 bits of a keyed hash of the sale and the
member, goes through four rounds of a Feistel network over HMAC-SHA-256 under the first of
CHALAND_INDEX_KEY (Luby and Rackoff 1988); what an older one made is read, too. A code opens the
invitation of that member to that sale, or none: where a back-up was put back, numbers are given
anew. Whoever doesn't have the key sees 50 random bits, can neither count invitations by their codes
nor make the code of a given one.
Of a million invitations one is met by 2**30 guesses, twelve days of a thousand requests a second:
so a right code always opens, and only wrong ones are counted (``invitation_of``); else whoever
misses often, behind an address that many share, locks them out.
"""

import hmac
import re
from datetime import timedelta
from typing import Protocol

from django.conf import settings

from chaland.hub.association import limits
from chaland.hub.loyalty.models import Invitation
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
LENGTH = 10
MISSES_AN_HOUR = 20
_HOUR = timedelta(hours=1)
_HALF, _CHECK = 25, 20
_MASK = (1 << _HALF) - 1
_ROUNDS = 4
_MISREAD = str.maketrans("OIL", "011", " -.\u2010\u2011\u00a0\u202f")
_ADDRESS = re.compile(r".*/i/([^/?#]+)/?(?:[?#].*)?", re.DOTALL)


class Coded(Protocol):
    """What a code is made of: an `Invitation`, or a row of its values."""

    @property
    def pk(self) -> int: ...
    @property
    def sale_id(self) -> int: ...
    @property
    def member_id(self) -> int | None: ...
    @property
    def coded_for(self) -> int | None: ...


def code_of(invitation: Coded) -> str:
    """Return an invitation's code, as ``7K3QD-M9XPA``. ValueError beyond 2**30 invitations."""
    if not 0 <= invitation.pk < 1 << (2 * _HALF - _CHECK):
        raise ValueError("no code for this number")
    key = settings.INDEX_KEYS[0]
    number = _scrambled(invitation.pk << _CHECK | _check(invitation, key), key)
    signs = "".join(SIGNS[(number >> 5 * place) & 31] for place in reversed(range(LENGTH)))
    return f"{signs[:5]}-{signs[5:]}"


def path_of(invitation: Coded) -> str:
    """Return the path of the invitation's page: with the hub's origin before it, what its QR
    says."""
    return f"/i/{code_of(invitation)}/"


def number_in(typed: str, key: bytes) -> tuple[int, int] | None:
    """Return the invitation's number, and the check of its sale and member, that a typed code or
    the QR's whole address says under a key; None: it is no code. Small letters, no hyphen, O for 0
    and I or L for 1 are read, too."""
    address = _ADDRESS.fullmatch(typed)
    plain = (address[1] if address else typed).strip().upper().translate(_MISREAD)
    if len(plain) != LENGTH or any(sign not in SIGNS for sign in plain):
        return None
    number = 0
    for sign in plain:
        number = number << 5 | SIGNS.index(sign)
    told = _unscrambled(number, key)
    return told >> _CHECK, told & ((1 << _CHECK) - 1)


def invitation_of(typed: str, actor: str, association_id: int | None = None) -> Invitation | None:
    """Return the invitation (with its sale, slot and member) that a code names, or None: a miss.

    ``actor`` is who asks: ``till:3 seller:5``, or ``address:`` and `limits.address_of`. After
    MISSES_AN_HOUR wrong codes the next wrong one is SaleErrorFinal (``codes``). A till gives its
    ``association_id``: another town's code is a miss.
    """
    found = Invitation.objects.select_related("sale", "slot", "member")
    if association_id is not None:
        found = found.filter(sale__association_id=association_id)
    for key in settings.INDEX_KEYS:
        told = number_in(typed, key)
        named = None if told is None else found.filter(pk=told[0], member__isnull=False).first()
        if told is not None and named is not None and _check(named, key) == told[1]:
            return named
    who = f"invitation-codes:{actor.partition(' ')[0]}"
    if not limits.count(who, MISSES_AN_HOUR, _HOUR):
        raise SaleErrorFinal("codes")
    return None


def _check(invitation: Coded, key: bytes) -> int:
    member_id = invitation.coded_for or invitation.member_id or 0
    message = b"chaland invitation\0%d %d" % (invitation.sale_id, member_id)
    found = int.from_bytes(hmac.digest(key, message, "sha256")[:4])
    return found & ((1 << _CHECK) - 1)


def _scrambled(number: int, key: bytes) -> int:
    left, right = number >> _HALF, number & _MASK
    for turn in range(_ROUNDS):
        left, right = right, left ^ _keyed(turn, right, key)
    return left << _HALF | right


def _unscrambled(number: int, key: bytes) -> int:
    left, right = number >> _HALF, number & _MASK
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _keyed(turn, left, key), left
    return left << _HALF | right


def _keyed(turn: int, half: int, key: bytes) -> int:
    message = b"chaland invitation code\0" + bytes((turn,)) + half.to_bytes(4)
    return int.from_bytes(hmac.digest(key, message, "sha256")[:4]) & _MASK
