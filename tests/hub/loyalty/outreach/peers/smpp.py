"""The SMPP simulator of npm, as an operator (`smpp_operator.cjs` in this folder)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from tests.hub.loyalty.outreach.peers.programs import found, free_ports, running

_HERE = Path(__file__).parent
_MODULES = _HERE.parents[4] / "assets/node_modules"


@dataclass(frozen=True)
class Operator:
    """Where it listens, and what it saw."""

    port: int
    log: Path
    orders: IO[bytes]

    def told(self) -> list[dict[str, Any]]:
        """Return all that it told, in order."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def messages(self, to: str) -> list[dict[str, Any]]:
        """Return the packets that it took for a number, in order."""
        return [told for told in self.told() if told.get("to") == to.removeprefix("+")]

    def order(self, **order: object) -> None:
        """Let it say something."""
        self.orders.write(json.dumps(order).encode() + b"\n")
        self.orders.flush()


@contextmanager
def operator(folder: Path, *modes: str) -> Iterator[Operator]:
    """Run it; ``plain``: every message is delivered, whatever its number ends in."""
    if not (_MODULES / "smpp").is_dir():
        pytest.skip("needs npm’s SMPP operator, which make test installs; in CI this fails")
    (port,) = free_ports(1)
    log = folder / "operator.log"
    command = [found("node"), _HERE / "smpp_operator.cjs", _MODULES, str(port), *modes]
    with running(command, log, port) as process:
        assert process.stdin
        yield Operator(port, log, process.stdin)
