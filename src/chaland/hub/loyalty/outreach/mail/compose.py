"""Mails of a campaign: built once for each language, then bytes spliced for each member.

Building MIME for every mail is what makes senders slow (``bench/outreach`` measures it). Here all
that is one for the campaign is encoded once; each value has quoted-printable lines of its own, so
that putting it in moves nothing else.
"""

import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from django.conf import settings

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach import values as known
from chaland.hub.loyalty.outreach.mail import encoding
from chaland.hub.loyalty.outreach.mail.settings import MailSettings, ascii_address
from chaland.hub.loyalty.outreach.mail.templates import (
    UNSUBSCRIBE,
    Letter,
    compile_html,
    plain_text,
    said_once,
)
from chaland.hub.loyalty.outreach.placeholders import PERSONAL, Slot, one_line, parts
from chaland.hub.loyalty.outreach.shapes import Mail, Reach, Waiting

_Values = Mapping[str, str]
_Fill = Callable[[_Values], bytes]
_BREAK = re.compile(r"\s+")
_TOKEN = re.compile(r"[A-Za-z0-9_.~:=-]{1,400}")


class Composer:
    """Makes the mails of one campaign. Keep it as long as its texts may not change: a batch."""

    def __init__(self, campaign: Campaign, gateway: Gateway) -> None:
        """Read the campaign's mail texts and the gateway's settings (GatewayErrorFinal: wrong)."""
        self._campaign = campaign
        self._settings = MailSettings.of(json.loads(gateway.settings), gateway.sender)
        texts = CampaignText.objects.filter(campaign=campaign, channel=Channel.EMAIL)
        self._texts = {text.language: text for text in texts.order_by("-language")}
        self._forms: dict[str, Form] = {}

    def message(self, delivery: Waiting, reach: Reach) -> Mail:
        """Make one mail. KeyError: a value is missing, or the campaign has no text for mails.

        ``to`` of the mail is "" where the address can't stand in an envelope: drivers refuse it.
        """
        form = self._forms.get(reach.language) or self._form(reach.language)
        key, to = delivery.key.hex, ascii_address(reach.to)
        data = form.spliced(key, to, clock.now(), reach.values)
        return Mail(key, to, self._settings.return_path(key), data)

    def _form(self, language: str) -> "Form":
        if not self._texts:
            raise KeyError(f"campaign {self._campaign.pk} has no text for mails")
        text = self._texts.get(language) or next(iter(self._texts.values()))
        common = known.of_campaign(self._campaign, text.language)
        common = common | {"postal": self._settings.postal, "origin": settings.PUBLIC_ORIGIN}
        self._forms[language] = form = Form(text, self._campaign, self._settings, common)
        return form


