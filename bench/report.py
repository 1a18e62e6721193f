"""Where benchmark results go: one section a benchmark in bench/RESULTS.md, with the machine."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEADER = (
    "# Results\n\nMeasured, not promised. Each section is written by the command that it names.\n"
)


def machine() -> str:
    """Describe the machine: processor, cores, memory, Python."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory_gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the first column is text, the others are set to the right."""
    lines = [
        "| " + " | ".join(header) + " |",
        "|---" + "|---:" * (len(header) - 1) + "|",
    ]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def write_section(title: str, command: str, text: str) -> None:
    """Print a section and put it in place of the one with the same title in RESULTS.md."""
    body = (
        f"## {title}\n\n`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine()}\n\n{text.strip()}\n"
    )
    print(body)
    old = RESULTS.read_text() if RESULTS.exists() else HEADER
    sections = re.split(r"(?m)^(?=## )", old)
    kept = [s.strip() + "\n" for s in sections if not s.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join([kept[0], *sorted([*kept[1:], body])]))
