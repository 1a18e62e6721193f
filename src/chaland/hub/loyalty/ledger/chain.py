"""The chain of a member's account: each entry's digest stands on the one before it.

``commitment`` = HMAC-SHA-256(salt, the entry's facts); ``digest`` = SHA-256(digest before,
position, amount, commitment). Erasure takes the salt: the commitments then say nothing about
anybody, and the digests still prove that nothing was added, changed or left out.
"""

import hashlib
import hmac
import os
from datetime import UTC

from chaland.hub.loyalty.models import Account, Entry, Transfer


def new_salt() -> bytes:
    """Make an account's salt."""
    return os.urandom(32)


def append(account: Account, entry: Entry, transfer: Transfer) -> None:
    """Give an entry its place at the chain's end, and move the account's end there."""
    entry.position = account.chain_position = account.chain_position + 1
    entry.commitment = commitment(bytes(account.chain_salt or b""), entry, transfer)
    entry.digest = account.chain_digest = digest(account.chain_digest, entry)


def commitment(salt: bytes, entry: Entry, transfer: Transfer) -> str:
    """Return what binds an entry to its transfer's facts for whoever holds the salt."""
    facts = (
        transfer.pk,
        transfer.kind,
        entry.account_id,
        entry.amount,
        transfer.shop_id,
        transfer.receipt_id,
        transfer.reverses_id,
        transfer.occurred_at.astimezone(UTC).isoformat(),
        transfer.actor,
    )
    return hmac.digest(salt, "|".join(map(str, facts)).encode(), "sha256").hex()


def digest(before: str, entry: Entry) -> str:
    """Return the chain's digest at an entry, from the digest before it."""
    step = f"{before}|{entry.position}|{entry.amount}|{entry.commitment}"
    return hashlib.sha256(step.encode()).hexdigest()
