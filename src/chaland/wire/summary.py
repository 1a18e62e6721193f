"""``chaland.summary/1``: all that a sensor ever says, every 15 minutes.

The message holds noised counts, the mechanism that noised them, and the sensor's health.
Health derives from beacons (of access points) and from the sensor's own processes, never from
what a phone sent. docs/reference/wire.md is the page to check this against.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from chaland.wire.fields import Fields, dump, load, one_spelling, write_instant
from chaland.wire.periods import CELL_S, WINDOWS_PER_CELL
from chaland.wire.sketch import DaySketch, read_sketch, sketch_members

FORMAT = "chaland.summary/1"
RELEASE_FORMAT = "chaland.release/1"
"""A release is a summary before the uplink gives it a sensor, a sequence number and a time."""

MAX_BYTES = 8192
MAX_SEQUENCE = 2**53 - 1
MAX_COUNT = 1_000_000
MAX_BOUND = 1_000
MAX_DWELL_BINS = 12
MAX_DWELL_S = 86_400

SENSOR_PATTERN = re.compile(r"[a-z2-7]{16}")


class State(StrEnum):
    """What the sensor knows about itself. No state may depend on a frame that a phone sent."""

    OK = "ok"
    DEAF = "deaf"
    """Beacons were heard and have stopped: the radio is deaf, the street may not be quiet."""
    NO_FRAMES = "no-frames"
    """The capture runs, and not one beacon came since it started."""
    NO_MONITOR_MODE = "no-monitor-mode"
    NO_INTERFACE = "no-interface"
    CAPTURE_DIED = "capture-died"
    """The capture child (tcpdump, dumpcap) ended and is being restarted."""
    PROCESS_DIED = "process-died"
    """The day's process ended and is being restarted."""


class Mode(StrEnum):
    """What the counters read of a frame: strict mode reads address, signal and time only."""

    DEFAULT = "default"
    STRICT = "strict"


COUNT_ROWS: Mapping[str, str] = {
    "fingerprints": "E1",
    "scans": "E1",
    "arrivals": "E2",
    "passers_by": "E3",
}
"""Every count that may leave a sensor, and its row in the estimand table of PRIVACY.md."""
DWELL_ROW = "E4"


@dataclass(frozen=True, slots=True)
class Count:
    """One noised count: discrete Laplace noise of scale ``bound / epsilon`` is in ``value``.

    ``bound`` is how far one radio address can move the count; ``epsilon`` a decimal such as "0.5".
    """

    value: int
    bound: int
    epsilon: str


@dataclass(frozen=True, slots=True)
class DwellCounts:
    """A local day's noised dwell histogram: bin i holds stays of [edges_s[i], edges_s[i + 1])."""

    day: date
    edges_s: tuple[int, ...]
    counts: tuple[int, ...]
    bound: int
    epsilon: str


@dataclass(frozen=True, slots=True)
class CellCounts:
    """What the pipeline releases for one cell: ``counts`` by name (see COUNT_ROWS)."""

    start: datetime
    windows: int
    state: State
    mode: Mode
    counts: Mapping[str, Count]
    dwell: DwellCounts | None = None
    sketch: DaySketch | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One message: a released cell with the sensor's name, its sequence number, and when.

    ``made_at`` is cut to the minute: its second could tell when the frame came that closed the
    cell.
    """

    sensor: str
    sequence: int
    made_at: datetime
    simulated: bool
    cell: CellCounts


def encode(summary: Summary) -> bytes:
    """Write the message's bytes. Raises WireErrorFinal, naming the field, if it breaks a rule."""
    body = _summary_bytes(summary)
    _summary(load(body, MAX_BYTES))
    return body


def decode(body: bytes) -> Summary:
    """Read a message. Raises WireErrorFinal naming the field, also for another spelling of it."""
    summary = _summary(load(body, MAX_BYTES))
    one_spelling(body, _summary_bytes(summary))
    return summary


def encode_release(cell: CellCounts) -> bytes:
    """Write what the day's process hands to the supervisor. Errors as ``encode``."""
    body = dump({"format": RELEASE_FORMAT} | _cell_members(cell))
    _release(load(body, MAX_BYTES))
    return body


def decode_release(body: bytes) -> CellCounts:
    """Read what the day's process released. Errors as ``decode``."""
    return _release(load(body, MAX_BYTES))


