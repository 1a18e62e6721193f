"""The chain of a member's account: each entry's digest stands on the one before it.

``commitment`` = HMAC-SHA-256(salt, account, amount, line, and all that its transfer says: key,
kind, times, actor, why, receipt and every leg); ``digest`` = SHA-256(digest before, position,
amount, commitment). Erasure takes the salt: the commitments then say nothing about anybody, and
the digests still prove that nothing was added, changed or left out.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from datetime import UTC

from chaland.hub.loyalty.models import Account, Entry, Transfer


def new_salt() -> bytes:
    """Make an account's salt."""
    return os.urandom(32)


def append(account: Account, entry: Entry, said: bytes) -> None:
    """Give an entry its place at the chain's end, and move the account's end there. ``said``: what
    ``facts`` returns of its transfer."""
    entry.position = account.chain_position = account.chain_position + 1
    entry.commitment = commitment(bytes(account.chain_salt or b""), entry, said)
    entry.digest = account.chain_digest = digest(account.chain_digest, entry)


def facts(transfer: Transfer, entries: Iterable[Entry]) -> bytes:
    """Return all that a transfer with its entries says, the same before and after it is stored."""
    said = (
        str(transfer.pk),
        str(transfer.kind),
        transfer.association_id,
        transfer.idempotency_key,
        transfer.request_digest,
        transfer.shop_id,
        transfer.receipt_id,
        str(transfer.reverses_id),
        transfer.occurred_at.astimezone(UTC).isoformat(),
        transfer.recorded_at.astimezone(UTC).isoformat(),
        transfer.actor,
        transfer.why,
        sorted((entry.account_id, entry.amount, entry.line or 0) for entry in entries),
    )
    return json.dumps(said, sort_keys=True).encode()


def commitment(salt: bytes, entry: Entry, said: bytes) -> str:
    """Return what binds an entry to its transfer's facts for whoever holds the salt."""
    own = f"{entry.account_id}|{entry.amount}|{entry.line}|".encode()
    return hmac.digest(salt, own + said, "sha256").hex()


def digest(before: str, entry: Entry) -> str:
    """Return the chain's digest at an entry, from the digest before it."""
    step = f"{before}|{entry.position}|{entry.amount}|{entry.commitment}"
    return hashlib.sha256(step.encode()).hexdigest()
