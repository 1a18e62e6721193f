"""A voucher's code: it follows from the transfer that bought it, so that it is stored nowhere and
the member's account can still show it. The database finds it by a blind index."""

import hmac
from uuid import UUID

from django.conf import settings

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_LENGTH = 12
_MISREAD = str.maketrans("ILO", "110")


def code_of(transfer_id: UUID) -> str:
    """Return the code, 60 bits in three groups of four signs."""
    number = int.from_bytes(_keyed(b"voucher-code", transfer_id.bytes)[:8])
    signs = "".join(_SIGNS[(number >> (5 * i)) & 31] for i in range(_LENGTH))
    return "-".join(signs[i : i + 4] for i in range(0, _LENGTH, 4))


def index_of(association_id: int, typed: str) -> bytes:
    """Return the blind index of a code as somebody typed it: small letters, no hyphens, O for 0."""
    signs = "".join(sign for sign in typed.upper() if sign.isalnum()).translate(_MISREAD)
    return _keyed(b"voucher-index", f"{association_id}:{signs}".encode())[:16]


def _keyed(domain: bytes, text: bytes) -> bytes:
    return hmac.digest(settings.INDEX_KEYS[0], domain + b"\0" + text, "sha256")
