"""References: how a till names a member whom it has found, without any number of the member's.

A reference says, sealed, who it is, how and when the member was found, and under which card. It is
good for the one till or shop (``scope``) that it was given to, and a new card ends it.
"""

import base64
import hmac
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Member

_FORM = struct.Struct(">QIQ1s")
LONGEST = 96


class How(StrEnum):
    """How a member was found."""

    CARD = "c"
    CONTACT = "n"
    """By the full number or address, or by the last digits with the month of birth."""
    NAME = "a"
    """By a name alone, which anybody may know: enough to give, not to take."""
    ENROLLED = "e"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reference says."""

    member_id: int
    card_version: int
    how: How
    at: datetime

    @property
    def spends(self) -> bool:
        """Whether what the member has may be spent by it."""
        return self.how != How.NAME

    def age(self) -> timedelta:
        """How long ago the member was found."""
        return clock.real_now() - self.at


def give(
    scope: str, member_ids: Iterable[int], how: How, ago: timedelta = timedelta()
) -> dict[int, str]:
    """Return references by member, found just now or some time ``ago``."""
    seconds = int((clock.real_now() - ago).timestamp())
    versions = Member.objects.filter(pk__in=list(member_ids)).values_list("pk", "card_version")
    box = _box(scope)
    return {
        pk: base64.urlsafe_b64encode(
            box.encrypt(_FORM.pack(pk, version, seconds, how.encode()))
        ).decode()
        for pk, version in versions
    }


def read(scope: str, text: str, valid_for: timedelta) -> Reference | None:
    """Return what a reference says; None where it is no reference of this scope, or too old."""
    if not text.isascii() or len(text) > LONGEST:
        return None
    try:
        told = _box(scope).decrypt(base64.urlsafe_b64decode(text))
    except (CryptoError, ValueError):
        return None
    member_id, version, seconds, how = _FORM.unpack(told)
    found = Reference(
        member_id, version, How(how.decode()), datetime.fromtimestamp(seconds, tz=UTC)
    )
    return found if found.age() <= valid_for else None


def _box(scope: str) -> SecretBox:
    return SecretBox(hmac.digest(settings.INDEX_KEYS[0], f"chaland.ref.{scope}".encode(), "sha256"))
