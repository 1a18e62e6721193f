"""The Brno room: 32 days of captures through the real sensor, beside the people counted there.

The lab's own computers are left out by address prefix, as the data's README asks; they stand in for
devices that a shop's staff exclude by letting them join the objection network once. ``with_fixed``
keeps them. Quarter hours in which the recording stood still (no frame at all, not even from those
computers, for ten minutes) are left out: nobody listened.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.capture import CaptureProblem, FrameSource, Record, open_source
from chaland.sensor.decode import Observation, decode
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.presence.cells import ExactCell
from chaland.wire.periods import CELL_S
from chaland.wire.summary import Mode

TIMEZONE = ZoneInfo("Europe/Prague")
FIXED_PREFIXES = (bytes.fromhex("dcfb48"), bytes.fromhex("40ec99"))
STILL_S = 600
GATE_DBM = -70
US = 1_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Room:
    """Quarter hours (n,) in time order: people counted, and exact counts of the sensor by name.

    ``addresses`` is the number of distinct addresses inside the gate: what naive counters report.
    """

    start_s: Ints
    day: Ints
    truth: Floats
    counts: dict[str, Floats]
    addresses: Floats

    @property
    def windows(self) -> Floats:
        """All cells kept were observed whole."""
        return np.full(len(self.truth), 3.0)


@dataclass
class Heard:
    """A source that keeps book of what passes, and lets the fixed devices drop out."""

    inner: FrameSource
    with_fixed: bool = False
    still_s: list[tuple[float, float]] = field(default_factory=list)
    addresses: dict[int, set[bytes]] = field(default_factory=dict)

    @property
    def buffer(self) -> bytearray:
        """The inner source's buffer."""
        return self.inner.buffer

    @property
    def link_type(self) -> int:
        """The inner source's link type."""
        return self.inner.link_type

    @property
    def problems(self) -> Sequence[CaptureProblem]:
        """The inner source's problems."""
        return self.inner.problems

    def __iter__(self) -> Iterator[Record]:
        """Yield the records of devices that are not fixed."""
        seen, last_us = Observation(), 0
        for record in self.inner:
            time_us, start, end, original_length = record
            if last_us and time_us - last_us > STILL_S * US:
                self.still_s.append((last_us / US, time_us / US))
            last_us = time_us
            if decode(self.buffer, start, end, self.link_type, seen, original_length) is None:
                address = bytes(self.buffer[seen.address_at : seen.address_at + 6])
                if address[:3] in FIXED_PREFIXES and not self.with_fixed:
                    continue
                if (seen.rssi_dbm or 0) >= GATE_DBM:
                    cell = time_us // US // CELL_S * CELL_S
                    self.addresses.setdefault(cell, set()).add(address)
            yield record


def days(folder: Path) -> list[str]:
    """Return the days for which there is a capture and a count of people."""
    return sorted(path.name.split(".")[0] for path in folder.glob("*.people.csv"))


def listen(folder: Path, mode: Mode = Mode.DEFAULT, with_fixed: bool = False) -> Room:
    """Lead every day through the sensor and lay its exact cells beside the people counted."""
    parts: list[tuple[int, int, float, ExactCell, int]] = []
    config = PipelineConfig(TIMEZONE, recorded=True, mode=mode, rssi_visitor_dbm=GATE_DBM)
    for number, day in enumerate(days(folder)):
        source = Heard(open_source(str(folder / f"{day}.pcap.gz")), with_fixed)
        cells = list(Pipeline(config, source).exact_cells())
        if source.problems:
            raise ValueError("; ".join(map(str, source.problems)))
        people = People.read(folder / f"{day}.people.csv")
        for cell in cells:
            start_s = int(cell.start.timestamp())
            counted = people.mean(start_s, start_s + CELL_S)
            is_still = any(a < start_s + CELL_S and b > start_s for a, b in source.still_s)
            if cell.windows == 3 and counted is not None and not is_still:
                heard = len(source.addresses.get(start_s, ()))
                parts.append((start_s, number, counted, cell, heard))
    names = ("fingerprints", "scans") if mode is Mode.DEFAULT else ("scans",)
    return Room(
        np.array([part[0] for part in parts], np.int64),
        np.array([part[1] for part in parts], np.int64),
        np.array([part[2] for part in parts]),
        {name: np.array([float(getattr(part[3], name)) for part in parts]) for name in names},
        np.array([float(part[4]) for part in parts]),
    )


@dataclass(frozen=True)
class People:
    """Numbers of people present, each from its instant (epoch seconds) on."""

    since_s: Floats
    present: Floats

    @classmethod
    def read(cls, path: Path) -> "People":
        """Read change points; times are local."""
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        local = [datetime.fromisoformat(row["time_local"]) for row in rows]
        since = [t.replace(tzinfo=TIMEZONE).astimezone(UTC).timestamp() for t in local]
        return cls(np.array(since), np.array([float(row["people"]) for row in rows]))

    def mean(self, start_s: float, end_s: float) -> float | None:
        """Return mean people present over an interval, None where it was not all counted."""
        if start_s < self.since_s[0] or end_s > self.since_s[-1]:
            return None
        inside = self.since_s[(self.since_s > start_s) & (self.since_s < end_s)]
        edges = np.concatenate([[start_s], inside, [end_s]])
        at = np.searchsorted(self.since_s, edges[:-1], side="right") - 1
        return float(self.present[at] @ np.diff(edges)) / (end_s - start_s)
