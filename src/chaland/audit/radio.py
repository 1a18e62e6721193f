"""The canaries, and the radio that the sensors under test hear: frames with the capture's clock."""

import fcntl
import hashlib
import os
import secrets
import struct
import termios
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BufferedWriter, RawIOBase
from typing import IO

from chaland.simulate.elements import element
from chaland.simulate.frames import (
    association_request,
    beacon,
    data_to_access_point,
    probe_request,
    radiotap_frame,
)
from chaland.simulate.wifi import LINK_TYPE_RADIOTAP

ACCESS_POINT = bytes.fromhex("3c37865aa1b0")
OBJECTION_NETWORK = b"chaland-optout"
INSIDE_DBM, OUTSIDE_DBM = -55, -78
BEACON_EVERY_S = 5
_CHANNEL = 6
_RATES = bytes.fromhex("010402040b16")

Pipe = IO[bytes] | BufferedWriter | RawIOBase


@dataclass(frozen=True, slots=True)
class Canaries:
    """Addresses drawn anew for each run, so that finding one anywhere proves where it came from.

    ``probing``: random addresses that look for networks. ``staying``: addresses given by makers,
    of associated devices. ``passing``: such addresses, heard weakly. ``objecting``: half of them
    look for the objection network, half join it. ``beacons``: of phones that are hotspots.
    """

    probing: Sequence[bytes]
    staying: Sequence[bytes]
    passing: Sequence[bytes]
    objecting: Sequence[bytes]
    hotspots: Sequence[bytes]

    @classmethod
    def draw(cls) -> "Canaries":
        """Draw 520 addresses: 60 of them object, which is below the limit of a window."""
        seed = secrets.token_bytes(16)
        sizes = (200, 160, 80, 60, 20)
        first = (0x02, 0x5C, 0x5C, 0x5C, 0x06)
        return cls(
            *(
                [
                    bytes([start]) + hashlib.sha256(seed + bytes([group, i])).digest()[:5]
                    for i in range(size)
                ]
                for group, (size, start) in enumerate(zip(sizes, first, strict=True))
            )
        )

    @property
    def all(self) -> list[bytes]:
        return [
            *self.probing, *self.staying, *self.passing, *self.objecting, *self.hotspots,
        ]  # fmt: skip

    @property
    def followable(self) -> list[bytes]:
        return [*self.staying, *self.passing]


def probe(sender: bytes, network: bytes = b"", rssi_dbm: int = INSIDE_DBM) -> bytes:
    """Return a probe request as a radio delivers it, for a network's name or for any."""
    body = element(0, network) + _RATES
    return radiotap_frame(probe_request(sender, 5, body), rssi_dbm, _CHANNEL)


def data(sender: bytes, rssi_dbm: int = INSIDE_DBM) -> bytes:
    """Return a data frame of an associated device."""
    frame = data_to_access_point(sender, ACCESS_POINT, 5, False)
    return radiotap_frame(frame, rssi_dbm, _CHANNEL)


def joining(sender: bytes, network: bytes, rssi_dbm: int = INSIDE_DBM) -> bytes:
    """Return an association request for a network."""
    frame = association_request(sender, ACCESS_POINT, 5, element(0, network) + _RATES)
    return radiotap_frame(frame, rssi_dbm, _CHANNEL)


def heartbeat(number: int, access_point: bytes = ACCESS_POINT) -> bytes:
    """Return a beacon of an access point."""
    return radiotap_frame(beacon(access_point, number & 0xFFF, b"cafe", 6), -50, _CHANNEL)


def pcap_header() -> bytes:
    """Return what a pcap file of such frames begins with."""
    return struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 512, LINK_TYPE_RADIOTAP)


def pcap_record(at_us: int, frame: bytes) -> bytes:
    """Return one record of a pcap file; the time in microseconds since the epoch."""
    size = len(frame)
    return struct.pack("<IIII", at_us // 10**6, at_us % 10**6, size, size) + frame


class Radio:
    """A capture written into a pipe, which a sensor reads; its clock is the capture's."""

    def __init__(self, pipe: Pipe, start_s: int) -> None:
        self._pipe = pipe
        self._start_us = start_s * 10**6
        self.now_s = 0.0
        self._pipe.write(pcap_header())

    def at_us(self, at_s: float) -> int:
        """Return an instant of this radio, in microseconds since the epoch."""
        return self._start_us + round(at_s * 1e6)

    def hear(self, at_s: float, frames: Iterable[bytes]) -> None:
        """Deliver frames that are ``at_s`` seconds after the start, a microsecond apart."""
        at_us = self.at_us(at_s)
        records = [pcap_record(at_us + i, frame) for i, frame in enumerate(frames)]
        self._pipe.write(b"".join(records))
        self._pipe.flush()
        self.now_s = at_s

    def quiet(self, until_s: float, present: Sequence[bytes] = ()) -> None:
        """Let time pass: beacons, and now and then a frame of those who are ``present``."""
        first = int(self.now_s // BEACON_EVERY_S) + 1
        for number in range(first, int(until_s // BEACON_EVERY_S) + 1):
            at_s = number * BEACON_EVERY_S
            frames = [heartbeat(number)]
            if at_s % 60 == 0:
                frames += [data(address) for address in present]
            self.hear(at_s, frames)

    def wait_until_read(self, within_s: float = 20.0) -> None:
        """Return when the sensor has taken all frames out of the pipe. Raises TimeoutError."""
        self._pipe.flush()
        unread = bytearray(4)
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            fcntl.ioctl(self._pipe.fileno(), termios.FIONREAD, unread)
            if not any(unread):
                return
            time.sleep(0.01)
        raise TimeoutError("the sensor does not read what it hears")


class AirInterface:
    """A TAP device in the guise of a monitor-mode interface: frames written into it are heard.

    Raises OSError without root or ``/dev/net/tun``.
    """

    _TUNSETIFF, _TUNSETLINK = 0x400454CA, 0x400454CD
    _TAP, _NO_PI, _RADIOTAP_HARDWARE = 2, 0x1000, 803

    def __init__(self, name: str) -> None:
        self.name = name
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), self._TAP | self._NO_PI)
        fcntl.ioctl(self._fd, self._TUNSETIFF, request)
        fcntl.ioctl(self._fd, self._TUNSETLINK, self._RADIOTAP_HARDWARE)

    def hears(self, frame: bytes) -> None:
        """Deliver one frame with its radio header."""
        os.write(self._fd, frame)

    def sent(self) -> list[bytes]:
        """Return what this machine has tried to send on the interface since."""
        frames = []
        try:
            while True:
                frames.append(os.read(self._fd, 65_536))
        except BlockingIOError:
            return frames

    def close(self) -> None:
        """Remove the device."""
        os.close(self._fd)
