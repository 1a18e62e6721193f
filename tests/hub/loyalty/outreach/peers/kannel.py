"""A real Kannel: bearerbox, smsbox, and fakesmsc, which plays an operator with its telephones.

What fakesmsc takes, Kannel reports as delivered; what fails or expires is played by the SMPP
simulator behind Kannel's SMPP connection (`smpp.py` in this folder).
"""

import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote_to_bytes

from tests.hub.loyalty.outreach.peers.hooks import Hooks, until
from tests.hub.loyalty.outreach.peers.programs import found, free_ports, running

_CONNECTED = 4  # smsbox and fakesmsc, and before each the trial whether its port listens
_CONFIG = """
group = core
admin-port = {admin}
admin-password = never-used
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 1
store-type = spool
store-location = {folder}/spool
dlr-storage = internal
sms-resend-freq = 1

group = smsc
smsc = fake
smsc-id = fake
allowed-smsc-id = fake
port = {fake}
connect-allow-ip = 127.0.0.1

{smpp}
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-file = {folder}/smsbox.log
log-level = 1
global-sender = Chaland
http-timeout = 10

group = sendsms-user
username = chaland
password = s3cret-of-kannel
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
concatenation = true
send-sender = true
post-url = {hook}
"""
_SMPP = """
group = smsc
smsc = smpp
smsc-id = smpp
allowed-smsc-id = smpp
host = 127.0.0.1
port = {port}
smsc-username = chaland
smsc-password = s3cret
system-type = ""
transceiver-mode = true
reconnect-delay = 1
source-addr-ton = 5
dest-addr-ton = 1
"""


@dataclass(frozen=True)
class KannelPeer:
    """Where it is, and what its operator heard."""

    url: str
    folder: Path
    hooks: Hooks
    telephones: IO[bytes]
    username: str = "chaland"
    password: str = "s3cret-of-kannel"

    def heard(self) -> list[tuple[str, str, str]]:
        """Return (from, to, text) of what arrived at fakesmsc: one for each segment."""
        log = (self.folder / "fakesmsc.log").read_text("utf-8")
        lines = re.findall(r"Got message \d+: <(.*)>$", log, re.MULTILINE)
        whole: list[str] = []
        for line in lines:
            if re.match(r"\S+ \S+ (text|ucs-2|udh) ", line):
                whole.append(line)
            else:  # it writes a text of two lines as two
                whole[-1] += "\n" + line
        return [_told(line) for line in whole]

    def say(self, message: str) -> None:
        """Let a telephone say something: ``+336… 36105 text STOP``."""
        self.telephones.write(f"{message}\n".encode())
        self.telephones.flush()


def _told(line: str) -> tuple[str, str, str]:
    sender, to, kind, text = line.split(" ", 3)
    if kind == "text":
        return sender, to, text
    if kind == "udh":
        text = text.split(" ", 2)[2]
    raw = unquote_to_bytes(text.replace("+", " "))
    if kind != "ucs-2":  # fakesmsc says nothing of a segment's coding
        with contextlib.suppress(UnicodeDecodeError):
            if "\0" not in (narrow := raw.decode()):
                return sender, to, narrow
    # Kannel may cut a surrogate pair between two segments: the telephone joins them again.
    return sender, to, raw.decode("utf-16-be", "surrogatepass")


@contextmanager
def kannel(folder: Path, hooks: Hooks, smpp_port: int | None = None) -> Iterator[KannelPeer]:
    """Run it all within a folder."""
    bearerbox, smsbox = found("bearerbox"), found("smsbox")
    fakesmsc = found("fakesmsc", "/usr/lib/kannel/test")
    admin, box, fake, send = free_ports(4)
    (folder / "spool").mkdir()
    config = folder / "kannel.conf"
    smpp = _SMPP.format(port=smpp_port) if smpp_port else ""
    config.write_text(
        _CONFIG.format(
            admin=admin, box=box, fake=fake, send=send, smpp=smpp, folder=folder, hook=hooks.url
        )
    )  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(running([bearerbox, config], folder / "bearerbox.out", box))
        stack.enter_context(running([smsbox, config], folder / "smsbox.out", send))
        operator = [fakesmsc, "-H", "127.0.0.1", "-r", str(fake)]
        played = stack.enter_context(running(operator, folder / "fakesmsc.log", fake))
        assert played.stdin
        log = folder / "bearerbox.log"
        until(lambda: log.read_text().count("lient connected from") >= _CONNECTED)
        yield KannelPeer(f"http://127.0.0.1:{send}/cgi-bin/sendsms", folder, hooks, played.stdin)
