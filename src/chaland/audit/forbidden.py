"""NOT OURS: the scheme that was forbidden, as small as it can be, for the attacks beside ours.

An address is hashed with one salt, the hash is truncated, and the code is kept for four weeks in
every shop (refused by the CNIL in 2015, decision 2015-255; by the Conseil d'Etat, 8 Feb 2017,
no 393714). Nothing but the attack bench may import this (tests/audit/test_forbidden.py).
"""

import hashlib
import os
from collections.abc import Iterable

CODE_BYTES = 6
WEEKS_KEPT = 4


class SaltedHashes:
    """Codes of the visitors of shops and days, under one salt, which its operator holds."""

    def __init__(self) -> None:
        self.salt = os.urandom(16)
        self.kept: dict[tuple[int, int], set[bytes]] = {}

    def code(self, address: bytes) -> bytes:
        """Return the truncated salted hash of an address."""
        return hashlib.sha256(self.salt + address).digest()[:CODE_BYTES]

    def hear(self, shop: int, when: int, addresses: Iterable[bytes]) -> None:
        """Keep the codes of a shop's visitors of a day, or of a quarter hour."""
        self.kept.setdefault((shop, when), set()).update(map(self.code, addresses))
