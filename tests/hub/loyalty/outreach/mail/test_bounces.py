"""What comes back by mail: real shapes of it, and whatever else a mailbox may hold."""

import email.message
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.mail.bounces import read
from chaland.hub.loyalty.outreach.mail.enhanced import is_bad_address
from chaland.hub.loyalty.outreach.shapes import Heard, Kind, Status
from tests.hub.loyalty.outreach.mail.conftest import KEY

AT = datetime(2026, 11, 23, tzinfo=UTC)
VERP = f"Delivered-To: retours+{KEY}@port-lin.example\r\n"


def dsn(action: str, status: str, said: str = "", head: str = VERP, returned: str = "") -> bytes:
    """A bounce as postfix writes it."""
    diagnostic = f"Diagnostic-Code: smtp; {said}\r\n" if said else ""
    return (
        f"Return-Path: <>\r\n{head}From: MAILER-DAEMON@mx.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        ' boundary="B"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\n'
        "I'm sorry: permanent error 5.1.1 550 452 4.2.2 mailbox full unsubscribe\r\n\r\n--B\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; zoe@example.org\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n{diagnostic}\r\n{returned}--B--\r\n"
    ).encode()


RETURNED = (
    "--B\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: bonjour@port-lin.example\r\n"
    f"Message-ID: <{KEY}@port-lin.example>\r\n\r\n"
)


@pytest.mark.parametrize(
    ("action", "status", "said", "kind"),
    [
        ("failed", "5.1.1", "550 5.1.1 <zoe@example.org>: unknown", Kind.BOUNCED_HARD),
        ("failed", "5.1.10", "", Kind.BOUNCED_HARD),
        ("failed", "5.0.0", "550 5.1.1 no such user", Kind.BOUNCED_HARD),
        ("failed", "5.0.0", "550 no such user here", Kind.BOUNCED_HARD),
        ("failed", "4.2.2", "452 4.2.2 mailbox full", Kind.BOUNCED_SOFT),
        ("failed", "5.2.2", "552 5.2.2 over quota", Kind.BOUNCED_SOFT),
        ("failed", "5.0.0", "552 over quota", Kind.BOUNCED_SOFT),
        ("failed", "4.4.1", "connect timed out", Kind.BOUNCED_SOFT),
        ("failed", "5.7.1", "550 5.7.1 blocked for spam", Kind.FAILED),
        ("delivered", "2.1.5", "250 2.1.5 Ok", Kind.DELIVERED),
        ("relayed", "2.1.9", "", Kind.ACCEPTED),
    ],
)
def test_the_status_says_what_became_of_it(action: str, status: str, said: str, kind: Kind) -> None:
    for raw in (dsn(action, status, said), dsn(action, status, said, "", RETURNED)):
        (told,) = read(raw, AT)
        assert isinstance(told, Status)
        assert (told.kind, told.key) == (kind, KEY)
        assert "@" not in told.code


def test_a_delay_is_no_end() -> None:
    assert read(dsn("delayed", "4.4.1"), AT) == []


def test_a_bounce_of_nothing_of_ours_is_kept_with_the_reason() -> None:
    with pytest.raises(ValueError, match="none of our messages"):
        read(dsn("failed", "5.1.1", head=""), AT)


def arf(feedback: str, head: str = VERP) -> bytes:
    """A complaint as a mailbox provider's feedback loop sends it."""
    return (
        f"{head}From: fbl@example.org\r\nSubject: FW: votre vente\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n\r\n--B\r\n"
        f"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: {feedback}\r\n"
        "User-Agent: x/1\r\nVersion: 1\r\n\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: bonjour@port-lin.example\r\nMessage-ID: <{KEY}@port-lin.example>\r\n\r\nBonjour\r\n"
        "--B--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("feedback", "kinds"),
    [
        ("abuse", [Kind.COMPLAINED]),
        ("fraud", [Kind.COMPLAINED]),
        ("opt-out", [Kind.UNSUBSCRIBED]),
        ("not-spam", []),
        ("auth-failure", []),
    ],
)
def test_a_complaint_is_heard(feedback: str, kinds: list[Kind]) -> None:
    for head in (VERP, "To: fbl@port-lin.example\r\n"):
        told = read(arf(feedback, head), AT)
        assert told == [Status(kind, AT, key=KEY) for kind in kinds]


