"""The mailbox that bounces come to, emptied by IMAP: a mail goes there once it is stored here."""

import imaplib
import ssl
from collections.abc import Callable

from django.utils.translation import gettext as _

from chaland.hub.loyalty.outreach.mail.bounces import READ_BYTES
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, GatewayErrorTemporary

TIMEOUT_S = 30
AT_ONCE = 500
"""Mails in one visit: the worker comes again."""


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
        raise GatewayErrorTemporary(type(error).__name__) from None
    try:
        return _emptied(box, settings, store)
    except (OSError, imaplib.IMAP4.error) as error:
        raise GatewayErrorTemporary(type(error).__name__) from None
    finally:
        box.shutdown()


def _connected(settings: MailSettings) -> imaplib.IMAP4:
    where = settings.imap_host, settings.imap_port
    if settings.imap_tls:
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(*where, ssl_context=context, timeout=TIMEOUT_S)
    return imaplib.IMAP4(*where, timeout=TIMEOUT_S)


def _emptied(box: imaplib.IMAP4, settings: MailSettings, store: Callable[[bytes], None]) -> int:
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
