"""The REST drivers against a local server that behaves as the providers' documents say."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
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
from chaland.hub.loyalty.outreach.sms.brevo import Brevo
from chaland.hub.loyalty.outreach.sms.octopush import Octopush
from chaland.hub.loyalty.outreach.sms.opening import Opening
from chaland.hub.loyalty.outreach.sms.ovh import Ovh
from chaland.hub.loyalty.outreach.sms.rest import Rest
from chaland.hub.loyalty.outreach.sms.smsmode import Smsmode
from tests.hub.loyalty.outreach.peers.providers import Provider, provider

REPORTS = "https://town.example/hooks/outreach/0123/"
KEY = "0" * 31 + "a"
SETTINGS: dict[type[Rest], dict[str, Any]] = {
    Ovh: {
        "service": "sms-ab1-1",
        "application_key": "application",
        "application_secret": "secret",
        "consumer_key": "consumer",
    },
    Brevo: {"key": "secret"},
    Smsmode: {"key": "secret"},
    Octopush: {"login": "us@example.fr", "key": "secret"},
}
ALL = pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture
def peer(server: Provider) -> Provider:
    server.calls.clear()
    server.taken.clear()
    server.odd.clear()
    return server


def _driver(kind: type[Rest], peer: Provider, **more: object) -> Rest:
    settings = SETTINGS[kind] | {"url": peer.url, "segment_microcents": 4_000_000} | more
    return kind(Opening(settings, REPORTS))


def _sms(end: int = 0, text: str = "À samedi !\nSTOP au 36105", key: str = "") -> Sms:
    number = f"+336123456{end:02d}"
    return Sms(key or uuid4().hex, number, text, "Chaland", clock.now() + timedelta(hours=2))


def _sent(kind: type[Rest], peer: Provider, sms: Sms, **more: object) -> Outcome:
    with closing(_driver(kind, peer, **more)) as driver:
        (outcome,) = driver.send([sms])
    assert outcome.key == sms.key
    return outcome


@ALL
def test_accepted_with_its_number_segments_and_cost(kind: type[Rest], peer: Provider) -> None:
    outcome = _sent(kind, peer, _sms())
    expected = {
        Ovh: ("27814000", 2, 8_000_000),
        Brevo: ("1511882900176220", 2, 8_000_000),
        Smsmode: ("b2c51fcf", 1, 4_900_000),
        Octopush: (f"sms_{outcome.key[:13]}", 1, 6_200_000),
    }[kind]
    assert outcome.result is Result.ACCEPTED
    assert (outcome.provider_id, outcome.segments, outcome.cost_microcents) == expected


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        *((Smsmode, {"price": {"amount": a}}) for a in ("1e999", float("inf"), -5, 1e9, "nan")),
        (Smsmode, {"messageId": "a\0b"}),
        *((Octopush, {"total_cost": a}) for a in ("-1", float("inf"), "dear")),
        *((Brevo, {"smsCount": a}) for a in (-2, 10**6, float("inf"))),
        *((Ovh, {"totalCreditsRemoved": a}) for a in (-2, 10**6, float("inf"))),
    ],
)
def test_an_odd_price_or_size_is_told_and_costs_no_other_message(
    kind: type[Rest], odd: dict[str, object], peer: Provider
) -> None:
    """It may have left; what the database can't hold would lose the outcomes beside it."""
    peer.odd |= odd
    with closing(_driver(kind, peer)) as driver:
        told = [(one.result, one.code) for one in driver.send([_sms(), _sms(1)])]
    assert told == [(Result.UNKNOWN, "answer not as documented")] * 2


@ALL
@pytest.mark.parametrize(
    ("end", "result"),
    [
        (29, Result.LATER),
        (40, Result.REFUSED),
        (50, Result.UNKNOWN),
        (91, Result.UNKNOWN),
    ],
)
def test_each_answer_is_what_it_says_and_tells_no_number(
    kind: type[Rest], peer: Provider, end: int, result: Result
) -> None:
    sms = _sms(end)
    outcome = _sent(kind, peer, sms)
    assert outcome.result is result
    assert sms.to.strip("+") not in outcome.code


@ALL
def test_a_refused_account_is_ours_to_mend_and_no_secret_is_told(
    kind: type[Rest], peer: Provider
) -> None:
    with closing(_driver(kind, peer)) as driver, pytest.raises(GatewayErrorFinal) as error:
        list(driver.send(_sms(93) for _ in range(3)))
    wrong = {"key": "wr0ng", "application_secret": "wr0ng"}
    with closing(_driver(kind, peer, **wrong)) as driver, pytest.raises(GatewayErrorFinal) as other:
        list(driver.send([_sms()]))
    for told in (str(error.value), str(other.value)):
        assert "secret" not in told
        assert "wr0ng" not in told
        assert "6123456" not in told


