"""Mails: valid to the strictest reader, the same in both parts, and nobody's name breaks them."""

import email
import re
from email import policy
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.mail.compose import Form
from chaland.hub.loyalty.outreach.mail.settings import ascii_address
from chaland.hub.loyalty.outreach.placeholders import one_line
from tests.hub.loyalty.outreach.mail.conftest import BODY, COMMON, KEY, NOW, OWN, SETTINGS, written

NAMES = st.text(max_size=60)


def _mail(form: Form, **own: str) -> bytes:
    return form.spliced(KEY, "zoe@example.org", NOW, OWN | own)


def _parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=policy.strict)  # type: ignore[return-value]


class _Words(HTMLParser):
    """The words that a reader of the HTML part sees."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("head", "style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("head", "style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()


def _parts(mail: EmailMessage) -> tuple[str, str]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return tuple(part.get_content().replace("\r\n", "\n") for part in (plain, html))


def test_a_mail_says_who_to_whom_why_and_how_to_stop(form: Form) -> None:
    mail = _parsed(_mail(form))
    assert mail["From"].addresses[0].display_name == COMMON["shop"]
    assert mail["From"].addresses[0].addr_spec == "bonjour@port-lin.example"
    assert mail["To"] == "zoe@example.org"
    assert mail["Subject"] == f"Zoé, votre vente privée à {COMMON['shop']}"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{KEY}@port-lin.example>"
    link = f"{COMMON['origin']}/u/{OWN['unsubscribe']}/"
    assert mail["List-Unsubscribe"] == (
        f"<{link}>, <mailto:retours%2B{KEY}@port-lin.example?subject=unsubscribe>"
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<c3.a1.port-lin.example>"
    assert mail["Precedence"] is None
    assert SETTINGS.return_path(KEY) == f"retours+{KEY}@port-lin.example"
    for part in _parts(mail):
        for said in (COMMON["postal"], COMMON["association"], link, OWN["link"], OWN["code"]):
            assert said in part
    assert not re.search(rb"zoe|Zo=C3=A9", _mail(form).split(b"Feedback-ID")[1].split(b"\r\n")[0])


def test_both_parts_say_the_same_words(form: Form) -> None:
    plain, html = _parts(_parsed(_mail(form)))
    reader = _Words()
    reader.feed(html)
    heard = [word for word in plain.split() if not word.startswith("https://")]
    assert [word for word in heard if word != ":"] == [word for word in reader.words if word != ":"]
    assert len(heard) > 70


def test_a_mail_loads_nothing_and_tells_screen_readers_what_it_is(form: Form) -> None:
    _plain, html = _parts(_parsed(_mail(form)))
    assert '<html lang="fr"' in html
    assert "<title>Zoé, votre vente" in html
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"<(img|link|script|iframe|object|video)\b", html)
    assert not re.search(r"@import|@font-face|url\(", html)
    fetched = set(re.findall(r"https?://[^\"'<> ]+", html)) - {"http://www.w3.org/1999/xhtml"}
    assert {url for url in fetched if not url.startswith(COMMON["origin"])} == set()
    assert html.count("<h1") == 1


def test_a_retry_is_the_same_mail(form: Form) -> None:
    again = Form(*written(), SETTINGS, COMMON)
    assert _mail(form) == _mail(again)


@cache
def _form(subject: str) -> Form:
    return Form(*written(subject=subject), SETTINGS, COMMON)


@settings(max_examples=150, deadline=None)
@given(name=NAMES, subject=st.booleans())
def test_no_first_name_breaks_a_mail(name: str, subject: bool) -> None:
    form = _form("{first_name} !" if subject else "Vente")
    data = _mail(form, first_name=name)
    mail = _parsed(data)
    assert mail.keys() == _parsed(_mail(form)).keys(), "no header more or less"
    plain, html = _parts(mail)
    wanted = one_line(name)
    assert f"Bonjour{' ' if wanted else ''}{wanted},\n" in plain
    assert "<script" not in html
    for line in data.split(b"\r\n"):
        assert b"\n" not in line
        assert b"\r" not in line
        assert line.isascii()
        assert not line.startswith(b".")
        assert len(line) <= 78 or line.startswith(b"List-Unsubscribe:"), "which stays on one line"


@pytest.mark.parametrize(
    "name",
    [
        "Zoé\r\nBcc: x@example.org",
        "Zoé\nBcc: x@example.org",
        "\r\n\r\n<h1>",
        "a\u2028b",
        "=?utf-8?q?x?=",
    ],
)
def test_a_name_can_t_write_headers(name: str) -> None:
    form = Form(*written(subject="Pour {first_name}"), SETTINGS, COMMON)
    mail = _parsed(_mail(form, first_name=name))
    assert mail["Bcc"] is None
    assert mail["Subject"] == f"Pour {one_line(name)}"


@settings(max_examples=50, deadline=None)
@given(body=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_any_text_arrives_as_it_was_written(body: str) -> None:
    form = Form(*written(body=f"Bonjour {{first_name}} {body}"), SETTINGS, COMMON)
    plain, _html = _parts(_parsed(_mail(form)))
    known = {"first_name": "Zoé"} | COMMON | OWN
    for name, value in known.items():
        body = body.replace(f"{{{name}}}", value)
    line = " ".join(body.splitlines()[0].split()) if body.split() else ""
    assert line in " ".join(plain.split())


def test_automatic_mails_ask_for_no_automatic_answer() -> None:
    text, campaign = written()
    campaign.automatic, campaign.sale_id = "points", None
    mail = _parsed(_mail(Form(text, campaign, SETTINGS, COMMON)))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "ce rappel" in _parts(mail)[0]
    assert OWN["code"] not in _parts(mail)[0]


def test_an_association_that_writes_itself_is_named_once() -> None:
    own = COMMON | {"shop": COMMON["association"]}
    plain, html = _parts(_parsed(_mail(Form(*written("Bonjour", "Vente"), SETTINGS, own))))
    for part in (plain, html):
        footer = part[part.index(COMMON["association"]) + 1 :]
        assert footer.count(COMMON["association"]) == 1
    assert f"{COMMON['association']}\n{COMMON['postal']}" in plain


def test_an_english_member_is_written_to_in_english() -> None:
    mail = _parsed(_mail(Form(*written(BODY, language="en"), SETTINGS, COMMON)))
    plain, html = _parts(mail)
    assert "because you agreed" in plain
    assert '<html lang="en"' in html


@pytest.mark.parametrize(
    ("address", "sendable"),
    [
        ("zoe@example.org", "zoe@example.org"),
        ("zoe+ventes@Example.org", "zoe+ventes@Example.org"),
        ("zoe@café.example", "zoe@xn--caf-dma.example"),
        ("zoé@example.org", ""),
        ("zoe@example.org\r\nRCPT TO:<x@example.org>", ""),
        ("zoe @example.org", ""),
        ("<zoe@example.org>", ""),
        ("zoe", ""),
        ("zoe@" + "é" * 300, ""),
        ("", ""),
    ],
)
def test_an_address_stands_in_an_envelope_or_is_refused(address: str, sendable: str) -> None:
    assert ascii_address(address) == sendable
