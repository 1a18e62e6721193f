"""Neighbouring streams: the same air with and without one phone, through the product's pipeline."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

from chaland.audit.radio import data, heartbeat, joining, probe
from chaland.sensor.capture import CaptureProblem, Record
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.presence.cells import ExactCell
from chaland.wire.summary import Mode

START_US = 1_700_049_600 * 10**6
"""A Wednesday, 13:00 in Paris: the start of a cell."""
HOURS = 3
VICTIM = bytes.fromhex("5c0000badcab")
ZONE = ZoneInfo("Europe/Paris")

Frames = list[tuple[float, bytes]]


@dataclass
class Air:
    """A source of frames from memory, as the pipeline reads one; times in seconds."""

    frames: Sequence[tuple[float, bytes]]
    buffer: bytearray = field(default_factory=lambda: bytearray(4096))
    link_type: int = 127
    problems: Sequence[CaptureProblem] = ()

    def __iter__(self) -> Iterator[Record]:
        for at_s, frame in self.frames:
            self.buffer[: len(frame)] = frame
            yield (START_US + round(at_s * 1e6), 0, len(frame), len(frame))
            self.buffer[: len(frame)] = bytes(len(frame))


def exact(frames: Frames, mode: Mode = Mode.DEFAULT, **settings: object) -> list[ExactCell]:
    """Return the cells that the product counts, before noise."""
    config = PipelineConfig(ZONE, mode=mode, recorded=True, **settings)  # type: ignore[arg-type]
    return list(Pipeline(config, Air(sorted(frames, key=lambda f: f[0]))).exact_cells())


def quiet(hours: float = HOURS) -> Frames:
    """Return the air without phones: an access point's beacons."""
    return [(float(at_s), heartbeat(at_s)) for at_s in range(0, int(hours * 3600), 20)]


def crowd(people: int, seed: int) -> Frames:
    """Return other phones' frames, some of whom stay, pass by, look for networks, or come again."""
    chance = random.Random(seed)  # noqa: S311 (of the test's streets, not of any noise)
    frames: Frames = []
    for n in range(people):
        address = bytes([0x5C if n % 2 else 0x02]) + chance.randbytes(5)
        at_s = chance.uniform(0, HOURS * 3600)
        until_s = at_s + chance.choice([20, 90, 400, 3000])
        while at_s < min(until_s, HOURS * 3600 - 1):
            dbm = chance.choice([-55, -60, -78])
            frames.append((at_s, (data if n % 3 else probe)(address, rssi_dbm=dbm)))
            at_s += chance.expovariate(1 / 40)
    return frames


def _stays() -> Frames:
    return [(float(at_s), data(VICTIM)) for at_s in range(11, HOURS * 3600 - 60, 45)]


def _floods() -> Frames:
    return [(100 + i / 50, (probe, data)[i % 2](VICTIM)) for i in range(4000)]


def _comes_again() -> Frames:
    starts = range(30, HOURS * 3600 - 400, 380)
    return [(start + d, data(VICTIM)) for start in starts for d in (0.0, 40.0, 70.0)]


def _probes_in_many_spellings() -> Frames:
    return [(3.0 * i, probe(VICTIM, b"net%d" % i)) for i in range(1200)]


def _passes() -> Frames:
    return [(500.0 + i, data(VICTIM, rssi_dbm=-78)) for i in range(20)]


def _wavers() -> Frames:
    """At the gate: now inside, now outside, and silent for as long as the table remembers."""
    return [
        (i * 100.0, data(VICTIM, rssi_dbm=(-69, -71)[i % 2])) for i in range(3, 100) if i % 7 < 4
    ]


def _joins() -> Frames:
    return [(60.0 * i, joining(VICTIM, b"cafe")) for i in range(150)]


SHAPES: Mapping[str, Callable[[], Frames]] = {
    "stays": _stays,
    "floods": _floods,
    "comes again": _comes_again,
    "many spellings": _probes_in_many_spellings,
    "passes": _passes,
    "wavers": _wavers,
    "joins": _joins,
}
"""What the one phone does that is there or not."""


def wanders(seed: int) -> Frames:
    """Return a phone's frames at random, clustered where windows, cells and lives end."""
    chance = random.Random(seed)  # noqa: S311
    frames: Frames = []
    for _ in range(chance.randrange(1, 60)):
        near = chance.randrange(0, HOURS * 12) * 300 + chance.uniform(-3, 3)
        at_s = max(0.1, near if chance.random() < 0.6 else chance.uniform(0, HOURS * 3600 - 1))
        dbm = chance.choice([-50, -66, -72, -80])
        is_data = chance.random() < 0.5
        frames.append((at_s, (data if is_data else probe)(VICTIM, rssi_dbm=dbm)))
    return frames


def lives(frames: Frames) -> int:
    """Return how often a phone begins a visit at most: silences of five minutes, plus one."""
    times = sorted(at_s for at_s, _ in frames)
    gaps = sum(later - first >= 300 for first, later in pairwise(times))
    return bool(times) + gaps
