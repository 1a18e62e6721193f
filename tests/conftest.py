"""Fixtures for all tests: databases of both planes, fast passwords, the place of the real data."""

import os
from pathlib import Path

import hypothesis
import pytest

# CI tries the same examples each time, so that what it says is of the change; at home they vary.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

PLANES = ["default", "footfall", "loyalty"]
"""Every test that asks for a database gets all planes', on the engine that the environment names
(CHALAND_ASSOCIATION_DATABASE_URL and so on; SQLite in memory by default)."""

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Reference data of others, kept beside the project, never in it (see tests/realdata)."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures; where it is absent, tests that need it skip and say so."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not present at {SHARED_DATA}")
    return SHARED_DATA


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open all planes' databases to every test marked ``django_db``."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark is not None and "databases" not in mark.kwargs:
            every = pytest.mark.django_db(*mark.args, **mark.kwargs, databases=PLANES)
            item.add_marker(every, append=False)


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
