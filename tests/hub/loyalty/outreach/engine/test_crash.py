"""Workers die in the middle of batches: nothing is lost, nothing leaves twice, what is unknown is
listed. Real processes, killed by SIGKILL; the count is taken at the other side."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connections

from tests.hub.loyalty.outreach.engine.receiving import Receiver, receiving
from tests.real_hub import environment

ROOT = Path(__file__).parents[5]
_SETUP = """
import django, json, sys
django.setup()
from datetime import UTC, datetime
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach.engine import loop
from tests.outreach_builders import *
behind = datetime.now(UTC) - NOON
clock.use(lambda: datetime.now(UTC) - behind)
"""
PREPARE = """
from django.conf import settings
from django.core.management import call_command
from tests.builders import build_cast
port, count = map(int, sys.argv[1:])
for database in settings.DATABASES:
    call_command("migrate", database=database, verbosity=0)
town = build_cast(2).association.pk
told = {"host": "127.0.0.1", "port": port, "tls": "none", "offline": True}
build_gateway(town, "email", "smtp", json.dumps(told))
build_deliveries(build_campaign(town, "email"), build_reachable(town, count, "email"), "email")
"""
WORK = """
with loop.open_worker(clock.now()) as worker:
    if sys.argv[1:] == ["once"]:
        loop.run_once(clock.now(), worker)
    else:
        loop.serve(worker)
"""
LOOK = """
rows = Delivery.objects.values_list("state", "key")
print(json.dumps([(state, key.hex) for state, key in rows]))
"""


class Site:
    """A hub's state folder, and processes that work in it."""

    def __init__(self, folder: Path, database: str) -> None:
        self._env = environment(folder) | {"CHALAND_LOG_LEVEL": "ERROR"}
        if database:
            self._env["CHALAND_LOYALTY_DATABASE_URL"] = database

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _SETUP + script, *arguments]
        return subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def run(self, script: str, *arguments: str) -> str:
        process = self.start(script, *arguments)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        return said

    def states(self) -> dict[str, set[str]]:
        """Return the keys of deliveries by state."""
        found: dict[str, set[str]] = {}
        for state, key in json.loads(self.run(LOOK)):
            found.setdefault(state, set()).add(key)
        return found


@contextmanager
def _database() -> Iterator[str]:
    """Make an empty database beside the tests' own where that is PostgreSQL; "": a file."""
    connection = connections["loyalty"]
    if connection.vendor != "postgresql":
        yield ""
        return
    import psycopg

    told = connection.settings_dict
    server = f"{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT'] or 5432}"
    name = f"crash_{uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgres://{server}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _kill_in_the_middle(site: Site, receiver: Receiver, after: int) -> bool:
    """Kill a worker when ``after`` more mails have come; False where it had nothing to do."""
    worker = site.start(WORK)
    try:
        return receiver.wait_for(receiver.taken.total() + after, 30)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()


@pytest.mark.parametrize(
    ("deliveries", "kills"),
    [(400, 3), pytest.param(10_000, 40, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_kill_9_loses_nothing_and_doubles_nothing(
    tmp_path: Path, deliveries: int, kills: int
) -> None:
    chance = random.Random(5)
    share = deliveries // (kills + 1)
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        site = Site(tmp_path, stack.enter_context(_database()))
        site.run(PREPARE, str(receiver.port), str(deliveries))
        killed = sum(
            _kill_in_the_middle(site, receiver, chance.randint(1, share)) for _ in range(kills)
        )
        site.run(WORK, "once")
        states = site.states()
    assert killed == kills
    assert receiver.taken.total() == len(receiver.taken), "a mail came twice"
    unknown = states.pop("unknown", set())
    assert set(states) == {"accepted"}
    assert states["accepted"] | unknown == set(receiver.taken) | unknown
    assert states["accepted"] <= set(receiver.taken), "a mail was lost"
    assert len(states["accepted"]) + len(unknown) == deliveries
    assert len(unknown) <= kills, "one connection leaves one unknown mail"
