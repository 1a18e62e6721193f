"""A hub of its own for the queue's tests: its databases, and workers in processes that can die."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.hub.loyalty.outreach.peers.programs import found
from tests.migrated import ROOT, environment, put_tables
from tests.outreach_builders import NOON

_SETUP = """
import django, json, sys
django.setup()
from datetime import UTC, datetime, timedelta
from chaland.hub.common import clock
from chaland.hub.loyalty.models import *
from chaland.hub.loyalty.outreach.engine import loop
from tests.outreach_builders import *
behind = timedelta(seconds={behind})
clock.use(lambda: datetime.now(UTC) - behind)
"""
_PREPARE = """
from tests.builders import build_cast
told = json.loads(sys.argv[1])
town = build_cast(2).association.pk
gateway = build_gateway(
    town, told["channel"], told["driver"], json.dumps(told["settings"]), rate_per_s=told["rate"]
)
members = build_reachable(town, told["count"], told["channel"])
build_deliveries(build_campaign(town, told["channel"]), members, told["channel"])
"""
_WORKERS = """
import os
for _line in sys.stdin:
    if worker := os.fork():
        print(worker, flush=True)
        print(os.waitpid(worker, 0)[1], flush=True)
    else:
        with loop.open_worker(clock.now()) as opened:
            loop.serve(opened)
        os._exit(0)
"""
"""Workers one after the other, each a process: what they import is read once."""
_ONCE = """
loop.run_once(clock.now())
"""
_LOOK = """
rows = Delivery.objects.values_list("state", "key", "member__phone", "member__email")
print(json.dumps([(state, key.hex, phone, email) for state, key, phone, email in rows]))
"""


class Site:
    """A hub's state folder and databases, and processes that work in it. Its clock begins at noon
    of a working day; ``later`` lets time pass."""

    def __init__(self, folder: Path, database: str = "", origin: str = "") -> None:
        self.folder, self.database = folder, database
        self._env = environment(put_tables(folder)) | {"CHALAND_LOG_LEVEL": "ERROR"}
        # Many processes begin here: each module is compiled once, whatever the machine says.
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._env["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        self._behind = datetime.now(UTC) - NOON
        if origin:
            self._env["CHALAND_PUBLIC_ORIGIN"] = origin
        if database:
            self._env["CHALAND_LOYALTY_DATABASE_URL"] = database
            self.run("from django.core.management import call_command\n"
                     "call_command('migrate', database='loyalty', verbosity=0)")  # fmt: skip

    def prepare(self, channel: str, driver: str, settings: object, count: int, rate: int) -> None:
        """Plan ``count`` deliveries, by a gateway."""
        self.channel = channel
        told = {"channel": channel, "driver": driver, "settings": settings, "rate": rate}
        self.run(_PREPARE, json.dumps(told | {"count": count}))

    def run(self, script: str = _ONCE, *arguments: str) -> str:
        """Run a process to its end, by default one that sends all that is due; what it printed."""
        process = self._start(script, *arguments)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        return said

    def kill(self, whens: Iterable[Callable[[], Any]]) -> None:
        """For each of ``whens`` let a worker send until it returns, and kill it in the middle of
        what it does."""
        workers = self._start(_WORKERS)
        assert workers.stdin
        assert workers.stdout
        try:
            for when in whens:
                workers.stdin.write("another\n")
                workers.stdin.flush()
                worker = int(workers.stdout.readline())
                try:
                    when()
                finally:
                    os.kill(worker, signal.SIGKILL)
                    ended = int(workers.stdout.readline())
                assert os.WTERMSIG(ended) == signal.SIGKILL, "it had ended by itself"
        finally:
            workers.communicate(timeout=20)

    def _start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        setup = _SETUP.format(behind=self._behind.total_seconds())
        return subprocess.Popen(
            [sys.executable, "-c", setup + script, *arguments],
            env=self._env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def later(self, **time: float) -> None:
        self._behind -= timedelta(**time)

    def back_up(self) -> None:
        """Copy the whole database, as docs/how-to/deploy.md does it."""
        if self.database:
            self._told("pg_dump", "--format=custom", "--file", self._copy, self.database)
        else:
            _copied(self.folder / "loyalty.sqlite3", self._copy)

    def put_back(self) -> None:
        """Put the copy in the place of the database; the journal of what left stays as it is."""
        if self.database:
            empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
            self._told("psql", "--quiet", "--command", empty, self.database)
            self._told("pg_restore", "--no-owner", "--dbname", self.database, self._copy)
        else:
            for file in self.folder.glob("loyalty.sqlite3*"):
                file.unlink()
            shutil.copy(self._copy, self.folder / "loyalty.sqlite3")

    @property
    def _copy(self) -> Path:
        return self.folder / "backup"

    def _told(self, name: str, *arguments: str | Path) -> None:
        subprocess.run([found(name), *arguments], check=True, capture_output=True)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return each delivery's state, key, telephone and address."""
        return [(row[0], row[1], row[2], row[3]) for row in json.loads(self.run(_LOOK))]

    def states(self) -> dict[str, set[str]]:
        """Return the keys of deliveries by state."""
        found: dict[str, set[str]] = {}
        for state, key, *_address in self.rows():
            found.setdefault(state, set()).add(key)
        return found


def _copied(database: Path, copy: Path) -> None:
    with closing(sqlite3.connect(database)) as file, closing(sqlite3.connect(copy)) as other:
        file.backup(other)
