"""Fixtures for all tests: databases of both planes, fast passwords, the place of the real data."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Reference data of others, kept beside the project, never in it (see tests/realdata)."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures; tests that need it skip, with this reason, where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not present at {SHARED_DATA}")
    return SHARED_DATA
