"""Real mail servers: a postfix that sends for us and has its mails signed by opendkim, peers that
take or bounce, and a dovecot with the mailbox that bounces come to. All on loopback.

Nothing of the machine's own servers is touched: each has its configuration, queue and ports in a
folder of its own (not pytest's, which only root may enter: these servers change their user).
"""

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dkim
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.hub.loyalty.outreach.peers.programs import found, free_ports, running

DOMAIN = "port-lin.example"
"""Ours: the sender's, and (with ``retours@``) the bounce mailbox's."""
SELECTOR = "hub"
PASSWORD = "s3cret-of-the-mailbox"

_MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
syslog_name = chaland-test
myhostname = mx.{domain}
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_address_preference = ipv4
disable_dns_lookups = yes
recipient_delimiter = +
transport_maps = inline:{{ {routes} }}
relay_domains = {domain} {domains}
smtpd_milters = inet:127.0.0.1:{milter}
milter_default_action = tempfail
maximal_queue_lifetime = 2s
bounce_queue_lifetime = 30s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
notify_classes =
fast_flush_domains =
smtpd_recipient_restrictions = check_recipient_access inline:{{
    {{ gone@takes.example = 550 5.1.1 gone }}, {{ later@takes.example = 450 4.2.1 later }},
    {{ shut@takes.example = 521 5.3.2 no mail here }} }}, permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail
recipient_delimiter = +
lmtp_hdr_delivery_address = original
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/mail
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""
_OPENDKIM = """
Domain {domain}
Selector {selector}
KeyFile {folder}/key.pem
Socket inet:{milter}@127.0.0.1
Mode s
Canonicalization relaxed/relaxed
InternalHosts 127.0.0.1
Background no
Syslog no
RequireSafeKeys no
OversignHeaders From
"""
SINKS = {
    "takes.example": (),
    "nobody.example": ("-f", "rcpt", "-B", "550 5.1.1 no such user"),
    "full.example": ("-r", "rcpt", "-b", "452 4.2.2 mailbox full"),
    "hostile.example": ("-f", "rcpt", "-B", "550 5.7.1 we do not like you"),
}
"""Domains, and how their mail server answers (``smtp-sink``)."""


@dataclass
class Received:
    """A receiving mail server that keeps what it gets, as aiosmtpd handles it."""

    mails: list[Envelope] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  # its name for aiosmtpd
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        self.mails.append(envelope)
        return "250 2.0.0 Ok"


@contextmanager
def receiving(received: Received, **options: Any) -> Iterator[int]:
    """Run a receiving mail server; yields its port. Its connections end with it."""
    made: list[SMTP] = []

    class Receiver(Controller):
        def factory(self) -> SMTP:
            made.append(super().factory())
            return made[-1]

    logging.getLogger("mail.log").setLevel(logging.WARNING)  # else every word of each mail
    controller = Receiver(received, hostname="127.0.0.1", port=free_ports(1)[0], **options)
    controller.start()
    try:
        yield controller.port
    finally:
        hung_up = asyncio.run_coroutine_threadsafe(_hang_up(made), controller.loop)
        hung_up.result(10)
        controller.stop()


async def _hang_up(sessions: list[SMTP]) -> None:
    for one in sessions:
        if one.transport is not None:
            one.transport.abort()
    await asyncio.sleep(0.05)


@dataclass(frozen=True)
class MailPeers:
    """What runs: ``smtp`` is ours; ``sinks`` are asked directly for their answers at RCPT."""

    smtp: int
    imap: int
    sinks: dict[str, int]
    received: Received
    received_port: int
    key: bytes  # the DKIM record of SELECTOR

    def verified(self, data: bytes) -> bool:
        """Say whether a mail bears our domain's signature, as its receiver checks it."""
        names = {f"{SELECTOR}._domainkey.{DOMAIN}.".encode(): self.key}
        return bool(dkim.verify(data, dnsfunc=lambda name, timeout=5: names.get(name, b"")))


@contextmanager
def sink(log: Path, *options: str, port: int = 0) -> Iterator[int]:
    """Run one ``smtp-sink``; yields its port."""
    port = port or free_ports(1)[0]
    command = [found("smtp-sink"), "-c", "-u", "nobody", *options, f"127.0.0.1:{port}", "100"]
    with running(command, log, port):
        yield port


@contextmanager
def mail_peers() -> Iterator[MailPeers]:
    """Run all of it."""
    with ExitStack() as stack:
        before = os.umask(0o022)  # the hub's own is its user's alone; these servers have several
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaland-mail-")))
        folder.chmod(0o755)
        sinks = {
            name: stack.enter_context(sink(folder / f"{name}.log", *options))
            for name, options in SINKS.items()
        }
        received = Received()
        receiver = stack.enter_context(receiving(received))
        smtp, milter, imap, lmtp = free_ports(4)
        key = stack.enter_context(_signer(folder / "dkim", milter))
        stack.enter_context(_mailbox(folder / "dovecot", imap, lmtp))
        routes = {name: f"smtp:[127.0.0.1]:{port}" for name, port in sinks.items()}
        for name in ("reads.example", "example.org"):  # the latter: members of the builders
            routes[name] = f"smtp:[127.0.0.1]:{receiver}"
        routes[DOMAIN] = f"lmtp:[127.0.0.1]:{lmtp}"
        stack.enter_context(_postfix(folder / "postfix", smtp, milter, routes))
        os.umask(before)
        yield MailPeers(smtp, imap, sinks, received, receiver, key)


@contextmanager
def _signer(folder: Path, milter: int) -> Iterator[bytes]:
    folder.mkdir()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "conf").write_text(
        _OPENDKIM.format(domain=DOMAIN, selector=SELECTOR, folder=folder, milter=milter)
    )
    command = [found("opendkim"), "-f", "-x", folder / "conf"]
    with running(command, folder / "log", milter) as process:
        lines = public.decode().splitlines()[1:-1]
        yield f"v=DKIM1; k=rsa; p={''.join(lines)}".encode()
        process.kill()  # asked kindly it takes four seconds


@contextmanager
def _mailbox(folder: Path, imap: int, lmtp: int) -> Iterator[None]:
    folder.mkdir()
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "dovecot", "dovecot")
    (folder / "conf").write_text(
        _DOVECOT.format(folder=folder, imap=imap, lmtp=lmtp, password=PASSWORD)
    )
    with running([found("dovecot"), "-F", "-c", folder / "conf"], folder / "out", imap):
        yield


@contextmanager
def _postfix(folder: Path, port: int, milter: int, routes: dict[str, str]) -> Iterator[None]:
    (folder / "queue").mkdir(parents=True)
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    conf = folder / "conf"
    conf.mkdir()
    inline = ", ".join(f"{{{name} = {way}}}" for name, way in routes.items())
    (conf / "main.cf").write_text(
        _MAIN.format(
            folder=folder, domain=DOMAIN, domains=" ".join(routes), routes=inline, milter=milter
        )
    )
    (conf / "master.cf").write_text(_MASTER.format(port=f"127.0.0.1:{port}"))
    command = [found("postfix"), "-c", conf, "start-fg"]
    with running(command, folder / "out", port):
        try:
            yield
        finally:  # what was started is a script: the servers have a session of their own
            os.kill(int((folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
