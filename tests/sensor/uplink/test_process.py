"""The sensor's processes as they run: commands, the wall between them, deaths and restarts."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nacl.signing import SigningKey

from chaland.sensor import config as box
from chaland.sensor.commands import sensor
from chaland.sensor.config import ConfigErrorFinal, load_config, save_config
from chaland.sensor.orders import (
    LONGEST_LINE,
    Copy,
    DayOrders,
    KeyNews,
    Note,
    Objected,
    read_line,
    write_line,
)
from chaland.sensor.status import Status
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import MAX_COPIES
from chaland.wire.summary import Mode, State, decode

Start = Callable[..., Any]
"""Starts a sensor process: conftest.Running."""
ORDERS = DayOrders("mon0", "chaland", (), "Europe/Paris", Mode.DEFAULT, -70, -85, "-optout")


def invoke(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(sensor, ["--state", str(state), *arguments])


# Configuration --------------------------------------------------------------------------------


def test_the_key_is_the_owners_only(state: Path) -> None:
    assert (state / box.KEY_NAME).stat().st_mode & 0o777 == 0o600
    (state / box.KEY_NAME).chmod(0o644)
    result = invoke(state, "run", "--interface", "mon0")
    assert result.exit_code == 1
    assert "others may read this key (mode 644)" in result.output


def test_a_config_round_trips(state: Path) -> None:
    config = replace(load_config(state), mode=Mode.STRICT, rssi_visitor_dbm=-62)
    save_config(state, config)
    assert load_config(state) == config


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("hub", "hub.example.org", "must be a URL"),
        ("mode", "careful", "one of default, strict"),
        ("rssi_visitor_dbm", 70, "from -95 to -20"),
        ("rssi_passer_by_dbm", -60, "must not be above"),
        ("timezone", "Europe/Paname", "unknown here"),
        ("town_key", "abcd", "abcd-efgh-ijkl-mnop, or empty"),
        ("extra", 1, "not a member"),
        ("shop", None, "must be a text"),
    ],
)
def test_a_mistake_in_the_config_is_named(
    state: Path, field: str, value: object, problem: str
) -> None:
    path = state / box.CONFIG_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ConfigErrorFinal, match=problem) as caught:
        load_config(state)
    assert str(caught.value).startswith(f"{path}: {field}: ")


def test_a_config_that_is_no_json_is_named(state: Path) -> None:
    (state / box.CONFIG_NAME).write_text("{,}")
    with pytest.raises(ConfigErrorFinal, match=r"sensor\.json: is not JSON"):
        load_config(state)


def test_another_boxs_key_is_refused(state: Path) -> None:
    (state / box.KEY_NAME).unlink()
    box.make_key(state / box.KEY_NAME)
    result = invoke(state, "run", "--interface", "mon0")
    assert "is not the key of sensor" in result.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run"], "give one of --interface"),
        (["run", "--stdin", "a.pcap"], "give one of --interface"),
        (["run", "--stdin", "--interface", "mon0"], "give one of --interface"),
        (["enroll", "--hub", "hub.example", "--code", "x"], "must be a URL"),
        (["enroll", "--hub", "http://hub.example", "--code", "x"], "is not https"),
        (["enroll", "--hub", "https://hub.example", "--code", "x"], "--replace enrols it anew"),
        (["enroll", "--hub", "http://[::1]:9", "--code", "x", "--replace"], "code: must be 12"),
    ],
)
def test_a_wrong_command_is_explained(state: Path, arguments: list[str], problem: str) -> None:
    result = invoke(state, *arguments)
    assert result.exit_code != 0
    assert problem in " ".join(result.output.split())


def test_a_code_can_be_typed_instead_of_standing_on_the_command_line(tmp_path: Path) -> None:
    arguments = ["--state", str(tmp_path / "box"), "enroll", "--hub", "http://[::1]:9"]
    result = CliRunner().invoke(sensor, arguments, input="not-a-code\n")
    assert "One-time code" in result.output
    assert "code: must be 12" in " ".join(result.output.split())


def test_a_box_that_is_not_enrolled_says_what_to_do(tmp_path: Path) -> None:
    for command in (["run", "--stdin"], ["status"]):
        result = invoke(tmp_path, *command)
        assert result.exit_code == 1
        assert "chaland sensor enroll" in result.output


# What the two processes say -------------------------------------------------------------------


def test_orders_and_lines_round_trip() -> None:
    orders = replace(ORDERS, files=("a b.pcap", "-"), last_released="2026-03-14T12:00:00+00:00")
    assert DayOrders.from_argument(orders.to_argument()) == orders
    copy = Copy("a2" * 8, bytes(32), "0f" * 8, bytes(range(80)))
    for said in (
        Note(State.DEAF, "the radio is deaf: « é »"),
        KeyNews(bytes(range(32)), "", "00112233445566ff", (copy, copy)),
        KeyNews(bytes(range(32)), "00112233445566ff", "", ()),
        Objected((0, 7, 65_535)),
    ):
        assert read_line(write_line(said)) == said
    news = KeyNews(bytes(32), "", "", (copy,) * MAX_COPIES)
    assert len(write_line(news)) < LONGEST_LINE


@pytest.mark.parametrize(
    "line",
    [b"", b"frame 00:11:22:33:44:55\n", b'{"format": "chaland.release/1", "address": 1}\n',
     b'{"format": "chaland.note/1", "state": "phones", "message": ""}\n',
     b'{"format": "chaland.note/1", "state": "ok", "message": "", "count": 3}\n',
     b'{"format": "chaland.objected/1", "bits": [65536]}\n',
     b'{"format": "chaland.objected/1", "bits": []}\n',
     b'{"format": "chaland.key-news/1", "day_key": "", "holds": "", "offers": "", "copies": []}\n',
     b'{"format": "chaland.exchanged/1"}\n'],
)  # fmt: skip
def test_nothing_but_releases_and_notes_is_read(line: bytes) -> None:
    with pytest.raises(WireErrorFinal):
        read_line(line)


def imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_what_sees_frames_knows_no_network_and_the_reverse() -> None:
    day, supervisor = imported("chaland.sensor.day"), imported("chaland.sensor.supervise")
    assert not day & {"httpx", "ssl", "urllib.request", "http.client"}
    assert not [name for name in day if name.startswith("chaland.sensor.uplink.u")]
    for part in ("capture", "decode", "presence", "pipeline", "day"):
        assert f"chaland.sensor.{part}" not in supervisor
    assert not {"chaland.sensor.config", "chaland.sensor.uplink.spool"} & day


# Running --------------------------------------------------------------------------------------


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("interface", "told"), [("nowhere0", State.NO_INTERFACE), ("lo", State.NO_MONITOR_MODE)]
)
def test_each_fault_of_the_radio_is_told_apart(start: Start, interface: str, told: State) -> None:
    running = start("--interface", interface)
    running.until(lambda: running.status().state == told)
    assert interface in running.said()
    result = invoke(running.state, "status")
    assert result.exit_code == 1
    assert f"LOOK: {told}: " in result.output
    assert running.end() == 0
    assert "stopped" in running.status().message


def test_a_day_process_that_dies_or_that_somebody_ends_is_started_again(start: Start) -> None:
    running = start("--interface", "nowhere0")
    running.until(lambda: bool(running.day_pids()))
    (first,) = running.day_pids()
    os.kill(first, signal.SIGKILL)
    running.until(lambda: running.status().restarts == 1)
    assert "died (signal 9)" in running.said()
    running.until(lambda: "there is no interface" in running.said())  # its signals are set
    (second,) = running.day_pids()
    assert second != first
    os.kill(second, signal.SIGTERM)
    running.until(lambda: "died (somebody ended it)" in running.said())
    running.until(lambda: bool(running.day_pids()))
    (third,) = running.day_pids()
    assert running.end() == 0
    assert not alive(third)


def test_a_killed_supervisor_takes_the_day_process_with_it(start: Start) -> None:
    running = start("--interface", "nowhere0")
    running.until(lambda: bool(running.day_pids()))
    (pid,) = running.day_pids()
    time.sleep(0.5)  # it asks the kernel for this as its first act
    running.child.kill()
    deadline = time.monotonic() + 60
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


DUMPABLE = """
import ctypes, os
from chaland.sensor.hardening import forbid_dumps
if os.geteuid() == 0:
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # changing user has made it undumpable
owner = lambda: os.stat("/proc/self/mem").st_uid
before = owner()
forbid_dumps()
print(before == os.getuid(), owner())
"""


def test_memory_is_closed_to_other_processes_of_the_user() -> None:
    """The /proc files of a process that is not dumpable belong to root."""
    assert subprocess.check_output([sys.executable, "-c", DUMPABLE], text=True) == "True 0\n"


def test_a_sensor_is_alone_on_its_state_cannot_be_dumped_and_writes_nothing_else(
    start: Start, state: Path
) -> None:
    running = start("--interface", "nowhere0")
    running.until(lambda: running.status().state == State.NO_INTERFACE)
    for pid in [running.child.pid, *running.day_pids()]:
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    result = invoke(state, "run", "--interface", "nowhere0")
    assert result.exit_code == 1
    assert "another sensor process uses" in result.output
    assert running.end() == 0
    assert "stopped" in running.status().message
    names = {str(p.relative_to(state)) for p in state.rglob("*") if p.is_file()}
    assert names == {
        "charter.json",
        "key",
        "sensor.json",
        "status.json",
        "errors",
        "spool/ledger.json",
        "spool/lock",
    }
    for path in (state / "spool" / "queue").iterdir():
        decode(path.read_bytes())


def test_a_capture_that_is_none_is_said(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"no capture at all")
    running = start(str(tmp_path / "a.pcap"), str(tmp_path / "missing.pcap"))
    assert running.child.wait(60) == 1
    assert "a.pcap, byte 0: this is not a capture" in running.said()
    assert "missing.pcap, byte 0: can't be opened" in running.said()


def test_the_status_of_a_sensor_that_is_well(state: Path) -> None:
    now = datetime.now(UTC).isoformat()
    Status(1, at=now, message="listening", drops={"half-written": 2}).write(state / box.STATUS_NAME)
    result = invoke(state, "status")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "all is well")
    assert "dropped half-written: 2" in result.output
    printed = json.loads(invoke(state, "status", "--json").output)
    assert (printed["problems"], printed["shop"]) == ([], "Café des Halles")


def test_a_stale_status_is_told(state: Path) -> None:
    then = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    Status(1, at=then, parked=2, upload_problem="no route").write(state / box.STATUS_NAME)
    output = invoke(state, "status").output
    assert "LOOK: it does not run" in output
    assert "LOOK: upload: no route" in output
    assert "LOOK: 2 summaries were refused" in output


def test_a_wrong_clock_is_told_with_what_it_cost(state: Path) -> None:
    now = datetime.now(UTC).isoformat()
    status = Status(1, at=now, clock_skew_s=600.0, drops={"clock-wrong": 5})
    status.write(state / box.STATUS_NAME)
    result = invoke(state, "status")
    assert result.exit_code == 1
    assert "LOOK: clock: this box's and the hub's differ by 600 s" in result.output
    assert "(5 so far)" in result.output
    replace(status, clock_skew_s=3.0).write(state / box.STATUS_NAME)
    assert invoke(state, "status").exit_code == 0, "what is over needs no look"


def test_an_end_told_to_the_whole_group_is_no_death(start: Start) -> None:
    running = start("--interface", "nowhere0")
    running.until(lambda: running.status().state == State.NO_INTERFACE)
    for pid in [*running.day_pids(), running.child.pid]:
        os.kill(pid, signal.SIGTERM)
    assert running.child.wait(60) == 0
    assert "died" not in running.said()
    assert running.status().state == State.NO_INTERFACE


def test_key_files(tmp_path: Path) -> None:
    key = box.make_key(tmp_path / "key")
    assert box.read_key(tmp_path / "key") == key
    assert isinstance(key, SigningKey)
    with pytest.raises(FileExistsError):
        box.make_key(tmp_path / "key")
    (tmp_path / "key").write_text("x")
    with pytest.raises(ConfigErrorFinal, match="is not a key"):
        box.read_key(tmp_path / "key")
