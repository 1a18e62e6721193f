"""The walls hold: the import contracts pass as they stand, and catch a planted violation."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VIOLATIONS = {
    "a kernel learns Django": ("sensor/presence/__init__.py", "django.conf"),
    "the sensor reaches the hub": ("sensor/pipeline.py", "chaland.hub.footfall.rules"),
    "the hub reaches the sensor": ("hub/footfall/services/__init__.py", "chaland.sensor.drops"),
    "a page reaches intake": ("hub/footfall/web/__init__.py", "chaland.hub.footfall.intake"),
    "the association reaches a plane": (
        "hub/association/services.py",
        "chaland.hub.footfall.models",
    ),
    "the site names a plane": ("hub/site/urls.py", "chaland.hub.footfall.models"),
    "footfall reaches loyalty": ("hub/footfall/selectors.py", "chaland.hub.loyalty.models"),
    "loyalty reaches footfall": ("hub/loyalty/members/cards.py", "chaland.hub.footfall.models"),
    "the ledger reaches the till": ("hub/loyalty/ledger/proof.py", "chaland.hub.loyalty.till"),
    "frames meet the network": ("sensor/uplink/__init__.py", "chaland.sensor.capture"),
}
"""Imports that no contract allows; each must be named as `importer -> imported`."""
HOMELESS = ("lounge", "hub/gossip", "hub/loyalty/gossip")


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


def test_every_planted_violation_is_caught(copy_of_the_package: Path) -> None:
    """All at once: reading the whole source is what takes the time, and none hides another."""
    package = copy_of_the_package / "src" / "chaland"
    before = {package / where: (package / where).read_text() for where, _ in VIOLATIONS.values()}
    for where, imported in VIOLATIONS.values():
        with (package / where).open("a") as file:
            file.write(f"\nimport {imported}\n")
    try:
        result = lint_imports(copy_of_the_package)
    finally:
        for path, text in before.items():
            path.write_text(text)
    assert result.returncode == 1
    unnoticed = []
    for title, (where, imported) in VIOLATIONS.items():
        importer = "chaland." + where.removesuffix(".py").removesuffix("/__init__").replace(
            "/", "."
        )
        top = imported.split(".")[0] if not imported.startswith("chaland") else imported
        if not re.search(rf"{re.escape(importer)} -> {re.escape(top)}\b", result.stdout):
            unnoticed.append(title)
    assert not unnoticed, result.stdout


@pytest.mark.parametrize("folder", HOMELESS)
def test_a_folder_without_a_place_is_caught(copy_of_the_package: Path, folder: str) -> None:
    place = copy_of_the_package / "src" / "chaland" / folder
    place.mkdir()
    (place / "__init__.py").touch()
    try:
        result = lint_imports(copy_of_the_package)
    finally:
        shutil.rmtree(place)
    assert result.returncode == 1, f"{folder} went unnoticed:\n{result.stdout}"
    assert "exhaustive" in result.stdout or "BROKEN" in result.stdout
