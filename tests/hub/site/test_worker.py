"""The worker: does what is due, logs no more than numbers, and ends with its server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.hub.site.test_commands import HUB, environment, serving

SENDS, GUARDS = b"send_for", b"guard_sending"
SERVER = """
import time
from chaland.hub.site import commands
commands._django()
commands._start_workers()
time.sleep(600)
"""


def workers_of(state: Path, called: bytes = b"tend_for") -> list[int]:
    """Return the processes that tend (or send for) the hub of a state folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            where = (process / "environ").read_bytes()
            ended = "\nState:\tZ" in (process / "status").read_text()
        except OSError:
            continue
        if called in command and f"CHALAND_STATE_DIR={state}".encode() in where and not ended:
            found.append(int(process.name))
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_server_has_one_worker_that_ends_with_it(state: Path, tmp_path: Path) -> None:
    with serving(tmp_path):
        until(lambda: len(workers_of(tmp_path / "state")) == 1)
        until(lambda: len(workers_of(tmp_path / "state", SENDS)) == 1)
    assert workers_of(tmp_path / "state") == []
    assert workers_of(tmp_path / "state", SENDS) == []


def test_the_worker_ends_with_a_server_that_was_killed(state: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], env=environment(state))
    until(lambda: len(workers_of(state)) == len(workers_of(state, SENDS)) == 1)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    until(lambda: workers_of(state) == workers_of(state, SENDS) == [])


def test_what_sends_ends_with_its_guard(state: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], env=environment(state))
    try:
        until(lambda: len(workers_of(state, SENDS)) == len(workers_of(state, GUARDS)) == 1)
        (first,), (guard,) = workers_of(state, SENDS), workers_of(state, GUARDS)
        os.kill(guard, signal.SIGKILL)
        until(lambda: first not in workers_of(state, SENDS))
    finally:
        server.kill()
        server.wait()


def test_where_only_footfall_is_served_nothing_sends(state: Path) -> None:
    alone = {**environment(state), "CHALAND_PLANES": "footfall"}
    server = subprocess.Popen([sys.executable, "-c", SERVER], env=alone)
    try:
        until(lambda: len(workers_of(state)) == 1)
        assert workers_of(state, GUARDS) == []
    finally:
        server.kill()
        server.wait()
    until(lambda: workers_of(state) == [])


def test_once_does_what_is_due_and_says_it_in_numbers(state: Path) -> None:
    make = (
        "import django; django.setup()\n"
        "from datetime import date\n"
        "from chaland.hub.footfall.models import *\n"
        "from django.utils import timezone\n"
        "from chaland.hub.association.models import Association, Shop, Zone\n"
        "town = Association.objects.create(name='A', town='A')\n"
        "zone = Zone.objects.create(association=town, name='Z', slug='z')\n"
        "shop = Shop.objects.create(association=town, zone=zone, name='S', slug='s')\n"
        "sensor = Sensor.objects.create(identifier='a' * 16, shop_id=shop.pk,\n"
        "    public_key=bytes(32), enrolled_at=timezone.now())\n"
        "TownKey.objects.create(association_id=town.pk, day=date(2026, 1, 1), key='0' * 16,\n"
        "    maker=sensor, offered_at=timezone.now())\n"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings"}
    subprocess.run([sys.executable, "-c", make], env={**environment(state), **settings}, check=True)
    done = [
        subprocess.run(
            [*HUB, "worker", "--once"], env=environment(state), check=True, capture_output=True,
            text=True, timeout=180,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert "keys of past days deleted: 1" in done[0].stderr + done[0].stdout
    assert done[1].stderr + done[1].stdout == "", "nothing is left to do"
    assert "a" * 16 not in done[0].stderr + done[0].stdout


def test_a_worker_that_died_is_started_again(state: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], env=environment(state))
    try:
        until(lambda: len(workers_of(state)) == 1)
        (first,) = workers_of(state)
        os.kill(first, signal.SIGKILL)
        until(lambda: len(workers_of(state)) == 1 and workers_of(state) != [first])
    finally:
        server.kill()
        server.wait()
    until(lambda: workers_of(state) == [])


def test_the_worker_computes_in_one_thread() -> None:
    """A second thread of OpenBLAS only spins on matrices of a town's size."""
    compute = (
        "import os, sys, chaland.cli\n"
        "from chaland.hub.site import commands\n"
        "assert 'numpy' not in sys.modules, 'it reads its environment when it is loaded'\n"
        "commands._one_thread(); commands._django(); commands._footfall('services.due')\n"
        "import numpy; numpy.ones((400, 400)) @ numpy.ones((400, 400))\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    done = subprocess.run([sys.executable, "-c", compute], capture_output=True, check=True)
    assert done.stdout.split() == [b"1"]
