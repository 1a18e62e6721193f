"""By which doors the hub can speak to other machines: a closed list, read off its source (L18).

Members' contacts may go to the association's own gateways for SMS and e-mail, and nowhere else:
there is no third party with whom anything could be matched. So each module that holds a library of
the network, and each address of a host, must be on these lists.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chaland.audit.report import Outcome

NETWORK = {
    "aiohttp", "aiosmpplib", "anymail", "asyncio", "dns", "ftplib", "http.client", "httpx",
    "imaplib", "nntplib", "paramiko", "poplib", "requests", "smtplib", "socket", "socketserver",
    "ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
    "django.core.mail",
}  # fmt: skip
"""Libraries by which a program speaks to others."""
DOORS = {
    "association/web/staff.py": "mail: invitations of staff, to the association's own server",
    "loyalty/account/mailing.py": "mail: a link that a member or a customer asked for",
    "loyalty/connect/asking.py": "the till makers' API, asked with the shop's own key",
    "loyalty/outreach/faults.py": "none: it names the errors of those below",
    "loyalty/outreach/mail/anymail.py": "mail: the association's provider",
    "loyalty/outreach/mail/dns.py": "names: SPF, DKIM and DMARC of the association's own domain",
    "loyalty/outreach/mail/mailbox.py": "mail: the association's mailbox of bounces",
    "loyalty/outreach/mail/patience.py": "mail: an end to a server that never ends",
    "loyalty/outreach/mail/smtp.py": "mail: the association's server",
    "loyalty/outreach/sms/kannel.py": "SMS: the association's own Kannel",
    "loyalty/outreach/sms/ovh.py": "SMS",
    "loyalty/outreach/sms/rest.py": "SMS: what the providers' drivers have in common",
    "loyalty/outreach/sms/smpp.py": "SMS: an operator",
    "loyalty/outreach/sms/smpp_line.py": "SMS: an operator",
    "loyalty/outreach/sms/smsmode.py": "SMS",
    "site/worker.py": "the web server's own connections: it answers, and asks nobody",
}
"""Modules of the hub that may hold one of them, and what for."""
HOSTS = {
    "api.brevo.com", "api.octopush.com", "eu.api.ovh.com", "rest.smsmode.com",  # SMS
    "api.sumup.com", "connect.squareup.com",  # tills, asked for a shop's own receipts
    "127.0.0.1", "localhost", "town.example", "www.w3.org",  # this machine, examples, a namespace
}  # fmt: skip
"""Hosts whose address stands in the hub's source; those of gateways come from their settings."""


def judge(outcome: Outcome, hub: Path) -> None:
    """Read the hub's source: nobody else speaks, and nobody is spoken to besides."""
    seen = set()
    for path in sorted(hub.rglob("*.py")):
        name = path.relative_to(hub).as_posix()
        tree = ast.parse(path.read_text())
        libraries = sorted(set(_libraries(tree)))
        seen |= {name} if libraries else set()
        if name not in DOORS:
            outcome.require(not libraries, f"{name} may speak to other machines by {libraries[:2]}")
        hosts = sorted(set(_hosts(tree)) - HOSTS)
        outcome.require(not hosts, f"{name} names {hosts[:2]}, which is on no list")
    outcome.measure("modules of the hub that may speak to other machines", len(seen), len(DOORS))
    outcome.require(len(seen) > 5, "the hub's doors were not found")


def _libraries(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{each.name}" for each in node.names]
        else:
            continue
        yield from (name for name in names if any(f"{name}.".startswith(f"{n}.") for n in NETWORK))


def _hosts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"(?:https?|smtps?|wss?)://([A-Za-z0-9.-]+)", node.value)
