"""A hub's process that serves one plane, asked what it has and what it reaches."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HUB = [sys.executable, "-m", "chaland.cli", "hub"]

_ASK = """
import json
from django.apps import apps
from django.conf import settings
from django.test import Client
client = Client(SERVER_NAME="localhost")
answers = {path: client.get(path).status_code for path in %(paths)r}
try:
    import chaland.hub.%(other)s.models
    imported = True
except RuntimeError:
    imported = False
print(json.dumps({
    "apps": sorted(config.label for config in apps.get_app_configs()),
    "databases": sorted(settings.DATABASES),
    "keys": sorted(name for name in dir(settings) if name in ("CONTACT_KEYS", "INDEX_KEYS")),
    "answers": answers,
    "imported": imported,
}))
"""


def environment(state: Path, plane: str, **given: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHALAND_", "DJANGO_"))}
    return {**clean, "CHALAND_STATE_DIR": str(state), "CHALAND_PLANES": plane, **given}


def hub(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HUB, *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
    )


def ask(env: dict[str, str], other: str, paths: list[str]) -> dict[str, Any]:
    """Let a process of one plane say what it has, and if the ``other``'s models load."""
    code = _ASK % {"paths": paths, "other": other}
    done = hub("manage", "shell", "-v", "0", "-c", code, env=env)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
