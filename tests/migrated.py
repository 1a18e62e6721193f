"""SQLite files with all tables, made once on a machine for each state of the migrations.

Running the migrations of three planes takes seconds of a processor; a copy takes milliseconds.
Tests of a hub in a process of its own begin from one, but for those of an empty folder.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import django

ROOT = Path(__file__).parents[1]
MAKE = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
for database in settings.DATABASES:
    call_command("migrate", database=database, verbosity=0)
call_command("createcachetable", database="default")
"""


def environment(directory: Path) -> dict[str, str]:
    """Return the environment of a hub whose files are in ``directory``, on SQLite."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHALAND_")}
    settings = "chaland.hub.site.settings"
    return kept | {"CHALAND_STATE_DIR": str(directory), "DJANGO_SETTINGS_MODULE": settings}


def put_tables(directory: Path) -> Path:
    """Put the planes' databases, migrated and empty, into ``directory`` unless some are there."""
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "association.sqlite3").exists():
        return directory
    place = Path(tempfile.gettempdir()) / f"chaland-tables-{os.geteuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.stat().st_uid != os.geteuid():
        raise PermissionError(f"{place} is another user's: remove it")
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in _made(place).glob("*.sqlite3"):
            shutil.copy(file, directory)
    return directory


def _made(place: Path) -> Path:
    said = hashlib.sha256(f"{django.VERSION} {ROOT}".encode())
    for file in sorted((ROOT / "src").glob("**/migrations/*.py")):
        said.update(file.read_bytes())
    made = place / said.hexdigest()[:16]
    if not made.exists():
        for old in place.glob("*/"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(dir=place))
        subprocess.run([sys.executable, "-c", MAKE], env=environment(fresh), check=True, cwd=ROOT)
        fresh.rename(made)
    return made
