"""The mailbox that bounces come to, emptied by IMAP: a mail goes there once it is stored here."""

import imaplib
import ssl
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from chaland.hub.loyalty.outreach.faults import words
from chaland.hub.loyalty.outreach.mail.bounces import READ_BYTES
from chaland.hub.loyalty.outreach.mail.patience import Patience
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, GatewayErrorTemporary

TIMEOUT_S = 30
"""For a mail, or for the way to the first, however the server spreads its answers."""
_LONGEST_BYTES = READ_BYTES + (1 << 20)
AT_ONCE = 500
"""Mails in one visit: the worker comes again."""


class _Box(imaplib.IMAP4):
    """A connection whose answers are read with patience, and an end to it."""

    def __init__(self, patience: Patience, host: str, port: int, **how: Any) -> None:
        self.patience = patience
        super().__init__(host, port, timeout=patience.seconds, **how)

    def open(self, *where: Any, **how: Any) -> None:
        super().open(*where, **how)
        self.file.close()
        self.file = self.patience.reader(self.sock)

    def read(self, size: int) -> bytes:
        if size > _LONGEST_BYTES:  # it says so beforehand: room would be made for it
            raise self.abort("the answer has no end")
        return super().read(size)


class _BoxOverTls(_Box, imaplib.IMAP4_SSL):
    """The same, over TLS from its first byte."""


def empty_mailbox(settings: MailSettings, store: Callable[[bytes], None]) -> int:
    """Hand each mail of the mailbox to ``store``, then delete it there; return how many.

    A mail that was stored and not yet deleted when we were killed comes again: what it says is then
    known already. GatewayErrorTemporary: no connection, or an odd answer (no INBOX, not now).
    GatewayErrorFinal: name or password.
    """
    if not settings.imap_host:
        return 0
    try:
        box = _connected(settings)
    except (OSError, imaplib.IMAP4.error) as error:
        raise GatewayErrorTemporary(_why(error)) from None
    try:
        return _emptied(box, settings, store)
    except (OSError, imaplib.IMAP4.error) as error:
        raise GatewayErrorTemporary(_why(error)) from None
    finally:
        box.shutdown()


def _connected(settings: MailSettings) -> _Box:
    where = settings.imap_host, settings.imap_port
    patience = Patience(TIMEOUT_S, _LONGEST_BYTES)
    if settings.imap_tls:
        context = ssl.create_default_context()
        return _BoxOverTls(patience, *where, ssl_context=context)
    return _Box(patience, *where)


def _emptied(box: _Box, settings: MailSettings, store: Callable[[bytes], None]) -> int:
    try:
        box.login(settings.imap_user, settings.imap_password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise GatewayErrorFinal(_("the mailbox refuses our name or password")) from None
    box.select("INBOX")
    _answer, found = box.uid("SEARCH", "ALL")
    names = found[0].split()[:AT_ONCE] if found and found[0] else []
    done = 0
    for name in names:
        box.patience.begin(box.sock)
        _answer, told = box.uid("FETCH", name.decode(), f"(BODY.PEEK[]<0.{READ_BYTES}>)")
        raw = next((part[1] for part in told if isinstance(part, tuple)), None)
        if raw is None:
            continue  # somebody else deleted it meanwhile
        store(raw)
        box.uid("STORE", name.decode(), "+FLAGS.SILENT", r"(\Deleted)")
        done += 1
    if done:
        box.expunge()
    return done


def _why(error: Exception) -> str:
    if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort):
        return _("the mailbox refuses our name or password, or what was asked")
    return words(error)
