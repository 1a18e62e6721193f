"""The supervisor's judgement: gaps, hangs, and a clock that is wrong."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from nacl.signing import SigningKey

from chaland.sensor.button import refuse_press
from chaland.sensor.orders import EXIT_NOT_PERMITTED, EXIT_STOPPED, DayOrders, KeyNews
from chaland.sensor.spawn import DayProcess
from chaland.sensor.status import first_status, read_status
from chaland.sensor.supervise import Supervisor
from chaland.sensor.uplink.charters import CharterStore
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import Uploader
from chaland.wire.exchange import Exchanged, encode_answer
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import cell_start, local_day
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import CellCounts, Count, Mode, State, decode
from tests import charters

KEY = SigningKey(bytes(range(32)))
NAME = sensor_identifier(bytes(KEY.verify_key))
LIVE = DayOrders("nowhere0", "chaland", (), "Europe/Paris", Mode.DEFAULT, -70, -85, "", sensor=NAME)


class Clock:
    """This machine's clock, and a jump ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", NAME)
    yield spool
    spool.close()


@pytest.fixture
def uploader(spool: Spool) -> Iterator[Uploader]:
    with httpx.Client() as client:
        yield Uploader(spool, KEY, "http://127.0.0.1:9", client)


@pytest.fixture
def supervisor(
    tmp_path: Path, spool: Spool, uploader: Uploader, clock: Clock
) -> Iterator[Supervisor]:
    with httpx.Client() as client:
        exchanger = Exchanger(store(tmp_path), tmp_path, KEY, "http://127.0.0.1:9", client)
        supervisor = Supervisor(
            LIVE, spool, uploader, exchanger, tmp_path / "status.json", now=clock
        )
        yield supervisor
        supervisor._end_process()


def store(directory: Path) -> CharterStore:
    """Return the charter of a box that may listen."""
    store = CharterStore(directory, NAME, "", lambda _: None)
    store.receive(charters.signed(charters.draft(KEY)))
    return store


def step_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        supervisor._step()


def waiting(spool: Spool) -> list[CellCounts]:
    bodies = [spool.read(sequence) for sequence in spool.pending()]
    return [decode(body).cell for body in bodies if body is not None]


