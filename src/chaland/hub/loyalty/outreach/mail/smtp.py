"""Mail over one SMTP connection that stays open, and mail servers' ways to say no, told apart.

Where the server can (RFC 2920), sender, recipient and DATA go in one write, and the text with the
point that ends it in another. Before that nothing can have been taken; from then on only the answer
tells, and one that is none tells nothing.
"""

import json
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.faults import words
from chaland.hub.loyalty.outreach.mail import bounces
from chaland.hub.loyalty.outreach.mail.enhanced import enhanced_status, is_bad_address
from chaland.hub.loyalty.outreach.mail.patience import Patience
from chaland.hub.loyalty.outreach.mail.settings import MailSettings, Tls
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Mail,
    Outcome,
    Result,
    Status,
)

TIMEOUT_S = 60
"""For a mail, with the connection where it needs one: however the server spreads its answers."""
_Reply = tuple[int, bytes]
_NOT_ASKED: _Reply = (503, b"")  # the step before was refused
_LOST = (OSError, smtplib.SMTPException)


class _Smtp(smtplib.SMTP):
    """A connection whose answers are read with patience, and an end to it."""

    def __init__(self, patience: Patience, host: str, port: int, own: str, **how: Any) -> None:
        self._patience = patience
        super().__init__(host, port, own, timeout=patience.seconds, **how)

    def getreply(self) -> _Reply:
        if self.file is None and self.sock is not None:
            self.file = self._patience.reader(self.sock)
        return super().getreply()


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    """The same, over TLS from its first byte."""


