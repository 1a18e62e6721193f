"""The kernel filter of our own capture child against libpcap's compilation of the same rule."""

import array
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import pytest

from chaland.sensor.capture.child import filter_program
from chaland.sensor.capture.tools import FILTER

SO_ATTACH_FILTER = 26


class Gate:
    """A pair of sockets with a filter program in the kernel between them."""

    def __init__(self, program: bytes) -> None:
        self.sender, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        held = array.array("B", program)
        address, size = held.buffer_info()
        descriptor = pack("@HP", size // 8, address)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, descriptor)
        self.receiver.setblocking(False)

    def passes(self, frame: bytes) -> bool:
        self.sender.send(frame)
        try:
            return self.receiver.recv(70_000) != b""
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


def compiled_by_tcpdump(empty: Path) -> bytes:
    command = ["tcpdump", "-r", str(empty), "-ddd", FILTER]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if re.fullmatch(r"[\d ]+", line)]
    return b"".join(pack("=HBBI", *map(int, line.split())) for line in lines[1:])


@pytest.fixture(params=[127, 105])
def gates(request: Any, formats: Any, tmp_path: Path) -> Iterator[tuple[int, Gate, Gate]]:
    if shutil.which("tcpdump") is None:
        pytest.skip("tcpdump, whose filter compiler is the oracle, is not installed")
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(formats.pcap([], link_type=request.param))
    pair = Gate(filter_program(request.param)), Gate(compiled_by_tcpdump(empty))
    yield request.param, *pair
    for gate in pair:
        gate.close()


def agree(link_type: int, ours: Gate, theirs: Gate, frame: bytes) -> bool:
    """Tell whether both filters decide alike; ours refuses unknown protocol versions too."""
    if ours.passes(frame) == theirs.passes(frame):
        return True
    start = int.from_bytes(frame[2:4], "little") if link_type == 127 else 0
    return theirs.passes(frame) and frame[start] & 3 != 0


def test_the_same_frames_pass(gates: Any) -> None:
    link_type, ours, theirs = gates
    random = Random(link_type)
    passed = 0
    for control in range(256):
        for flags in (0, 1, 2, 3, 0x09, 0x41):
            for sequence in (b"\0\0", b"\x10\0", b"\0\x01", b"\x0f\xff", random.randbytes(2)):
                frame = bytes([control, flags]) + random.randbytes(20) + sequence
                frame += random.randbytes(random.choice([0, 40, 300]))
                if link_type == 127:
                    size = random.choice([8, 15, 36, 300])
                    frame = pack("<BxH", 0, size) + random.randbytes(size - 4) + frame
                assert agree(link_type, ours, theirs, frame), frame.hex()
                passed += ours.passes(frame)
    assert passed > 200


def test_frames_cut_anywhere_and_noise(gates: Any) -> None:
    link_type, ours, theirs = gates
    random = Random(5)
    beacon = pack("<BxHI", 0, 8, 0) + b"\x80" + bytes(30)
    cut = [beacon[:size] for size in range(1, len(beacon))]
    noise = [random.randbytes(random.randrange(1, 60)) for _ in range(2000)]
    for frame in cut + noise:
        assert agree(link_type, ours, theirs, frame), frame.hex()


def test_one_beacon_in_sixteen_passes(gates: Any) -> None:
    link_type, ours, _ = gates
    radio = pack("<BxHI", 0, 8, 0) if link_type == 127 else b""
    beacons = [radio + b"\x80" + bytes(21) + pack("<H", n << 4) + bytes(20) for n in range(4096)]
    assert sum(ours.passes(beacon) for beacon in beacons) == 256
