"""Reading JSON by hand: each field checked for its kind and bounds, each fault with its place.

Pydantic took fifteen times as long on a batch of receipts. No Django in here.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chaland.hub.loyalty.connect.problems import Fault

FAULTS_AT_MOST = 50
CENTS_AT_MOST = 1_000_000_000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_MISSING = object()


class Reader:
    """Reads one JSON object; what is wrong with it goes to ``faults``, with a placeholder returned,
    so that one pass names every fault."""

    __slots__ = ("at", "faults", "given")

    def __init__(self, given: object, at: str, faults: list[Fault]) -> None:
        self.at, self.faults = at, faults
        if not isinstance(given, dict):
            faults.append(Fault(at or "body", "must be an object"))
            given = {}
        self.given: dict[str, Any] = given

    def only(self, known: frozenset[str]) -> None:
        """Refuse fields of other names: a spelling mistake is no silent loss."""
        for name in self.given:
            if name not in known:
                self.fault(_shown(name), "is not a field of this")

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.faults.append(Fault(f"{self.at}.{name}" if self.at else name, message))

    def whole(self, name: str, low: int, high: int, default: int | None = 0) -> Any:
        """Return a whole number within bounds; ``default`` where it is absent, 0 if wrong."""
        value = self.given.get(name, _MISSING)
        if value is _MISSING or value is None:
            return default
        if type(value) is not int or not low <= value <= high:
            self.fault(name, f"must be a whole number from {low} to {high}")
            return 0
        return value

    def required_whole(self, name: str, low: int, high: int) -> int:
        """Return a whole number that must be there."""
        if self.given.get(name) is None:
            self.fault(name, "is missing")
            return 0
        return int(self.whole(name, low, high))

    def text(self, name: str, at_most: int, *, required: bool = False) -> str:
        """Return a text on one line, without spaces around it; "" where it is absent."""
        value = self.given.get(name)
        if value is None:
            value = ""
        if type(value) is not str:
            self.fault(name, "must be a text")
            return ""
        value = value.strip()
        if not value and required:
            self.fault(name, "is missing")
        elif len(value) > at_most or _UNPRINTABLE.search(value):
            self.fault(name, f"must be at most {at_most} signs, on one line")
            return ""
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; false where it is absent."""
        value = self.given.get(name, False)
        if type(value) is not bool:
            self.fault(name, "must be true or false")
            return False
        return value

    def objects(self, name: str, at_most: int) -> list[Any]:
        """Return a list; empty where it is absent."""
        value = self.given.get(name)
        if value is None:
            return []
        if type(value) is not list:
            self.fault(name, "must be a list")
            return []
        if len(value) > at_most:
            self.fault(name, f"must have at most {at_most} entries")
            return []
        return value

    def instant(self, name: str, now: datetime) -> datetime:
        """Return an instant with its offset (RFC 3339): since 2000, a day ahead of us at most."""
        value = self.given.get(name)
        if value is None:
            self.fault(name, "is missing")
            return now
        instant = _instant(value) if type(value) is str else None
        if instant is None:
            self.fault(name, "must be a time with its offset, like 2026-03-14T15:09:26+01:00")
            return now
        if instant.year < 2000 or instant > now + timedelta(days=1):
            self.fault(name, "must lie between the year 2000 and tomorrow: check the till's clock")
            return now
        return instant


def _instant(text: str) -> datetime | None:
    if not _INSTANT.fullmatch(text):
        return None
    head, fraction, tail = text.upper().partition(".")
    digits = re.match(r"\d*", tail).group() if fraction else ""  # type: ignore[union-attr]
    whole = f"{head}.{digits[:6]:0<6}{tail[len(digits) :]}" if fraction else head
    try:
        return datetime.fromisoformat(whole).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _shown(name: str) -> str:
    """Return an unknown field's name as it may be said back."""
    return _UNPRINTABLE.sub("?", name[:40])


def place(name: str, number: int, within: str = "") -> str:
    """Return how a list's entry is named in a fault."""
    return f"{within}.{name}[{number}]" if within else f"{name}[{number}]"


def few(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the first faults: enough to correct by, not a page a line."""
    return tuple(faults)[:FAULTS_AT_MOST]
