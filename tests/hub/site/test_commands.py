"""`chaland hub …` as an administrator types it, in processes of their own."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
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


@contextmanager
def serving(tmp_path: Path) -> Iterator[tuple[str, Path]]:
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
        for _ in range(1200):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None, printed.read_text()
                time.sleep(0.1)
        yield url, printed
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One hub for the tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


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


def half_sent(url: str, path: str) -> socket.socket:
    """Open a connection that announces a body and sends two bytes of it."""
    address = httpx.URL(url)
    head = f"POST {path} HTTP/1.1\r\nHost: {address.host}\r\nContent-Length: 1000\r\n"
    for name in ("Sensor", "Sequence", "Time", "Signature"):
        head += f"Chaland-{name}: 1\r\n"
    connection = socket.create_connection((address.host, address.port or 80), timeout=60)
    connection.sendall(f"{head}\r\nab".encode())
    return connection


def test_clients_that_stall_do_not_stop_the_hub(served: tuple[str, Path]) -> None:
    """One worker with four threads: without an end to its patience, none ever answers again."""
    url, _printed = served
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(half_sent(url, "/api/v1/summaries"))
        begin = time.monotonic()
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        answered_s = time.monotonic() - begin
        pages = [stack.enter_context(half_sent(url, "/api/v1/sensors/enrol")) for _ in range(6)]
        pages[0].sendall(b"a")
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        for connection in pages:
            assert connection.recv(12) == b"HTTP/1.1 400"
    assert answered_s < 30, "nobody waits for the body of who is no sensor"


def test_a_slow_client_is_served(served: tuple[str, Path]) -> None:
    url, _printed = served
    with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 80)) as slow:
        for part in (b"GET /healthz HT", b"TP/1.1\r\nHost: local", b"host\r\n\r\n"):
            slow.sendall(part)
            time.sleep(0.7)
        assert slow.recv(15) == b"HTTP/1.1 200 OK"


def test_what_the_hub_writes_is_its_owners_alone(served: tuple[str, Path]) -> None:
    """Password hashes, sessions and keys are in there; -wal and -shm files too."""
    _url, printed = served
    state = printed.parent / "state"
    assert state.stat().st_mode & 0o077 == 0
    written = [path for path in state.iterdir() if path.is_file()]
    assert {"association.sqlite3", "footfall.sqlite3", "secret_key"} <= {p.name for p in written}
    assert [path.name for path in written if path.stat().st_mode & 0o077] == []


def test_databases_that_an_older_version_left_open_are_closed(tmp_path: Path) -> None:
    left = [tmp_path / name for name in ("association.sqlite3", "footfall.sqlite3-wal")]
    for path in left:
        path.touch(0o644)
    subprocess.run([*HUB, "manage", "check"], env=environment(tmp_path), check=True, timeout=180)
    assert [path.stat().st_mode & 0o777 for path in left] == [0o600, 0o600]


def test_a_clean_stop_writes_the_counts_of_refusals(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _printed):
        for _ in range(7):
            assert httpx.post(f"{url}/api/v1/summaries").status_code == 400
    with closing(sqlite3.connect(tmp_path / "state" / "footfall.sqlite3")) as database:
        counted = database.execute("SELECT reason, count FROM footfall_dropcount").fetchall()
    assert counted == [("malformed", 7)]
