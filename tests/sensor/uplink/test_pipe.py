"""A capture that comes through a pipe: counted as a live one is, or refused clearly."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from chaland.sensor import config as box
from chaland.sensor.config import load_config, save_config
from chaland.sensor.status import read_status
from chaland.simulate.frames import beacon, probe_request, radiotap_frame
from chaland.simulate.recording import write_pcap


def piped(state: Path, frames: list[tuple[int, bytes]], tmp_path: Path) -> tuple[int, str]:
    """Run with frames (seconds since the epoch, bytes) on a pipe: exit code, and what was said."""
    path = tmp_path / "piped.pcap"
    write_pcap(path, ((at_s * 1_000_000, frame) for at_s, frame in frames))
    command = [sys.executable, "-m", "chaland.cli", "sensor", "--state", str(state)]
    done = subprocess.run(
        [*command, "run", "--stdin"], input=path.read_bytes(), capture_output=True, check=False
    )
    return done.returncode, done.stderr.decode()


PROBE = radiotap_frame(probe_request(b"\x02\xbb\0\0\0\1", 7, b"\0\0"), -60, 6)
BEACON = radiotap_frame(beacon(bytes.fromhex("001122334455"), 7, b"cafe", 6), -50, 6)
LONG_AGO_S = 1_700_049_600  # a cell starts


def half_an_hour(frame: bytes) -> list[tuple[int, bytes]]:
    return [(LONG_AGO_S + s, frame) for s in range(0, 1801, 5)]


def test_a_recording_that_is_piped_without_beacons_is_not_thrown_away_in_silence(
    state: Path, tmp_path: Path
) -> None:
    code, said = piped(state, half_an_hour(PROBE), tmp_path)
    assert code == 1
    assert "not one access point's beacon was in it" in said
    assert "chaland replay -" in said
    status = read_status(state / box.STATUS_NAME)
    assert status is not None
    assert "could not be counted" in status.message


def test_a_pipe_with_beacons_is_counted_and_no_cell_of_it_is_drawn_twice(
    state: Path, tmp_path: Path
) -> None:
    both = sorted(half_an_hour(PROBE) + half_an_hour(BEACON))
    code, said = piped(state, both, tmp_path)
    assert code == 0, said
    assert len(list((state / "spool" / "queue").iterdir())) >= 2
    again, said = piped(state, both, tmp_path)
    assert again == 1
    assert "none later than the cell of 2023-11-15 12:" in said
    ledger = json.loads((state / "spool" / "ledger.json").read_text())
    assert "cell-repeated" not in ledger["drops"], "it was not even drawn"


def test_an_input_shorter_than_a_window_says_so(state: Path, tmp_path: Path) -> None:
    code, said = piped(state, [(LONG_AGO_S + 60, BEACON)], tmp_path)
    assert code == 1
    assert "no five minutes" in said


def test_a_pipe_does_not_start_while_the_clock_is_wrong(
    state: Path, start: Callable[..., Any]
) -> None:
    wrong = HTTPServer(("127.0.0.1", 0), WrongClock)
    Thread(target=wrong.serve_forever, daemon=True).start()
    config = load_config(state)
    save_config(state, replace(config, hub=f"http://127.0.0.1:{wrong.server_port}"))
    reading, writing = os.pipe()
    running = start("--stdin", stdin=reading)
    running.until(lambda: "the hub's differ by" in running.status().message)
    assert running.day_pids() == []
    assert running.end() == 0
    os.close(reading)
    os.close(writing)
    wrong.shutdown()
    wrong.server_close()


class WrongClock(BaseHTTPRequestHandler):
    """A hub whose time is ten minutes ahead."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + 600)

    def do_HEAD(self) -> None:
        self.send_response(405)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
