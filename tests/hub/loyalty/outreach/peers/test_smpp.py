"""An operator by SMPP, played by the npm simulator: each outcome arrives as what it is."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError

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
from chaland.hub.loyalty.outreach.sms.opening import Opening
from chaland.hub.loyalty.outreach.sms.smpp import Smpp
from tests.hub.loyalty.outreach.peers.hooks import until
from tests.hub.loyalty.outreach.peers.smpp import Operator

LONG = "Vente privée : {[€]} à l’été".replace("’", "'") * 12


@pytest.fixture
def peer(smsc: Operator) -> Operator:
    return smsc


@pytest.fixture
def heard() -> list[Hook]:
    return []


@pytest.fixture
def driver(peer: Operator, heard: list[Hook]) -> Iterator[Smpp]:
    opened = _driver(peer, heard.append)
    yield opened
    opened.close()


def _driver(
    peer: Operator, store: Callable[[Hook], object], password: str = "s3cret", **more: object
) -> Smpp:
    settings = {"host": "127.0.0.1", "port": peer.port, "username": "chaland", "password": password}
    return Smpp(Opening({**settings, "segment_microcents": 4_500_000, **more}, ""), store)


def _sms(end: int, text: str = "Bonjour. STOP au 36105") -> Sms:
    number = f"+336{uuid4().int % 10**6:06d}{end:02d}"
    return Sms(uuid4().hex, number, text, "Chaland", clock.now() + timedelta(hours=2))


def _sent(driver: Smpp, sms: Sms) -> Outcome:
    (outcome,) = driver.send([sms])
    assert outcome.key == sms.key
    return outcome


def _statuses(driver: Smpp, hooks: list[Hook], number: int = 1) -> list[Status]:
    until(lambda: len(hooks) >= number)
    found = [said for hook in hooks for said in driver.read(hook)]
    return [said for said in found if isinstance(said, Status)]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (0, Kind.DELIVERED),
        (1, Kind.FAILED),
        (2, Kind.EXPIRED),
        (3, Kind.FAILED),
        (4, Kind.ACCEPTED),
    ],
)
def test_a_receipt_names_the_message_by_our_key_and_theirs(
    driver: Smpp, heard: list[Hook], end: int, kind: Kind
) -> None:
    sms = _sms(end)
    outcome = _sent(driver, sms)
    (status,) = _statuses(driver, heard)
    assert outcome.result is Result.ACCEPTED
    assert (status.kind, status.key, status.provider_id) == (kind, sms.key, outcome.provider_id)
    assert (outcome.segments, outcome.cost_microcents) == (1, 4_500_000)


@pytest.mark.parametrize(
    ("text", "coding"),
    [("à é è ù É € {x}\n@", 0), ("ça, fête, cœur 🎁", 8), (LONG, 0), ("ê" * 150, 8)],
)
def test_letters_and_segments_arrive_intact(
    driver: Smpp, peer: Operator, text: str, coding: int
) -> None:
    sms = _sms(0, text)
    outcome = _sent(driver, sms)
    packets = peer.messages(sms.to)
    assert "".join(packet["text"] for packet in packets) == text
    assert {packet["coding"] for packet in packets} == {coding}
    assert {(packet["from"], packet["ton"]) for packet in packets} == {("Chaland", 5)}
    assert outcome.segments == len(packets)
    if len(packets) > 1:
        heads = [bytes.fromhex(packet["udh"])[-3:] for packet in packets]
        assert [tuple(head[1:]) for head in heads] == [
            (len(packets), number) for number in range(1, len(packets) + 1)
        ]
        assert len({head[0] for head in heads}) == 1
    assert [packet["wants"] for packet in packets] == [0] * (len(packets) - 1) + [1]


def test_too_many_at_once_is_later_and_then_goes(driver: Smpp) -> None:
    sms = _sms(58)
    assert _sent(driver, sms).result is Result.LATER
    assert _sent(driver, sms).result is Result.ACCEPTED


def test_a_number_that_the_operator_refuses_is_refused(driver: Smpp) -> None:
    outcome = _sent(driver, _sms(11))
    assert (outcome.result, outcome.code) == (Result.REFUSED, "ESME_RINVDSTADR")


def test_a_connection_that_ends_before_the_answer_leaves_unknown_and_comes_back(
    driver: Smpp, peer: Operator
) -> None:
    lost = _sms(90)
    assert _sent(driver, lost).result is Result.UNKNOWN
    assert len(peer.messages(lost.to)) == 1, "the operator has it: it must not go twice"
    assert _sent(driver, _sms(0)).result is Result.ACCEPTED


def test_receipts_in_the_wrong_order_still_name_theirs(
    driver: Smpp, heard: list[Hook], peer: Operator
) -> None:
    sent = {sms.key: _sent(driver, sms).provider_id for sms in (_sms(70), _sms(70), _sms(70))}
    assert not heard
    peer.order(receipts=True)
    statuses = _statuses(driver, heard, 3)
    assert {status.key: status.provider_id for status in statuses} == sent
    assert [status.key for status in statuses] == list(sent)[::-1]


def test_a_receipt_that_could_not_be_kept_is_not_acknowledged(peer: Operator) -> None:
    def full(_hook: Hook) -> None:
        raise DatabaseError

    driver = _driver(peer, full)
    outcome = _sent(driver, _sms(0))
    told = until(lambda: [one for one in peer.told() if one.get("receipt") == outcome.provider_id])
    driver.close()
    assert told[0]["answered"] == 0x64, "say it again later"


def test_what_a_member_answers_is_heard(driver: Smpp, heard: list[Hook], peer: Operator) -> None:
    _sent(driver, _sms(70))
    peer.order(**{"from": "33612345678", "text": "Arrêt, s’il vous plaît"})
    until(lambda: heard)
    (said,) = driver.read(heard[0])
    assert isinstance(said, Heard)
    assert (said.sender, said.text) == ("+33612345678", "Arrêt, s’il vous plaît")


@pytest.mark.parametrize(
    ("coding", "data"),
    [(0xF1, b"STOP"), (0x10, b"STOP"), (0, b"arr\xeat"), (1, b"ARR\xcaT"), (99, b"stop svp")],
)
def test_a_stop_in_a_coding_that_nobody_knows_is_heard_all_the_same(
    driver: Smpp, heard: list[Hook], peer: Operator, coding: int, data: bytes
) -> None:
    driver.listen()
    peer.order(**{"from": "33612345678", "coding": coding, "raw": data.hex()})
    until(lambda: heard)
    (said,) = driver.read(heard[0])
    assert isinstance(said, Heard)
    assert understood(said.text) is Answer.STOP


def test_many_at_once_use_the_window(peer: Operator, heard: list[Hook]) -> None:
    driver = _driver(peer, heard.append, window=20)
    drawn = threading.Semaphore(0)
    batch = [_sms(0) for _ in range(200)]
    outcomes = list(driver.send((drawn.release(), sms)[1] for sms in batch))
    statuses = _statuses(driver, heard, 200)
    driver.close()
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    assert {status.key for status in statuses} == {sms.key for sms in batch}
    assert all(len(peer.messages(sms.to)) == 1 for sms in batch[:20])


def test_a_wrong_password_is_told_without_it(peer: Operator) -> None:
    driver = _driver(peer, print, password="wrong")
    drawn = []
    with pytest.raises(GatewayErrorFinal) as error:
        list(driver.send(drawn.append(1) or _sms(0) for _ in range(3)))
    assert "wrong" not in str(error.value)
    assert not drawn, "nothing was drawn, so nothing is unknown"


def test_nobody_there_is_temporary(peer: Operator) -> None:
    driver = _driver(peer, print, port=1)
    with pytest.raises(GatewayErrorTemporary):
        list(driver.send([_sms(0)]))


def test_no_other_call_is_read(driver: Smpp) -> None:
    with pytest.raises(ValueError, match="SMPP"):
        driver.read(Hook("POST", {}, {}, json.dumps({"stat": "DELIVRD"}).encode()))