def test_a_cell_that_nobody_released_is_told_as_a_gap_and_the_hung_process_ended(
    supervisor: Supervisor, spool: Spool, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    first = cell_start(clock())
    step_until(supervisor, lambda: supervisor._status.state == State.NO_INTERFACE)
    clock.ahead = timedelta(minutes=15 - (clock() - first).seconds / 60, seconds=80)
    supervisor._step()
    assert spool.pending() == [], "a little patience with a release that is under way"
    clock.ahead += timedelta(seconds=15)
    step_until(supervisor, lambda: bool(spool.pending()))
    assert waiting(spool) == [CellCounts(first, 0, State.PROCESS_DIED, Mode.DEFAULT, {})]
    assert "released nothing" in capfd.readouterr().err
    assert supervisor._status.restarts == 1


def test_a_clock_set_ahead_does_not_invent_gaps(
    supervisor: Supervisor, spool: Spool, clock: Clock
) -> None:
    clock.ahead = timedelta(days=400)
    supervisor._notice_hang()
    assert spool.pending() == []
    assert supervisor._releases.expected == cell_start(clock())


def release(start: datetime) -> CellCounts:
    return CellCounts(start, 3, State.OK, Mode.DEFAULT, {"scans": Count(1, 3, "0.15")})


def test_no_release_is_kept_while_the_clock_is_known_to_be_wrong(
    supervisor: Supervisor, spool: Spool, uploader: Uploader, clock: Clock
) -> None:
    uploader.health.skew_s = 3 * 3600.0
    supervisor._releases.keep(release(cell_start(clock())))
    assert (spool.pending(), spool.drops) == ([], {UplinkDrop.CLOCK_WRONG: 1})
    uploader.health.skew_s = 1.0
    supervisor._releases.keep(release(cell_start(clock())))
    assert spool.pending() == [1]


def test_a_full_disk_is_said_and_counted(
    supervisor: Supervisor,
    spool: Spool,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chaland.sensor.uplink.spool.write_whole", full)
    supervisor._releases.keep(release(cell_start(clock())))
    assert spool.drops == {UplinkDrop.DISK_ERROR: 1}
    assert "No space left" in capfd.readouterr().err


class HubClock(httpx.BaseTransport):
    """A hub that tells the time, wrongly by ``ahead``; it refuses everything."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.asked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return httpx.Response(503, headers={"Date": date})


@pytest.fixture
def hub_clock() -> HubClock:
    return HubClock()


@pytest.fixture
def told(tmp_path: Path, spool: Spool, clock: Clock, hub_clock: HubClock) -> Iterator[Supervisor]:
    """A supervisor whose hub tells the time."""
    with httpx.Client(transport=hub_clock) as client:
        uploader = Uploader(spool, KEY, "http://hub.example", client, now=clock)
        exchanger = Exchanger(store(tmp_path), tmp_path, KEY, "http://hub.example", client)
        supervisor = Supervisor(
            LIVE, spool, uploader, exchanger, tmp_path / "status.json", now=clock
        )
        yield supervisor
        supervisor._end_process()


def test_one_wrong_reading_of_the_clock_costs_no_cell(
    told: Supervisor, spool: Spool, clock: Clock, hub_clock: HubClock
) -> None:
    hub_clock.ahead = timedelta(minutes=10)
    told._releases._uploader.look_at_clock()
    hub_clock.ahead = timedelta()
    told._releases.keep(release(cell_start(clock())))
    assert (spool.pending(), spool.drops) == ([1], {})


def test_a_clock_that_is_wrong_is_looked_at_again_while_listening(
    told: Supervisor,
    spool: Spool,
    clock: Clock,
    hub_clock: HubClock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    step_until(told, lambda: told._process is not None)
    hub_clock.ahead = timedelta(minutes=10)
    told._releases._uploader.look_at_clock()
    asked = hub_clock.asked
    told._step()
    assert hub_clock.asked == asked, "not at each step"
    told._releases.keep(release(cell_start(clock())))
    assert spool.drops == {UplinkDrop.CLOCK_WRONG: 1}
    assert "is not kept: wrong clock" in capfd.readouterr().err
    hub_clock.ahead = timedelta()
    monkeypatch.setattr("chaland.sensor.releases.CLOCK_AGAIN_S", 0.0)
    told._step()
    assert not told._releases._uploader.health.clock_is_wrong
    assert "clock is right again" in capfd.readouterr().err


def test_a_cell_of_the_future_does_not_blind_the_sensor(
    supervisor: Supervisor, spool: Spool, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    past, future = (cell_start(clock()) + timedelta(days=days) for days in (-1, 200))
    for start in (future, past):
        spool.append(release(start), clock())
    assert supervisor._releases.last_released() == past.isoformat()
    assert f"a cell of {future.isoformat()} was released when the clock" in capfd.readouterr().err


def test_a_clock_set_back_starts_the_day_anew(
    supervisor: Supervisor, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    step_until(supervisor, lambda: supervisor._process is not None)
    supervisor._releases.keep(release(cell_start(clock()) + timedelta(hours=5)))
    supervisor._step()
    assert "set back" in capfd.readouterr().err
    assert supervisor._process is None
    assert supervisor._releases.expected == cell_start(clock())
    assert supervisor._status.restarts == 0


def test_an_end_that_both_were_told_is_no_death(supervisor: Supervisor) -> None:
    supervisor._stop()
    assert supervisor._ended(EXIT_STOPPED) == 0
    assert (supervisor._status.state, supervisor._status.restarts) == ("ok", 0)


def test_the_queue_is_listed_once_a_drain(
    spool: Spool, uploader: Uploader, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(3):
        spool.append(release(cell_start(clock()) - timedelta(hours=hour)), clock())
    listed: list[list[int]] = []
    pending = spool.pending

    def counted() -> list[int]:
        listed.append(pending())
        return listed[-1]

    monkeypatch.setattr(spool, "pending", counted)
    uploader.drain()
    assert listed == [[1, 2, 3]]
    uploader.drain()  # the hub was not there: nothing is due, so nothing is looked for
    assert listed == [[1, 2, 3]]


def test_a_day_takes_few_presses_of_the_button(supervisor: Supervisor, tmp_path: Path) -> None:
    """Else whoever presses it each minute has a register of who is near, in the filter."""

    def pressed() -> tuple[str, int]:
        supervisor._press()
        supervisor._talk()
        said = read_status(tmp_path / "status.json")
        assert said
        assert said.button_at
        return said.button_refusal, said.presses

    refusal, presses = pressed()
    assert "nothing listens" in refusal, "and nothing is forgotten later instead"
    assert (presses, supervisor._pressed) == (0, False)
    step_until(supervisor, lambda: supervisor._process is not None)
    limit = DEFAULT_MECHANISM.objection.presses_in_a_day
    assert [pressed() for _ in range(limit)] == [("", n + 1) for n in range(limit)]
    refusal, presses = pressed()
    assert "the button was pressed 12 times since 04:00" in refusal
    assert presses == limit
    restarted = first_status(tmp_path / "status.json")
    assert refuse_press(restarted, supervisor._day, listens=True)
    tomorrow = supervisor._day + timedelta(days=1)
    assert not refuse_press(restarted, tomorrow, listens=True)
    assert restarted.presses == 1


def test_no_process_starts_without_a_charter(
    tmp_path: Path, spool: Spool, uploader: Uploader, clock: Clock
) -> None:
    with httpx.Client() as client:
        empty = CharterStore(tmp_path, NAME, "", lambda _: None)
        exchanger = Exchanger(empty, tmp_path, KEY, "http://127.0.0.1:9", client)
        status_path = tmp_path / "status.json"
        supervisor = Supervisor(LIVE, spool, uploader, exchanger, status_path, now=clock)
        supervisor._step()
        clock.ahead = timedelta(hours=1)
        supervisor._step()
        assert supervisor._process is None
        assert supervisor._status.refusal == "no-charter"
        assert spool.pending() == [], "silence that is meant is no gap"
        assert exchanger.health.attempts == 1, "but it asks for a charter"


def test_the_end_of_the_measurement_ends_the_process_at_once(
    supervisor: Supervisor, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    today = local_day(clock(), ZoneInfo(LIVE.timezone))
    last = replace(charters.draft(KEY, version=2), ends_on=today)
    supervisor._exchanger.store.receive(charters.signed(last))
    step_until(supervisor, lambda: supervisor._process is not None)
    clock.ahead = timedelta(days=1)
    supervisor._step()
    assert supervisor._process is None
    assert supervisor._status.refusal == "ended"
    assert "the measurement has ended" in capfd.readouterr().err


def test_a_shop_that_withdraws_ends_listening_at_once(
    supervisor: Supervisor, capfd: pytest.CaptureFixture[str]
) -> None:
    """The hub can always end listening (and only the town key can begin it)."""
    step_until(supervisor, lambda: supervisor._process is not None)
    supervisor._exchanger.forbidden = True
    supervisor._step()
    assert supervisor._process is None
    assert supervisor._status.refusal == "withdrawn"
    assert "withdrawn its agreement" in capfd.readouterr().err
    supervisor._exchanger.forbidden = False
    step_until(supervisor, lambda: supervisor._process is not None)


def test_another_name_of_the_objection_network_is_obeyed_at_once(supervisor: Supervisor) -> None:
    step_until(supervisor, lambda: supervisor._process is not None)
    assert supervisor._process is not None
    before = supervisor._process.pid
    renamed = replace(charters.draft(KEY, version=2), objection_network="-nocount")
    supervisor._exchanger.store.receive(charters.signed(renamed))
    step_until(
        supervisor,
        lambda: supervisor._process is not None and supervisor._process.pid != before,
    )
    assert supervisor._network == "-nocount"


@pytest.mark.parametrize("fault", ["none", "forged", "other key", "not listed"])
def test_the_days_process_verifies_the_charter_itself(fault: str) -> None:
    """A supervisor in other hands could start it; it still opens no source."""
    text = {
        "none": "",
        "forged": charters.signed(charters.draft(KEY)).replace("Bourg", "Burgo"),
        "other key": charters.signed(charters.draft(KEY), KEY),
        "not listed": charters.signed(charters.draft(charters.TOWN)),
    }[fault]
    today = local_day(datetime.now(UTC), ZoneInfo(LIVE.timezone))
    orders = replace(
        LIVE, town_key=charters.FINGERPRINT, day=today.isoformat(), objection_ssid="optout"
    )
    process = DayProcess(orders)
    process.tell(encode_answer(Exchanged(today, "", None, (), text, 0, b"")))
    deadline = time.monotonic() + 60
    while process.exit_code() is None and time.monotonic() < deadline:
        process.wait(0.1)
    assert process.exit_code() == EXIT_NOT_PERMITTED
    assert all(isinstance(said, KeyNews) for said in process.said()), "nothing was counted"
    process.close()
