"""From frames to rows: a real sensor, real HTTP, a real hub; and what goes wrong on the way."""

import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from chaland.cli import main
from chaland.sensor.config import SPOOL_NAME, load_config, save_config
from chaland.sensor.uplink.spool import Spool
from chaland.wire.summary import decode

HOURS = 6
"""Of capture: 24 cells."""

PREPARE = """
from django.core.management import call_command
from django.utils import timezone
from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.services.enrolment import create_enrolment_code
for database in ("default", "footfall"):
    call_command("migrate", database=database, verbosity=0)
call_command("createcachetable", database="default")
town = Association.objects.create(name="Les vitrines", town="Bourg", simulated=True)
zone = Zone.objects.create(association=town, name="Halles", slug="halles")
shop = Shop.objects.create(association=town, zone=zone, name="Galerie", slug="galerie")
print(*(create_enrolment_code(shop.pk, "", timezone.now()) for _ in range(3)))
"""


def django(directory: Path, script: str) -> str:
    """Run a script in the hub whose files are in ``directory``."""
    start = "import django; django.setup()\n"
    return subprocess.check_output(
        [sys.executable, "-c", start + script], env=environment(directory), text=True
    )


def environment(directory: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHALAND_")}
    settings = "chaland.hub.site.settings"
    return kept | {"CHALAND_STATE_DIR": str(directory), "DJANGO_SETTINGS_MODULE": settings}


class Hub:
    """A hub of its own: SQLite files in a folder, gunicorn on a port; can go down and come up."""

    def __init__(self, directory: Path, codes: list[str]) -> None:
        self.directory, self.codes = directory, codes
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._server: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "chaland.hub.site.wsgi:application",
                 f"--bind=127.0.0.1:{self._port}", "--workers=2", "--threads=2",
                 "--worker-class=gthread", "--log-level=warning"],
                env=environment(self.directory), stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/api/v1/summaries", timeout=2)
                return
            time.sleep(0.05)
        raise AssertionError((self.directory / "log").read_text())

    def down(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop at once, in the middle of whatever it does."""
        if self._server is None:
            return
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text()
        for pid in [self._server.pid, *map(int, children.split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        self._server.wait(20)
        self._server = None

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(self.directory / "footfall.sqlite3")) as database:
            return database.execute(query).fetchall()

    def starts(self) -> list[datetime]:
        rows = self.rows("select start from footfall_cell order by start")
        return [datetime.fromisoformat(str(row[0])).replace(tzinfo=UTC) for row in rows]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The files of a hub with one shop, and three enrolment codes."""
    directory = tmp_path_factory.mktemp("hub")
    return directory, django(directory, PREPARE).split()


@pytest.fixture
def hub(tmp_path: Path, prepared: tuple[Path, list[str]]) -> Iterator[Hub]:
    directory, codes = prepared
    shutil.copytree(directory, tmp_path / "hub")
    hub = Hub(tmp_path / "hub", list(codes))
    hub.up()
    yield hub
    hub.down()


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yesterday's radio of a simulated shop."""
    path = tmp_path_factory.mktemp("capture") / "day.pcap"
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    arguments = ["--day", yesterday, "--from", "09:00", "--to", f"{9 + HOURS:02}:00"]
    result = CliRunner().invoke(main, ["simulate", "capture", str(path), *arguments])
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def state(tmp_path: Path, hub: Hub) -> Path:
    """The state folder of a box enrolled with the hub."""
    result = sensor(tmp_path / "box", "enroll", "--hub", hub.url, "--code", hub.codes.pop())
    assert "of Galerie" in result
    return tmp_path / "box"


def command(state: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "chaland.cli", "sensor", "--state", str(state), *arguments]


def sensor(state: Path, *arguments: str, stdin: Path = Path(os.devnull)) -> str:
    with stdin.open("rb") as file:
        return subprocess.run(
            command(state, *arguments), stdin=file, capture_output=True, text=True, check=True,
            timeout=60,
        ).stdout  # fmt: skip


def waiting(state: Path) -> list[datetime]:
    spool = Spool(state / SPOOL_NAME, load_config(state).sensor)
    try:
        bodies = [spool.read(sequence) for sequence in spool.pending()]
        assert not spool.parked()
        return sorted(decode(body).cell.start for body in bodies if body is not None)
    finally:
        spool.close()


def expected_cells(capture: Path) -> list[datetime]:
    """The quarter hours of the capture, from the time of its first record."""
    (seconds,) = struct.unpack_from("<I", capture.read_bytes(), 24)
    first = seconds - seconds % 900
    return [datetime.fromtimestamp(first + 900 * n, UTC) for n in range(4 * HOURS)]


def test_enrol_run_spool_upload_rows(hub: Hub, state: Path, capture: Path) -> None:
    sensor(state, "run", "--stdin", stdin=capture)
    assert hub.starts() == expected_cells(capture)
    assert waiting(state) == []
    rows = hub.rows("select windows, state, scans is null, arrivals is null from footfall_cell")
    assert set(rows) == {(3, "ok", 0, 0)}
    assert hub.rows("select last_sequence from footfall_sensor") == [(4 * HOURS,)]
    assert hub.rows("select count(*) from footfall_dwellday") == [(1,)]
    assert "all is well" in sensor(state, "status")
    cells = hub.rows("select * from footfall_cell")
    sensor(state, "run", str(capture))  # the same again: nothing is released twice
    assert hub.rows("select * from footfall_cell") == cells
    assert hub.rows("select count(*) from footfall_dropcount") == [(0,)]


def test_a_hub_that_was_down_misses_nothing(hub: Hub, state: Path, capture: Path) -> None:
    hub.down()
    sensor(state, "run", str(capture))
    assert waiting(state) == expected_cells(capture)
    hub.up()
    sensor(state, "run", "--stdin", stdin=capture)  # nothing new, but it sends what waits
    assert hub.starts() == expected_cells(capture)
    assert waiting(state) == []


def kill_runs(
    hub: Hub, state: Path, capture: Path, chance: random.Random, times: int, hubs_too: bool
) -> None:
    """Run the sensor and kill -9 its supervisor (and sometimes the hub) in the middle."""
    for _ in range(times):
        child = subprocess.Popen(
            command(state, "run", str(capture)), stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.3, 1.6))
        child.kill()
        child.wait()
        if hubs_too and chance.random() < 0.4:
            hub.down()
            hub.up()


