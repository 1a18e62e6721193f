"""Why a gateway's server can't be reached, in words: who set it up reads them, not a programmer."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping

from django.utils.translation import gettext as _

_WORDS: Mapping[type[BaseException], Callable[[], str]] = {
    socket.gaierror: lambda: _("no server of this name is found: look at the host"),
    ConnectionRefusedError: lambda: _("nobody answers there: look at host and port"),
    ssl.SSLCertVerificationError: lambda: _("the server’s certificate is not valid"),
    ssl.SSLError: lambda: _("it can’t be protected by TLS like this: look at port and protection"),
    TimeoutError: lambda: _("it did not answer in time"),
    smtplib.SMTPAuthenticationError: lambda: _("it refuses our name or password"),
    smtplib.SMTPServerDisconnected: lambda: _("it hung up"),
    ConnectionError: lambda: _("it hung up"),
    OSError: lambda: _("there is no way to it: look at host, port and this server’s network"),
}
"""The narrower first; what is none of these has its own words."""


def words(error: BaseException) -> str:
    """Say why a connection failed, by the first of its causes that is known."""
    causes = list(_causes(error))
    for kind, say in _WORDS.items():
        if any(isinstance(one, kind) for one in causes):
            return say()
    return _("it answered what can’t be understood")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__
