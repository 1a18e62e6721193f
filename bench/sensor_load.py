"""What ten times a busy town box costs: capture to released cells, CPU and memory.

Ten minutes of radio are written as a capture (4,000 probe requests a minute in scans of four
frames with a new random address each, beacons, and 0, 500 or 2,000 data frames a second of 300
associated devices) and read by a whole sensor pipeline in a process of its own: once without town
key and objections, once with a sketch and a town's objection filter that is 2 % full (the hub's
alarm), so that every frame's address is looked up in it. CPU is user and system time of that
process from its first frame to its last cell, the best of several runs taken in turn; memory its
peak.

Run: ``python -m bench.sensor_load``.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from struct import pack
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from bench.report import table, write_section
from chaland.sensor.capture.files import open_source
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy import OperatingSystemBits
from chaland.sensor.privacy.keys import pointer_to
from chaland.sensor.privacy.objection import ObjectionFilter
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey
from chaland.simulate.frames import (
    beacon,
    data_to_access_point,
    probe_body,
    probe_request,
    radiotap_frame,
)
from chaland.simulate.phones import SET_NAMES
from chaland.wire.exchange import FILTER_BITS
from chaland.wire.mechanism import DEFAULT_MECHANISM

START_S = 1_700_049_600
DURATION_S = 600
PROBES_A_MINUTE = 4000
FRAMES_A_SCAN = 4
BEACONS_A_SECOND = 10
DEVICES = 300
DATA_A_SECOND = (0, 500, 2000)
RUNS = 3
FILTER_FULL = 0.02
DAY = date(2023, 11, 15)
ACCESS_POINT = bytes.fromhex("3c37865aa1b0")

Timed = tuple[float, bytes]


class Run(NamedTuple):
    """What one run of a pipeline cost."""

    frames: int
    cpu_s: float
    memory_mib: float


def probes(chance: random.Random) -> Iterator[Timed]:
    """Yield scans of random addresses, all models in turn, at all distances."""
    bodies = [probe_body(i, 6) for i in range(len(SET_NAMES))]
    for _ in range(PROBES_A_MINUTE * DURATION_S // 60 // FRAMES_A_SCAN):
        at_s, rssi_dbm = chance.uniform(0, DURATION_S - 1), chance.randint(-90, -45)
        sender = bytes([0x02]) + chance.randbytes(5)
        frame = radiotap_frame(probe_request(sender, 7, chance.choice(bodies)), rssi_dbm, 6)
        yield from ((at_s + i * 0.02, frame) for i in range(FRAMES_A_SCAN))


def traffic(chance: random.Random, data_a_second: int) -> Iterator[Timed]:
    """Yield data frames of associated devices, and beacons."""
    senders = [bytes([0x02]) + chance.randbytes(5) for _ in range(DEVICES)]
    frames = [
        radiotap_frame(data_to_access_point(s, ACCESS_POINT, 9, False), chance.randint(-84, -45), 6)
        for s in senders
    ]
    for i in range(data_a_second * DURATION_S):
        yield i / data_a_second, chance.choice(frames)
    heard = radiotap_frame(beacon(ACCESS_POINT, 7, b"cafe", 6), -50, 6)
    for i in range(BEACONS_A_SECOND * DURATION_S):
        yield i / BEACONS_A_SECOND, heard


def write_capture(path: Path, data_a_second: int) -> None:
    """Write the radio of one load, in order of time."""
    chance = random.Random(1)
    frames = sorted([*probes(chance), *traffic(chance, data_a_second)], key=lambda timed: timed[0])
    with path.open("wb") as file:
        file.write(pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 512, 127))
        for at_s, frame in frames:
            micros = round(at_s * 1e6)
            size = len(frame)
            file.write(pack("<IIII", START_S + micros // 10**6, micros % 10**6, size, size))
            file.write(frame)


def peak_mib() -> float:
    """Return this process' peak memory; getrusage would count that of the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def town_filter() -> bytes:
    """Return a filter of which FILTER_FULL is set."""
    bits = np.random.default_rng(1).random(FILTER_BITS) < FILTER_FULL
    return np.packbits(bits).tobytes()


