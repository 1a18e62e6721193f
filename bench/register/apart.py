"""Measures an engine in a process and a folder of its own."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any


def measured(module: str, members: int, url: str) -> dict[str, Any]:
    """Run a module of this folder, which fills a register and measures; no URL: on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "CHALAND_STATE_DIR": folder, "CHALAND_LOG_LEVEL": "ERROR"}
        if url:
            env["CHALAND_LOYALTY_DATABASE_URL"] = url
        said = subprocess.run(
            [sys.executable, "-m", f"bench.register.{module}", str(members)],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found
