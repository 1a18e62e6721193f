"""The capture child: frames from a monitor-mode interface to standard output, as pcap.

Why not tcpdump alone: its frames stay readable in its packet ring until others overwrite them,
for minutes in a quiet street; here a frame is overwritten as soon as it is written on.

Run as a file of its own, with the standard library only, so that the process with the right to
listen stays small: ``python -I -S child.py INTERFACE SNAP_LENGTH``. It ends when its standard
input closes, that is, with its parent.
"""

import array
import errno
import fcntl
import os
import resource
import select
import socket
import struct
import sys
from pathlib import Path

LINK_TYPES = {803: 127, 801: 105}
"""From the kernel's hardware types of monitor-mode interfaces to pcap's link types."""

_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_SIOCGSTAMPNS = 0x8907
_SOCKET_BUFFER = 1 << 20
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
    """Write each frame to ``output`` and overwrite it, until ``lifeline`` closes."""
    buffer = bytearray(_RECORD.size + snap_length)
    view = memoryview(buffer)
    frame, zeros = view[_RECORD.size :], bytes(snap_length)
    stamp = bytearray(_TIME.size)
    waiting = select.poll()
    waiting.register(packet, select.POLLIN)
    waiting.register(lifeline, 0)
    flags = socket.MSG_DONTWAIT | socket.MSG_TRUNC
    while True:
        try:
            original = packet.recv_into(frame, snap_length, flags)
        except BlockingIOError:
            if any(fd == lifeline for fd, _ in waiting.poll()):
                return
            continue
        fcntl.ioctl(packet, _SIOCGSTAMPNS, stamp)
        seconds, nanoseconds = _TIME.unpack(stamp)
        length = min(original, snap_length)
        _RECORD.pack_into(buffer, 0, seconds, nanoseconds // 1000, length, original)
        os.write(output, view[: _RECORD.size + length])
        frame[:length] = zeros[:length]


def main(interface: str, snap_length: int) -> int:
    """Capture until the parent goes; say on standard error why not, if not."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
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
