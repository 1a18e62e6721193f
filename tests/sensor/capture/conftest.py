"""Captures built from their formats' rules, to be read back by the code under test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack

import pytest

from chaland.sensor.capture import NoSource, StreamSource, open_source

Read = tuple[int, bytes, int, int]
"""(time in microseconds, captured bytes, original length, link type)."""


@dataclass
class Packet:
    time_us: int
    data: bytes
    original: int = -1
    interface: int = 0

    @property
    def length(self) -> int:
        """Original length; that of the data if not said otherwise."""
        return len(self.data) if self.original < 0 else self.original


class Formats:
    """Writers of pcap and pcapng in all their variants."""

    Packet = Packet

    @staticmethod
    def pcap(
        packets: list[Packet], order: str = "<", nano: bool = False, link_type: int = 127
    ) -> bytes:
        magic = 0xA1B23C4D if nano else 0xA1B2C3D4
        out = pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
        for p in packets:
            fraction = p.time_us % 10**6 * (1000 if nano else 1)
            out += pack(order + "4I", p.time_us // 10**6, fraction, len(p.data), p.length) + p.data
        return out

    @staticmethod
    def block(order: str, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = len(body) + 12
        return pack(order + "II", kind, size) + body + pack(order + "I", size)

    @classmethod
    def section(cls, order: str = "<") -> bytes:
        return cls.block(order, 0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    @classmethod
    def interface(
        cls,
        order: str = "<",
        link_type: int = 127,
        options: dict[int, bytes] | None = None,
        snap: int = 0,
    ) -> bytes:
        body = pack(order + "HHI", link_type, 0, snap)
        for code, value in (options or {}).items():
            body += pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        return cls.block(order, 1, body + (pack(order + "HH", 0, 0) if options else b""))

    @classmethod
    def packet(cls, p: Packet, order: str = "<", units: int = 10**6, options: bytes = b"") -> bytes:
        ticks = p.time_us * units // 10**6
        head = pack(
            order + "5I", p.interface, ticks >> 32, ticks & 0xFFFFFFFF, len(p.data), p.length
        )
        return cls.block(order, 6, head + p.data + bytes(-len(p.data) % 4) + options)

    @classmethod
    def old_packet(cls, p: Packet, order: str = "<") -> bytes:
        high, low = divmod(p.time_us, 1 << 32)
        head = pack(order + "HHIIII", p.interface, 0xFFFF, high, low, len(p.data), p.length)
        return cls.block(order, 2, head + p.data)

    @classmethod
    def simple_packet(cls, p: Packet, order: str = "<") -> bytes:
        return cls.block(order, 3, pack(order + "I", p.length) + p.data)


@dataclass
class Captured:
    records: list[Read] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_all(source: StreamSource | NoSource) -> Captured:
    out = Captured()
    for time_us, start, end, original in source:
        if end == 0:
            out.ticks.append(time_us)
        else:
            frame = bytes(source.buffer[start:end])
            out.records.append((time_us, frame, original, source.link_type))
    out.problems = [str(problem) for problem in source.problems]
    return out


@pytest.fixture(scope="session")
def formats() -> type[Formats]:
    return Formats


@pytest.fixture(scope="session")
def read() -> Callable[[StreamSource | NoSource], Captured]:
    return read_all


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[[bytes], Captured]:
    """Write a capture to a file and read it."""
    file = tmp_path / "capture"

    def reader(content: bytes) -> Captured:
        file.write_bytes(content)
        return read_all(open_source(file))

    return reader
