"""The pcapng format: blocks in sections, each section with its byte order and interfaces.

Reference: draft-ietf-opsawg-pcapng. Blocks with no frames in them are skipped unread, however
long; a block whose lengths contradict each other ends the reading, as the next can't be found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from chaland.sensor.capture.links import explain_link_type, is_wifi
from chaland.sensor.capture.source import Record
from chaland.sensor.capture.stream import LARGEST_FRAME, ByteStream, Waiting

MAGIC = b"\x0a\x0d\x0d\x0a"

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_LARGEST_BLOCK = LARGEST_FRAME + 65_536
"""Of the blocks that are read: a frame and its options."""
_INTERFACES_MAX = 4096
_OPTION_END, _OPTION_RESOLUTION, _OPTION_FCS, _OPTION_OFFSET = 0, 9, 13, 14
_LATEST_US = (1 << 32) * 1_000_000
"""Year 2106, where pcap's clock ends; a later date is damage, and no calendar could show it."""
_BARE_FRAMES = 105


@dataclass(slots=True)
class _Interface:
    link_type: int
    snap_length: int
    units_per_s: int = 1_000_000
    offset_us: int = 0
    fcs_size: int = 0


class _Damaged(Exception):
    """The reading can't go on; the text says why."""


class _Blocks:
    """The state of the section being read."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.interfaces: list[_Interface] = []
        self.order("<")

    def order(self, order: str) -> None:
        """Begin a section of the byte order ``order``, with no interfaces yet."""
        self.interfaces.clear()
        self.block_head = Struct(order + "2I").unpack_from
        self.word = Struct(order + "I").unpack_from
        self.option_head = Struct(order + "2H").unpack_from
        self.interface_head = Struct(order + "8xH2xI").unpack_from
        self.packet_head = Struct(order + "2I5I").unpack_from
        self.old_packet_head = Struct(order + "2I2H4I").unpack_from
        self.seconds = Struct(order + "q").unpack_from


def records(stream: ByteStream) -> Iterator[Record]:
    """Yield the records of ``stream``, which stands at the first section header."""
    blocks = _Blocks(stream)
    try:
        while (yield from stream.reach(12, 12)) and (yield from _block(blocks)):
            pass
    except _Damaged as damage:
        stream.problem(f"{damage}; all before it was read")
        return
    if stream.filled > stream.at:
        stream.cut_short("a block")


def _block(blocks: _Blocks) -> Waiting:
    """Read the block at the stream's position and go on to the next; False at a cut."""
    stream = blocks.stream
    if stream.buffer.startswith(MAGIC, stream.at, stream.at + 4):
        order = _BYTE_ORDERS.get(bytes(stream.buffer[stream.at + 8 : stream.at + 12]))
        if order is None:
            raise _Damaged("a section does not say its byte order")
        blocks.order(order)
    kind, total = blocks.block_head(stream.buffer, stream.at)
    if total < 12 or total % 4:
        raise _Damaged(f"a block claims a length of {total} bytes, which no block can have")
    if kind not in (_INTERFACE, _PACKET, _SIMPLE_PACKET, _OLD_PACKET):
        return (yield from _pass_over(stream, total))
    if total > _LARGEST_BLOCK:
        raise _Damaged(f"a block claims {total} bytes, more than any frame has")
    if not (yield from stream.reach(total, 12 if kind == _SIMPLE_PACKET else 28)):
        return False
    _check_trailer(blocks, total)
    if kind == _INTERFACE:
        _add_interface(blocks, total)
    else:
        record = _simple_packet(blocks, total) if kind == _SIMPLE_PACKET else _packet(blocks, total)
        if record is not None:
            spoiled, stream.spoiled = stream.spoiled, False
            yield (record[0], record[1], record[1], record[3]) if spoiled else record
    stream.at += total
    return True


def _pass_over(stream: ByteStream, total: int) -> Waiting:
    if (yield from stream.skip(total)):
        return True
    stream.problem(
        f"the capture ends inside a block of {total} bytes: it was cut off, or the length is "
        "damaged. All before it was read"
    )
    return False