def _summary_bytes(summary: Summary) -> bytes:
    head = {
        "format": FORMAT,
        "sensor": summary.sensor,
        "sequence": summary.sequence,
        "made_at": write_instant(summary.made_at.replace(second=0, microsecond=0)),
        "simulated": summary.simulated,
    }
    return dump(head | _cell_members(summary.cell))


def _cell_members(cell: CellCounts) -> dict[str, object]:
    members: dict[str, object] = {
        "start": write_instant(cell.start),
        "windows": cell.windows,
        "state": cell.state,
        "mode": cell.mode,
        "counts": {
            name: {
                "row": COUNT_ROWS.get(name, "?"),
                "value": count.value,
                "bound": count.bound,
                "epsilon": count.epsilon,
            }
            for name, count in sorted(cell.counts.items())
        },
    }
    if cell.dwell is not None:
        members["dwell"] = {
            "row": DWELL_ROW,
            "day": cell.dwell.day.isoformat(),
            "edges_s": list(cell.dwell.edges_s),
            "counts": list(cell.dwell.counts),
            "bound": cell.dwell.bound,
            "epsilon": cell.dwell.epsilon,
        }
    if cell.sketch is not None:
        members["sketch"] = sketch_members(cell.sketch)
    return members


def _format(fields: Fields, expected: str) -> None:
    found = fields.take("format")
    if found != expected:
        raise fields.refuse("format", f"is {str(found)[:40]!r}; this version reads {expected}")


def _summary(fields: Fields) -> Summary:
    _format(fields, FORMAT)
    sensor = fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7")
    sequence = fields.integer("sequence", 1, MAX_SEQUENCE)
    made_at = fields.instant("made_at")
    if made_at.second:
        raise fields.refuse("made_at", "must be cut to the minute")
    simulated = fields.boolean("simulated")
    return Summary(sensor, sequence, made_at, simulated, _cell(fields))


def _release(fields: Fields) -> CellCounts:
    _format(fields, RELEASE_FORMAT)
    return _cell(fields)


def _cell(fields: Fields) -> CellCounts:
    start = fields.instant("start")
    if int(start.timestamp()) % CELL_S:
        raise fields.refuse("start", "must be a quarter of an hour")
    windows = fields.integer("windows", 0, WINDOWS_PER_CELL)
    state = fields.choice("state", State)
    mode = fields.choice("mode", Mode)
    counts = _counts(fields.object("counts"))
    if bool(windows) != bool(counts):
        raise fields.refuse("counts", "must be empty when no window was observed, and only then")
    if mode is Mode.STRICT and "fingerprints" in counts:
        raise fields.refuse("counts.fingerprints", "must be absent in strict mode")
    dwell = _dwell(fields.object("dwell"), start) if "dwell" in fields else None
    sketch = read_sketch(fields.object("sketch"), start) if "sketch" in fields else None
    fields.done()
    return CellCounts(start, windows, state, mode, counts, dwell, sketch)


def _counts(fields: Fields) -> dict[str, Count]:
    counts = {}
    for name in fields.members():
        if name not in COUNT_ROWS:
            raise fields.refuse(name[:40], f"is unknown; counts are {', '.join(COUNT_ROWS)}")
        counts[name] = _count(fields.object(name), COUNT_ROWS[name])
    return counts


def _count(fields: Fields, row: str) -> Count:
    fields.expect("row", row)
    value = fields.integer("value", -MAX_COUNT, MAX_COUNT)
    bound = fields.integer("bound", 1, MAX_BOUND)
    epsilon = fields.epsilon("epsilon")
    fields.done()
    return Count(value, bound, epsilon)


def _dwell(fields: Fields, start: datetime) -> DwellCounts:
    fields.expect("row", DWELL_ROW)
    day = fields.ended_day("day", start)
    edges_s = fields.integers("edges_s", (2, MAX_DWELL_BINS + 1), 0, MAX_DWELL_S)
    if any(left >= right for left, right in pairwise(edges_s)):
        raise fields.refuse("edges_s", "must increase")
    bins = len(edges_s) - 1
    counts = fields.integers("counts", (bins, bins), -MAX_COUNT, MAX_COUNT)
    bound = fields.integer("bound", 1, MAX_BOUND)
    epsilon = fields.epsilon("epsilon")
    fields.done()
    return DwellCounts(day, edges_s, counts, bound, epsilon)
