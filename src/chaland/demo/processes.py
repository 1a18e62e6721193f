"""The demo's child processes: the web server and the live day. They end together."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import click
import httpx

from chaland.demo.past import TownSeed

_ENDS = "making of the older history"
_ENDS_WITHIN_S = 10.0
_STARTS_WITHIN_S = 30.0


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Children:
    """Starts the demo's processes and ends those that it started."""

    def __init__(self) -> None:
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Children":
        for ending in (signal.SIGTERM, signal.SIGINT):  # a shell's background ignores the latter
            signal.signal(ending, _interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._started.values():
            child.terminate()
        for child in self._started.values():
            try:
                child.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()

    def serve(self, port: int) -> None:
        """Start the web server, for this machine only."""
        binds = ["--bind", f"127.0.0.1:{port}"]
        if _has_ipv6_loopback(port):
            binds += ["--bind", f"[::1]:{port}"]
        self._start(
            "web server",
            [
                "serve",
                *binds,
                "--worker-class=chaland.hub.site.worker.PatientWorker",
                "--threads=8",
                "--graceful-timeout=2",
                "--log-level=warning",
            ],
        )

    def live(self, url: str, town: TownSeed, speed: float, founded: str) -> None:
        """Start the live day."""
        arguments = [url, str(town.shops), str(town.seed), founded, str(speed)]
        self._start("live day", ["live", *arguments])

    def older(self, town: TownSeed, founded: str, days: int) -> None:
        """Start adding what is missing of the history; ends by itself."""
        arguments = [str(town.shops), str(town.seed), founded, str(days)]
        self._start(_ENDS, ["older", *arguments])

    def loyalty(self, town: TownSeed, founded: str, days: int) -> None:
        """Start loading receipts: twice ``days`` of history, then the live ones."""
        self._start("loyalty", ["loyalty", str(town.shops), str(town.seed), founded, str(days)])

    def _start(self, name: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "chaland.demo", str(os.getpid()), *arguments]
        self._started[name] = subprocess.Popen(command)

    def wait_for_page(self, url: str) -> None:
        """Return once the sign-in page answers."""
        until = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < until:
            self._check()
            try:
                if httpx.get(f"{url}/accounts/login/", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.1)
        raise click.ClickException(
            f"the web server did not answer within {_STARTS_WITHIN_S:.0f} s."
        )

    def wait(self) -> None:
        """Wait until interrupted."""
        while True:
            self._check()
            time.sleep(0.5)

    def _check(self) -> None:
        for name, child in self._started.items():
            if child.poll() is not None and (name, child.returncode) != (_ENDS, 0):
                raise click.ClickException(
                    f"the {name} ended with status {child.returncode}; its last words are above."
                )


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _has_ipv6_loopback(port: int) -> bool:
    """Tell whether ``localhost`` may mean ::1 here, where browsers look first."""
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        return False
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("::1", port))
        except OSError:
            return False
    return True