class SmtpDriver:
    """One connection to one mail server; it comes again by itself after a loss."""

    capabilities = Capabilities(idempotent=False, looks_up=False, reports=True, batch=500)

    def __init__(self, settings: MailSettings, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._context = context or ssl.create_default_context()
        self._patience = Patience(TIMEOUT_S)
        self._smtp: _Smtp | None = None
        self._pipelining = False

    def send(self, batch: Iterable[Mail]) -> Iterator[Outcome]:
        """Hand mails over one by one, each drawn when its turn comes.

        GatewayErrorTemporary, GatewayErrorFinal: no connection, or we are refused; the mail last
        drawn was surely not handed over.
        """
        for mail in batch:
            yield self._send(mail)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """A mail server can't be asked."""
        return None

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read what came back: a mail of the bounce mailbox, or one that a mail server posted.

        ValueError: it can't be understood.
        """
        return bounces.read(hook.body, clock.now())

    def close(self) -> None:
        """Say good-bye, if it still listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            self._patience.begin(smtp.sock)
            try:
                smtp.quit()
            except _LOST:
                smtp.close()

    def _send(self, mail: Mail) -> Outcome:
        if not mail.to:
            return Outcome(mail.key, Result.REFUSED, code="553 5.1.3", bad_address=True)
        used = self._smtp is not None
        self._patience.begin(self._smtp.sock if self._smtp else None)
        try:
            smtp, no = self._announced(mail)
        except GatewayErrorTemporary:
            if not used:
                raise
            smtp, no = self._announced(mail)  # it had waited, or carried, as long as it is allowed
        if no is not None:
            return no
        try:
            smtp.send(_stuffed(mail.data) + b".\r\n")
            reply = smtp.getreply()
        except _LOST:
            self._drop()
            return Outcome(mail.key, Result.UNKNOWN, code="connection lost")
        if reply[0] // 100 == 2:
            return Outcome(mail.key, Result.ACCEPTED, code=_code(reply))
        if reply[0] // 100 not in (4, 5):
            self._drop()
            return Outcome(mail.key, Result.UNKNOWN, code="odd answer")
        return self._judged(mail, reply, at_recipient=False)

    def _announced(self, mail: Mail) -> tuple[_Smtp, Outcome | None]:
        """Bring a mail to where its text goes; or say why it may not go."""
        smtp = self._open()
        try:
            sender, recipient, data = self._asked(smtp, mail)
        except _LOST as error:  # also 421: it is tired of this connection
            self._drop()
            raise GatewayErrorTemporary(words(error)) from None
        if data[0] == 354:
            return smtp, None
        if sender[0] // 100 == 5:
            raise GatewayErrorFinal(_("the mail server refuses the sender: %s") % _code(sender))
        if sender[0] // 100 != 2:
            return smtp, Outcome(mail.key, Result.LATER, code=_code(sender))
        refused = recipient[0] // 100 != 2
        reply = recipient if refused else data
        return smtp, self._judged(mail, reply, at_recipient=refused)

    def _asked(self, smtp: smtplib.SMTP, mail: Mail) -> tuple[_Reply, _Reply, _Reply]:
        """Give sender and recipient, and ask to send the text; returns the three answers."""
        steps = (f"MAIL FROM:<{mail.sender}>", f"RCPT TO:<{mail.to}>", "DATA")
        if self._pipelining:
            smtp.send("".join(f"{step}\r\n" for step in steps))
            sender, recipient = smtp.getreply(), smtp.getreply()
        else:
            sender = smtp.docmd(steps[0])
            recipient = smtp.docmd(steps[1]) if sender[0] // 100 == 2 else _NOT_ASKED
        if 421 in (sender[0], recipient[0]):
            raise smtplib.SMTPServerDisconnected("421")
        if recipient[0] // 100 != 2:
            self._clear(smtp, sender)
            return sender, recipient, _NOT_ASKED
        return sender, recipient, smtp.getreply() if self._pipelining else smtp.docmd(steps[2])

    def _clear(self, smtp: smtplib.SMTP, sender: _Reply) -> None:
        """Make ready for the next mail after a refusal; some servers hang up with one."""
        try:
            if self._pipelining and smtp.getreply()[0] == 354:
                smtp.send(b".\r\n")  # it wants a text for nobody: give it none (RFC 2920, 3.1)
                smtp.getreply()
            elif sender[0] // 100 == 2:
                smtp.docmd("RSET")  # else the next sender comes into a transaction that is open
        except _LOST:
            self._drop()

    def _judged(self, mail: Mail, reply: _Reply, *, at_recipient: bool) -> Outcome:
        """Read an answer that is no yes."""
        code = _code(reply)
        if reply[0] == 421 or reply[0] // 100 not in (4, 5):  # odd: whatever it answers next
            self._drop()
        if reply[0] // 100 != 5:
            return Outcome(mail.key, Result.LATER, code=code)
        bad = at_recipient and is_bad_address(code)
        return Outcome(mail.key, Result.REFUSED, code=code, bad_address=bad)

    def _open(self) -> _Smtp:
        if self._smtp is not None:
            return self._smtp
        smtp: _Smtp | None = None
        try:
            smtp = self._connected()
            if self._settings.user:
                smtp.login(self._settings.user, self._settings.password)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            _hang_up(smtp)
            raise self._refused(error) from None
        except ssl.SSLCertVerificationError:
            _hang_up(smtp)
            raise GatewayErrorFinal(_("the mail server’s certificate is not valid")) from None
        except _LOST as error:
            _hang_up(smtp)
            raise GatewayErrorTemporary(words(error)) from None
        self._pipelining = smtp.has_extn("pipelining")
        if isinstance(smtp.sock, socket.socket):  # the point waits for nothing
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._smtp = smtp
        return smtp

    def _connected(self) -> _Smtp:
        where, own = self._settings, self._settings.domain
        if where.tls == Tls.TLS:
            smtp: _Smtp = _SmtpOverTls(
                self._patience, where.host, where.port, own, context=self._context
            )
        else:
            smtp = _Smtp(self._patience, where.host, where.port, own)
        try:
            if where.tls == Tls.STARTTLS:
                smtp.starttls(context=self._context)
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            _hang_up(smtp)
            raise
        return smtp

    def _refused(self, error: smtplib.SMTPException) -> Exception:
        if isinstance(error, smtplib.SMTPAuthenticationError):
            if error.smtp_code // 100 == 4:
                return GatewayErrorTemporary(str(error.smtp_code))
            return GatewayErrorFinal(_("the mail server refuses our name or password"))
        return GatewayErrorFinal(_("the mail server offers no STARTTLS, or no way to sign in"))

    def _drop(self) -> None:
        _hang_up(self._smtp)
        self._smtp = None


def open_driver(gateway: Gateway) -> SmtpDriver:
    """Make the driver of a gateway; it connects with the first mail."""
    return SmtpDriver(MailSettings.of(json.loads(gateway.settings), gateway.sender))


def _stuffed(data: bytes) -> bytes:
    """Double a point that begins a line (RFC 5321, 4.5.2). Our own mails have none."""
    return re.sub(rb"(?m)^\.", b"..", data) if b"\n." in data or data[:1] == b"." else data


def _code(reply: _Reply) -> str:
    """The numbers alone: the text of a reply often holds the address."""
    status = enhanced_status(reply[1].decode("ascii", "replace"))
    return f"{reply[0]} {status}".strip()


def _hang_up(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()
