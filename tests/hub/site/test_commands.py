"""`chaland hub …` as an administrator types it, in processes of their own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from chaland.hub.association.models import Association, StaffRole, User

HUB = [sys.executable, "-m", "chaland.cli", "hub"]


def environment(state: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHALAND_", "DJANGO_"))}
    return {**clean, "CHALAND_STATE_DIR": str(state)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A hub that starts on an empty folder: its address, and the file of what it printed."""
    port, printed = free_port(), tmp_path / "printed"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [*HUB, "serve", f"--bind=127.0.0.1:{port}", "--workers=1"],
            env=environment(tmp_path / "state"),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None, printed.read_text()
                time.sleep(0.1)
        yield url, printed
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0


def test_a_hub_serves_from_an_empty_folder(served: tuple[str, Path]) -> None:
    url, printed = served
    link = re.search(r"http://\S+/start/\?code=([0-9a-f-]{27})", printed.read_text())
    assert link is not None, printed.read_text()
    with httpx.Client(base_url=url, headers={"accept-encoding": "gzip"}) as client:
        assert client.get("/healthz").json()["ok"]
        page = client.get("/start/", params={"code": link[1]})
        assert f'value="{link[1]}"' in page.text
        sheet = re.search(r"/static/chaland/site\.[0-9a-f]{12}\.css", page.text)
        assert sheet is not None, "collected static files carry their hash"
        style = client.get(sheet[0])
        assert style.headers["content-encoding"] == "gzip"
        assert "immutable" in style.headers["cache-control"]


@pytest.mark.django_db
def test_a_director_from_the_console() -> None:
    where = {"association": "Les Vitrines", "password": "les-halles-du-marche"}
    with pytest.raises(CommandError, match="--town"):
        call_command("createdirector", "a@example.fr", **where)
    assert not User.objects.exists(), "nothing half made"
    call_command("createdirector", "A@example.fr", **where, town="Port-Joli", superuser=True)
    call_command("createdirector", "a@example.fr", **where)
    assert User.objects.get().is_superuser
    assert StaffRole.objects.get().association == Association.objects.get()
    with pytest.raises(CommandError, match="12"):
        call_command("createdirector", "b@example.fr", association="Les Vitrines", password="short")
