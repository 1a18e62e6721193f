"""A hub as it runs: gunicorn on a port, SQLite files in a folder; it can go down and come up."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.migrated import environment, put_tables

MIGRATE = """
from datetime import UTC, datetime
from django.utils import timezone
from nacl.signing import SigningKey
from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services.enrolment import create_enrolment_code, redeem
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.wire import enrolment
from tests import charters
town = Association.objects.create(name="Les vitrines", town="Bourg", simulated=True)
zone = Zone.objects.create(association=town, name="Halles", slug="halles")
"""
"""Begins a script that prepares a hub: a town with a zone."""


def django(directory: Path, script: str, loyalty: str = "") -> str:
    """Run a script in the hub whose files are in ``directory``, but for the loyalty plane's
    database where one is named; return what it printed."""
    start = "import django; django.setup()\n"
    put_tables(directory)
    return subprocess.check_output(
        [sys.executable, "-c", start + script], env=_environment(directory, loyalty), text=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip


def _environment(directory: Path, loyalty: str) -> dict[str, str]:
    named = {"CHALAND_LOYALTY_DATABASE_URL": loyalty} if loyalty else {}
    return environment(directory) | named


class Hub:
    """A hub of its own, in ``directory``, with unused enrolment ``codes``; ``loyalty`` names that
    plane's database where it isn't a file."""

    def __init__(self, directory: Path, codes: list[str], loyalty: str = "") -> None:
        self.directory, self.codes, self._loyalty = directory, codes, loyalty
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
                 "--worker-class=gthread", "--preload", "--log-level=warning"],
                env=_environment(self.directory, self._loyalty), stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(2400):
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
        self._server.wait(60)
        self._server = None

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(self.directory / "footfall.sqlite3")) as database:
            return database.execute(query).fetchall()

    def starts(self) -> list[datetime]:
        rows = self.rows("select start from footfall_cell order by start")
        return [datetime.fromisoformat(str(row[0])).replace(tzinfo=UTC) for row in rows]


def shop_where_it_was_four(at: datetime) -> str:
    """Return a time zone in which a full hour was 04:00, when the local day ends."""
    offset_h = (4 - at.hour + 12) % 24 - 12
    return f"Etc/GMT{-offset_h:+d}"  # the sign of these names is the other way round
