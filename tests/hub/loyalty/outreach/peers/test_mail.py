"""Mail against real servers: every way a mail ends arrives as the outcome that it is."""

import json
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from chaland.hub.common import clock
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.models import Campaign, Channel, Delivery, Gateway, Member, Suppression
from chaland.hub.loyalty.outreach import inbound
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.mail.compose import Composer
from chaland.hub.loyalty.outreach.mail.settings import MailSettings, Tls
from chaland.hub.loyalty.outreach.mail.smtp import SmtpDriver
from chaland.hub.loyalty.outreach.shapes import (
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Mail,
    Outcome,
    Reach,
    Result,
    Waiting,
)
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.hub.loyalty.outreach.peers.hooks import until
from tests.hub.loyalty.outreach.peers.mail import (
    DOMAIN,
    PASSWORD,
    MailPeers,
    Received,
    mail_peers,
    receiving,
    sink,
)
from tests.hub.loyalty.outreach.peers.programs import free_ports

TEXT = b"From: bonjour@port-lin.example\r\nSubject: x\r\n\r\nBonjour\r\n.\r\n..deux\r\n"
OK, NO, LATER, UNKNOWN = Result.ACCEPTED, Result.REFUSED, Result.LATER, Result.UNKNOWN


@pytest.fixture(scope="module")
def peers() -> Iterator[MailPeers]:
    with mail_peers() as running:
        yield running


@pytest.fixture
def drive() -> Iterator[Callable[..., SmtpDriver]]:
    opened: list[SmtpDriver] = []

    def make(port: int, context: ssl.SSLContext | None = None, **more: object) -> SmtpDriver:
        told = {"host": "127.0.0.1", "port": port, "tls": Tls.NONE} | more
        settings = MailSettings.of(told, f"bonjour@{DOMAIN}")
        opened.append(SmtpDriver(settings, context))
        return opened[-1]

    yield make
    for driver in opened:
        driver.close()


def _mail(to: str, data: bytes = TEXT) -> Mail:
    key = uuid4().hex
    return Mail(key, to, f"retours+{key}@{DOMAIN}", data)


def _told(outcomes: list[Outcome]) -> list[tuple[Result, str, bool]]:
    return [(one.result, one.code, one.bad_address) for one in outcomes]


def test_answers_at_the_recipient_are_told_apart_over_one_connection(
    peers: MailPeers, drive: Callable[..., SmtpDriver]
) -> None:
    names = ("one", "gone", "two", "later", "shut", "three")
    driver = drive(peers.smtp)
    told = _told(list(driver.send(_mail(f"{name}@takes.example") for name in names)))
    assert driver._pipelining, "in one write"
    assert [result for result, _code, _bad in told] == [OK, NO, OK, LATER, NO, OK]
    assert told[1] == (NO, "550 5.1.1", True)
    assert told[3] == (LATER, "450 4.2.1", False)
    assert told[4] == (NO, "521 5.3.2", False)


def test_servers_without_pipelining_are_asked_step_by_step(
    peers: MailPeers, drive: Callable[..., SmtpDriver]
) -> None:
    told = {}
    for name, port in peers.sinks.items():
        driver = drive(port)
        told[name] = _told(list(driver.send(_mail(f"{i}@{name}") for i in range(3))))
    assert told["takes.example"][0][0] == OK
    assert told["nobody.example"] == [(NO, "550 5.1.1", True)] * 3
    assert told["full.example"] == [(LATER, "452 4.2.2", False)] * 3
    assert told["hostile.example"] == [(NO, "550 5.7.1", False)] * 3


def test_a_mail_arrives_byte_by_byte(peers: MailPeers, drive: Callable[..., SmtpDriver]) -> None:
    mail = _mail("zoe@reads.example")
    list(drive(peers.received_port).send([mail]))
    assert peers.received.mails[-1].original_content == TEXT
    assert peers.received.mails[-1].mail_from == mail.sender


@pytest.mark.parametrize("options", [("-q", "data"), ("-Q", "rcpt"), ("-q", "mail")])
def test_lost_before_the_text_nothing_was_handed_over(
    options: tuple[str, ...], tmp_path: Path, drive: Callable[..., SmtpDriver]
) -> None:
    with sink(tmp_path / "log", *options) as port:
        driver = drive(port)
        for _ in range(2):  # and it comes back by itself
            with pytest.raises(GatewayErrorTemporary):
                list(driver.send([_mail("zoe@takes.example")]))


