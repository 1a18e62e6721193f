"""Row E5 on the wire: a local day's co-visit sketch, packed into the summary that ends the day."""

import base64
import re
from dataclasses import dataclass
from datetime import date, datetime

from chaland.wire.fields import Fields, write_instant
from chaland.wire.periods import CELL_S

SKETCH_ROW = "E5"
MAX_PLACES = 16_384
"""Bits and symbols together."""

KEY_ID_PATTERN = re.compile(r"[0-9a-f]{16}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


@dataclass(frozen=True, slots=True)
class DaySketch:
    """A local day's co-visit sketch: randomised answers, one place for each address.

    ``bits`` holds 0 or 1 for each of the first places, ``symbols`` 0, 1 or 2 for each ordered
    place after them (see ``wire.mechanism.SketchMechanism``). ``key`` names the town's key of the
    day without telling it: only sketches under one key can be compared. ``since`` is the start of
    the first cell whose visits are in it.
    """

    day: date
    since: datetime
    key: str
    bits: bytes
    symbols: bytes
    epsilon: str


def sketch_members(sketch: DaySketch) -> dict[str, object]:
    """Return the JSON members of a sketch, in their order."""
    return {
        "row": SKETCH_ROW,
        "day": sketch.day.isoformat(),
        "since": write_instant(sketch.since),
        "key": sketch.key,
        "epsilon": sketch.epsilon,
        "bits": len(sketch.bits),
        "ordered": len(sketch.symbols),
        "places": base64.b64encode(_pack(sketch)).decode("ascii"),
    }


def read_sketch(fields: Fields, start: datetime) -> DaySketch:
    """Read the sketch of the day that the cell from ``start`` ends. Raises WireErrorFinal."""
    fields.expect("row", SKETCH_ROW)
    day = fields.ended_day("day", start)
    since = fields.instant("since")
    if int(since.timestamp()) % CELL_S:
        raise fields.refuse("since", "must be a quarter of an hour")
    if since > start:
        raise fields.refuse("since", "must not be after the cell that ends the day")
    key = fields.text("key", KEY_ID_PATTERN, "16 hexadecimal digits")
    epsilon = fields.epsilon("epsilon")
    size = fields.integer("bits", 0, MAX_PLACES)
    ordered = fields.integer("ordered", 0, MAX_PLACES - size)
    packed = _packed(fields, (size + 2 * ordered + 7) // 8)
    fields.done()
    bits, symbols = _unpack(packed, size, ordered)
    if max(symbols, default=0) > 2 or packed.bit_length() > size + 2 * ordered:
        raise fields.refuse("places", "holds what is no bit and no symbol")
    return DaySketch(day, since, key, bits, symbols, epsilon)


def _packed(fields: Fields, size: int) -> int:
    text = fields.text("places", _BASE64, "the base64 of the places")
    try:
        packed = base64.b64decode(text, validate=True)
    except ValueError:
        packed = b""
    if len(packed) != size or base64.b64encode(packed).decode("ascii") != text:
        raise fields.refuse("places", f"must be the base64 of {size} bytes")
    return int.from_bytes(packed, "little")


def _pack(sketch: DaySketch) -> bytes:
    """Pack one bit for each bit, two for each symbol, the first one in the lowest bit."""
    value = size = 0
    for places, width in ((sketch.bits, 1), (sketch.symbols, 2)):
        for place in places:
            value |= place << size
            size += width
    return value.to_bytes((size + 7) // 8, "little")


def _unpack(packed: int, bits: int, ordered: int) -> tuple[bytes, bytes]:
    symbols = packed >> bits
    return (
        bytes(packed >> at & 1 for at in range(bits)),
        bytes(symbols >> 2 * at & 3 for at in range(ordered)),
    )
