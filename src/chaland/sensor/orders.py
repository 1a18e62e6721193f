"""What the supervisor and the day's process say to each other.

Downwards: one command-line argument of orders, then lines in a pipe: what the hub answered (the
first one holds the charter), or that the button was pressed. Upwards: lines in another pipe, each a
release, a note on health, news of the town's key (names, public keys and sealed boxes), or bits of
the objection filter; and an exit code. Nothing else passes, so the supervisor, which alone talks to
the hub, never sees a frame, an address, a key, or a number that derives from a phone without its
noise (the filter's bits lie outside the privacy claim: whoever objects asks for them).
"""

import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from chaland.wire import exchange
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import (
    FILTER_BITS,
    MAX_COPIES,
    MAX_OBJECTED,
    SEALED_BYTES,
    Exchanged,
    decode_answer,
)
from chaland.wire.fields import Fields, dump, load
from chaland.wire.sketch import KEY_ID_PATTERN
from chaland.wire.summary import (
    RELEASE_FORMAT,
    SENSOR_PATTERN,
    CellCounts,
    Mode,
    State,
    decode_release,
    encode_release,
)

NOTE_FORMAT = "chaland.note/1"
KEY_NEWS_FORMAT = "chaland.key-news/1"
OBJECTED_FORMAT = "chaland.objected/1"
FORGET_LINE = b'{"format": "chaland.forget/1"}'
"""Downwards: the button was pressed."""

LONGEST_LINE = exchange.MAX_BYTES
LONGEST_LINE_DOWN = exchange.MAX_ANSWER_BYTES

_HEX32 = re.compile(r"[0-9a-f]{64}")
_BOX = re.compile(rf"[0-9a-f]{{{2 * SEALED_BYTES}}}")
_KEY_ID_OR_NONE = re.compile(rf"(?:{KEY_ID_PATTERN.pattern})?")

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
EXIT_NOT_PERMITTED = 16
"""No charter that the day's process could verify permits it to listen."""


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
    sensor: str = ""
    town_key: str = ""
    """Fingerprint of the key that must have signed the charter."""
    day: str = ""
    """The local day (ISO) for which the town's key is good."""
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


@dataclass(frozen=True, slots=True)
class Copy:
    """The town's key ``key``, sealed for the key of the day of ``recipient``; not signed yet."""

    recipient: str
    recipient_key: bytes
    key: str
    box: bytes


@dataclass(frozen=True, slots=True)
class KeyNews:
    """What the hub may know of the keys in the day's process: all but the secrets.

    ``day_key``: X25519 public key (32 bytes). ``holds``, ``offers``: names of town keys, or "".
    """

    day_key: bytes
    holds: str
    offers: str
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True)
class Objected:
    """Bits of the objection filter that were set in the cell that has just ended, ascending."""

    bits: tuple[int, ...]


Said = CellCounts | Note | KeyNews | Objected
"""What the day's process may say."""


def write_line(said: Said) -> bytes:
    """Write one line of the pipe. Raises WireErrorFinal when a release breaks its format."""
    return (encode_release(said) if isinstance(said, CellCounts) else dump(_members(said))) + b"\n"


def _members(said: Note | KeyNews | Objected) -> dict[str, object]:
    if isinstance(said, Note):
        return {"format": NOTE_FORMAT, "state": said.state, "message": said.message[:600]}
    if isinstance(said, Objected):
        return {"format": OBJECTED_FORMAT, "bits": list(said.bits)}
    return {
        "format": KEY_NEWS_FORMAT,
        "day_key": said.day_key.hex(),
        "holds": said.holds,
        "offers": said.offers,
        "copies": [
            {
                "recipient": copy.recipient,
                "recipient_key": copy.recipient_key.hex(),
                "key": copy.key,
                "box": copy.box.hex(),
            }
            for copy in said.copies
        ],
    }


def read_line(line: bytes) -> Said:
    """Read one line of the pipe. Raises WireErrorFinal when it is none."""
    fields = load(line, LONGEST_LINE)
    found = fields.take("format")
    if found == NOTE_FORMAT:
        return _note(fields)
    if found == KEY_NEWS_FORMAT:
        return _key_news(fields)
    if found == OBJECTED_FORMAT:
        bits = fields.integers("bits", (1, MAX_OBJECTED), 0, FILTER_BITS - 1)
        fields.done()
        return Objected(bits)
    if found == RELEASE_FORMAT:
        return decode_release(line.rstrip(b"\n"))
    raise fields.refuse("format", "is none of what the day's process may say")


def _note(fields: Fields) -> Note:
    state, message = fields.choice("state", State), fields.take("message")
    if not isinstance(message, str):
        raise WireErrorFinal("message", "must be a text")
    fields.done()
    return Note(state, message)


def _key_news(fields: Fields) -> KeyNews:
    news = KeyNews(
        bytes.fromhex(fields.text("day_key", _HEX32, "64 hexadecimal digits")),
        fields.text("holds", _KEY_ID_OR_NONE, "16 hexadecimal digits, or empty"),
        fields.text("offers", _KEY_ID_OR_NONE, "16 hexadecimal digits, or empty"),
        tuple(_copy(each) for each in fields.objects("copies", MAX_COPIES)),
    )
    fields.done()
    return news


def _copy(fields: Fields) -> Copy:
    copy = Copy(
        fields.text("recipient", SENSOR_PATTERN, "16 letters a-z or digits 2-7"),
        bytes.fromhex(fields.text("recipient_key", _HEX32, "64 hexadecimal digits")),
        fields.text("key", KEY_ID_PATTERN, "16 hexadecimal digits"),
        bytes.fromhex(fields.text("box", _BOX, f"{SEALED_BYTES} bytes in hexadecimal")),
    )
    fields.done()
    return copy


def read_line_down(line: bytes) -> Exchanged | None:
    """Read what the supervisor passed on; None: the button. Raises WireErrorFinal."""
    line = line.rstrip(b"\n")
    return None if line == FORGET_LINE else decode_answer(line)