@ALL
def test_nobody_there_is_temporary(kind: type[Rest], peer: Provider) -> None:
    with (
        closing(_driver(kind, peer, url="http://127.0.0.1:1")) as driver,
        pytest.raises(GatewayErrorTemporary),
    ):
        list(driver.send(_sms() for _ in range(3)))


@ALL
@pytest.mark.parametrize("missing", ["key", "service", "login"])
def test_a_missing_setting_is_named(kind: type[Rest], peer: Provider, missing: str) -> None:
    if missing not in SETTINGS[kind]:
        return
    with pytest.raises(GatewayErrorFinal, match=missing):
        _sent(kind, peer, _sms(), **{missing: ""})


@ALL
def test_stop_is_said_once_and_as_the_provider_wants_it(kind: type[Rest], peer: Provider) -> None:
    _sent(kind, peer, _sms())
    _sent(kind, peer, _sms(text="Votre ticket : https://town.example/t/1"))
    first, second = (call.body for call in peer.calls if call.method == "POST")
    match kind.__name__:
        case "Ovh":
            assert (first["message"], first["noStopClause"]) == ("À samedi !", False)
            assert second["noStopClause"] is True
        case "Brevo":
            assert (first["content"], first["type"]) == ("À samedi !\n[STOP CODE]", "marketing")
            assert second["type"] == "transactional"
        case "Octopush":
            assert (first["text"], first["purpose"]) == ("À samedi !\nSTOP au XXXXX", "wholesale")
            assert second["purpose"] == "alert"
        case "Smsmode":
            assert first["body"] == {"text": "À samedi !\nSTOP au 36105"}
    assert "STOP" not in json.dumps(second)


def test_octopush_knows_our_key_again(peer: Provider) -> None:
    sms = _sms()
    first, second = (_sent(Octopush, peer, sms) for _ in range(2))
    assert first.result is second.result is Result.ACCEPTED
    assert second.code == "duplicate"
    assert Octopush.capabilities.idempotent


def test_only_what_a_provider_promises_is_claimed() -> None:
    assert {kind.__name__ for kind in SETTINGS if kind.capabilities.idempotent} == {"Octopush"}
    assert {kind.__name__ for kind in SETTINGS if kind.capabilities.looks_up} == {"Ovh", "Smsmode"}


def test_what_got_lost_on_its_way_back_is_found_at_ovh_by_our_key(peer: Provider) -> None:
    lost, never = _sms(91), uuid4().hex
    assert _sent(Ovh, peer, lost).result is Result.UNKNOWN
    with closing(_driver(Ovh, peer)) as driver:
        found = driver.look_up(lost.key, "")
        assert driver.look_up(never, "") is None
    assert found
    assert (found.kind, found.key) == (Kind.DELIVERED, lost.key)


def test_smsmode_is_asked_by_its_own_number(peer: Provider) -> None:
    with closing(_driver(Smsmode, peer)) as driver:
        found = driver.look_up(KEY, "b2c51fcf")
        assert driver.look_up(KEY, "") is None
    assert found
    assert (found.kind, found.provider_id) == (Kind.DELIVERED, "b2c51fcf")


def test_a_number_that_ovh_does_not_take_is_a_bad_address(peer: Provider) -> None:
    outcome = _sent(Ovh, peer, _sms(77))
    assert (outcome.result, outcome.bad_address) == (Result.REFUSED, True)


