"""Radio headers before radiotap (link type 119): Prism, and AVS which shares the number."""

from struct import Struct

from chaland.sensor.decode.observation import Fcs, Observation
from chaland.sensor.drops import Drop

_PRISM_MESSAGES = (0x44, 0x41)
_PRISM_HEAD = 24
_PRISM_ITEM = 12
# Items are named by a "DID"; two families of drivers number them differently.
_PRISM_CHANNEL = (0x00030044, 0x00003041)
_PRISM_SIGNAL = (0x00060044, 0x00006041)

_AVS_VERSIONS = (0x80211001, 0x80211002)
_AVS_SIZE = 64
_AVS_SIGNAL_IS_DBM = 2

# Prism headers are in the byte order of the machine that captured.
_PRISM_ORDERS = ((Struct("<II"), Struct("<IHHi")), (Struct(">II"), Struct(">IHHi")))
_avs_head = Struct(">II").unpack_from
_avs_channel = Struct(">I").unpack_from
_avs_signal = Struct(">Ii").unpack_from


def read(buffer: bytearray, start: int, end: int, observation: Observation) -> Drop | None:
    """Read the header of ``buffer[start:end]``; set signal, frequency, FCS and frame bounds."""
    frame_at = find_frame(buffer, start, end)
    if isinstance(frame_at, Drop):
        return frame_at
    observation.frame_at, observation.end = frame_at, end
    observation.fcs = Fcs.ABSENT
    observation.rssi_dbm = observation.frequency_mhz = None
    if _avs_head(buffer, start)[0] in _AVS_VERSIONS:
        _read_avs(buffer, start, observation)
    else:
        _, item = _prism_order(buffer, start) or _PRISM_ORDERS[0]
        _read_items(buffer, start + _PRISM_HEAD, item, observation)
    return None


def find_frame(buffer: bytearray, start: int, end: int) -> int | Drop:
    """Return the offset of the 802.11 frame behind the header; why not, if that can't be told."""
    if end - start < 8:
        return Drop.RADIO_HEADER_TRUNCATED
    magic, length = _avs_head(buffer, start)
    least = _AVS_SIZE
    if magic not in _AVS_VERSIONS:
        order = _prism_order(buffer, start)
        if order is None:
            return Drop.RADIO_HEADER_MALFORMED
        length, least = order[0].unpack_from(buffer, start)[1], _PRISM_HEAD
    if length < least:
        return Drop.RADIO_HEADER_MALFORMED
    return Drop.RADIO_HEADER_TRUNCATED if start + length > end else start + length


def _prism_order(buffer: bytearray, start: int) -> tuple[Struct, Struct] | None:
    """Return how a Prism header's head and items are packed; None if it is none."""
    for order in _PRISM_ORDERS:
        if order[0].unpack_from(buffer, start)[0] in _PRISM_MESSAGES:
            return order
    return None


def _read_avs(buffer: bytearray, start: int, observation: Observation) -> None:
    observation.frequency_mhz = frequency_mhz(_avs_channel(buffer, start + 28)[0])
    unit, signal = _avs_signal(buffer, start + 44)
    if unit == _AVS_SIGNAL_IS_DBM and -128 <= signal < 0:
        observation.rssi_dbm = signal


def _read_items(buffer: bytearray, start: int, item: Struct, observation: Observation) -> None:
    # A dozen items at most in reality; the bound keeps a hostile length from costing time.
    end = min(observation.frame_at, start + 16 * _PRISM_ITEM)
    for at in range(start, end - _PRISM_ITEM + 1, _PRISM_ITEM):
        did, status, _size, value = item.unpack_from(buffer, at)
        if status:  # not supplied
            continue
        if did in _PRISM_CHANNEL:
            observation.frequency_mhz = frequency_mhz(value)
        elif did in _PRISM_SIGNAL and -128 <= value < 0:
            observation.rssi_dbm = value


def frequency_mhz(channel: int) -> int | None:
    """Return the centre frequency of an IEEE channel number; ``None`` if it is not one."""
    if 1 <= channel <= 13:
        return 2407 + 5 * channel
    if channel == 14:
        return 2484
    if 32 <= channel <= 177:
        return 5000 + 5 * channel
    return None