class Form:
    """One campaign's mail in one language: bytes that stay, and places to fill."""

    def __init__(
        self, text: CampaignText, campaign: Campaign, sender: MailSettings, common: _Values
    ) -> None:
        self._common, self._domain = said_once(common), sender.domain
        self._pieces: list[bytes] = [b""]  # the first is the head that each mail has of its own
        self._fills: dict[tuple[str, ...], tuple[_Fill, list[int]]] = {}
        self._second = (0, b"")
        letter = Letter.of(text, campaign)
        self._headers(letter.subject, campaign, sender)
        boundary = f"=_chaland_{campaign.pk}"  # "=_" is in no quoted-printable text
        self._add(
            b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n'
            % boundary.encode()
        )
        for kind, body in (
            ("plain", plain_text(letter)),
            ("html", text.html or compile_html(letter)),
        ):
            self._add(
                f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
            )
            self._body(body.replace("\r\n", "\n").rstrip("\n") + "\n", kind)
        self._add(f"--{boundary}--\r\n".encode())
        self._join()

    def spliced(self, key: str, to: str, now: datetime, values: _Values) -> bytes:
        """Return the whole mail for one member."""
        second = int(now.timestamp())
        if second != self._second[0]:
            self._second = second, format_datetime(now).encode()
        pieces = self._pieces.copy()
        pieces[0] = (
            f"To: {to or 'undisclosed-recipients:;'}\r\nMessage-ID: <{key}@{self._domain}>\r\n"
            "Date: "
        ).encode() + self._second[1]
        values = {**values, "key": key}
        for make, places in self._fills.values():
            made = make(values)
            for place in places:
                pieces[place] = made
        return b"".join(pieces)

    def _headers(self, subject: str, campaign: Campaign, sender: MailSettings) -> None:
        shop, domain = self._common["shop"], sender.domain
        self._add(
            b"\r\nFrom: " + encoding.mailbox(one_line(shop), sender.sender) + b"\r\nSubject: "
        )
        self._subject(subject)
        # On one line, however long: a folded header broke signatures elsewhere.
        self._add(b"\r\nList-Unsubscribe: <")
        link = UNSUBSCRIBE.replace("{origin}", self._common["origin"])
        before, after = link.split("{unsubscribe}")
        self._add(before.encode())
        self._fill(("token",), lambda values: _token(values["unsubscribe"]))
        local, _at, host = sender.return_path("{key}").rpartition("@")
        self._add(f"{after}>, <mailto:{quote(local.removesuffix('{key}'))}".encode())
        self._fill(("key",), lambda values: values["key"].encode())
        self._add(
            f"@{host}?subject=unsubscribe>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            f"List-Id: <c{campaign.controller}.a{campaign.association_id}.{domain}>\r\n"
            # What a mailbox provider may count complaints by: never anything of a person.
            f"Feedback-ID: {campaign.pk}:c{campaign.controller}:a{campaign.association_id}:chaland"
            "\r\n".encode()
        )
        if campaign.automatic:  # nobody pressed a button for it: no automatic answers, please
            self._add(b"Auto-Submitted: auto-generated\r\n")

    def _subject(self, subject: str) -> None:
        """Each value is encoded words of its own: what stays around it is encoded once."""
        still = self._still(subject, str)
        if len(still) == 1 and isinstance(still[0], str):
            self._add(encoding.header(one_line(still[0])))
            return
        for number, part in enumerate(still):
            before = b"\r\n " if number else b""
            if isinstance(part, str):
                self._add(before + encoding.words(_BREAK.sub(" ", part)))
            else:
                self._fill(("subject", part.name, part.space), _word_filler(part, before))

    def _still(self, text: str, escape: Callable[[str], str]) -> list[str | Slot]:
        """Cut a text into what is one for the campaign, filled, and what differs; in turns."""
        found: list[str | Slot] = [""]
        for part in parts(text):
            if isinstance(part, Slot) and part.name in PERSONAL:
                found += [part, ""]
                continue
            same = part if isinstance(part, str) else self._filled(part, escape)
            found[-1] = f"{found[-1]}{same}"
        return [part for part in found if part != ""]

    def _filled(self, slot: Slot, escape: Callable[[str], str]) -> str:
        return slot.filled(escape(one_line(self._common[slot.name])))

    def _body(self, body: str, kind: str) -> None:
        escape = html.escape if kind == "html" else str
        for part in self._still(body, escape):
            if isinstance(part, str):
                self._add(encoding.quoted(part))
            else:
                self._fill((kind, part.name, part.space), _filler(part, escape))

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def _fill(self, what: tuple[str, ...], make: _Fill) -> None:
        self._fills.setdefault(what, (make, []))[1].append(len(self._pieces))
        self._pieces.append(b"")

    def _join(self) -> None:
        """Join what stays between two places to fill."""
        filled = {place for _make, places in self._fills.values() for place in places}
        joined, moved = [b"", b""], {}
        for place, piece in enumerate(self._pieces[1:], 1):
            if place in filled:
                moved[place] = len(joined)
                joined += [b"", b""]
            else:
                joined[-1] += piece
        self._pieces = joined
        for _make, places in self._fills.values():
            places[:] = [moved[place] for place in places]


def _filler(slot: Slot, escape: Callable[[str], str]) -> _Fill:
    return lambda values: encoding.soft(slot.filled(escape(one_line(values[slot.name]))))


def _word_filler(slot: Slot, before: bytes) -> _Fill:
    def fill(values: _Values) -> bytes:
        value = slot.filled(one_line(values[slot.name]))
        return before + encoding.words(value) if value else b""

    return fill


def _token(token: str) -> bytes:
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token that may not stand in a header")
    return token.encode()
