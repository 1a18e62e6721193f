"""The uplink against a real HTTP server that answers as told, well or badly."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.sensor.uplink.asking import hub_client, post
from chaland.sensor.uplink.enrol import EnrolErrorFinal, EnrolErrorTemporary, enrol
from chaland.sensor.uplink.patience import FIRST_DELAY_S, LONGEST_DELAY_S
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import Uploader
from chaland.wire import answers, enrolment
from chaland.wire.answers import Answer, Code, Meaning
from chaland.wire.errors import WireErrorFinal
from chaland.wire.signature import Envelope, sensor_identifier, verifies
from chaland.wire.summary import MAX_SEQUENCE, CellCounts, Count, Mode, State, decode

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@dataclass
class Hub:
    """Answers each request with the next reply (the last one for ever); keeps what came."""

    url: str = ""
    replies: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    date: datetime | None = None

    def answer(self, *codes: Code, last_sequence: int = 0) -> None:
        for code in codes:
            body = answers.encode(Answer(code, "Do this.", last_sequence))
            self.replies.append((answers.status_of(code), body, {}))


@pytest.fixture
def hub() -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            state.headers.append(dict(self.headers))
            replies = state.replies
            status, body, headers = replies.pop(0) if len(replies) > 1 else replies[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(405)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(state.date or datetime.now(UTC), usegmt=True)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, sensor_identifier(PUBLIC))
    for number in range(3):
        start = NOON + timedelta(minutes=15 * number)
        counts = {"scans": Count(number, 3, "0.15")}
        spool.append(CellCounts(start, 3, State.OK, Mode.DEFAULT, counts), start)
    yield spool
    spool.close()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:  # one for all: it reads a file of certificates
        yield client


@pytest.fixture
def uploader(hub: Hub, spool: Spool, clock: Clock, client: httpx.Client) -> Uploader:
    return Uploader(spool, KEY, hub.url, client, monotonic_s=clock)


def test_what_is_sent_is_signed_in_order_and_deleted_when_the_hub_has_it(
    hub: Hub, spool: Spool, uploader: Uploader
) -> None:
    hub.answer(Code.ACCEPTED, Code.DUPLICATE, Code.ACCEPTED)
    uploader.drain()
    assert spool.pending() == []
    assert [decode(body).sequence for body in hub.bodies] == [1, 2, 3]
    for body, headers in zip(hub.bodies, hub.headers, strict=True):
        envelope = Envelope(
            headers["Chaland-Sensor"],
            int(headers["Chaland-Sequence"]),
            headers["Chaland-Time"],
            headers["Chaland-Signature"],
        )
        assert verifies(envelope, PUBLIC, body)
        assert "Cookie" not in headers
    assert uploader.health.answers == {"accepted": 2, "duplicate": 1}
    assert uploader.health.last_problem == ""


@pytest.mark.parametrize("code", [c for c in Code if answers.meaning_of(c) is Meaning.PARK])
def test_what_will_never_be_accepted_is_parked_and_the_next_goes_on(
    hub: Hub, spool: Spool, uploader: Uploader, code: Code
) -> None:
    hub.answer(code, Code.ACCEPTED)
    uploader.drain()
    assert [path.name for path in spool.parked()] == [f"0000000000000001.{code}.json"]
    assert spool.pending() == []


@pytest.mark.parametrize("code", [c for c in Code if answers.meaning_of(c) is Meaning.HOLD])
def test_a_fault_that_is_not_the_summarys_holds_it(
    hub: Hub, spool: Spool, uploader: Uploader, code: Code
) -> None:
    hub.answer(code)
    uploader.drain()
    assert (len(hub.bodies), spool.pending(), spool.parked()) == (1, [1, 2, 3], [])
    assert uploader.health.last_problem == f"{code}: Do this."


def test_a_box_behind_the_hub_numbers_on_from_there(
    hub: Hub, spool: Spool, uploader: Uploader, clock: Clock
) -> None:
    hub.answer(Code.SEQUENCE_REPLAYED, last_sequence=2)
    hub.answer(Code.ACCEPTED)
    uploader.drain()
    assert spool.pending() == [3, 4, 5]
    clock.now_s += LONGEST_DELAY_S
    uploader.drain()
    assert spool.pending() == []
    starts = [decode(body).cell.start for body in hub.bodies[1:]]
    assert sorted(starts) == [NOON + timedelta(minutes=15 * n) for n in range(3)]


NOT_THE_HUB = {
    "captive portal": (200, b"<html>Please sign in</html>", {}),
    "another api": (201, b'{"ok": true}', {}),
    "moved": (301, b"", {"Location": "https://elsewhere.example"}),
    "wrong address": (404, b"Not found", {}),
    "proxy limit": (413, b"<h1>413</h1>", {}),
    "hub error": (500, b"<h1>Server Error</h1>", {}),
    "gateway": (502, b"", {}),
}


@pytest.mark.parametrize("name", NOT_THE_HUB)
def test_only_the_hubs_own_answer_deletes_or_parks(
    hub: Hub, spool: Spool, uploader: Uploader, name: str
) -> None:
    hub.replies = [NOT_THE_HUB[name]]
    uploader.drain()
    assert (spool.pending(), spool.parked()) == ([1, 2, 3], [])
    assert str(NOT_THE_HUB[name][0]) in uploader.health.last_problem


def test_silence_is_waited_out_longer_and_longer_with_a_bound(
    spool: Spool, clock: Clock, client: httpx.Client
) -> None:
    uploader = Uploader(spool, KEY, "http://127.0.0.1:9", client, monotonic_s=clock)
    waits = []
    for _ in range(12):
        assert uploader.due
        uploader.drain()
        started_s = clock.now_s
        while not uploader.due:
            clock.now_s += 1
        waits.append(clock.now_s - started_s)
    assert FIRST_DELAY_S / 2 <= waits[0] <= FIRST_DELAY_S + 1
    assert LONGEST_DELAY_S / 2 <= waits[-1] <= LONGEST_DELAY_S + 1
    assert spool.pending() == [1, 2, 3]
    assert "can't be reached" in uploader.health.last_problem


def test_a_success_ends_the_patience(hub: Hub, uploader: Uploader, clock: Clock) -> None:
    hub.replies = [NOT_THE_HUB["gateway"]] * 5
    hub.answer(Code.ACCEPTED)
    for _ in range(5):
        uploader.drain()
        clock.now_s += LONGEST_DELAY_S
    uploader.drain()
    assert uploader.due
    assert len(hub.bodies) == 8


def test_retry_after_is_heeded(hub: Hub, uploader: Uploader, clock: Clock) -> None:
    hub.replies = [(503, b"", {"Retry-After": "120"})]
    uploader.drain()
    clock.now_s += 119
    assert not uploader.due
    clock.now_s += 1
    assert uploader.due


@pytest.mark.parametrize(("minutes", "wrong"), [(0, False), (-1, False), (5, True), (-600, True)])
def test_the_hubs_date_tells_a_wrong_clock(
    hub: Hub, uploader: Uploader, minutes: int, wrong: bool
) -> None:
    hub.date = datetime.now(UTC) + timedelta(minutes=minutes)
    uploader.look_at_clock()
    assert uploader.health.clock_is_wrong is wrong


def test_no_hub_says_nothing_of_the_clock(spool: Spool, client: httpx.Client) -> None:
    uploader = Uploader(spool, KEY, "http://127.0.0.1:9", client)
    uploader.look_at_clock()
    assert uploader.health.skew_s is None
    assert not uploader.health.clock_is_wrong


HEADERS = {
    "Date": [
        *("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"),
        *(
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Sat, 14 Mar 2026 12:00:00 +99999999999",
            "",
            "," * 99,
        ),
    ],
    "Retry-After": ["9" * 5_000, "-1", "\u00b2", "Fri, 31 Dec 9999 23:59:59 GMT"],
    "Content-Encoding": ["gzip", "deflate", "br", "gzip, gzip", "nonsense"],
    "Content-Type": ["text/html; charset=nonsense", ";;;"],
    "Location": ["http://[", "//", "http://hub:99999999/", "\u00ff"],
    "Set-Cookie": [
        "a=b; Expires=Mon, 01-Jan-9999999999999999 00:00:00 GMT",
        "a=b; Max-Age=9e9",
    ],
}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), status=st.sampled_from([200, 201, 204, 302, 401, 503]))
def test_no_header_ends_the_sensor(
    data: st.DataObject, status: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever stands between sensor and hub may say anything."""
    headers: dict[str, bytes] = {}
    for name in data.draw(st.sets(st.sampled_from(sorted(HEADERS)))):
        value = data.draw(st.sampled_from(HEADERS[name]) | st.text(max_size=20))
        headers[name] = value.encode("utf-8", "replace")
    body = data.draw(st.sampled_from([b"", b"\xff", b"1" * 5_000, b"x" * 10**6]))

    def answer(_: httpx.Request) -> httpx.Response:
        raw = [(name.encode(), value) for name, value in headers.items()]
        return httpx.Response(status, headers=raw, stream=httpx.ByteStream(body))

    spool = Spool(tmp_path_factory.mktemp("spool"), sensor_identifier(PUBLIC))
    try:
        spool.append(CellCounts(NOON, 0, State.OK, Mode.DEFAULT, {}), NOON)
        with hub_client(httpx.MockTransport(answer)) as client:
            uploader = Uploader(spool, KEY, "http://hub", client)
            uploader.look_at_clock()
            uploader.drain()
        assert spool.pending() == [1]
        assert uploader.health.last_problem
    finally:
        spool.close()


