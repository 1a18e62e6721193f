"""Three real sensors on one real hub: charter, one key that the hub can't read, sketches at night.

The supervisors' clocks stand before 04:00, when the local day ends, as the frames' times do; the
hub's and the uploads' are right.
"""

import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from nacl.signing import SigningKey

from chaland.sensor import config as box
from chaland.sensor.commands import sensor
from chaland.sensor.config import SensorConfig, save_config
from chaland.sensor.status import Status, read_status
from chaland.simulate.frames import beacon, data_to_access_point, radiotap_frame
from tests import charters
from tests.real_hub import MIGRATE, Hub, django, shop_where_it_was_four

KEYS = [SigningKey(bytes([n]) * 32) for n in (1, 2, 3)]

PREPARE = f"""{MIGRATE}
town.timezone = "ZONE"
town.save()
for n, key in enumerate({[bytes(key).hex() for key in KEYS]}):
    shop = Shop.objects.create(association=town, zone=zone, name=f"Shop {{n}}", slug=f"shop-{{n}}")
    code = create_enrolment_code(shop.pk, "", timezone.now())
    redeem(enrolment.request(SigningKey(bytes.fromhex(key)), code), timezone.now())
"""

CHARTER = """
from django.utils import timezone
from chaland.hub.association.models import Association
from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services.trial import sign_trial_charter
from tests import charters
only = list(Sensor.objects.order_by("pk")[:{sensors}])
sign_trial_charter(Association.objects.get().pk, charters.TOWN, timezone.now(), only)
"""

RUN = """
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from chaland.cli import main
from chaland.sensor import commands, supervise
from chaland.sensor.uplink import exchanging
back = timedelta(seconds=float(sys.argv.pop(1)))
supervise.POLL_S = 0.1
exchanging.EVERY_S = 0.3
exchanging.NEWS_WITHIN_S = 0.1
commands.Supervisor = partial(commands.Supervisor, now=lambda: datetime.now(UTC) - back)
main()
"""
"""``chaland``, with a supervisor whose clock is behind, and a hurry that tests have."""


class Running:
    """A sensor of its own on the hub, fed through a pipe, or on an interface that is not there."""

    def __init__(self, state: Path, back_s: float, *arguments: str) -> None:
        self.state = state
        self._errors = (state / "errors").open("w+b")
        command = [sys.executable, "-c", RUN, str(back_s), "sensor", "--state", str(state), "run"]
        self.child = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stderr=self._errors
        )

    @property
    def status(self) -> Status:
        return read_status(self.state / box.STATUS_NAME) or Status(0)

    def said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()

    def days(self) -> list[str]:
        """Return the processes of days that run."""
        pid = self.child.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()
        self._errors.close()


