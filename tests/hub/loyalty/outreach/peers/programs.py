"""Programs that tests start on free loopback ports, and stop."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.hub.loyalty.outreach.peers.hooks import until


def found(name: str, *folders: str) -> str:
    """Return a program's path; the test skips where it is missing, but in CI it fails."""
    path = shutil.which(name, path=os.pathsep.join((os.environ["PATH"], "/usr/sbin", *folders)))
    if path is None:
        pytest.skip(
            f"needs the real {name}, a system package that .ci/run installs; in CI this fails"
        )
    return path


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port."""
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, port: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its output in ``log``, from when ``port`` listens until the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.PIPE)
    try:
        if port is not None:

            def ready() -> bool:
                assert process.poll() is None, f"{command[0]} ended: {log.read_text()[-2000:]}"
                return listens(port)

            until(ready)
        yield process
    finally:
        process.terminate()
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
