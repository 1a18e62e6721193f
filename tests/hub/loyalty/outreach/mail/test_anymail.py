"""A provider by django-anymail, against an HTTP server that answers as Mailjet documents."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from chaland.hub.loyalty.outreach.mail.anymail import PROVIDERS, AnymailDriver
from chaland.hub.loyalty.outreach.mail.compose import Form
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import (
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Hook,
    Kind,
    Mail,
    Result,
    Status,
)
from tests.hub.loyalty.outreach.mail.conftest import KEY, NOW, OWN
from tests.hub.loyalty.outreach.peers.programs import free_ports

SENT = {
    "Status": "success",
    "To": [{"Email": "zoe@example.org", "MessageID": 42, "MessageUUID": "u"}],
}


class Provider(ThreadingHTTPServer):
    """Keeps what it is told; answers with ``status`` and ``answer``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.status, self.answer = 200, {"Messages": [SENT]}
        self.told: list[Any] = []


class _Call(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Provider)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(json.loads(body))
        if not self.server.status:
            self.connection.close()
            return
        answer = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def _driver(port: int, backend: str = "mailjet", **more: object) -> AnymailDriver:
    options = {"api_key": "k", "secret_key": "s", "api_url": f"http://127.0.0.1:{port}/"}
    told = {"backend": backend, "options": options, **more}
    return AnymailDriver(MailSettings.of(told, "bonjour@port-lin.example"))


@pytest.fixture
def driver(provider: Provider) -> Iterator[AnymailDriver]:
    made = _driver(provider.server_address[1])
    yield made
    made.close()


@pytest.fixture
def mail(form: Form) -> Mail:
    data = form.spliced(KEY, "zoe@example.org", NOW, OWN)
    return Mail(KEY, "zoe@example.org", "x@port-lin.example", data)


def test_the_provider_gets_both_parts_our_headers_and_no_order_to_follow(
    provider: Provider, driver: AnymailDriver, mail: Mail
) -> None:
    (told,) = driver.send([mail])
    assert (told.result, told.provider_id) == (Result.ACCEPTED, "42")
    message = provider.told[0]["Messages"][0] | provider.told[0].get("Globals", {})
    assert message["Subject"].startswith("Zoé, votre vente")
    assert "AB12-CD34" in message["TextPart"]
    assert "AB12-CD34" in message["HTMLPart"]
    assert message["Headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Headers"]["List-Unsubscribe"].startswith("<https://")
    assert (message["TrackOpens"], message["TrackClicks"]) == ("disabled", "disabled")
    assert json.loads(message["EventPayload"]) == {"delivery": KEY}


@pytest.mark.parametrize(
    ("status", "result"), [(400, Result.REFUSED), (500, Result.UNKNOWN), (0, Result.UNKNOWN)]
)
def test_only_a_clear_no_is_a_refusal(
    status: int, result: Result, provider: Provider, driver: AnymailDriver, mail: Mail
) -> None:
    provider.status, provider.answer = status, {}
    assert [told.result for told in driver.send([mail])] == [result]


def test_refusals_by_kind(provider: Provider, driver: AnymailDriver, mail: Mail) -> None:
    for status in (429, 503):
        provider.status, provider.answer = status, {}
        with pytest.raises(GatewayErrorTemporary):
            list(driver.send([mail]))
    provider.status = 401
    with pytest.raises(GatewayErrorFinal):
        list(driver.send([mail]))
    nobody = _driver(free_ports(1)[0])
    with pytest.raises(GatewayErrorTemporary):
        list(nobody.send([mail]))
    nobody.close()


def test_settings_are_checked_before_anything_is_sent() -> None:
    for told in ({"backend": "carrier-pigeon"}, {"backend": "mailjet", "options": {}}):
        with pytest.raises(GatewayErrorFinal):
            AnymailDriver(MailSettings.of(told, "bonjour@port-lin.example"))
    assert "mailjet" in PROVIDERS


def _hook(*events: dict[str, object]) -> Hook:
    usual = {"time": 1795000000, "MessageID": 42, "Payload": json.dumps({"delivery": KEY})}
    body = json.dumps([usual | event for event in events]).encode()
    return Hook("POST", {}, {"content-type": "application/json"}, body)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": "sent"}, Kind.DELIVERED),
        ({"event": "bounce", "error": "user unknown", "hard_bounce": True}, Kind.BOUNCED_HARD),
        ({"event": "bounce", "error": "quota exceeded"}, Kind.BOUNCED_SOFT),
        ({"event": "blocked", "error": "content blocked"}, Kind.FAILED),
        ({"event": "spam"}, Kind.COMPLAINED),
        ({"event": "unsub"}, Kind.UNSUBSCRIBED),
    ],
)
def test_what_a_provider_reports(
    driver: AnymailDriver, event: dict[str, object], kind: Kind
) -> None:
    (told,) = driver.read(_hook(event))
    assert isinstance(told, Status)
    assert (told.kind, told.key, told.provider_id) == (kind, KEY, "42")
    assert told.at == datetime.fromtimestamp(1795000000, UTC)


def test_who_opens_or_clicks_is_not_kept(driver: AnymailDriver) -> None:
    assert driver.read(_hook({"event": "open"}, {"event": "click", "url": "https://x"})) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b'[{"x": {}}]'])
def test_a_call_that_is_none_is_refused_with_words(driver: AnymailDriver, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        driver.read(Hook("POST", {}, {"content-type": "application/json"}, body))


def test_a_wrong_signature_is_refused() -> None:
    options = {"api_key": "k", "webhook_signing_key": "secret", "sender_domain": "port-lin.example"}
    told = {"backend": "mailgun", "options": options}
    mailgun = AnymailDriver(MailSettings.of(told, "bonjour@port-lin.example"))
    signature = {"token": "t", "timestamp": "1795000000", "signature": "0" * 64}
    body = json.dumps({"signature": signature, "event-data": {"event": "delivered"}}).encode()
    with pytest.raises(ValueError, match="signature"):
        mailgun.read(Hook("POST", {}, {"content-type": "application/json"}, body))
    mailgun.close()