@pytest.fixture(scope="module")
def four() -> datetime:
    """The last full hour, at which it was 04:00 in the town."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, four: datetime) -> Path:
    """The files of a hub with three shops and their boxes."""
    directory = tmp_path_factory.mktemp("hub")
    django(directory, PREPARE.replace("ZONE", shop_where_it_was_four(four)))
    return directory


@pytest.fixture
def hub(tmp_path: Path, prepared: Path) -> Iterator[Hub]:
    shutil.copytree(prepared, tmp_path / "hub")
    hub = Hub(tmp_path / "hub", [])
    hub.up()
    yield hub
    hub.down()


@pytest.fixture
def start(tmp_path: Path, hub: Hub, four: datetime) -> Iterator[Callable[..., Running]]:
    """Start a box, enrolled without knowing the town key."""
    running: list[Running] = []
    back_s = (datetime.now(UTC) - four + timedelta(minutes=20)).total_seconds()

    def start(number: int, *arguments: str) -> Running:
        state = tmp_path / f"box{number}"
        if not state.exists():
            state.mkdir()
            (state / box.KEY_NAME).write_text(bytes(KEYS[number]).hex() + "\n")
            (state / box.KEY_NAME).chmod(0o600)
            zone, name = shop_where_it_was_four(four), charters.name(KEYS[number])
            config = SensorConfig(hub.url, name, "Shop", zone, simulated=True)
            save_config(state, config)
        running.append(Running(state, back_s, *arguments))
        return running[-1]

    yield start
    for each in running:
        each.close()


def until(condition: Callable[[], bool], *running: Running, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, [each.said() for each in running]
        assert all(each.child.poll() is None for each in running), [e.said() for e in running]
        time.sleep(0.05)


def evening(four: datetime) -> bytes:
    """Return half an hour of radio up to 04:00 as a capture: a beacon a second, ten phones."""
    written = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 127)]
    access_point = bytes.fromhex("001122334455")
    heard = radiotap_frame(beacon(access_point, 7, b"cafe", 6), -50, 6)
    phones = [
        radiotap_frame(
            data_to_access_point(bytes([0, 27, 119, 0, 0, n]), access_point, 7, False), -50, 6
        )
        for n in range(10)
    ]
    first = int(four.timestamp()) - 1800
    for second in range(first, first + 1805):
        for frame in (heard, *(phones if first + 960 <= second < first + 1500 else ())):
            written.append(struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame)
    return b"".join(written)


def test_sketches_of_a_night_arrive_under_one_key(
    hub: Hub, start: Callable[..., Running], four: datetime
) -> None:
    waiting = [start(number, "--wait") for number in range(3)]
    until(lambda: {each.status.refusal for each in waiting} == {"no-charter"}, *waiting)
    assert [each.days() for each in waiting] == [[], [], []], "off by default"
    django(hub.directory, CHARTER.format(sensors=3))
    assert [each.child.wait(30) for each in waiting] == [0, 0, 0]
    for each in waiting:
        assert f"town key {charters.FINGERPRINT}: it is trusted" in each.said()
    sensors = [start(number, "--stdin") for number in range(3)]
    until(lambda: len({each.status.town_key_held for each in sensors} | {""}) == 2, *sensors)
    until(lambda: all(each.status.town_key_held for each in sensors), *sensors)
    (key,) = {each.status.town_key_held for each in sensors}
    for each in sensors:  # one after the other: what SQLite had no time for would wait in the spool
        each.child.communicate(evening(four), timeout=180)
        assert each.child.returncode == 0, each.said()
    rows = hub.rows('select "key", since, length(bits), length(symbols) from footfall_sketch')
    assert len(rows) == 3, [each.said() for each in sensors]
    assert {row[0] for row in rows} == {key}
    since = {datetime.fromisoformat(str(row[1])).replace(tzinfo=UTC) for row in rows}
    assert since == {four - timedelta(minutes=15)}, "the first whole cell after the key came"


def test_a_charter_that_drops_a_sensor_ends_its_day_at_once(
    hub: Hub, start: Callable[..., Running]
) -> None:
    django(hub.directory, CHARTER.format(sensors=3))
    running = start(2, "--interface", "nowhere0")
    until(lambda: bool(running.days()), running)
    until(lambda: bool(running.status.town_key_held), running)
    pressed = CliRunner().invoke(sensor, ["--state", str(running.state), "forget"])
    assert pressed.exit_code == 0, pressed.output
    assert "hold phones (Wi-Fi on) within a hand's breadth" in " ".join(pressed.output.split())
    django(hub.directory, CHARTER.format(sensors=2))
    until(lambda: running.status.refusal == "not-listed", running)
    assert running.days() == []
    said = CliRunner().invoke(sensor, ["--state", str(running.state), "status"])
    assert "LOOK: not-listed: the charter does not name this sensor" in said.output
    pressed = CliRunner().invoke(sensor, ["--state", str(running.state), "forget"])
    assert "does not listen (not-listed)" in pressed.output
    django(hub.directory, CHARTER.format(sensors=3))
    until(lambda: bool(running.days()), running)
    hub.down()
    running.child.terminate()
    assert running.child.wait(30) == 0
    assert running.status.presses == 1
    replace(running.status, presses=12).write(running.state / "status.json")
    again = start(2, "--interface", "nowhere0")
    until(lambda: again.status.pid == again.child.pid and bool(again.days()), again)
    assert replace(again.status, at="").refusal == ""
    pressed = CliRunner().invoke(sensor, ["--state", str(again.state), "forget"])
    assert pressed.exit_code == 1
    assert "pressed 12 times since 04:00" in pressed.output, "a restart allows no more"
    said = CliRunner().invoke(sensor, ["--state", str(again.state), "status"])
    assert "refused: the button was pressed 12 times" in said.output
