"""A box that is enrolled, and a sensor process on it as systemd would start it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaland.sensor import config as box
from chaland.sensor.config import SensorConfig, save_config
from chaland.sensor.status import Status, read_status
from chaland.wire.signature import sensor_identifier
from tests import charters

RUN = """
from chaland.cli import main
from chaland.sensor import supervise
supervise.POLL_S = supervise.FIRST_PAUSE_S = 0.1
main()
"""
"""``chaland``, with a hurry that tests have."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A box that is enrolled with a hub that does not answer, and has its charter."""
    directory = tmp_path / "state"
    directory.mkdir()
    key = box.make_key(directory / box.KEY_NAME)
    name = sensor_identifier(bytes(key.verify_key))
    save_config(
        directory, SensorConfig("http://127.0.0.1:9", name, "Café des Halles", "Europe/Paris")
    )
    charters.permit(directory, charters.draft(key))
    return directory


class Running:
    """A sensor process of its own, as systemd would start it."""

    def __init__(self, state: Path, *arguments: str, stdin: int | None = None) -> None:
        self.state = state
        self.errors = (state / "errors").open("w+b")
        self.child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                RUN,
                "sensor",
                "--state",
                str(state),
                "run",
                *arguments,
            ],
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stderr=self.errors,
        )

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode()

    def status(self) -> Status:
        return read_status(self.state / box.STATUS_NAME) or Status(0)

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.said()
            assert self.child.poll() is None, self.said()
            time.sleep(0.02)

    def day_pids(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.child.pid:
                found.append(int(path.parent.name))
        return found

    def end(self) -> int:
        self.child.terminate()
        return self.child.wait(60)


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(*arguments: str, stdin: int | None = None) -> Running:
        running.append(Running(state, *arguments, stdin=stdin))
        return running[-1]

    yield start
    for one in running:
        if one.child.poll() is None:
            one.child.kill()
            one.child.wait()
        one.errors.close()
