"""A file of the state folder that is damaged: a clear message, or it is begun anew and counted."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.sensor import config as box
from chaland.sensor.charter import Refusal
from chaland.sensor.commands import sensor
from chaland.sensor.config import ConfigErrorFinal, SensorConfig
from chaland.sensor.orders import Objected
from chaland.sensor.status import Status, read_status
from chaland.sensor.uplink.charters import CHARTER_NAME, CharterStore
from chaland.sensor.uplink.exchanging import EVERY_S, FILTER_NAME, Exchanger
from chaland.sensor.uplink.ledger import Ledger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool
from chaland.wire import answers, exchange
from chaland.wire.answers import Answer, Code
from chaland.wire.exchange import FILTER_BYTES, Exchanged, encode_answer
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import CellCounts, Mode, State
from tests import charters

KEY = SigningKey(bytes(range(32)))
NAME = sensor_identifier(bytes(KEY.verify_key))
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
TODAY = date(2026, 3, 14)


class Hub(httpx.BaseTransport):
    """Answers each exchange, once it is up; keeps what it was asked."""

    def __init__(self) -> None:
        self.is_up = False
        self.refuses: Code | None = None
        self.asked: list[exchange.Exchange] = []
        self.says = Exchanged(TODAY, "", None, (), "", 4, bytes([5]) * FILTER_BYTES)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self.is_up:
            raise httpx.ConnectError("down")
        self.asked.append(exchange.decode(request.read()))
        if self.refuses is not None:
            body = answers.encode(Answer(self.refuses, "no"))
            return httpx.Response(answers.status_of(self.refuses), content=body)
        return httpx.Response(200, content=encode_answer(self.says))


def exchanger(directory: Path, hub: Hub, clock: Callable[[], float] = lambda: 0.0) -> Exchanger:
    store = CharterStore(directory, NAME, charters.FINGERPRINT, lambda _: None)
    client = httpx.Client(transport=hub)
    return Exchanger(store, directory, KEY, "http://hub", client, monotonic_s=clock)


def make_ledger(directory: Path) -> Path:
    spool = Spool(directory / "spool", NAME)
    spool.append(CellCounts(NOON, 0, State.OK, Mode.DEFAULT, {}), NOON)
    spool.count(UplinkDrop.CELL_REPEATED)
    spool.close()
    return directory / "spool" / "ledger.json"


def use_ledger(directory: Path) -> str:
    spool = Spool(directory / "spool", NAME)
    try:
        assert (spool.sequence, spool.pending()) == (1, [1]), "no number is given twice"
        spool.last_cell(NOON)
        assert set(spool.drops) == {UplinkDrop.LEDGER_UNREADABLE}
        return "counted"
    finally:
        spool.close()


def make_filter(directory: Path) -> Path:
    hub = Hub()
    hub.is_up = True
    one = exchanger(directory, hub)
    one.exchange(TODAY)
    one.hear(Objected((3, 7)))
    return directory / FILTER_NAME


def use_filter(directory: Path) -> str:
    hub = Hub()
    hub.is_up = True
    one = exchanger(directory, hub)
    said = one.health.last_problem
    one.exchange(TODAY)
    assert hub.asked[0].filter_version == 0, "asked for as one that has none"
    return said


def make_charter(directory: Path) -> Path:
    (directory / CHARTER_NAME).write_text(charters.signed(charters.draft(KEY)))
    return directory / CHARTER_NAME


def use_charter(directory: Path) -> str:
    store = CharterStore(directory, NAME, charters.FINGERPRINT, lambda _: None)
    refusal = store.refusal(TODAY)
    assert refusal in {Refusal.FORGED, Refusal.OTHER_TOWN_KEY}
    store.receive(charters.signed(charters.draft(KEY)))
    assert store.refusal(TODAY) is None, "it can come again"
    return str(refusal)


def make_config(directory: Path) -> Path:
    box.save_config(directory, SensorConfig("http://hub", NAME, "Café", "Europe/Paris"))
    return directory / box.CONFIG_NAME


def use_config(directory: Path) -> str:
    with pytest.raises(ConfigErrorFinal, match=r"sensor\.json: ") as caught:
        box.load_config(directory)
    result = CliRunner().invoke(sensor, ["--state", str(directory), "status"])
    assert result.exit_code == 1
    assert "sensor.json: " in result.output
    return str(caught.value)


def make_status(directory: Path) -> Path:
    make_config(directory)
    Status(1, at=NOON.isoformat(), clock_skew_s=0.5).write(directory / box.STATUS_NAME)
    return directory / box.STATUS_NAME


def use_status(directory: Path) -> str:
    assert read_status(directory / box.STATUS_NAME) is None
    result = CliRunner().invoke(sensor, ["--state", str(directory), "status"])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    return result.output


FILES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], str]]] = {
    "ledger.json": (make_ledger, use_ledger),
    "filter.json": (make_filter, use_filter),
    "charter.json": (make_charter, use_charter),
    "sensor.json": (make_config, use_config),
    "status.json": (make_status, use_status),
}

WORTHLESS = [
    *(b"", b"\0" * 700, b"\xff\xfe", b"null", b"[]", b"{}", b'{"format": "chaland.ledger/2"}'),
    *(b"[" * 50_000, b'{"a": ' * 500 + b"1" + b"}" * 500, b"9" * 5_000, b"{" + b" " * 2**21 + b"}"),
]


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_it_is_said_or_counted_and_the_box_goes_on(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make, use = FILES[name]
    directory = tmp_path_factory.mktemp("state")
    path = make(directory)
    whole = path.read_bytes()
    kind = data.draw(st.sampled_from(["worthless", "cut", "member"]))
    if kind == "worthless":
        path.write_bytes(data.draw(st.sampled_from(WORTHLESS) | st.binary(max_size=60)))
    elif kind == "cut":
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 3))])
    else:
        members = json.loads(whole)
        members[data.draw(st.sampled_from(sorted(members)))] = "@@@"
        wrong = ["1" * 5_000, "-1", "1e999", "[[1]]", '{"a": 1}', '"\\ud800"', '"2026-13-45"', "{}"]
        nasty = data.draw(st.sampled_from(wrong))
        if name in {"status.json", "sensor.json"}:  # some members may be any text
            nasty = "[[1]]"
        path.write_text(json.dumps(members).replace('"@@@"', nasty))
        if name == "ledger.json" and nasty == "{}":
            return  # no drops are fine
    assert use(directory)


def test_a_file_that_may_not_be_read_is_no_traceback(tmp_path: Path) -> None:
    for name in (box.CONFIG_NAME, box.STATUS_NAME, FILTER_NAME):
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigErrorFinal, match="can't be read"):
        box.load_config(tmp_path)
    assert read_status(tmp_path / box.STATUS_NAME) is None
    assert "asked for again" in exchanger(tmp_path, Hub()).health.last_problem
    (tmp_path / CHARTER_NAME).mkdir()
    os.rmdir(tmp_path / box.CONFIG_NAME)
    make_config(tmp_path)
    box.make_key(tmp_path / box.KEY_NAME)
    found = CliRunner().invoke(sensor, ["--state", str(tmp_path), "run", "--wait"])
    assert isinstance(found.exception, SystemExit)


def test_a_time_that_is_none_makes_a_ledger_unreadable(tmp_path: Path) -> None:
    path = make_ledger(tmp_path)
    for member, value in (("cells", "2026-13-45T99:00:00+00:00"), ("days", "2026-02-30")):
        stored = json.loads(path.read_bytes()) | {member: [value]}
        path.write_text(json.dumps(stored))
        assert Ledger.load(path).drops == {UplinkDrop.LEDGER_UNREADABLE: 1}


def test_what_objects_is_told_also_after_a_restart(tmp_path: Path) -> None:
    hub, now_s = Hub(), 0.0
    exchanger(tmp_path, hub).hear(Objected((7, 4711)))
    restarted = exchanger(tmp_path, hub, lambda: now_s)
    restarted.exchange(TODAY)
    hub.is_up = True
    now_s += 600
    restarted.exchange(TODAY)
    assert list(hub.asked[-1].objected) == [7, 4711]
    now_s += EVERY_S
    restarted.exchange(TODAY)
    assert not hub.asked[-1].objected, "once"
    again = exchanger(tmp_path, hub)
    again.exchange(TODAY)
    assert (len(hub.asked[-1].objected), hub.asked[-1].filter_version) == (0, 4)


def test_a_hub_forbids_until_it_answers_again(tmp_path: Path) -> None:
    hub, now_s = Hub(), 0.0
    asking = exchanger(tmp_path, hub, lambda: now_s)
    forbidden = []
    for up, refuses in [
        (True, Code.CLOCK_JUMP),
        (True, Code.NOT_AGREED),
        (False, None),
        (True, Code.MALFORMED),
        (True, None),
        (True, Code.REVOKED_SENSOR),
    ]:
        hub.is_up, hub.refuses = up, refuses
        asking.exchange(TODAY)
        forbidden.append(asking.forbidden)
        now_s += 2000
    assert forbidden == [False, True, True, True, False, True]