def letter(subject: str, body: str = "", head: str = VERP, more: str = "") -> bytes:
    return (
        f"{head}From: =?utf-8?q?Zo=C3=A9?= <zoe@example.org>\r\nSubject: {subject}\r\n{more}\r\n"
        f"{body}"
    ).encode()


@pytest.mark.parametrize(
    "raw",
    [
        letter("Absence", more="Auto-Submitted: auto-replied (vacation)\r\n"),
        letter("Re: votre vente", "STOP doing this until Monday", more="X-Autoreply: yes\r\n"),
        letter("Out of office: unsubscribe", more="Precedence: auto_reply\r\n"),
    ],
)
def test_an_absence_is_no_stop(raw: bytes) -> None:
    assert read(raw, AT) == []


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("unsubscribe", ""),
        ("Re: vente", "stop\r\n> Bonjour"),
        ("Désinscription svp", ""),
        ("", "STOP !"),
    ],
)
def test_who_writes_to_stop_is_heard(subject: str, body: str) -> None:
    assert read(letter(subject, body), AT) == [Status(Kind.UNSUBSCRIBED, AT, key=KEY)]
    unnamed = read(letter(subject, body, "To: bonjour@port-lin.example\r\n"), AT)
    assert unnamed == [Heard("zoe@example.org", "STOP", AT)]


def test_a_person_s_letter_is_kept_for_a_person() -> None:
    with pytest.raises(ValueError, match="no bounce"):
        read(letter("Re: votre vente", "À quelle heure ouvrez-vous ?"), AT)


def test_a_bounce_in_prose_needs_its_status() -> None:
    head = VERP + "Subject: failure notice\r\n"
    prose = (
        f"{head}From: MAILER-DAEMON@qmail.example\r\n\r\nHi. This is the qmail-send program.\r\n"
    )
    (told,) = read(f"{prose}<zoe@example.org>: 5.1.1 no mailbox\r\n".encode(), AT)
    assert isinstance(told, Status)
    assert told.kind == Kind.BOUNCED_HARD
    with pytest.raises(ValueError, match="prose"):
        read(prose.encode(), AT)


@settings(max_examples=300)
@given(st.integers(0, 2_000), st.integers(0, 2_000), st.binary(max_size=60), st.booleans())
@example(0, 2_000, b"", True)
def test_no_mail_is_too_broken(start: int, end: int, put: bytes, complaint: bool) -> None:
    whole = arf("abuse") if complaint else dsn("failed", "5.1.1", "x", returned=RETURNED)
    raw = whole[: min(start, end)] + put + whole[max(start, end) :]
    try:
        told = read(raw, AT)
    except ValueError as error:
        told, why = [], str(error)
        assert "zoe" not in why, "the reason is shown: it names nobody"
    assert all(isinstance(one, Status | Heard) for one in told)


def test_parts_within_parts_without_end_are_refused() -> None:
    deep = email.message.Message()
    raw = b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n" * 4_000
    with pytest.raises(ValueError, match=r"parts within parts|no bounce"):
        read(raw + deep.as_bytes(), AT)


@pytest.mark.parametrize(
    ("code", "bad"),
    [("550", True), ("550 5.1.1", True), ("550 5.7.1", False), ("552", False), ("554", False),
     ("450 4.1.1", False), ("553 5.1.3", True), ("550 5.2.1", True), ("552 5.2.2", False),
     ("", False)],
)  # fmt: skip
def test_only_an_address_that_is_none_is_one(code: str, bad: bool) -> None:
    assert is_bad_address(code) == bad
