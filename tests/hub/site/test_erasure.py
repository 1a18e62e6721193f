"""Deleted sketches and sealed keys are not in the hub's files any more, whole or in part."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from chaland.hub.footfall.models import SealedCopy, Sketch
from chaland.hub.footfall.services import covisits, erasure
from tests import builders
from tests.hub.site.test_commands import environment

SHARED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "chaland.hub.site.settings"
import django; django.setup()
from datetime import timedelta
from pathlib import Path
from django.conf import settings
from django.db import connections
from django.utils import timezone
from chaland.hub.footfall.models import SealedCopy, Sensor, Sketch
from chaland.hub.footfall.services.due import run_due

now = timezone.now()
folder = Path(settings.STATE_DIR)

def found(marks):
    files = [path.read_bytes() for path in folder.glob("footfall.sqlite3*")]
    return sum(any(mark[at:at + 32] in file for file in files)
               for mark in marks for at in range(0, len(mark) - 31, 16))

def fill():
    marks = []
    for number in range(9):
        sensor = Sensor.objects.create(identifier=f"{number:016d}", shop_id=number,
            public_key=os.urandom(32), enrolled_at=now)
        marks.append(os.urandom(3584))
        Sketch.objects.create(sensor=sensor, association_id=1, shop_id=number, day=now.date(),
            since=now, key="0" * 16, epsilon="2", bits=marks[-1][:3072], symbols=marks[-1][3072:],
            received_at=now, expires_at=now - timedelta(seconds=1))
        marks.append(os.urandom(80))
        SealedCopy.objects.create(recipient=sensor, maker=sensor, day=now.date(), box=marks[-1],
            recipient_key=os.urandom(32), key="0" * 16, signature="")
    return marks

marks = fill()
print("stored", found(marks) > 100)
SealedCopy.objects.all().delete()  # as handed over, in another process
"""
WORKER = (
    SHARED
    + """
run_due(now)
print("after the worker", found(marks), Sketch.objects.count())
"""
)
WITH_A_READER = (
    SHARED
    + """
import sqlite3
reader = sqlite3.connect(settings.DATABASES["footfall"]["NAME"])
reader.execute("BEGIN"); reader.execute("SELECT count(*) FROM footfall_sketch").fetchone()
run_due(now)
print("while it is read", found(marks) > 0)
reader.close()
run_due(now)
print("a minute later", found(marks), Sketch.objects.count())
"""
)


def printed(script: str, state: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(state), check=True, capture_output=True,
        text=True, timeout=180,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_nothing_of_them_is_left_in_a_file(state: Path) -> None:
    assert printed(WORKER, state) == ["stored True", "after the worker 0 0"]


def test_what_a_reader_holds_back_goes_when_it_ends(state: Path) -> None:
    assert printed(WITH_A_READER, state) == [
        "stored True", "while it is read True", "a minute later 0 0",
    ]  # fmt: skip


@pytest.mark.django_db
def test_postgresql_keeps_no_journal_of_them() -> None:
    connection = connections["footfall"]
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite", "the files of which are tried above"
        return
    with connection.cursor() as cursor:
        for model in (Sketch, SealedCopy):
            table = model._meta.db_table
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [table])
            assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
def test_postgresql_cuts_emptied_tables_off() -> None:
    now = timezone.now()
    shop = builders.build_cast(2).shop
    sensor = builders.build_sensor(shop.pk, now)
    Sketch.objects.create(
        sensor=sensor, association_id=1, shop_id=shop.pk, day=now.date(), since=now, key="0" * 16,
        epsilon="2", bits=bytes(range(256)) * 12, symbols=bytes(512), received_at=now,
        expires_at=now - timedelta(seconds=1),
    )  # fmt: skip
    assert covisits.expire(now) == 1
    if connections["footfall"].vendor == "postgresql":
        assert erasure._bytes(f'"{Sketch._meta.db_table}"') == 0