def test_no_answer_is_read_or_waited_for_without_end(
    hub: Hub, clock: Clock, spool: Spool, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65_536

    def drips(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=endless())

    with httpx.Client(transport=httpx.MockTransport(drips)) as endless_client:
        assert post(endless_client, "http://hub", b"", {}, 10**6).content == b""
        monkeypatch.setattr("chaland.sensor.uplink.asking.ANSWERED_WITHIN_S", 0.05)
        with pytest.raises(httpx.ReadTimeout, match="no whole answer"):
            post(endless_client, "http://hub", b"", {}, 10**15)


def test_a_hub_gets_no_cookie_back(hub: Hub, spool: Spool, clock: Clock) -> None:
    hub.answer(Code.ACCEPTED)
    hub.replies[0][2]["Set-Cookie"] = "who=a7; Path=/"
    with hub_client() as client:
        Uploader(spool, KEY, hub.url, client, monotonic_s=clock).drain()
    assert len(hub.headers) == 3
    assert not [each for each in hub.headers if "Cookie" in each]


def test_a_hub_cannot_use_up_the_numbers(
    hub: Hub, spool: Spool, uploader: Uploader, clock: Clock
) -> None:
    hub.answer(Code.SEQUENCE_REPLAYED, last_sequence=MAX_SEQUENCE)
    hub.answer(Code.ACCEPTED)
    uploader.drain()
    assert "no sensor reaches" in uploader.health.last_problem
    assert spool.pending() == [1, 2, 3]
    clock.now_s += LONGEST_DELAY_S
    uploader.drain()
    assert spool.pending() == []


def test_enrolling(hub: Hub, client: httpx.Client) -> None:
    enrolled = enrolment.Enrolled(sensor_identifier(PUBLIC), "Librairie", "Europe/Paris", False)
    hub.replies = [(201, enrolment.encode_enrolled(enrolled), {})]
    assert enrol(hub.url + "/", "abcd-efgh-jklm", KEY, client) == enrolled
    assert enrolment.proves(enrolment.decode(hub.bodies[0]))
    refusal = enrolment.encode_refusal(enrolment.Refusal("code-used", "Ask for another."))
    hub.replies = [(409, refusal, {})]
    with pytest.raises(EnrolErrorFinal, match="code-used: Ask for another"):
        enrol(hub.url, "abcd-efgh-jklm", KEY, client)
    hub.replies = [(429, refusal, {})]
    with pytest.raises(EnrolErrorTemporary):
        enrol(hub.url, "abcd-efgh-jklm", KEY, client)
    hub.replies = [NOT_THE_HUB["captive portal"]]
    with pytest.raises(EnrolErrorTemporary, match="not as a Chaland hub"):
        enrol(hub.url, "abcd-efgh-jklm", KEY, client)
    with pytest.raises(EnrolErrorTemporary, match="can't be reached"):
        enrol("http://127.0.0.1:9", "abcd-efgh-jklm", KEY, client)
    with pytest.raises(WireErrorFinal, match="code: "):
        enrol(hub.url, "0000", KEY, client)
