"""From frames to rows: a real sensor, real HTTP, a real hub; and what goes wrong on the way."""

import os
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from nacl.signing import SigningKey

from chaland.cli import main
from chaland.sensor import config as box
from chaland.sensor.config import SPOOL_NAME, SensorConfig, load_config, save_config
from chaland.sensor.uplink.charters import CHARTER_NAME
from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.spool import Spool
from chaland.wire.summary import decode
from tests import charters
from tests.real_hub import MIGRATE, Hub, django, shop_where_it_was_four

HOURS = 6
"""Of capture: 24 cells."""

BOX = SigningKey(bytes([1]) * 32)
"""A box that is enrolled, and that the town's charter names."""

PREPARE = f"""{MIGRATE}
shop = Shop.objects.create(association=town, zone=zone, name="Galerie", slug="galerie")
codes = [create_enrolment_code(shop.pk, "", timezone.now()) for _ in range(4)]
box = SigningKey(bytes.fromhex("{bytes(BOX).hex()}"))
redeem(enrolment.request(box, codes.pop()), timezone.now())
sign_trial_charter(town.pk, charters.TOWN, timezone.now())
print(*codes)
"""

NEXT_CHARTER = """
from django.utils import timezone
from chaland.hub.association.models import Association
from chaland.hub.footfall.services.trial import sign_trial_charter
from tests import charters
sign_trial_charter(Association.objects.get().pk, charters.TOWN, timezone.now())
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The files of a hub with one shop and its box, and three enrolment codes."""
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
    """The state folder of a box that is enrolled with the hub and has its charter."""
    directory = tmp_path / "box"
    directory.mkdir()
    write_whole(directory / box.KEY_NAME, f"{bytes(BOX).hex()}\n".encode())
    config = SensorConfig(hub.url, charters.name(BOX), "Galerie", "Europe/Paris", simulated=True)
    save_config(directory, replace(config, town_key=charters.FINGERPRINT))
    ((text,),) = hub.rows("select document from footfall_charter")
    (directory / CHARTER_NAME).write_text(str(text))
    return directory


def command(state: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "chaland.cli", "sensor", "--state", str(state), *arguments]


def sensor(state: Path, *arguments: str, stdin: Path = Path(os.devnull)) -> str:
    with stdin.open("rb") as file:
        return subprocess.run(
            command(state, *arguments), stdin=file, capture_output=True, text=True, check=True,
            timeout=180,
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


def test_enrol_charter_run_spool_upload_rows(hub: Hub, tmp_path: Path, capture: Path) -> None:
    state = tmp_path / "new"
    said = sensor(state, "enroll", "--hub", hub.url, "--code", hub.codes.pop())
    assert "of Galerie" in said
    refused = subprocess.run(
        command(state, "run", str(capture)), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1, "off by default: enrolled, but in no charter"
    assert "the charter does not name this sensor" in refused.stderr
    assert hub.starts() == []
    django(hub.directory, NEXT_CHARTER)
    sensor(state, "run", "--stdin", stdin=capture)
    assert load_config(state).town_key == charters.FINGERPRINT, "pinned with the first charter"
    assert hub.starts() == expected_cells(capture)
    assert waiting(state) == []
    rows = hub.rows("select windows, state, scans is null, arrivals is null from footfall_cell")
    assert set(rows) == {(3, "ok", 0, 0)}
    last = "select last_sequence from footfall_sensor where last_sequence > 0"
    assert hub.rows(last) == [(4 * HOURS,)]
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
    deadline = time.monotonic() + 180
    while waiting(state) and time.monotonic() < deadline:
        sensor(state, "run", "--stdin", stdin=capture)
    assert waiting(state) == []
    assert hub.starts() == expected_cells(capture)
    accepted = hub.rows("select count(*), count(distinct sequence) from footfall_batch")
    assert accepted == [(4 * HOURS, 4 * HOURS)]
    refused = {reason for (reason,) in hub.rows("select reason from footfall_dropcount")}
    # A summary is a duplicate then; of two exchanges that crossed, the older one is refused.
    again = {"duplicate", "exchange-sequence-replayed"}
    assert refused <= again, "a lost answer is asked for again; nothing else may happen"


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


def test_a_revoked_sensor_stops_keeps_what_it_has_and_says_so(
    hub: Hub, state: Path, capture: Path
) -> None:
    hub.down()
    sensor(state, "run", str(capture))
    django(hub.directory, REVOKE)
    hub.up()
    run = command(state, "run", "--interface", "nowhere0")
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert any("or that this sensor was revoked, so it does not" in at for at in running.stderr)
        running.terminate()
    assert hub.starts() == []
    assert waiting(state)[: 4 * HOURS] == expected_cells(capture)
    status = subprocess.run(command(state, "status"), capture_output=True, text=True, check=False)
    assert "LOOK: upload: revoked-sensor: The association has revoked" in status.stdout
    sensor(state, "enroll", "--hub", hub.url, "--code", hub.codes.pop(), "--replace")
    assert len(list((state.parent / "box").glob("spool-*/queue/*"))) >= 4 * HOURS


def test_two_boxes_with_one_code_become_one_sensor(hub: Hub, tmp_path: Path) -> None:
    code = hub.codes.pop()
    enrolling = [
        subprocess.Popen(
            command(tmp_path / f"box{n}", "enroll", "--hub", hub.url, "--code", code),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for n in range(4)
    ]  # fmt: skip
    said = [each.communicate(timeout=180) for each in enrolling]
    assert sorted(each.returncode for each in enrolling) == [0, 1, 1, 1]
    assert sum(b"code-used" in errors for _, errors in said) == 3
    assert hub.rows("select count(*) from footfall_sensor") == [(2,)]


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
    assert [sender.wait(180) for sender in senders] == [1] * 4, (
        "an empty capture is told, and the spool sent"
    )
    assert hub.starts() == expected_cells(capture)
    assert [waiting(copy) for copy in copies] == [[]] * 4


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
        subprocess.run(command(state, "run", "--stdin"), stdin=cat.stdout, check=True, timeout=180)
    assert hub.starts() == [first + late + timedelta(minutes=15 * n) for n in range(4 * HOURS - 4)]
    assert hub.rows("select count(*) from footfall_dwellday") == [(1,)]
