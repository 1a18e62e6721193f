"""What makes two requests the same: what would move. Not when, by whom, or in which words."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from chaland.hub.loyalty.ledger.postings import Asked

_APART = frozenset(("key", "occurred_at", "actor", "why", "expires_on", "ttl_s"))


def digest(kind: str, request: Asked, **more: object) -> str:
    """Return the SHA-256 of a request's kind and of what it moves."""
    told = [
        (field.name, _plain(getattr(request, field.name)))
        for field in fields(request)
        if field.name not in _APART
    ]
    text = repr((kind, sorted(told), _plain(more)))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """Return a value whose ``repr`` is the same for the same content."""
    if isinstance(value, Mapping):
        return sorted((key, _plain(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        return list(vars(value).values())
    return value
