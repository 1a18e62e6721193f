"""The key of a delivery, by which providers, mail servers and the journal know it.

It is computed, not drawn: an audience that is drawn again, in a database that came back from a
back-up, gets the same keys, so that what left already is known by them, here and at the provider.
"""

import hashlib
import hmac
from uuid import UUID

from django.conf import settings


def salt(seed: int, channel: str, occasion: str = "") -> str:
    """Return what is hashed (MD5) before a member's number: 32 letters that nobody can guess.

    ``seed`` is the campaign's: its number may belong to another one after a restore.
    """
    told = f"chaland delivery {seed} {channel} {occasion}"
    return hmac.digest(settings.INDEX_KEYS[0], told.encode(), "sha256").hex()[:32]


def delivery_key(salted: str, member_id: int) -> UUID:
    """Return one member's key; the databases compute the same with ``md5(salt || member_id)``."""
    return UUID(hashlib.md5(f"{salted}{member_id}".encode(), usedforsecurity=False).hexdigest())