def test_lost_after_the_text_nobody_knows(tmp_path: Path, drive: Callable[..., SmtpDriver]) -> None:
    with sink(tmp_path / "log", "-q", ".") as port:
        told = _told(list(drive(port).send(_mail(f"{i}@takes.example") for i in range(2))))
    assert told == [(UNKNOWN, "connection lost", False)] * 2


def test_a_connection_that_was_given_up_meanwhile_comes_back_by_itself(
    tmp_path: Path, drive: Callable[..., SmtpDriver]
) -> None:
    with sink(tmp_path / "first", "-n", "1") as port:  # it takes one connection, then ends
        driver = drive(port)
        told = list(driver.send([_mail("one@takes.example")]))
        assert driver._smtp is not None
        driver._smtp.docmd("QUIT")
    with sink(tmp_path / "again", port=port):
        told += list(driver.send(_mail(f"{i}@takes.example") for i in range(2)))
    assert [one.result for one in told] == [OK] * 3


def test_nobody_there_is_tried_later(drive: Callable[..., SmtpDriver]) -> None:
    with pytest.raises(GatewayErrorTemporary):
        list(drive(free_ports(1)[0]).send([_mail("zoe@takes.example")]))


def test_an_address_that_can_t_be_written_to_is_refused_here(
    drive: Callable[..., SmtpDriver],
) -> None:
    told = _told(list(drive(1).send([_mail("")])))
    assert told == [(NO, "553 5.1.3", True)]


def _certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context, and one of a client that knows its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)


def test_the_way_is_closed_and_the_name_proved(
    tmp_path: Path, drive: Callable[..., SmtpDriver]
) -> None:
    server, client = _certificate(tmp_path)
    received = Received()

    def knows(
        _server: object, _session: object, _way: object, _how: str, data: object
    ) -> AuthResult:
        right = getattr(data, "password", b"") == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    user, closed = {"user": "hub", "password": PASSWORD}, {"host": "localhost", "tls": Tls.STARTTLS}
    options = {"tls_context": server, "require_starttls": True, "authenticator": knows}
    with receiving(received, auth_required=True, **options) as port:
        told = list(drive(port, client, **closed, **user).send([_mail("zoe@takes.example")]))
        assert [one.result for one in told] == [OK]
        for context, more, why in (
            (None, user, "certificat"),
            (client, user | {"password": "wrong"}, "mot de passe"),
        ):
            with pytest.raises(GatewayErrorFinal, match=why):
                list(drive(port, context, **closed, **more).send([_mail("zoe@takes.example")]))
    assert len(received.mails) == 1


def test_without_starttls_the_password_is_not_said(
    peers: MailPeers, drive: Callable[..., SmtpDriver]
) -> None:
    driver = drive(peers.smtp, tls=Tls.STARTTLS, user="hub", password=PASSWORD)
    with pytest.raises(GatewayErrorFinal, match="STARTTLS"):
        list(driver.send([_mail("zoe@takes.example")]))


ADDRESSES = {
    "reads": "zoe@reads.example",
    "takes": "anna@takes.example",
    "hard": "paul@nobody.example",
    "soft": "lea@full.example",
    "hostile": "max@hostile.example",
    "refused": "gone@takes.example",
    "stops": "nina@reads.example",
    "away": "hugo@reads.example",
}


@pytest.fixture
def town(
    peers: MailPeers, db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Member]:
    """Members by what becomes of their mails, a campaign to all, a gateway to the servers."""
    monkeypatch.setattr(clock, "_read", lambda: build.NOON)
    settings.PUBLIC_ORIGIN = "https://" + "fidelite-des-commerces." * 9 + DOMAIN
    association_id = build_cast(2).association.pk
    told = {
        "host": "127.0.0.1", "port": peers.smtp, "tls": "none", "offline": True,
        "bounces": f"retours@{DOMAIN}", "postal": "3 rue du Port, 29000 Port-Lin",
        "imap_host": "127.0.0.1", "imap_port": peers.imap, "imap_tls": False,
        "imap_user": f"retours@{DOMAIN}", "imap_password": PASSWORD,
    }  # fmt: skip
    gateway = build.build_gateway(association_id, Channel.EMAIL, "smtp", json.dumps(told))
    Gateway.objects.filter(pk=gateway.pk).update(sender=f"bonjour@{DOMAIN}")
    members = build.build_reachable(association_id, len(ADDRESSES), Channel.EMAIL)
    for member, address in zip(members, ADDRESSES.values(), strict=True):
        member.email = address
        member.email_index = contacts.blind("email", association_id, address)
        member.save()
    campaign = build.build_campaign(association_id, Channel.EMAIL)
    build.build_deliveries(campaign, members, Channel.EMAIL)
    return dict(zip(ADDRESSES, members, strict=True))


