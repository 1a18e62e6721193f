"""The capture child: frames from a monitor-mode interface to standard output, as pcap.

Why not tcpdump alone: its frames stay readable in its packet ring until others overwrite them,
for minutes in a quiet street; here a frame is overwritten as soon as it is written on.

Run as a file of its own, with the standard library only, so that the process with the right to
listen stays small: ``python -I -S child.py INTERFACE SNAP_LENGTH``. It ends when its standard
input closes, that is, with its parent.
"""

import array
import ctypes
import errno
import fcntl
import os
import resource
import select
import socket
import struct
import sys
import time
from pathlib import Path

LINK_TYPES = {803: 127, 801: 105}
"""From the kernel's hardware types of monitor-mode interfaces to pcap's link types."""

_PR_SET_DUMPABLE = 4
_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_SIOCGSTAMPNS = 0x8907
_SOCKET_BUFFER = 1 << 20
_BATCH = 100
"""Frames written at once."""
_GATHER_S = 0.02
"""Frames wait this long in the kernel, so that many are handled in one go: waking up costs ten
times what a frame costs."""
_RECORD = struct.Struct("=IIII")
_TIME = struct.Struct("@ll")
_PCAP_HEADER = struct.Struct("=IHHiIII")

# Classic BPF (Linux: Documentation/networking/filter.rst).
_LOAD_BYTE, _LOAD_BYTE_X, _SHIFT_LEFT, _OR_X = 0x30, 0x50, 0x64, 0x4C
_AND, _TO_X, _LOAD_X, _IF_EQUAL, _RETURN = 0x54, 0x07, 0x01, 0x15, 0x06
_WHOLE_FRAME = 0x40000

_NOTHING_TO_X = [(_LOAD_X, 0)]
_RADIOTAP_LENGTH_TO_X = [
    (_LOAD_BYTE, 3),
    (_SHIFT_LEFT, 8),
    (_TO_X, 0),
    (_LOAD_BYTE, 2),
    (_OR_X, 0),
    (_TO_X, 0),
]
# Offsets from the 802.11 header; jumps (if equal, if not) name a step, or go on to the next.
_WANTED: list[tuple[int, int] | tuple[int, int, str, str]] = [
    (_LOAD_BYTE_X, 0),
    (_IF_EQUAL, 0x40, "take", ""),  # probe request
    (_IF_EQUAL, 0x00, "take", ""),  # association request
    (_IF_EQUAL, 0x20, "take", ""),  # reassociation request
    (_IF_EQUAL, 0xB0, "take", ""),  # authentication
    (_IF_EQUAL, 0x80, "", "data?"),  # beacon: one in sixteen, by its sequence number
    (_LOAD_BYTE_X, 22),
    (_AND, 0xF0),
    (_IF_EQUAL, 0x00, "take", "leave"),
    (_AND, 0x0F),  # data?
    (_IF_EQUAL, 0x08, "", "leave"),
    (_LOAD_BYTE_X, 1),
    (_AND, 0x03),
    (_IF_EQUAL, 0x01, "take", "leave"),  # from a station to its access point
    (_RETURN, 0),  # leave
    (_RETURN, _WHOLE_FRAME),  # take
]
_STEPS = {"data?": 9, "leave": 14, "take": 15}


def filter_program(link_type: int) -> bytes:
    """Return the kernel's filter: the frames in use, of all other kinds none."""
    header = _RADIOTAP_LENGTH_TO_X if link_type == 127 else _NOTHING_TO_X
    program = [struct.pack("=HBBI", step[0], 0, 0, step[1]) for step in header]
    for at, (operation, operand, *jumps) in enumerate(_WANTED):
        if_equal, if_not = (_STEPS[name] - at - 1 if name else 0 for name in jumps or ("", ""))
        program.append(struct.pack("=HBBI", operation, if_equal, if_not, operand))
    return b"".join(program)


def open_socket(interface: str, link_type: int) -> socket.socket:
    """Return a raw socket on ``interface`` with the filter on; receive only."""
    packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    program = array.array("B", filter_program(link_type))
    address, size = program.buffer_info()
    descriptor = struct.pack("@HP", size // 8, address)
    packet.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)
    packet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
    packet.bind((interface, _ETH_P_ALL))
    return packet


def relay(packet: socket.socket, output: int, lifeline: int, snap_length: int) -> None:
    """Write the frames to ``output`` and overwrite them, until ``lifeline`` closes."""
    slot = _RECORD.size + snap_length
    buffer = bytearray(_BATCH * slot)
    view, zeros = memoryview(buffer), bytes(_BATCH * slot)
    waiting = select.poll()
    waiting.register(packet, select.POLLIN)
    waiting.register(lifeline, 0)
    while True:
        if any(descriptor == lifeline for descriptor, _ in waiting.poll()):
            return
        time.sleep(_GATHER_S)
        filled = _BATCH * slot
        while filled > (_BATCH - 1) * slot:  # there may be more than one batch
            filled = _gather(packet, buffer, view, snap_length)
            written = 0
            while written < filled:
                written += os.write(output, view[written:filled])
            view[:filled] = zeros[:filled]


def _gather(packet: socket.socket, buffer: bytearray, view: memoryview, snap_length: int) -> int:
    """Read waiting frames as pcap records into ``buffer`` while there is room; return the size."""
    filled = 0
    stamp = bytearray(_TIME.size)
    flags = socket.MSG_DONTWAIT | socket.MSG_TRUNC
    while filled + _RECORD.size + snap_length <= len(buffer):
        start = filled + _RECORD.size
        try:
            original = packet.recv_into(view[start:], snap_length, flags)
        except BlockingIOError:
            break
        fcntl.ioctl(packet, _SIOCGSTAMPNS, stamp)
        seconds, nanoseconds = _TIME.unpack(stamp)
        length = min(original, snap_length)
        _RECORD.pack_into(buffer, filled, seconds, nanoseconds // 1000, length, original)
        filled = start + length
    return filled


def _forbid_dumps() -> None:
    """As hardening.py does, which can't be imported here; OSError when the kernel refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_DUMPABLE was refused")


def main(interface: str, snap_length: int) -> int:
    """Capture until the parent goes; say on standard error why not, if not."""
    try:
        _forbid_dumps()
        hardware = int(Path(f"/sys/class/net/{interface}/type").read_text())
        if hardware not in LINK_TYPES:
            sys.stderr.write(f"hardware type {hardware}: not in monitor mode\n")
            return 1
        link_type = LINK_TYPES[hardware]
        packet = open_socket(interface, link_type)
        header = _PCAP_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, snap_length, link_type)
        os.write(sys.stdout.fileno(), header)
        relay(packet, sys.stdout.fileno(), sys.stdin.fileno(), snap_length)
    except FileNotFoundError:
        sys.stderr.write("No such device\n")
        return 1
    except OSError as error:
        if error.errno == errno.EPIPE:
            return 0
        sys.stderr.write(f"{error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
