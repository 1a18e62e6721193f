"""What makes two requests the same: what would move. Not when, by whom, or in which words."""

import hashlib
import json
from dataclasses import asdict
from datetime import date, datetime

from chaland.hub.loyalty.ledger.postings import Asked

_APART = frozenset(("key", "occurred_at", "actor", "why", "expires_on", "ttl_s"))


def digest(kind: str, request: Asked, **more: object) -> str:
    """Return the SHA-256 of a request's kind and of what it moves."""
    told = {name: value for name, value in asdict(request).items() if name not in _APART}
    text = json.dumps([kind, told, more], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