def pipeline_of(path: str, all_of_it: bool) -> Pipeline:
    """Return the pipeline over a capture, bare or with sketch and objections."""
    source, config = open_source(path), PipelineConfig(ZoneInfo("Europe/Paris"), day=DAY)
    if not all_of_it:
        return Pipeline(config, source)
    town_key, objections = TownKey(), ObjectionFilter()
    town_key.adopt()
    objections.share(town_filter())
    return Pipeline(config, source, town_key=town_key, objections=objections)


def measure(path: str, all_of_it: bool) -> None:
    """Run the pipeline over a capture; print frames, CPU and peak memory as JSON."""
    pipeline = pipeline_of(path, all_of_it)
    began_s = time.process_time()
    cells = list(pipeline.run())
    cpu_s = time.process_time() - began_s
    figures = {"frames": pipeline.frames, "cpu_s": cpu_s, "memory_mib": peak_mib()}
    print(json.dumps(figures | {"windows": sum(cell.windows for cell in cells)}))


def measured(path: Path, all_of_it: bool) -> Run:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", "bench.sensor_load", str(path), "all" if all_of_it else "bare"]
    run = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if run["windows"] != DURATION_S // 300:
        raise SystemExit(f"only {run['windows']} windows were observed")
    return Run(run["frames"], run["cpu_s"], run["memory_mib"])


def arrivals() -> tuple[float, float]:
    """Return what the first draw (ms) and one arrival (microseconds of CPU) cost the sketch."""
    town_key, now_us = TownKey(), START_S * 1_000_000
    town_key.adopt()
    sketch = Sketch(
        DEFAULT_MECHANISM.sketch, OperatingSystemBits(), town_key, DAY, ZoneInfo("Europe/Paris")
    )
    began_s = time.process_time()
    sketch.notice(now_us)
    drawn_s = time.process_time()
    address = pointer_to(bytearray(6))
    for _ in range(20_000):
        sketch.visit(address, now_us)
    return (drawn_s - began_s) * 1e3, (time.process_time() - drawn_s) / 20_000 * 1e6


def main() -> None:
    """Measure all loads and write the section."""
    rows, share, added = [], 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for data_a_second in DATA_A_SECOND:
            capture = Path(folder, f"{data_a_second}.pcap")
            write_capture(capture, data_a_second)
            runs = [[measured(capture, all_of_it) for all_of_it in (False, True)]
                    for _ in range(RUNS)]  # fmt: skip
            bare, full = (
                min(column, key=lambda run: run.cpu_s) for column in zip(*runs, strict=True)
            )
            share = full.cpu_s / DURATION_S
            added.append(full.cpu_s / bare.cpu_s - 1)
            rows.append(
                (
                    f"{PROBES_A_MINUTE} probes a minute + {data_a_second} data frames a second",
                    full.frames,
                    *(f"{1e6 * run.cpu_s / run.frames:.1f}" for run in (bare, full)),
                    f"{100 * share:.2f} %",
                    f"{1 / share:.0f} x",
                    f"{bare.memory_mib:.0f}, {full.memory_mib:.0f}",
                )
            )
    first_ms, arrival_us = arrivals()
    header = (
        "load",
        "frames",
        "CPU ms / 1,000 frames, bare",
        "with sketch and objections",
        "share of this core",
        "keeps up on a core",
        "MiB, bare and with",
    )
    text = (
        f"{table(header, rows)}\n\n"
        "Ten minutes of radio, read as fast as it goes. *Bare*: no town key, nobody objects. "
        "*With*: every arrival sketched, every frame looked up in a filter "
        f"{100 * FILTER_FULL:.0f} % full: {100 * min(added):.0f} to {100 * max(added):.0f} % more "
        f"CPU (the best of {RUNS} runs each, in turn). The sketch's first draw takes "
        f"{first_ms:.1f} ms, an arrival {arrival_us:.0f} µs. *Keeps up on a core* up to so many "
        "times slower than this one: no box was measured and no conversion to one is claimed. "
        "A core of a tenth of this one's speed would be "
        f"{1000 * share:.0f} % busy with the heaviest load."
    )
    write_section("Sensor under ten times a busy town's load", "python -m bench.sensor_load", text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], sys.argv[2] == "all")
    else:
        main()
