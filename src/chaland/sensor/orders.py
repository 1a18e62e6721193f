"""What the supervisor and the day's process say to each other.

Downwards: one command-line argument of orders. Upwards: lines in a pipe, each a release or a note
on health, and an exit code. Nothing else passes, so the supervisor, which alone talks to the hub,
never sees a frame, an address, or a number that derives from a phone without its noise.
"""

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from chaland.wire.errors import WireErrorFinal
from chaland.wire.fields import Fields, dump, load
from chaland.wire.summary import MAX_BYTES, CellCounts, Mode, State, decode_release, encode_release

NOTE_FORMAT = "chaland.note/1"

EXIT_INPUT_ENDED = 0
EXIT_DAY_ENDED = 10
EXIT_INPUT_UNREADABLE = 11
"""The capture could not be read to its end; what was readable was released."""
EXIT_ORDERS = 12
"""The orders make no sense; starting again would not help."""
EXIT_MEMORY = 13
"""The memory of the counters could not be locked against swapping, so nothing was captured."""
EXIT_STOPPED = 14
"""It was told to end (SIGTERM) before its input or its day had ended."""
EXIT_NOTHING_OBSERVED = 15
"""Standard input has ended, and not one window of it could be counted."""


@dataclass(frozen=True, slots=True)
class DayOrders:
    """What one day's process is to do. ``interface`` "" means: read ``files``, "-" is stdin."""

    interface: str
    tool: str
    files: tuple[str, ...]
    timezone: str
    mode: Mode
    rssi_visitor_dbm: int
    rssi_passer_by_dbm: int
    objection_ssid: str
    last_released: str = ""
    """Start (ISO) of the last cell that was released live, or "": no cell is drawn twice."""

    @property
    def is_live(self) -> bool:
        """Whether the input is a radio of this box, which has no end."""
        return bool(self.interface)

    @property
    def is_as_it_happens(self) -> bool:
        """Whether frames come as they are heard: from a radio here, or through a pipe."""
        return self.is_live or ("-" in self.files and not is_recorded("-"))

    def to_argument(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, argument: str) -> "DayOrders":
        """Read the orders. Raises ValueError or TypeError when they are none."""
        members = json.loads(argument)
        return cls(**members | {"files": tuple(members["files"]), "mode": Mode(members["mode"])})


def is_recorded(name: str) -> bool:
    """Tell a file, in which silence is quiet, from a pipe that an access point fills."""
    try:
        status = os.fstat(0) if name == "-" else Path(name).stat()
    except OSError:
        return True  # not there: the source says so
    return stat.S_ISREG(status.st_mode)


@dataclass(frozen=True, slots=True)
class Note:
    """The health of the capture changed: a state (from beacons and processes), and a sentence."""

    state: State
    message: str


def write_line(said: CellCounts | Note) -> bytes:
    """Write one line of the pipe. Raises WireErrorFinal when a release breaks its format."""
    if isinstance(said, CellCounts):
        return encode_release(said) + b"\n"
    message = said.message[:600]
    return dump({"format": NOTE_FORMAT, "state": said.state, "message": message}) + b"\n"


def read_line(line: bytes) -> CellCounts | Note:
    """Read one line of the pipe. Raises WireErrorFinal when it is neither release nor note."""
    fields = load(line, MAX_BYTES)
    if fields.take("format") != NOTE_FORMAT:
        return decode_release(line.rstrip(b"\n"))
    return _note(fields)


def _note(fields: Fields) -> Note:
    state, message = fields.choice("state", State), fields.take("message")
    if not isinstance(message, str):
        raise WireErrorFinal("message", "must be a text")
    fields.done()
    return Note(state, message)
