"""What comes back by mail: bounces (RFC 3464), complaints (RFC 5965), who asks to stop.

A mail names its delivery by the address it came to (VERP), or by the Message-ID of what it returns;
what became of it is read from ``Status:`` alone, since a sentence like "permanent error: 452 4.2.2
mailbox full" says both.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

from chaland.hub.loyalty.outreach.mail.enhanced import enhanced_status, is_bad_address
from chaland.hub.loyalty.outreach.shapes import Heard, Kind, Status

READ_BYTES = 256 * 1024
"""How much of a mail is read: what it returns may be long, what it says comes first."""
_KEY_TO = re.compile(r"\+([0-9a-f]{32})@")
_KEY_ID = re.compile(r"<([0-9a-f]{32})@")
_CAME_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
_STOPS = re.compile(
    r"\b(stop|unsubscribe|desinscri\w*|desabonne\w*|ne plus recevoir|remove me)\b", re.IGNORECASE
)
_COMPLAINTS = {"abuse": Kind.COMPLAINED, "fraud": Kind.COMPLAINED, "opt-out": Kind.UNSUBSCRIBED}
_WORD_CHARACTERS = 2_000


def read(raw: bytes, at: datetime) -> list[Status | Heard]:
    """Return what a mail tells; nothing for what need not be told (absence, delay).

    ValueError: it can't be understood; its text names no address.
    """
    try:
        mail = message_from_bytes(raw[:READ_BYTES])
        parts = [mail, *_parts(mail)]
    except RecursionError:
        raise ValueError("a mail of too many parts within parts") from None
    found = _report(parts, "message/feedback-report")
    if found is not None:
        return _complaint(found, _key(mail, parts), at)
    if _report(parts, "message/delivery-status") is not None:
        return _bounce(parts, _key(mail, parts), at)
    return _letter(mail, _key(mail, parts), at)


def _parts(mail: Message) -> Iterator[Message]:
    walk = mail.walk()
    next(walk)
    yield from walk


def _report(parts: list[Message], kind: str) -> Message | None:
    return next((part for part in parts if part.get_content_type() == kind), None)


def _key(mail: Message, parts: list[Message]) -> str:
    """Our key of the delivery that a mail is about; "": it names none."""
    for name in _CAME_TO:
        for value in mail.get_all(name, []):
            if found := _KEY_TO.search(str(value)):
                return found[1]
    for part in parts[1:]:  # what was returned: whole, or its head alone
        told = f"{part.get('Message-ID', '')}"
        if part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            told += _text(part)
        if found := _KEY_ID.search(told):
            return found[1]
    return ""


def _complaint(report: Message, key: str, at: datetime) -> list[Status | Heard]:
    kind = _COMPLAINTS.get(_field([report, *_parts(report)], "Feedback-Type").lower())
    if kind is None:  # auth-failure, not-spam: nobody complains
        return []
    if not key:
        raise ValueError("a complaint that names none of our messages")
    return [Status(kind, at, key=key)]


def _bounce(parts: list[Message], key: str, at: datetime) -> list[Status | Heard]:
    action = _field(parts, "Action").lower()
    if action in ("delayed", "expanded"):
        return []
    if not key:
        raise ValueError("a bounce that names none of our messages")
    status = enhanced_status(_field(parts, "Status"))
    said = _field(parts, "Diagnostic-Code").partition(";")[2].strip() or ""
    if action in ("delivered", "relayed"):
        kind = Kind.DELIVERED if action == "delivered" else Kind.ACCEPTED
        return [Status(kind, at, key=key, code=status)]
    if status[1:] in ("", ".0.0"):  # says nothing but whether for good
        status = enhanced_status(said) or (said[:3] if said[:3].isdigit() else status)
    if not status:
        raise ValueError("a bounce without a status")
    return [Status(_kind(status), at, key=key, code=status)]


def _kind(status: str) -> Kind:
    if is_bad_address(status):
        return Kind.BOUNCED_HARD
    if status[0] == "4" or status in ("5.2.2", "552"):  # also after days of trying: full, away
        return Kind.BOUNCED_SOFT
    return Kind.FAILED


def _letter(mail: Message, key: str, at: datetime) -> list[Status | Heard]:
    """Read a mail that is no report: a bounce in prose, an absence, or somebody who writes."""
    body = _first_text(mail)
    sender = parseaddr(str(mail.get("From", "")))[1].lower()
    if sender.partition("@")[0] in ("mailer-daemon", "postmaster"):
        status = enhanced_status(body)
        if not (key and status):
            raise ValueError("a bounce in prose, without a status or a message of ours")
        return [Status(_kind(status), at, key=key, code=status)]
    if _is_absence(mail):
        return []
    written = next((line for line in body.splitlines() if line.strip()), "")
    if _STOPS.search(_folded(_subject(mail))) or _STOPS.search(_folded(written)):
        if key:
            return [Status(Kind.UNSUBSCRIBED, at, key=key)]
        if sender:
            return [Heard(sender, "STOP", at)]
    raise ValueError("a letter that is no bounce")


def _is_absence(mail: Message) -> bool:
    automatic = re.match(r"\s*[\w-]*", str(mail.get("Auto-Submitted", "")))
    return (
        (automatic is not None and automatic[0].strip().lower() == "auto-replied")
        or str(mail.get("Precedence", "")).strip().lower() == "auto_reply"
        or any(mail.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Vacation"))
    )


def _subject(mail: Message) -> str:
    """The subject in letters, whether it was encoded or stands there raw."""
    for name, value in mail.raw_items():
        if name.lower() == "subject":
            text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            try:
                return str(make_header(decode_header(text)))
            except (HeaderParseError, LookupError, ValueError):
                return text
    return ""


def _field(parts: list[Message], name: str) -> str:
    return next((str(part[name]).strip() for part in parts if name in part), "")


def _first_text(mail: Message) -> str:
    plain = _report([mail, *_parts(mail)], "text/plain")
    return _text(plain) if plain is not None else ""


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return (
        payload[:_WORD_CHARACTERS].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    )


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
