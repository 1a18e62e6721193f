"""Fixtures for all tests: databases of both planes, fast passwords, the place of the real data."""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import hypothesis
import pytest

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.operations import BaseDatabaseOperations
    from pytest_django.plugin import DjangoDbBlocker

# A slow machine is no fault. CI tries the same examples each time, so that what it says is of the
# change; at home they vary.
hypothesis.settings.register_profile(
    "chaland",
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("chaland")

PLANES = ["default", "footfall", "loyalty"]
"""Every test that asks for a database gets all planes', on the engine that the environment names
(CHALAND_ASSOCIATION_DATABASE_URL and so on; SQLite in memory by default)."""

SLOW = (
    "audit/test_planted_processes.py",
    "audit/test_wall.py",
    "e2e/",
    "hub/loyalty/ledger/test_crash.py",
    "hub/loyalty/ledger/test_races.py",
    "hub/loyalty/outreach/engine/test_backup.py",
    "hub/loyalty/outreach/engine/test_crash.py",
    "hub/loyalty/outreach/mail/test_odd_servers.py",
    "hub/loyalty/outreach/peers/",
    "hub/site/test_commands.py",
    "hub/site/test_erasure.py",
    "hub/site/test_logs.py",
    "hub/site/test_worker.py",
    "privacy/test_memory_scan.py",
    "realdata/",
    "sensor/capture/test_live.py",
    "sensor/uplink/test_end_to_end.py",
    "sensor/uplink/test_pipe.py",
    "sensor/uplink/test_process.py",
    "sensor/uplink/test_supervise.py",
    "sensor/uplink/test_town_of_sensors.py",
    "test_demo.py",
    "test_replay.py",
    "wall/test_processes.py",
    "wall/test_roles.py",
)
"""Where browsers, servers, the product in processes of its own are started, or real captures read
whole: most of all the time. `make slow` runs them, `make test` the rest, `make check` both."""

_DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server", "own_database"}

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Reference data of others, kept beside the project, never in it (see tests/realdata)."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures; where it is absent, tests that need it skip and say so."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not present at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def _flush_despite_triggers() -> Iterator[None]:
    """Let a transactional test's flush empty the append-only tables, and put their guards back."""
    from django.db.backends.base.operations import BaseDatabaseOperations

    flush = BaseDatabaseOperations.execute_sql_flush

    def unguarded(self: "BaseDatabaseOperations", statements: list[str]) -> None:
        if self.connection.alias != "loyalty" or not statements:
            return flush(self, statements)
        before, after = _guards(self.connection)
        return flush(self, [*before, *statements, *after])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseDatabaseOperations, "execute_sql_flush", unguarded)
        yield


def _guards(connection: "BaseDatabaseWrapper") -> tuple[list[str], list[str]]:
    """Return the statements that take the loyalty plane's triggers away, and that bring them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            rows = cursor.fetchall()
            return [f"DROP TRIGGER {name}" for name, _ in rows], [sql for _, sql in rows]
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'loyalty_%'"
        )
        tables = [name for (name,) in cursor.fetchall()]
    off, on = (
        [f"ALTER TABLE {table} {verb} TRIGGER USER" for table in tables]
        for verb in ("DISABLE", "ENABLE")
    )
    return off, on


@pytest.fixture(scope="session", autouse=True)
def _one_index_key() -> Iterator[None]:
    """Give every installation the same key in tests: codes and draws are made of it, and what holds
    with odds would fail once in so many fresh clones. Processes that a test starts inherit it."""
    from django.conf import settings

    key = b"the same in every run of a test."
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings, "INDEX_KEYS", [key])
        patched.setenv("CHALAND_INDEX_KEY", base64.b64encode(key).decode())
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test a state folder and a journal of what left of its own: deliveries of tests that
    run at once may have equal keys, and their files would meet."""
    from django.conf import settings

    before = settings.STATE_DIR, settings.OUTREACH_DIR
    settings.STATE_DIR = tmp_path_factory.getbasetemp() / "state" / uuid4().hex
    settings.STATE_DIR.mkdir(parents=True)
    settings.OUTREACH_DIR = settings.STATE_DIR / "outreach"
    yield
    settings.STATE_DIR, settings.OUTREACH_DIR = before


@pytest.fixture
def own_database() -> Iterator[str]:
    """Return the address of an empty database for a hub in processes of its own, beside the tests'
    own loyalty database and on its engine; "": it has files in a folder."""
    from django.db import connections

    connection = connections["loyalty"]
    if connection.vendor != "postgresql":
        yield ""
        return
    import psycopg

    told = connection.settings_dict
    server = f"{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT'] or 5432}"
    name = f"own_{uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgres://{server}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> Iterator[None]:
    """Keep for a whole module what its fixtures of that scope make in the databases.

    Each test is rolled back to it, and with the module's end it goes. Tests get copies of the
    objects (`copy.deepcopy`), since these can't be rolled back.
    """
    from django.db import transaction

    with django_db_blocker.unblock(), ExitStack() as stack:
        for alias in PLANES:
            stack.enter_context(transaction.atomic(using=alias))
            stack.callback(transaction.set_rollback, True, using=alias)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow and what touches a database, and open all planes' databases to that."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker("slow")
        mark = item.get_closest_marker("django_db")
        if mark is not None and "databases" not in mark.kwargs:
            every = pytest.mark.django_db(*mark.args, **mark.kwargs, databases=PLANES)
            item.add_marker(every, append=False)
        if mark is not None or _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")


def pytest_configure() -> None:
    """Serve static files as they lie in the tree; hash passwords without the deliberate cost."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.WHITENOISE_USE_FINDERS = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where nothing may be skipped (CI), a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CHALAND_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("CHALAND_NO_SKIPS is set, and tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
