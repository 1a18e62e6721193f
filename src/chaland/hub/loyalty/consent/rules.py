"""What a consent event says, byte by byte, and how a chain of them is checked. No Django.

A *commitment* is HMAC-SHA-256 of the event's canonical JSON under the member's salt; a *digest* is
SHA-256 over the digest before and the commitment. Erasing the member shreds the salt: the digests
still verify, and no commitment can be tied to a person or guessed any more.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

PLACES = frozenset(("till", "member", "import", "staff", "stop", "link"))
"""Where a decision was taken; ``stop``: the answer to a message; ``link``: on the page behind a
message's link, by whoever had the message."""
EXPLICIT = frozenset(("member", "staff", "stop"))
"""Places where "no" is said, and not merely a box left unticked."""
EVIDENCE = {
    "till": int,
    "seller": int,
    "user": int,
    "paper": str,
    "link": str,
    "file": int,
    "row": int,
    "from_chain": str,
    "from_position": int,
    "to_chain": str,
}
"""Keys that evidence may have, and what each holds: the till, the seller, the member of staff, the
kind of paper signed (one of `PAPERS`), the kind of link followed, the customer file and its row;
for a merged double the event taken over, or the chain that goes on. Never a name or a contact."""
PAPERS = frozenset(("form", "card", "web", "till"))
"""Where a shop's own file says that the consent was collected."""
_LONGEST_TEXT = 40  # a chain's name has 36


class ConsentErrorFinal(ValueError):
    """A decision can't be recorded as asked. ``code`` says why, for machines."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it is committed to."""

    chain: UUID
    position: int
    controller: int
    purpose: str
    channel: str
    given: bool
    wording_digest: str
    place: str
    evidence: Mapping[str, object]
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """One event as it is stored: what it says, its commitment and its digest."""

    said: Said
    commitment: str
    digest: str


def checked_evidence(evidence: Mapping[str, object]) -> dict[str, object]:
    """Return evidence as it may be stored; ConsentErrorFinal on other keys, types or long texts."""
    for key, value in evidence.items():
        wanted = EVIDENCE.get(key)
        if wanted is None or type(value) is not wanted:
            raise ConsentErrorFinal("evidence", f"evidence has no {key} of this kind")
        if isinstance(value, str) and (len(value) > _LONGEST_TEXT or "@" in value):
            raise ConsentErrorFinal("evidence", f"evidence {key} is a word, not a text")
    return dict(evidence)


def commitment(said: Said, salt: bytes) -> str:
    """Return HMAC-SHA-256 (hex) of an event under its member's salt."""
    told = {
        "chain": str(said.chain),
        "position": said.position,
        "controller": said.controller,
        "purpose": said.purpose,
        "channel": said.channel,
        "given": said.given,
        "wording": said.wording_digest,
        "place": said.place,
        "evidence": dict(said.evidence),
        "occurred_at": _instant(said.occurred_at),
        "recorded_at": _instant(said.recorded_at),
    }
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(salt, canonical.encode(), "sha256").hex()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def next_digest(before: str, chain: UUID, committed: str) -> str:
    """Return SHA-256 (hex) over the digest before and a commitment; the first is over the name."""
    start = before or hashlib.sha256(f"chaland consents {chain}".encode()).hexdigest()
    return hashlib.sha256(f"{start}{committed}".encode()).hexdigest()


def broken_at(chain: UUID, links: Iterable[Link], salt: bytes | None) -> tuple[int | None, str]:
    """Follow a chain: (position of the first event that doesn't fit or None, the head's digest).

    Without a salt (the member was erased) what an event says can't be checked, only that the
    commitments are those that were chained.
    """
    digest = ""
    for position, link in enumerate(links, start=1):
        if link.said.position != position or link.said.chain != chain:
            return position, digest
        if salt is not None and not hmac.compare_digest(
            commitment(link.said, salt), link.commitment
        ):
            return position, digest
        digest = next_digest(digest, chain, link.commitment)
        if digest != link.digest:
            return position, digest
    return None, digest
