"""The walls hold: the import contracts pass as they stand, and catch a planted violation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VIOLATIONS = {
    "a kernel learns Django": ("sensor/presence/__init__.py", "import django.conf"),
    "the sensor reaches the hub": ("sensor/pipeline.py", "import chaland.hub.footfall.rules"),
    "the hub reaches the sensor": (
        "hub/footfall/services/__init__.py",
        "import chaland.sensor.drops",
    ),
    "a page reaches intake": ("hub/footfall/web/__init__.py", "import chaland.hub.footfall.intake"),
    "the association reaches a plane": (
        "hub/association/services.py",
        "import chaland.hub.footfall.models",
    ),
    "the site names a plane": ("hub/site/urls.py", "import chaland.hub.footfall.models"),
    "frames meet the network": (
        "sensor/uplink/__init__.py",
        "import chaland.sensor.capture",
    ),
    "a folder without a place": ("lounge/__init__.py", ""),
    "a plane without a place": ("hub/gossip/__init__.py", ""),
}


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package that lies in ``tree``/src."""
    return subprocess.run(
        [
            *(sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"),
            *("--no-cache", "--config", str(ROOT / ".importlinter")),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def copy_of_the_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("house")
    shutil.copytree(
        ROOT / "src" / "chaland",
        tree / "src" / "chaland",
        ignore=shutil.ignore_patterns("__pycache__", "static", "locale", "templates"),
    )
    return tree


def test_the_contracts_hold(copy_of_the_package: Path) -> None:
    result = lint_imports(copy_of_the_package)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("title", VIOLATIONS)
def test_a_planted_violation_is_caught(copy_of_the_package: Path, title: str) -> None:
    where, line = VIOLATIONS[title]
    file = copy_of_the_package / "src" / "chaland" / where
    existed = file.exists()
    before = file.read_text() if existed else ""
    new_folder = not file.parent.exists()
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before}\n{line}\n")
    try:
        result = lint_imports(copy_of_the_package)
    finally:
        if existed:
            file.write_text(before)
        elif new_folder:
            shutil.rmtree(file.parent)
        else:
            file.unlink()
    assert result.returncode == 1, f"{title} went unnoticed:\n{result.stdout}"
    assert "BROKEN" in result.stdout or "exhaustive" in result.stdout
