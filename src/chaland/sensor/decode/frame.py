"""One captured record into an :class:`Observation`; nothing beyond the needed bytes is read."""

from collections.abc import Callable, Iterator
from struct import Struct

from chaland.sensor.decode import prism, radiotap
from chaland.sensor.decode.observation import Fcs, Kind, Observation
from chaland.sensor.drops import Drop

LINK_RADIOTAP = 127
LINK_BARE = 105
LINK_PRISM = 119
LINK_AVS = 163

_RETRY, _PROTECTED, _HT_CONTROL = 0x08, 0x40, 0x80
_DISTRIBUTION_MASK, _TO_DS = 0x03, 0x01
_HEADER_SIZE = 24
_FCS_SIZE = 4
_SSID = 0

# Bound once: a member of an enumeration is slow to look up, and this runs for each frame.
_OTHER, _DATA_TO_DS = Kind.OTHER, Kind.DATA_TO_DS

_sequence_control = Struct("<H").unpack_from

# By the frame control's first byte (version, type, subtype): the kind, and how many bytes of
# fixed fields stand between the header and the elements.
_KINDS: list[Kind] = [Kind.OTHER] * 256
_FIXED: list[int] = [0] * 256
for _control, _kind, _fixed in (
    (0x40, Kind.PROBE_REQUEST, 0),
    (0x00, Kind.ASSOCIATION_REQUEST, 4),
    (0x20, Kind.ASSOCIATION_REQUEST, 10),  # reassociation: the old access point comes first
    (0xB0, Kind.AUTHENTICATION, 6),
    (0x80, Kind.BEACON, 12),
):
    _KINDS[_control], _FIXED[_control] = _kind, _fixed
for _subtype in range(16):
    _KINDS[_subtype << 4 | 0x08] = Kind.DATA_TO_DS  # if the direction says so


def _read_bare(_buffer: bytearray, start: int, end: int, observation: Observation) -> None:
    observation.frame_at, observation.end = start, end
    observation.fcs = Fcs.ABSENT
    observation.rssi_dbm = observation.frequency_mhz = None


_RADIO_HEADERS: dict[int, Callable[[bytearray, int, int, Observation], Drop | None]] = {
    LINK_RADIOTAP: radiotap.read,
    LINK_BARE: _read_bare,
    LINK_PRISM: prism.read,
    LINK_AVS: prism.read,
}


def decode(  # noqa: PLR0911, PLR0917 (a reason for each way to be broken; called per frame)
    buffer: bytearray,
    start: int,
    end: int,
    link_type: int,
    observation: Observation,
    original_length: int = 0,
) -> Drop | None:
    """Read the frame in ``buffer[start:end]`` into ``observation``; return why not, if not.

    ``original_length`` is the length on the air including the radio header, as the record says:
    where the capture cut the frame short, the FCS is (partly) cut off already. After a drop the
    observation's fields are those of no particular frame. Never raises on hostile bytes.
    """
    read_radio_header = _RADIO_HEADERS.get(link_type)
    if read_radio_header is None:
        return Drop.LINK_TYPE_UNSUPPORTED
    drop = read_radio_header(buffer, start, end, observation)
    if drop is not None:
        return drop
    at = observation.frame_at
    if observation.fcs:
        cut = original_length - (end - start)
        end -= _FCS_SIZE if cut <= 0 else max(_FCS_SIZE - cut, 0)
        observation.end = end
    if end - at < 2:
        return Drop.FRAME_TRUNCATED
    control, flags = buffer[at], buffer[at + 1]
    if control & 3:
        return Drop.PROTOCOL_UNKNOWN
    kind = _KINDS[control]
    is_data = kind is _DATA_TO_DS
    if kind is _OTHER or (is_data and flags & _DISTRIBUTION_MASK != _TO_DS):
        observation.kind = _OTHER
        return Drop.KIND_UNUSED
    if end - at < _HEADER_SIZE:
        return Drop.FRAME_TRUNCATED
    (sequence_control,) = _sequence_control(buffer, at + 22)
    observation.kind = kind
    observation.sequence = sequence_control >> 4
    observation.retry = flags & _RETRY != 0
    observation.address_at = at + 10
    if is_data or flags & _PROTECTED or sequence_control & 15:
        observation.body_at = end  # encrypted, or a later fragment: no elements to be read
    else:
        body_at = at + _HEADER_SIZE + _FIXED[control] + (4 if flags & _HT_CONTROL else 0)
        observation.body_at = body_at if body_at < end else end
    return None


def elements(buffer: bytearray, body_at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tag, offset of the value, length of the value) of each element in order.

    A length that runs over the end is cut to what is there; it is then the last element.
    """
    at = body_at + 2
    while at <= end:
        length = buffer[at - 1]
        if at + length > end:
            length = end - at
        yield buffer[at - 2], at, length
        at += length + 2


def ssid_equals(buffer: bytearray, observation: Observation, name: bytes) -> bool:
    """Tell whether the frame names the network ``name``; compared in place, never copied."""
    for tag, at, length in elements(buffer, observation.body_at, observation.end):
        if tag == _SSID:
            return length == len(name) and buffer.startswith(name, at, at + length)
    return False


def ssid_ends_with(buffer: bytearray, observation: Observation, suffix: bytes) -> bool:
    """Tell whether the name of the frame's network ends in ``suffix``; compared in place."""
    for tag, at, length in elements(buffer, observation.body_at, observation.end):
        if tag == _SSID:
            return buffer.endswith(suffix, at, at + length)
    return False
