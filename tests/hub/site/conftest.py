"""The state of a hub of its own, prepared once for all tests that start one in a process."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hub.site.test_commands import HUB, environment
from tests.migrated import put_tables


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a hub that was prepared and never served."""
    state = put_tables(tmp_path_factory.mktemp("prepared") / "state")
    subprocess.run([*HUB, "migrate"], env=environment(state), check=True, capture_output=True)
    return state


@pytest.fixture
def state(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "state"))