def crash_then_finish(hub: Hub, state: Path, capture: Path, seed: int, times: int) -> None:
    kill_runs(hub, state, capture, random.Random(seed), times, hubs_too=True)
    sensor(state, "run", str(capture))
    deadline = time.monotonic() + 60
    while waiting(state) and time.monotonic() < deadline:
        sensor(state, "run", "--stdin", stdin=capture)
    assert waiting(state) == []
    assert hub.starts() == expected_cells(capture)
    accepted = hub.rows("select count(*), count(distinct sequence) from footfall_batch")
    assert accepted == [(4 * HOURS, 4 * HOURS)]
    refused = {reason for (reason,) in hub.rows("select reason from footfall_dropcount")}
    assert refused <= {"duplicate"}, "a lost answer is asked for again; nothing else may happen"


def test_power_cuts_lose_nothing_and_double_nothing(hub: Hub, state: Path, capture: Path) -> None:
    crash_then_finish(hub, state, capture, seed=1, times=4)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
def test_many_power_cuts_lose_nothing_and_double_nothing(
    hub: Hub, state: Path, capture: Path, seed: int
) -> None:
    crash_then_finish(hub, state, capture, seed=seed, times=25)


REVOKE = """
from django.utils import timezone
from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services.enrolment import revoke
revoke(Sensor.objects.get(), timezone.now())
"""


def test_a_revoked_sensor_keeps_what_it_has_and_says_so(
    hub: Hub, state: Path, capture: Path
) -> None:
    django(hub.directory, REVOKE)
    sensor(state, "run", str(capture))
    assert hub.starts() == []
    assert waiting(state) == expected_cells(capture)
    status = subprocess.run(command(state, "status"), capture_output=True, text=True, check=False)
    assert "LOOK: upload: revoked-sensor: The association has revoked" in status.stdout
    sensor(state, "enroll", "--hub", hub.url, "--code", hub.codes.pop(), "--replace")
    assert len(list((state.parent / "box").glob("spool-*/queue/*"))) == 4 * HOURS


def test_two_boxes_with_one_code_become_one_sensor(hub: Hub, tmp_path: Path) -> None:
    code = hub.codes.pop()
    boxes = [
        subprocess.Popen(
            command(tmp_path / f"box{n}", "enroll", "--hub", hub.url, "--code", code),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for n in range(4)
    ]  # fmt: skip
    said = [box.communicate(timeout=60) for box in boxes]
    assert sorted(box.returncode for box in boxes) == [0, 1, 1, 1]
    assert sum(b"code-used" in errors for _, errors in said) == 3
    assert hub.rows("select count(*) from footfall_sensor") == [(1,)]


def test_one_summary_sent_by_many_at_once_is_stored_once(
    hub: Hub, state: Path, capture: Path
) -> None:
    """The answers were slow, everything is sent again and again, at the same time."""
    hub.down()
    sensor(state, "run", str(capture))
    hub.up()
    copies = []
    for n in range(4):
        copy = state.with_name(f"copy{n}")
        shutil.copytree(state, copy)
        copies.append(copy)
    senders = [
        subprocess.Popen(
            command(copy, "run", os.devnull), stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        for copy in copies
    ]
    assert [sender.wait(60) for sender in senders] == [1] * 4, (
        "an empty capture is told, and the spool sent"
    )
    assert hub.starts() == expected_cells(capture)
    assert [waiting(copy) for copy in copies] == [[]] * 4


def shop_where_it_was_four(at: datetime) -> str:
    """Return a time zone in which a full hour was 04:00, when the local day ends."""
    offset_h = (4 - at.hour + 12) % 24 - 12
    return f"Etc/GMT{-offset_h:+d}"  # the sign of these names is the other way round


def shifted(capture: Path, seconds: int) -> bytes:
    """Return the capture as if it had been taken so much later."""
    data, at = bytearray(capture.read_bytes()), 24
    while at < len(data):
        time_s, _, length, _ = struct.unpack_from("<IIII", data, at)
        struct.pack_into("<I", data, at, time_s + seconds)
        at += 16 + length
    return bytes(data)


def test_a_live_capture_ends_with_the_local_day(
    hub: Hub, state: Path, capture: Path, tmp_path: Path
) -> None:
    """The day's process is gone at 04:00, even while frames go on coming."""
    four = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first = expected_cells(capture)[0]
    late = four - timedelta(hours=HOURS - 1) - first
    (tmp_path / "now.pcap").write_bytes(shifted(capture, int(late.total_seconds())))
    save_config(state, replace(load_config(state), timezone=shop_where_it_was_four(four)))
    with subprocess.Popen(["cat", str(tmp_path / "now.pcap")], stdout=subprocess.PIPE) as cat:
        subprocess.run(command(state, "run", "--stdin"), stdin=cat.stdout, check=True, timeout=60)
    assert hub.starts() == [first + late + timedelta(minutes=15 * n) for n in range(4 * HOURS - 4)]
    assert hub.rows("select count(*) from footfall_dwellday") == [(1,)]