def _check_trailer(blocks: _Blocks, total: int) -> None:
    stream = blocks.stream
    (trailer,) = blocks.word(stream.buffer, stream.at + total - 4)
    if trailer != total and not stream.spoiled:
        raise _Damaged(f"a block claims {total} bytes at its start and {trailer} at its end")


def _add_interface(blocks: _Blocks, total: int) -> None:
    stream = blocks.stream
    if total < 20:
        raise _Damaged("an interface description is too short")
    if len(blocks.interfaces) == _INTERFACES_MAX:
        raise _Damaged(f"a section describes more than {_INTERFACES_MAX} interfaces")
    interface = _Interface(*blocks.interface_head(stream.buffer, stream.at))
    at, end = stream.at + 16, stream.at + total - 4
    while at + 4 <= end:
        code, length = blocks.option_head(stream.buffer, at)
        at += 4
        if code == _OPTION_END or at + length > end:
            break
        _read_option(blocks, interface, code, at, length)
        at += length + -length % 4
    blocks.interfaces.append(interface)
    if not is_wifi(interface.link_type):
        stream.problem(
            f"interface {len(blocks.interfaces) - 1}: {explain_link_type(interface.link_type)}"
        )


def _read_option(blocks: _Blocks, interface: _Interface, code: int, at: int, length: int) -> None:
    buffer = blocks.stream.buffer
    if code == _OPTION_RESOLUTION and length >= 1:
        exponent = buffer[at] & 0x7F
        interface.units_per_s = 2**exponent if buffer[at] & 0x80 else 10**exponent
    elif code == _OPTION_OFFSET and length >= 8:
        interface.offset_us = blocks.seconds(buffer, at)[0] * 1_000_000
    elif code == _OPTION_FCS and length >= 1 and interface.link_type == _BARE_FRAMES:
        interface.fcs_size = buffer[at]


def _packet(blocks: _Blocks, total: int) -> Record | None:
    """Return the record of an enhanced (or the old) packet block; ``None`` after a problem."""
    stream = blocks.stream
    buffer, at = stream.buffer, stream.at
    if total < 32:
        raise _Damaged("a packet block is too short")
    kind, _, number, high, low, length, original = blocks.packet_head(buffer, at)
    if kind == _OLD_PACKET:
        number = blocks.old_packet_head(buffer, at)[2]
    if length > total - 32:
        raise _Damaged(f"a packet block of {total} bytes claims {length} bytes of frame")
    if number >= len(blocks.interfaces):
        stream.problem(f"a frame names interface {number}, which is not described: left out")
        return None
    interface = blocks.interfaces[number]
    ticks = high << 32 | low
    if interface.units_per_s == 1_000_000:
        time_us = ticks + interface.offset_us
    else:
        time_us = ticks * 1_000_000 // interface.units_per_s + interface.offset_us
    if not 0 <= time_us < _LATEST_US:
        stream.problem("a frame is dated before 1970 or after 2106: left out")
        return None
    stream.link_type, stream.time_us = interface.link_type, time_us
    start = at + 28
    end = start + length
    if interface.fcs_size:
        end = max(start, end - max(interface.fcs_size - max(original - length, 0), 0))
    return (time_us, start, end, original)


def _simple_packet(blocks: _Blocks, total: int) -> Record | None:
    """Return the record of a simple packet block, dated like the frame before it."""
    stream = blocks.stream
    if total < 16:
        raise _Damaged("a packet block is too short")
    if not blocks.interfaces:
        stream.problem("a frame comes before any interface is described: left out")
        return None
    interface = blocks.interfaces[0]
    (original,) = blocks.word(stream.buffer, stream.at + 8)
    length = min(original, total - 16, interface.snap_length or original)
    if not stream.time_us:
        stream.problem("the frames carry no time: they are dated 1970")
    stream.link_type = interface.link_type
    start = stream.at + 12
    return (stream.time_us, start, start + length, original)
