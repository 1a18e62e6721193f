"""Plants faults into a copy of the shipped source, and runs the audit on it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chaland

SOURCE = Path(chaland.__file__).parent
Patch = tuple[str, str, str]
"""File under ``chaland``, a text that stands in it once, and what a saboteur makes of it."""


@contextmanager
def copy_with(patches: Sequence[Patch]) -> Iterator[Path]:
    """A folder for PYTHONPATH that others may read: links, and the files that were changed."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SOURCE, folder / "chaland", copy_function=os.symlink, ignore=ignore)
        for file, old, new in patches:
            path = folder / "chaland" / file
            text = path.read_text()
            assert text.count(old) == 1, f"{file} has {text.count(old)} of: {old}"
            path.unlink()
            path.write_text(text.replace(old, new))
        yield folder


def audit(only: str, patches: Sequence[Patch], *options: str) -> dict[str, Any]:
    """Run the audit on the copy; return its checks by id."""
    with copy_with(patches) as folder, tempfile.TemporaryDirectory() as out:
        report = Path(out) / "report.json"
        done = subprocess.run(
            [sys.executable, "-m", "chaland.cli", "audit", "--only", only, "--json", str(report),
             *options],
            env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True,
            check=False, cwd=out,
        )  # fmt: skip
        assert report.exists(), done.stdout + done.stderr
        checks = {check["id"]: check for check in json.loads(report.read_text())["checks"]}
        assert done.returncode == (
            1 if any(c["result"] == "failed" for c in checks.values()) else 0
        )
        return checks