def _states(town: dict[str, Member]) -> dict[str, tuple[str, str]]:
    rows = Delivery.objects.values_list("member", "state", "reason", "code")
    told = {member: (reason or state, code) for member, state, reason, code in rows}
    return {name: told[member.pk] for name, member in town.items()}


def _answer(peers: MailPeers, sender: str, to: str, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", peers.smtp) as smtp:
        smtp.sendmail(sender, [to], f"From: {sender}\r\nTo: {to}\r\n{text}")


@pytest.mark.django_db
def test_every_way_a_mail_ends_arrives_in_its_state(
    peers: MailPeers, town: dict[str, Member]
) -> None:
    run_once(build.NOON)
    sent = _states(town)
    assert sent.pop("refused") == ("refused", "550 5.1.1")
    assert {state for state, _code in sent.values()} == {"accepted"}

    read = {
        one.rcpt_tos[0]: one for one in peers.received.mails if b"List-Id" in one.original_content
    }
    mail = until(lambda: read if len(_read(peers, read)) >= 3 else None)["zoe@reads.example"]
    key = Delivery.objects.get(member=town["reads"]).key.hex
    assert mail.mail_from == f"retours+{key}@{DOMAIN}"
    stop = _read(peers, read)["nina@reads.example"].original_content.decode()
    to = re.findall(r"<mailto:([^?>]+)\?subject=(\w+)>", stop)[0]
    _answer(peers, ADDRESSES["stops"], to[0].replace("%2B", "+"), f"Subject: {to[1]}\r\n\r\n")
    away = _read(peers, read)["hugo@reads.example"].mail_from
    _answer(peers, ADDRESSES["away"], away, "Subject: STOP\r\nAuto-Submitted: auto-replied\r\n\r\n")

    came = 0

    def all_back() -> bool:
        nonlocal came
        came += inbound.fetch()
        return came >= 5  # hard, soft, hostile, stop, absence

    until(all_back, 20)
    inbound.read_due(build.NOON)
    ended = _states(town)
    assert ended["hard"] == ("bounced", "5.1.1")
    assert ended["soft"] == ("bounced", "4.2.2")
    assert ended["hostile"] == ("failed", "5.7.1")
    assert {ended[name][0] for name in ("reads", "takes", "away")} == {"accepted"}
    causes = Suppression.Cause
    assert {row.index: row.cause for row in Suppression.objects.all()} == {
        town["hard"].email_index: causes.BOUNCED,
        town["refused"].email_index: causes.BOUNCED,
        town["stops"].email_index: causes.UNSUBSCRIBED,
    }, "full, hostile or away is no reason never to write again"
    assert inbound.fetch() == 0, "the mailbox is empty"


def _read(peers: MailPeers, read: dict[str, object]) -> dict[str, object]:
    read |= {one.rcpt_tos[0]: one for one in peers.received.mails}
    return read


@pytest.mark.django_db
def test_the_signature_holds_over_the_longest_link(
    peers: MailPeers, town: dict[str, Member], drive: Callable[..., SmtpDriver]
) -> None:
    gateway, campaign = Gateway.objects.get(), Campaign.objects.get()
    row = Delivery.objects.get(member=town["reads"])
    waiting = Waiting(
        row.pk, row.key, campaign.pk, town["reads"].pk, row.channel, "", row.expires_at
    )
    own = {"first_name": "Zoé", "code": "", "link": "", "unsubscribe": "x" * 400}
    mail = Composer(campaign, gateway).message(waiting, Reach("zoe@reads.example", "fr", own))
    assert max(len(line) for line in mail.data.split(b"\r\n")) in range(700, 998)
    before = len(peers.received.mails)
    list(drive(peers.smtp).send([mail]))
    until(lambda: len(peers.received.mails) > before)
    got = peers.received.mails[-1].original_content
    assert re.search(rb"DKIM-Signature:(.|\r\n\s)*h=[^;]*List-Unsubscribe", got), "it is signed too"
    assert b"x" * 400 + b"/>, <mailto:" in got, "not folded on its way"
    assert peers.verified(got)
    assert not peers.verified(got.replace(b"Vente priv", b"Vente Priv"))
    assert not peers.verified(got.replace(b"/u/xxx", b"/u/yyy"))
