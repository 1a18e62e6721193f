"""The pcap format: one header, then records. Both byte orders, micro- and nanoseconds.

Reference: draft-ietf-opsawg-pcap. A damaged record can't be skipped, as only its length says
where the next one starts; what came before it is good.
"""

from collections.abc import Iterator
from struct import Struct

from chaland.sensor.capture.links import explain_link_type, is_wifi
from chaland.sensor.capture.source import Record
from chaland.sensor.capture.stream import LARGEST_FRAME, ByteStream

_HEADER_SIZE, _RECORD_SIZE = 24, 16

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
}
"""The file's first four bytes: byte order, and units of the time's fraction in a microsecond."""

_LINK_TYPE_MASK = 0x03FF_FFFF
_FCS_KNOWN = 0x0400_0000
_BARE_FRAMES = 105


def records(stream: ByteStream) -> Iterator[Record]:
    """Yield the records of ``stream``, which stands at the file's header."""
    if not (yield from stream.reach(_HEADER_SIZE, 0)):
        stream.cut_short("the file's header")
        return
    order, divisor = MAGICS[bytes(stream.buffer[stream.at : stream.at + 4])]
    major, word = Struct(order + "4xH14xI").unpack_from(stream.buffer, stream.at)
    if major != 2:
        stream.problem(f"pcap version {major} is not known: convert it, for example with editcap")
        return
    stream.link_type = word & _LINK_TYPE_MASK
    if not is_wifi(stream.link_type):
        stream.problem(explain_link_type(stream.link_type), stream.at + 20)
        return
    # Only bare frames need the file's word on the checksum; other headers say it per frame.
    known = word & _FCS_KNOWN and stream.link_type == _BARE_FRAMES
    fcs_size = (word >> 28) * 2 if known else 0
    stream.at += _HEADER_SIZE
    yield from _records(stream, Struct(order + "4I"), divisor, fcs_size)


def _records(stream: ByteStream, header: Struct, divisor: int, fcs_size: int) -> Iterator[Record]:
    unpack = header.unpack_from
    buffer, at, filled = stream.buffer, stream.at, stream.filled
    time_us = 0
    while True:
        if at + _RECORD_SIZE > filled:
            stream.at, stream.time_us = at, time_us
            if not (yield from stream.reach(_RECORD_SIZE, _RECORD_SIZE)):
                break
            at, filled = stream.at, stream.filled
        seconds, fraction, length, original = unpack(buffer, at)
        start = at + _RECORD_SIZE
        end = start + length
        if end > filled:
            stream.at, stream.time_us = at, time_us
            if length > LARGEST_FRAME:
                stream.problem(
                    f"a record claims {length} bytes, more than any frame has: the file is "
                    "damaged from here on; all before it was read"
                )
                return
            if not (yield from stream.reach(_RECORD_SIZE + length, _RECORD_SIZE)):
                break
            at, filled = stream.at, stream.filled
            start, end = at + _RECORD_SIZE, at + _RECORD_SIZE + length
        at = end
        if stream.spoiled:
            stream.spoiled, end = False, start  # counted downstream as a truncated frame
        elif fcs_size:
            end = max(start, end - max(fcs_size - max(original - length, 0), 0))
        time_us = seconds * 1_000_000 + (fraction if divisor == 1 else fraction // divisor)
        yield (time_us, start, end, original)
    if stream.filled > stream.at:
        stream.cut_short("a record")
