"""What a mail gateway's sealed settings hold, read once and checked with words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from django.utils.translation import gettext as _

from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]+")
"""A mail address as it may stand in a header and an envelope: ASCII, nothing that breaks a line."""


class Tls(StrEnum):
    """How the way to the mail server is closed to others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # a server on the same machine


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mails leave, and where what comes back is read."""

    sender: str  # after From
    bounces: str = ""  # "bounces@example.org": VERP puts +key before the @; "": the sender
    postal: str = ""  # the postal address in each mail's footer
    host: str = "localhost"
    port: int = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: str = ""
    dkim_selector: str = ""
    again: bool = False  # what is unknown goes once more, with the same Message-ID
    offline: bool = False  # no DNS gate: tests and a mail server on the same machine only
    backend: str = ""  # anymail's name, as "mailjet"
    options: Mapping[str, Any] | None = None  # anymail's own settings
    imap_host: str = ""
    imap_port: int = 993
    imap_user: str = ""
    imap_password: str = ""
    imap_tls: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any], sender: str) -> "MailSettings":
        """Read a gateway's settings. GatewayErrorFinal: says which one is wrong, never its text."""
        unknown = set(settings) - set(cls.__slots__)
        if unknown:
            raise GatewayErrorFinal(_("unknown setting: %s") % ", ".join(sorted(unknown)))
        try:
            tls = Tls(settings.get("tls", Tls.STARTTLS))
        except ValueError:
            raise GatewayErrorFinal(_("tls must be starttls, tls or none")) from None
        read = cls(**{**settings, "sender": sender, "tls": tls})
        for name in ("port", "imap_port"):
            if type(value := getattr(read, name)) is not int or not 0 < value < 65536:
                raise GatewayErrorFinal(_("%s is no port: give a number up to 65535") % name)
        for name in ("sender", "bounces"):
            value = getattr(read, name)
            if (value or name == "sender") and not ADDRESS.fullmatch(value):
                raise GatewayErrorFinal(_("%s is no mail address") % name)
        if read.tls == Tls.NONE and not _on_this_machine(read.host):
            text = _("without TLS mails go to this machine only: choose starttls or tls")
            raise GatewayErrorFinal(text)
        if read.imap_host and not read.imap_tls and not _on_this_machine(read.imap_host):
            raise GatewayErrorFinal(_("without TLS only a mailbox on this machine is read"))
        return read

    @property
    def domain(self) -> str:
        """The domain after From: what DNS must say of, and what makes Message-IDs ours."""
        return self.sender.rpartition("@")[2].lower()

    def return_path(self, key: str) -> str:
        """The envelope's sender, which names the delivery (VERP)."""
        local, _at, domain = (self.bounces or self.sender).rpartition("@")
        return f"{local}+{key}@{domain}"


def _on_this_machine(host: str) -> bool:
    """Say whether a host's name is this machine's own; DNS isn't asked, whose answer may change."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def ascii_address(address: str) -> str:
    """Return an address as an envelope takes it, its domain in ASCII; "": it can't stand there."""
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return ""
    found = f"{local}@{domain}"
    return found if ADDRESS.fullmatch(found) and len(found) <= 254 else ""
