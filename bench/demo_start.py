"""Seconds from ``chaland demo`` to its first page: made anew, and started again."""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import table, write_section

AT_MOST_S = 60
LIMIT_S = 300


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(state: Path) -> tuple[float, list[str], subprocess.Popen[str]]:
    """Start the demo; return seconds to the first page, what was said until then, the process."""
    began = time.monotonic()
    demo = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from chaland.cli import main; main()",
            "demo",
            f"--state={state}",
            f"--port={free_port()}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert demo.stdout is not None
    said = []
    while time.monotonic() - began < LIMIT_S:
        if select.select([demo.stdout], [], [], 1)[0]:
            line = demo.stdout.readline()
            said.append(line.strip())
            if "Ready:" in line or not line:
                break
    return time.monotonic() - began, said, demo


def wait_for(demo: subprocess.Popen[str], text: str, began: float) -> float:
    """Return the seconds until the demo says ``text``."""
    assert demo.stdout is not None
    for line in demo.stdout:
        if text in line:
            return time.monotonic() - began
    raise SystemExit("the demo ended before its history was complete")


def main() -> int:
    """Measure; fail where the first page takes more than a minute."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "demo"
        began = time.monotonic()
        fresh_s, said, demo = start(state)
        whole_s = wait_for(demo, "whole history", began)
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
        size_mb = sum(f.stat().st_size for f in state.rglob("*") if f.is_file()) / 1e6
        again_s, _, demo = start(state)
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
    rows = [
        ("first page, town made anew", f"{fresh_s:.1f}"),
        ("the whole year behind it", f"{whole_s:.1f}"),
        ("first page, started again", f"{again_s:.1f}"),
    ]
    steps = "\n".join(f"    {line.replace(str(state), 'var/demo')}" for line in said)
    write_section(
        "Demo start",
        "python -m bench demo_start",
        f"Thirty shops, a year; the folder then holds {size_mb:.0f} MB. "
        f"The machine's load average at the start was {load:.1f}.\n\n"
        f"{table(('', 'seconds'), rows)}\n\nWhat the console said:\n\n{steps}",
    )
    return int(fresh_s > AT_MOST_S)


if __name__ == "__main__":
    sys.exit(main())
