"""The gate before the first mail, asked of a real name server on loopback."""

import json
import socketserver
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import dns.message
import dns.rdata
import dns.resolver
import dns.rrset
import pytest

from chaland.hub.association.models import Association
from chaland.hub.loyalty.models import Channel, Gateway
from chaland.hub.loyalty.outreach.mail.dns import ASK_AGAIN, HOLDS, OUTLASTS, reason_not_to_send
from tests import outreach_builders as build
from tests.builders import build_cast

pytestmark = pytest.mark.django_db
SPF = "v=spf1 ip4:192.0.2.1 -all"
DKIM = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQ"
DMARC = "v=DMARC1; p=quarantine; rua=mailto:dmarc@port-lin.example"
GOOD = {
    "port-lin.example.": [SPF, "google-site-verification=x"],
    "hub._domainkey.port-lin.example.": [DKIM],
    "_dmarc.port-lin.example.": [DMARC],
}
NOW = build.NOON


class Names(socketserver.UDPServer):
    """A name server that knows a few TXT records; with ``None`` it says that it can't answer."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] | None = dict(GOOD)
        self.asked = 0
        super().__init__(("127.0.0.1", 0), _Question)


class _Question(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Names)
        self.server.asked += 1
        wire, way = self.request
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
        name = query.question[0].name
        if self.server.texts is None:
            reply.set_rcode(2)
        elif texts := self.server.texts.get(name.to_text().lower()):
            pieces = [" ".join(f'"{t[i : i + 200]}"' for i in range(0, len(t), 200)) for t in texts]
            reply.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", pieces))
        else:
            reply.set_rcode(3)
        way.sendto(reply.to_wire(), self.client_address)


@pytest.fixture
def names() -> Iterator[Names]:
    with Names() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def ask(names: Names) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], names.server_address[1]
    return resolver


def _gateway(**told: object) -> Gateway:
    settings = json.dumps({"dkim_selector": "hub", "postal": "3 rue du Port"} | told)
    town = Association.objects.first() or build_cast(2).association
    gateway = build.build_gateway(town.pk, Channel.EMAIL, "smtp", settings)
    gateway.sender = "bonjour@port-lin.example"
    return gateway


def test_all_three_let_mails_through_and_are_asked_once_a_week(
    names: Names, ask: dns.resolver.Resolver
) -> None:
    gateway = _gateway()
    assert reason_not_to_send(gateway, NOW, ask) == ""
    asked = names.asked
    assert reason_not_to_send(gateway, NOW + HOLDS - timedelta(minutes=1), ask) == ""
    assert names.asked == asked, "kept"
    assert Gateway.objects.get().proof["dmarc"] == DMARC
    names.texts = {}
    assert "SPF" in reason_not_to_send(gateway, NOW + HOLDS, ask)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"port-lin.example.": []}, "SPF"),
        ({"port-lin.example.": [SPF, "v=spf1 mx -all"]}, "SPF"),
        ({"port-lin.example.": ["v=spf1 +all"]}, "SPF"),
        ({"port-lin.example.": ["v=spf1 all"]}, "SPF"),
        ({"port-lin.example.": ["v=spf10 -all"]}, "SPF"),
        ({"hub._domainkey.port-lin.example.": ["v=DKIM1; p="]}, "DKIM"),
        ({"hub._domainkey.port-lin.example.": []}, "DKIM"),
        ({"_dmarc.port-lin.example.": ["v=DMARC1; rua=mailto:x@y.example"]}, "DMARC"),
        ({"_dmarc.port-lin.example.": [DMARC, "v=DMARC1; p=none"]}, "DMARC"),
    ],
)
def test_what_is_missing_is_named(
    change: dict[str, list[str]], missing: str, names: Names, ask: dns.resolver.Resolver
) -> None:
    names.texts = GOOD | change
    why = reason_not_to_send(_gateway(), NOW, ask)
    assert [name for name in ("SPF", "DKIM", "DMARC") if name in why] == [missing]


def test_a_refusal_is_looked_up_again_soon(names: Names, ask: dns.resolver.Resolver) -> None:
    names.texts = {}
    gateway = _gateway()
    assert reason_not_to_send(gateway, NOW, ask)
    names.texts = dict(GOOD)
    assert reason_not_to_send(gateway, NOW + timedelta(minutes=1), ask)
    assert reason_not_to_send(gateway, NOW + ASK_AGAIN, ask) == ""


def test_a_subdomain_has_the_policy_of_the_domain_above(
    names: Names, ask: dns.resolver.Resolver
) -> None:
    names.texts = GOOD | {
        "news.port-lin.example.": [SPF],
        "hub._domainkey.news.port-lin.example.": [DKIM],
    }
    gateway = _gateway()
    gateway.sender = "bonjour@news.port-lin.example"
    assert reason_not_to_send(gateway, NOW, ask) == ""


def test_bounces_to_another_domain_do_not_align(names: Names, ask: dns.resolver.Resolver) -> None:
    names.texts = GOOD | {"other.example.": [SPF], "retours.port-lin.example.": [SPF]}
    assert reason_not_to_send(_gateway(bounces="x@other.example"), NOW, ask)
    Gateway.objects.all().delete()
    assert reason_not_to_send(_gateway(bounces="x@retours.port-lin.example"), NOW, ask) == ""


def test_while_no_name_server_answers_the_last_answer_holds_for_a_month(
    names: Names, ask: dns.resolver.Resolver
) -> None:
    gateway = _gateway()
    assert reason_not_to_send(gateway, NOW, ask) == ""
    names.texts = None
    ask.timeout = ask.lifetime = 0.2
    assert reason_not_to_send(gateway, NOW + HOLDS, ask) == ""
    assert reason_not_to_send(gateway, NOW + OUTLASTS, ask)
    Gateway.objects.all().delete()
    assert reason_not_to_send(_gateway(), NOW, ask), "and nothing known is no"


def test_a_new_sender_is_asked_about_at_once(names: Names, ask: dns.resolver.Resolver) -> None:
    gateway = _gateway()
    assert reason_not_to_send(gateway, NOW, ask) == ""
    gateway.sender = "bonjour@other.example"
    assert "SPF" in reason_not_to_send(gateway, NOW, ask)


def test_mails_say_from_where_they_come(names: Names, ask: dns.resolver.Resolver) -> None:
    assert "postal" in reason_not_to_send(_gateway(postal=""), NOW, ask)
    assert names.asked == 0


def test_only_an_explicit_setting_exempts(names: Names, ask: dns.resolver.Resolver) -> None:
    names.texts = {}
    assert reason_not_to_send(_gateway(offline=True), NOW, ask) == ""
    assert names.asked == 0
