"""Our decoder against tshark, scapy and dpkt: the same fields of the same captures, in one run.

CPU is user and system time of the whole process, less that of reading a capture of one frame
(so start-up is excluded), by frame; the best of three runs (of scapy one). Memory is the whole
process' peak.
Answers are compared with tshark's, frame by frame. Run: ``python -m bench.decode [SHARED_DATA]``.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.decoding import traffic
from bench.report import table, write_section

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
RUNS = 3
PROBE_TIMES = 3
MIXED_CHECKED = 40_000
SCAPY_FRAMES = 10_000
"""Scapy is slow: it gets the start of the capture; its cost per frame does not depend on it."""
FIELDS = (
    *("frame.time_epoch", "wlan.fc.type_subtype", "wlan.ta", "wlan.seq", "wlan.fc.retry"),
    *("radiotap.dbm_antsignal", "radiotap.channel.freq", "wlan.tag.number", "wlan.tag.length"),
)
EXTENDED = 255

# Linux counts the memory of whoever starts a process as the process' own; so a small one starts it.
LAUNCHER = """
import os, sys
child = os.fork()
if not child:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""

READER = [sys.executable, "-m", "bench.decoding.readers"]
TSHARK = ["tshark", "-n", "-T", "fields", *(word for name in FIELDS for word in ("-e", name)), "-r"]
COMMANDS = {
    "tshark": TSHARK,
    "scapy": [*READER, "scapy"],
    "dpkt": [*READER, "dpkt"],
    "Chaland": [*READER, "chaland"],
    "Chaland, writing the fields as text too": [*READER, "chaland"],
}
PRINTING = "Chaland, writing the fields as text too"


@dataclass(frozen=True)
class Cost:
    """What a process took: CPU in seconds, peak memory in MiB."""

    cpu_s: float
    memory_mib: float


def run(name: str, capture: Path) -> Cost:
    """Run a decoder on a capture, its output thrown away."""
    command = [*COMMANDS[name], str(capture), *(["--print"] if name == PRINTING else [])]
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(launch, capture_output=True, text=True, check=True)
    code, cpu_s, memory_kib = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{name} failed on {capture.name}")
    return Cost(float(cpu_s), float(memory_kib) / 1024)


def first_frames(capture: Path, count: int) -> Path:
    """Write the first ``count`` frames of a capture beside it."""
    out = capture.with_suffix(f".{count}")
    with capture.open("rb") as source, out.open("wb") as file:
        file.write(source.read(24))
        for _ in range(count):
            head = source.read(16)
            file.write(head + source.read(int.from_bytes(head[8:12], "little")))
    return out


def answers(name: str, capture: Path) -> list[list[str]]:
    """Return a decoder's rows as text, comparable with tshark's."""
    command = [*COMMANDS[name], str(capture), *([] if name == "tshark" else ["--print"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    for row in rows:
        if name != "tshark" and len(row) == len(FIELDS):
            # tshark keeps the lengths of extended elements in a column of its own.
            tags, lengths = row[-2].split(","), row[-1].split(",")
            kept = [n for tag, n in zip(tags, lengths, strict=True) if tag != str(EXTENDED)]
            row[-1] = ",".join(kept)
    return rows


def wrong_frames(name: str, capture: Path, truth: list[list[str]]) -> int:
    """Count the frames on which a decoder's fields are not tshark's."""
    found = answers(name, capture)
    missing = abs(len(truth) - len(found))
    return missing + sum(a != b for a, b in zip(truth, found, strict=False))


def compare(capture: Path, frames: int, checked_frames: int) -> str:
    """Return the table of all decoders on one capture; the first frames' answers are compared."""
    scapy_frames = min(SCAPY_FRAMES, frames)
    one, some = first_frames(capture, 1), first_frames(capture, scapy_frames)
    checked = first_frames(capture, checked_frames)
    truth = answers("tshark", checked)
    cost: dict[str, float] = {}
    rows = []
    for name in COMMANDS:
        measured, count = (some, scapy_frames) if name == "scapy" else (capture, frames)
        start = min(run(name, one).cpu_s for _ in range(RUNS))
        costs = [run(name, measured) for _ in range(1 if name == "scapy" else RUNS)]
        cost[name] = (min(c.cpu_s for c in costs) - start) / (count - 1) * 1e6
        wrong = wrong_frames(name, checked, truth)
        memory = max(c.memory_mib for c in costs)
        rows.append((name, cost[name], memory, wrong))
    return table(
        ["decoder", "CPU, µs a frame", "times ours", "peak MiB", f"wrong of {len(truth):,}"],
        [
            (name, f"{us:.2f}", f"{us / cost['Chaland']:.1f}", f"{memory:.0f}", wrong)
            for name, us, memory, wrong in rows
        ],
    )


def main() -> int:
    """Measure on probe requests alone and on mixed traffic."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED_DATA
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "probes.pcap"
        if data.is_dir():
            frames = traffic.probe_requests(data, capture, PROBE_TIMES)
            parts.append(
                "### Probe requests\n\nThe labelled phones of Cagliari and Milan, a day of Brno: "
                f"{frames:,} frames, {PROBE_TIMES} times over.\n\n"
                f"{compare(capture, PROBE_TIMES * frames, frames)}"
            )
        else:
            parts.append(f"### Probe requests\n\nNot measured: no real captures at {data}.")
        capture = Path(folder) / "mixed.pcap"
        frames = traffic.mixed(capture)
        parts.append(
            "### Mixed traffic\n\nA generated busy minute (bench/decoding/traffic.py): "
            f"{traffic.PROBES:,} probe requests, {traffic.DATA_PER_PROBE} encrypted data frames to "
            f"the access point for each, {traffic.BEACONS:,} beacons, 400 authentications and "
            f"associations: {frames:,} frames, cut at {traffic.SNAP_LENGTH} bytes.\n\n"
            f"{compare(capture, frames, MIXED_CHECKED)}"
        )
    notes = (
        "The fields, of each frame and by each decoder: time, type and subtype, transmitter, "
        "sequence number, retry, signal, frequency, tag numbers, tag lengths. tshark always "
        "writes them as text; the last row does so too. Wrong: frames on which a decoder's fields "
        "differ from tshark's. Scapy is measured on the first "
        f"{SCAPY_FRAMES:,} frames, for time's sake."
    )
    command = "python -m bench.decode"
    write_section("Decoding", command, "\n\n".join([*parts, notes]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