def test_stops_kept_at_ovh_come_with_their_time(peer: Provider) -> None:
    driver = Ovh(Opening(SETTINGS[Ovh] | {"url": peer.url}, REPORTS))
    (one,) = driver.stops(list)
    assert (one.sender, one.at) == ("+33612345678", datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert understood(one.text) is Answer.STOP
    before = len(peer.calls)
    assert list(driver.stops(lambda _numbers: [])) == []
    assert len(peer.calls) == before + 1, "only what is wanted is asked for"
    driver.close()


def test_one_odd_entry_of_ovh_s_stop_list_keeps_none_of_the_others_back(peer: Provider) -> None:
    entries: dict[str, object] = {
        "+33600000001": {},  # no time
        "+33600000002": {"creationDatetime": "yesterday"},
        "+33600000003": {"creationDatetime": "2026-11-20T10:00:00"},  # of no zone
        "+33600000004": ["not an object"],
        "+33600000005": None,  # taken off meanwhile
        "+33600000006": {"creationDatetime": "2026-11-20T10:00:00+01:00"},
    }

    class Odd(Ovh):
        def _asked(self, path: str) -> Any:
            number = unquote(path.rpartition("/")[2])
            return ["", "anonymous", *entries] if number == "blacklists" else entries[number]

    driver = Odd(Opening(SETTINGS[Ovh] | {"url": peer.url}, REPORTS))
    heard = []
    with pytest.raises(GatewayErrorTemporary, match="6"):
        heard.extend(driver.stops(list))
    driver.close()
    assert [one.sender for one in heard] == ["+33600000006"]


def _post(told: dict[str, object], **query: str) -> Hook:
    return Hook("POST", query, {"content-type": "application/json"}, json.dumps(told).encode())


OCTOPUSH = {"channel": "sms", "message_id": "sms_5fa275dbf21dc", "number": "+33600000000"}
SMSMODE = {"messageId": "b2c51fcf", "direction": "MT", "refClient": KEY}
BREVO = {"id": 26570, "to": "33600000000", "messageId": 123, "tag": KEY}


@pytest.mark.parametrize(
    ("kind", "hook", "expected", "named"),
    [
        (
            Ovh,
            Hook("GET", {"id": "27", "ptt": "4", "description": "1"}, {}, b""),
            "delivered",
            "27",
        ),
        (Ovh, Hook("GET", {"id": "27", "ptt": "3", "description": "4"}, {}, b""), "accepted", "27"),
        (Ovh, Hook("GET", {"id": "27", "ptt": "7", "description": "2"}, {}, b""), "failed", "27"),
        (Octopush, _post(OCTOPUSH | {"status": "DELIVERED"}), "delivered", "sms_5fa275dbf21dc"),
        (Octopush, _post(OCTOPUSH | {"status": "NOT_DELIVERED"}), "failed", "sms_5fa275dbf21dc"),
        (
            Octopush,
            _post(OCTOPUSH | {"status": "BAD_DESTINATION"}),
            "bounced_hard",
            "sms_5fa275dbf21dc",
        ),
        (Brevo, _post(BREVO | {"msg_status": "delivered"}, key=KEY), "delivered", KEY),
        (Brevo, _post(BREVO | {"msg_status": "hard_bounce"}, key=KEY), "bounced_hard", KEY),
        (Brevo, _post(BREVO | {"msg_status": "soft_bounce"}), "bounced_soft", "123"),
        (Smsmode, _post(SMSMODE | {"status": {"value": "DELIVERED"}}), "delivered", KEY),
        (Smsmode, _post(SMSMODE | {"status": {"value": "UNDELIVERABLE"}}, key=KEY), "failed", KEY),
    ],
)
def test_a_report_is_read(
    kind: type[Rest], hook: Hook, expected: str, named: str, peer: Provider
) -> None:
    with closing(_driver(kind, peer)) as driver:
        (said,) = driver.read(hook)
    assert isinstance(said, Status)
    assert (said.kind, said.key or said.provider_id) == (expected, named)


def test_a_number_on_the_providers_stop_list_got_nothing_and_is_stopped(peer: Provider) -> None:
    with closing(_driver(Octopush, peer)) as driver:
        said = driver.read(_post(OCTOPUSH | {"status": "BLACKLISTED_NUMBER"}))
    kinds = [one.kind for one in said if isinstance(one, Status)]
    assert kinds == [Kind.UNSUBSCRIBED, Kind.FAILED]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Octopush, OCTOPUSH | {"text": "Stop svp", "stop_date": "2026-11-04 11:11:45"}),
        (Octopush, OCTOPUSH | {"text": "STOP", "reception_date": "2026-11-04 11:11:45"}),
        (Brevo, BREVO | {"msg_status": "replied", "reply": "Arrêt"}),
        (Smsmode, {"direction": "MO", "from": "33600000000", "body": {"text": "STOP 36034"}}),
    ],
)
def test_a_stop_is_heard(kind: type[Rest], told: dict[str, object], peer: Provider) -> None:
    with closing(_driver(kind, peer)) as driver:
        (said,) = driver.read(_post(told))
    assert isinstance(said, Heard)
    assert said.sender == "+33600000000"
    assert understood(said.text) is Answer.STOP


@ALL
@pytest.mark.parametrize(
    "hook",
    [
        Hook("GET", {}, {}, b""),
        Hook("POST", {}, {}, b"not JSON"),
        Hook("POST", {}, {}, b"[1, 2]"),
        Hook("POST", {}, {}, b'{"status": "WHO KNOWS", "msg_status": 3}'),
        Hook("POST", {"key": "zz"}, {}, b'{"status": {"value": "DELIVERED"}}'),
        Hook("POST", {}, {}, b'{"direction": "MO", "reception_date": 1, "msg_status": "replied"}'),
    ],
)
def test_what_is_not_the_providers_is_refused(kind: type[Rest], hook: Hook, peer: Provider) -> None:
    with closing(_driver(kind, peer)) as driver, pytest.raises(ValueError, match=r"\w"):
        driver.read(hook)
