"""The radiotap header (link type 127): which fields are there, and where.

Radiotap puts a variable set of fields before each frame; bits of the ``present`` words say which.
Each field is aligned naturally, counted from the header's start, so its place follows from the
present words alone. A radio uses a handful of combinations: their layouts are worked out once
and looked up afterwards. Reference: https://www.radiotap.org (fields) and its page on vendor
namespaces.
"""

from struct import Struct
from typing import NamedTuple

from chaland.sensor.decode.observation import Fcs, Observation
from chaland.sensor.drops import Drop

_FLAGS, _CHANNEL, _SIGNAL = 1, 3, 5
_RADIOTAP_NAMESPACE, _VENDOR_NAMESPACE, _MORE_WORDS = 1 << 29, 1 << 30, 1 << 31

# Alignment and size in bytes of the fields by bit number. An unknown field has an unknown size,
# so nothing after it can be found.
_FIELDS: tuple[tuple[int, int], ...] = (
    *((8, 8), (1, 1), (1, 1), (2, 4)),  # 0 time, 1 flags, 2 rate, 3 channel
    *((2, 2), (1, 1), (1, 1), (2, 2)),  # 4 hopping, 5 dBm signal, 6 dBm noise, 7 lock quality
    *((2, 2), (2, 2), (1, 1), (1, 1)),  # 8, 9, 10 transmit power; 11 antenna
    *((1, 1), (1, 1), (2, 2), (2, 2)),  # 12 dB signal, 13 dB noise, 14, 15 receive, send flags
    *((1, 1), (1, 1), (4, 8), (1, 3)),  # 16, 17 retries, 18 extended channel, 19 MCS
    *((4, 8), (2, 12), (8, 12), (2, 12)),  # 20 A-MPDU, 21 VHT, 22 time stamp, 23 HE
    *((2, 12), (2, 6), (1, 1), (2, 4)),  # 24 HE-MU, 25 HE-MU others, 26 no PSDU, 27 L-SIG
)

_PRESENT_WORDS_MAX = 16
"""Radios use at most about five; more is an attempt to keep the decoder busy."""
_LAYOUTS_MAX = 256
"""Layouts remembered; a flood of made-up ones must not fill the memory."""

_FCS_PRESENT, _FCS_FAILED = 0x10, 0x40
# Bound once: a member of an enumeration is slow to look up, and this runs for each frame.
_ABSENT, _GOOD, _BAD = Fcs.ABSENT, Fcs.GOOD, Fcs.BAD

_head = Struct("<BxHI").unpack_from
_word = Struct("<I").unpack_from
_u16 = Struct("<H").unpack_from


class Layout(NamedTuple):
    """Offsets from the start of the header; 0 where the field is absent."""

    flags_at: int
    channel_at: int
    signal_at: int
    size: int
    """Bytes that the header must have at least to hold the fields it announces."""


_layouts: dict[int, Layout] = {}


def read(buffer: bytearray, start: int, end: int, observation: Observation) -> Drop | None:
    """Read the header of ``buffer[start:end]``; set signal, frequency, FCS and frame bounds."""
    if end - start < 8:
        return Drop.RADIO_HEADER_TRUNCATED
    version, length, present = _head(buffer, start)
    if version or length < 8:
        return Drop.RADIO_HEADER_MALFORMED
    if start + length > end:
        return Drop.RADIO_HEADER_TRUNCATED
    layout = _layouts.get(present) or _find_layout(buffer, start, length, present)
    if layout is None or layout[3] > length:
        return Drop.RADIO_HEADER_MALFORMED
    observation.frame_at = start + length
    observation.end = end
    return _read_fields(buffer, start, layout, observation)


def _read_fields(
    buffer: bytearray, start: int, layout: Layout, observation: Observation
) -> Drop | None:
    flags_at, channel_at, signal_at, _ = layout
    flags = buffer[start + flags_at] if flags_at else 0
    if flags & _FCS_FAILED:
        observation.fcs = _BAD
        return Drop.FCS_BAD
    observation.fcs = _GOOD if flags & _FCS_PRESENT else _ABSENT
    if channel_at:
        at = start + channel_at
        observation.frequency_mhz = buffer[at] | buffer[at + 1] << 8
    else:
        observation.frequency_mhz = None
    if signal_at:
        signal = buffer[start + signal_at]
        observation.rssi_dbm = signal - 256 if signal > 127 else signal
    else:
        observation.rssi_dbm = None
    return None


def _find_layout(buffer: bytearray, start: int, length: int, present: int) -> Layout | None:
    """Return the layout of a header with several present words, or of one not met before."""
    words = [present]
    key = present
    while words[-1] & _MORE_WORDS:
        at = 4 + 4 * len(words)
        if len(words) == _PRESENT_WORDS_MAX or at + 4 > length:
            return None
        words.append(_word(buffer, start + at)[0])
        key = key << 32 | words[-1]
    layout = _layouts.get(key)
    if layout is None:
        layout = _lay_out(buffer, start, length, words)
        # The place of what follows a vendor's data depends on a length in the header itself.
        vendor = any(word & _VENDOR_NAMESPACE for word in words)
        if layout is not None and not vendor and len(_layouts) < _LAYOUTS_MAX:
            _layouts[key] = layout
    return layout


def _lay_out(buffer: bytearray, start: int, length: int, words: list[int]) -> Layout | None:
    """Work out the places of the fields, those of the first antenna where there are several."""
    places: dict[int, int] = {}
    at = 4 + 4 * len(words)
    ours, first_bit = True, 0
    for word in words:
        if ours:
            at, known = _walk(word, first_bit, at, places)
            if not known:
                break
        if word & _VENDOR_NAMESPACE:
            at += at & 1
            if at + 6 > length:
                return None
            at += 6 + _u16(buffer, start + at + 4)[0]
            ours = False
        elif word & _RADIOTAP_NAMESPACE:
            ours, first_bit = True, 0
        else:
            first_bit += 32
    return Layout(places.get(_FLAGS, 0), places.get(_CHANNEL, 0), places.get(_SIGNAL, 0), at)


def _walk(word: int, first_bit: int, at: int, places: dict[int, int]) -> tuple[int, bool]:
    """Place the fields of one present word from ``at`` on; return the end, and if all are known."""
    for bit in range(29):
        if not word >> bit & 1:
            continue
        if first_bit or bit >= len(_FIELDS):
            return at, False
        alignment, size = _FIELDS[bit]
        at += -at % alignment
        places.setdefault(bit, at)
        at += size
    return at, True
