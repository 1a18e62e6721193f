"""The gate before the first mail (L10): what DNS says of the sender's domain.

SPF of the envelope's domain (RFC 7208), the DKIM key that the mail server signs with (RFC 6376) and
DMARC (RFC 7489), all three, and the envelope within the sender's own domain, so that they align.
Looked up once a week, and kept in ``Gateway.proof`` for the association to see.
"""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import dns.exception
import dns.resolver
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.mail.settings import MailSettings

HOLDS = timedelta(days=7)
"""How long what was found lets mails through before it is looked up again."""
OUTLASTS = timedelta(days=30)
"""And how long where no name server answers."""
ASK_AGAIN = timedelta(minutes=10)
"""How soon after a refusal it is looked up again."""
TIMEOUT_S = 5.0

Proof = dict[str, Any]


class DnsErrorTemporary(Exception):
    """No name server answers: nothing is known."""


def reason_not_to_send(
    gateway: Gateway, now: datetime, resolver: dns.resolver.Resolver | None = None
) -> str:
    """Return why a mail gateway may not send, in words; "": it may. Keeps what it looked up.

    Gateways marked ``offline`` (a test's, a demonstration's) are exempt.
    """
    settings = MailSettings.of(json.loads(gateway.settings), gateway.sender)
    if settings.offline:
        return ""
    if not settings.postal:
        return _("Fill in the postal address: each mail must say who writes, and from where.")
    proof, asked = gateway.proof, _asked(settings)
    known = proof.get("asked") == asked
    age = now - datetime.fromisoformat(proof["at"]) if known else None
    if age is None or age >= (ASK_AGAIN if proof["missing"] else HOLDS):
        try:
            proof = look_up(settings, now, resolver or _resolver())
        except DnsErrorTemporary:
            if age is None or proof["missing"] or age >= OUTLASTS:
                return _("no name server answers: what DNS says of your domain is not known")
        else:
            gateway.proof = proof
            gateway.save(update_fields=["proof"])
    return " ".join(words(name, asked) for name in proof["missing"])


def look_up(settings: MailSettings, now: datetime, resolver: dns.resolver.Resolver) -> Proof:
    """Ask the three questions. DnsErrorTemporary: no answer, neither yes nor no."""
    domain, envelope = settings.domain, settings.return_path("").rpartition("@")[2].lower()
    found = {
        "spf": _spf(_texts(resolver, envelope)),
        "dkim": "",
        "dmarc": _dmarc(resolver, domain),
    }
    if settings.dkim_selector:
        keys = _texts(resolver, f"{settings.dkim_selector}._domainkey.{domain}")
        found["dkim"] = next((text for text in keys if _tags(text).get("p")), "")
    missing = [name for name, text in found.items() if not text]
    if not (envelope == domain or envelope.endswith(f".{domain}")):
        missing.append("aligned")
    return {"at": now.isoformat(), "asked": _asked(settings), "missing": missing, **found}


def words(missing: str, asked: str) -> str:
    """Say what to do about one thing that DNS lacks."""
    domain, envelope, selector = asked.split(" ")
    match missing:
        case "spf":
            text = _("SPF: add one TXT record “v=spf1 … -all” to %(envelope)s.")
        case "dkim":
            text = _("DKIM: add the mail server’s key as TXT record of %(key)s.")
        case "dmarc":
            text = _("DMARC: add the TXT record “v=DMARC1; p=…” to _dmarc.%(domain)s.")
        case _:
            text = _("The bounce address must be of %(domain)s, as the sender is.")
    key = f"{selector or '…'}._domainkey.{domain}"
    return text % {"domain": domain, "envelope": envelope, "key": key}


def _asked(settings: MailSettings) -> str:
    envelope = settings.return_path("").rpartition("@")[2].lower()
    return f"{settings.domain} {envelope} {settings.dkim_selector}"


def _dmarc(resolver: dns.resolver.Resolver, domain: str) -> str:
    """A domain's policy, or the one of the domain above it that has one."""
    labels = domain.split(".")
    for first in range(max(1, len(labels) - 1)):
        texts = _texts(resolver, "_dmarc." + ".".join(labels[first:]))
        found = [text for text in texts if text.startswith("v=DMARC1")]
        if found:
            policy = _tags(found[0]).get("p", "").lower()
            alone = len(found) == 1  # of several none holds
            return found[0] if alone and policy in ("none", "quarantine", "reject") else ""
    return ""


def _spf(texts: list[str]) -> str:
    found = [text for text in texts if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]
    if len(found) != 1 or re.search(r"(?i) \+?all *$", found[0]):  # several, or all the world
        return ""
    return found[0]


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): value.strip() for name, _is, value in pairs}


def _texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    try:
        answer = resolver.resolve(name, "TXT", lifetime=TIMEOUT_S, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException:
        raise DnsErrorTemporary(name) from None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _resolver() -> dns.resolver.Resolver:
    try:
        return dns.resolver.Resolver()
    except dns.exception.DNSException:
        raise DnsErrorTemporary("no name server is named on this machine") from None
