"""The real Kannel: letters arrive intact, each outcome is what it is, and a STOP comes back."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from uuid import uuid4

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.outreach.shapes import (
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Kind,
    Outcome,
    Result,
    Sms,
    Status,
)
from chaland.hub.loyalty.outreach.sms.answers import Answer, understood
from chaland.hub.loyalty.outreach.sms.kannel import Kannel
from chaland.hub.loyalty.outreach.sms.opening import Opening
from tests.hub.loyalty.outreach.peers.hooks import until
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer
from tests.hub.loyalty.outreach.peers.programs import found

KEY = "0" * 31 + "a"
LETTERS = "à é è ù É Ç @ £ € {x} [y] ~ | \\ ^"


@pytest.fixture
def peer(gateway: KannelPeer) -> KannelPeer:
    return gateway


@pytest.fixture
def driver(peer: KannelPeer) -> Iterator[Kannel]:
    opened = _driver(peer)
    yield opened
    opened.close()


def _driver(peer: KannelPeer, report_url: str = "", **more: object) -> Kannel:
    settings = {
        "url": peer.url,
        "username": peer.username,
        "password": peer.password,
        "smsc": "fake",
        "segment_microcents": 5_000_000,
    }
    return Kannel(Opening({**settings, **more}, report_url or peer.hooks.url))


def _sms(text: str = "Bonjour", end: int = 0) -> Sms:
    number = f"+336{uuid4().int % 10**6:06d}{end:02d}"
    return Sms(uuid4().hex, number, text, "Chaland", clock.now() + timedelta(hours=2))


def _sent(driver: Kannel, sms: Sms) -> Outcome:
    (outcome,) = driver.send([sms])
    assert outcome.key == sms.key
    return outcome


def _kinds(peer: KannelPeer, driver: Kannel, key: str) -> set[Kind]:
    calls = [call for call in list(peer.hooks.calls) if call.query.get("key") == key]
    read = [said for call in calls for said in driver.read(call)]
    return {said.kind for said in read if isinstance(said, Status)}


def _at_phone(peer: KannelPeer, sms: Sms, segments: int = 1) -> list[str]:
    def parts() -> list[str]:
        return [text for _from, to, text in peer.heard() if to == sms.to]

    until(lambda: len(parts()) >= segments)
    return parts()


TEXTS = {
    LETTERS: 1,
    "fête, cœur, ça, Noël, 🎁, «oui»": 1,
    "é" * 152 + "€" + "à" * 100: 2,
    "{" * 160: 3,
    "ê" * 66 + "🎁" + "ç" * 65: 2,
    "Deux lignes\nSTOP au 36105": 1,
}


def test_letters_and_segments_arrive_as_they_were_counted(driver: Kannel, peer: KannelPeer) -> None:
    sent = {(sms := _sms(text)).key: sms for text in TEXTS}
    for outcome in driver.send(sent.values()):
        segments = TEXTS[sent[outcome.key].text]
        assert (outcome.result, outcome.segments) == (Result.ACCEPTED, segments)
        assert outcome.cost_microcents == segments * 5_000_000
    for sms in sent.values():
        parts = _at_phone(peer, sms, TEXTS[sms.text])
        joined = b"".join(part.encode("utf-16-be", "surrogatepass") for part in parts)
        assert joined.decode("utf-16-be") == sms.text


def test_delivered_is_reported_with_our_key(driver: Kannel, peer: KannelPeer) -> None:
    sms = _sms()
    _sent(driver, sms)
    until(lambda: Kind.DELIVERED in _kinds(peer, driver, sms.key))
    calls = [call for call in peer.hooks.calls if call.query.get("key") == sms.key]
    assert not any(sms.to.strip("+") in str(call) for call in calls), "no number in an address"


def test_what_an_operator_says_through_kannel(peer: KannelPeer) -> None:
    kinds = {0: Kind.DELIVERED, 1: Kind.FAILED, 2: Kind.EXPIRED, 11: Kind.FAILED}
    sent = {end: _sms(end=end) for end in kinds}
    with closing(_driver(peer, smsc="smpp")) as driver:
        assert {one.result for one in driver.send(sent.values())} == {Result.ACCEPTED}
        final = until(lambda: _all_final(peer, driver, sent))
    assert final == {end: {kind} for end, kind in kinds.items()}


def _all_final(peer: KannelPeer, driver: Kannel, sent: dict[int, Sms]) -> dict[int, set[Kind]]:
    """What became of each, once something final is known of all."""
    final = {end: _kinds(peer, driver, sms.key) - {Kind.ACCEPTED} for end, sms in sent.items()}
    return final if all(final.values()) else {}


@pytest.mark.parametrize(
    ("bits", "kind"),
    [
        (1, Kind.DELIVERED),
        (2, Kind.FAILED),
        (4, Kind.ACCEPTED),
        (8, Kind.ACCEPTED),
        (16, Kind.FAILED),
        (34, Kind.EXPIRED),
        (9, Kind.DELIVERED),
    ],
)
def test_the_bit_field(driver: Kannel, bits: int, kind: Kind) -> None:
    (said,) = driver.read(Hook("GET", {"key": KEY, "dlr": str(bits)}, {}, b""))
    assert isinstance(said, Status)
    assert (said.kind, said.key) == (kind, KEY)


@pytest.mark.parametrize("order", list(permutations(["8", "1", "4"])))
def test_reports_mean_the_same_in_every_order(driver: Kannel, order: tuple[str, ...]) -> None:
    hooks = [Hook("GET", {"key": KEY, "dlr": bits}, {}, b"") for bits in order]
    kinds = [said.kind for hook in hooks for said in driver.read(hook) if isinstance(said, Status)]
    assert sorted(kinds) == ["accepted", "accepted", "delivered"]


@pytest.mark.parametrize("text", ["STOP 36105", "Arrêt, s’il vous plaît"])
def test_a_stop_comes_back_as_it_was_written(driver: Kannel, peer: KannelPeer, text: str) -> None:
    number = _sms().to
    peer.say(f"{number} 36105 text {text}")
    calls = until(
        lambda: [c for c in list(peer.hooks.calls) if c.headers.get("x-kannel-from") == number]
    )
    (said,) = driver.read(calls[0])
    assert isinstance(said, Heard)
    assert (said.sender, said.text) == (number, text)
    assert understood(said.text) is Answer.STOP
    assert not calls[0].query, "no number in an address that a server logs"


@pytest.mark.parametrize(
    "hook",
    [
        Hook("GET", {}, {}, b""),
        Hook("GET", {"key": KEY, "dlr": "one"}, {}, b""),
        Hook("GET", {"key": "abc", "dlr": "1"}, {}, b""),
        Hook("POST", {}, {"content-type": "text/plain"}, b"STOP"),
    ],
)
def test_what_is_not_kannels_is_refused(driver: Kannel, hook: Hook) -> None:
    with pytest.raises(ValueError, match=r"Kannel|key"):
        driver.read(hook)


def test_a_wrong_password_stops_the_batch_and_is_not_told(peer: KannelPeer) -> None:
    driver = _driver(peer, password="wr0ng-password", connections=2)
    drawn = []
    with pytest.raises(GatewayErrorFinal) as error:
        list(driver.send(drawn.append(1) or _sms() for _ in range(100)))
    driver.close()
    assert "wr0ng" not in str(error.value)
    assert len(drawn) < 10


def test_nobody_there_is_temporary_and_stops_the_batch(peer: KannelPeer) -> None:
    driver = _driver(peer, url="http://127.0.0.1:1/cgi-bin/sendsms")
    drawn = []
    with pytest.raises(GatewayErrorTemporary):
        list(driver.send(drawn.append(1) or _sms() for _ in range(1_000)))
    driver.close()
    assert len(drawn) < 100


def test_an_answer_that_does_not_come_is_unknown(tmp_path: Path) -> None:
    """A server that reads the call and closes: it may have taken it."""
    script = tmp_path / "rude.py"
    script.write_text(
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
        "print(s.getsockname()[1], flush=True)\n"
        "while True:\n    c, _ = s.accept()\n    c.recv(65536)\n    c.close()\n"
    )
    with subprocess.Popen([found("python3"), script], stdout=subprocess.PIPE) as rude:
        assert rude.stdout
        url = f"http://127.0.0.1:{int(rude.stdout.readline())}/cgi-bin/sendsms"
        driver = Kannel(Opening({"url": url, "username": "u", "password": "p"}, "http://x/"))
        outcome = _sent(driver, _sms())
        driver.close()
        rude.kill()
    assert outcome.result is Result.UNKNOWN


@pytest.mark.parametrize("settings", [{}, {"url": "ftp://x"}, {"url": "http://x", "username": "u"}])
def test_settings_that_lack_something_say_what(settings: dict[str, str]) -> None:
    with pytest.raises(GatewayErrorFinal, match=r"setting|réglage"):
        Kannel(Opening(settings, "http://x/"))


@pytest.mark.campaign
def test_as_fast_as_kannels_own_client(peer: KannelPeer) -> None:
    """At least 0.8 of what Kannel's own load program makes of it, both counted at fakesmsc in the
    same run. Best of two, since other work on the machine only ever takes away; reports of both go
    where nobody listens, since our own listener would share this process with the driver."""
    ours = max(_our_rate(peer, 2_000) for _ in range(2))
    native = max(_native_rate(peer, 2_000) for _ in range(2))
    assert ours >= 0.8 * native, f"{ours:.0f} a second, Kannel's own {native:.0f}"


_NOWHERE = "http://127.0.0.1:1/"


def _our_rate(peer: KannelPeer, number: int) -> float:
    driver, before, one = _driver(peer, _NOWHERE), len(peer.heard()), _sms("Bonjour STOP au 36105")
    begun = time.perf_counter()
    outcomes = list(driver.send(replace(one, key=uuid4().hex) for _ in range(number)))
    until(lambda: len(peer.heard()) >= before + number, 60)
    rate = number / (time.perf_counter() - begun)
    driver.close()
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    return rate


def _native_rate(peer: KannelPeer, number: int) -> float:
    program, threads, before = found("test_http", "/usr/lib/kannel/test"), 4, len(peer.heard())
    url = (
        f"{peer.url}?username={peer.username}&password={peer.password}&from=Chaland&smsc=fake"
        f"&to=%2B33612345678&text=Bonjour+STOP+au+36105&coding=0&dlr-mask=31"
        f"&dlr-url={_NOWHERE}%3Fkey%3Dabc%26dlr%3D%25d"
    )
    command = [program, "-q", "-r", str(number // threads), "-t", str(threads), url]
    begun = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    arrived = until(lambda: _still(peer), 60) - before
    return arrived / (time.perf_counter() - begun - 0.2)


def _still(peer: KannelPeer) -> int:
    """How many arrived, once no more come within 0.2 s."""
    seen = len(peer.heard())
    time.sleep(0.2)
    return seen if len(peer.heard()) == seen else 0
