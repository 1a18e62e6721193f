"""Broken and hostile captures: what is readable comes out, the rest is explained, nothing hangs."""

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.sensor.capture import open_source
from chaland.sensor.decode import Observation, decode, elements

reusing_files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def captures(formats: Any) -> dict[str, bytes]:
    """A small capture in each format, of the same five packets."""
    items = [formats.Packet(10**15 + i, bytes([65 + i]) * (20 + i)) for i in range(5)]
    pcapng = formats.section() + formats.interface()
    return {
        "pcap": formats.pcap(items),
        "big-endian": formats.pcap(items, ">", True),
        "pcapng": pcapng + b"".join(formats.packet(p) for p in items),
        "gzip": gzip.compress(formats.pcap(items), mtime=0),
    }


NAMES = ["pcap", "big-endian", "pcapng", "gzip"]


@pytest.mark.parametrize("name", NAMES)
def test_truncated_at_every_byte(captures: Any, read_bytes: Any, name: str) -> None:
    content = captures[name]
    whole = read_bytes(content)
    assert len(whole.records) == 5
    seen = set()
    for size in range(len(content)):
        got = read_bytes(content[:size])
        assert got.records == whole.records[: len(got.records)]
        seen.add(len(got.records))
        if not got.problems:  # only where a record has just ended is there nothing to complain of
            assert name != "gzip"
            longer = read_bytes(content[: size + 1])
            assert longer.problems
            assert longer.records == got.records
        else:
            (problem,) = got.problems
            assert ", byte " in problem
    # A frame is out as soon as its last byte is there; of gzip, as soon as it can be unpacked.
    assert seen == set(range(6)) if name == "gzip" else seen == set(range(5))


@pytest.mark.parametrize("name", NAMES)
def test_any_flipped_byte(captures: Any, read_bytes: Any, name: str) -> None:
    content = captures[name]
    random = Random(name)
    for at in range(len(content)):
        flipped = bytearray(content)
        flipped[at] ^= random.randrange(1, 256)
        got = read_bytes(bytes(flipped))
        assert len(got.records) <= 5
        assert len(got.problems) <= 6


@reusing_files
@given(st.sampled_from(NAMES), st.data())
def test_any_bytes_spliced_in(captures: Any, read_bytes: Any, name: str, data: Any) -> None:
    content = captures[name]
    at = data.draw(st.integers(0, len(content)))
    until = data.draw(st.integers(at, len(content)))
    got = read_bytes(content[:at] + data.draw(st.binary(max_size=300)) + content[until:])
    assert len(got.problems) <= 100


@pytest.mark.campaign
def test_mutations_by_the_ten_thousand(captures: Any, tmp_path: Path) -> None:
    """Captures with many damaged bytes go through reading, decoding and the walk over elements."""
    random = Random(2026)
    file = tmp_path / "mutant"
    for _ in range(10_000):
        content = bytearray(captures[random.choice(NAMES[:3])])
        for _ in range(random.randrange(1, 8)):
            content[random.randrange(len(content))] = random.choice([0, 1, 127, 128, 255])
        file.write_bytes(content)
        source, observation = open_source(file), Observation()
        for _, start, end, original in source:
            if not decode(source.buffer, start, end, source.link_type, observation, original):
                for _ in elements(source.buffer, observation.body_at, observation.end):
                    pass


LENGTHS = [262_145, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_hostile_length_allocates_nothing(
    captures: Any, formats: Any, tmp_path: Path, length: int
) -> None:
    file = tmp_path / "hostile"
    pcapng = formats.section() + formats.interface()
    hostile = [
        captures["pcap"] + pack("<4I", 1, 2, length, length) + bytes(100),
        pcapng + pack("<2I5I", 6, length & ~3, 0, 0, 0, length, length) + bytes(100),
        pcapng + pack("<2I5I", 6, 132, 0, 0, 0, length, length) + bytes(100) + pack("<I", 132),
        pcapng + pack("<2I", 0x0BAD, length & ~3) + bytes(100),
        pcapng + pack("<2IHHI", 1, length & ~3, 127, 0, 0) + bytes(100),
        pack("<2I", 0x0A0D0D0A, length & ~3) + pcapng[8:],
    ]
    for content in hostile:
        file.write_bytes(content)
        tracemalloc.start()
        source = open_source(file)
        frames = sum(1 for _ in source)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert frames in (0, 5)
        assert len(source.problems) == 1
        assert peak < 1_500_000  # the buffer, and little else


def test_a_file_full_of_problems_keeps_a_bounded_list(formats: Any, read_bytes: Any) -> None:
    stranger = formats.packet(formats.Packet(1, b"x", interface=9))
    good = formats.packet(formats.Packet(2, b"y"))
    got = read_bytes(formats.section() + formats.interface() + stranger * 5000 + good)
    assert [data for _, data, _, _ in got.records] == [b"y"]
    assert len(got.problems) == 100


def test_a_file_full_of_interfaces_ends(formats: Any, read_bytes: Any) -> None:
    got = read_bytes(formats.section() + formats.interface() * 5000)
    assert "more than 4096 interfaces" in got.problems[0]


def test_impossible_dates_are_left_out(formats: Any, read_bytes: Any) -> None:
    late = formats.packet(formats.Packet(2**63, b"late"))
    early = formats.interface(options={14: pack("<q", -(10**6))})
    early += formats.packet(formats.Packet(5, b"early", interface=1))
    absurd = formats.interface(options={9: b"\x7f"})
    absurd += formats.packet(formats.Packet(5, b"absurd", interface=2))
    content = formats.section() + formats.interface() + late + early + absurd
    got = read_bytes(content + formats.packet(formats.Packet(3, b"good")))
    assert [data for _, data, _, _ in got.records] == [b"absurd", b"good"]
    assert len(got.problems) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xd4", "starts with d4"),
        (b"time,address\n", "this is not a capture"),
        (pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "monitor mode"),
        (pack("<IHHiIII", 0xA1B2C3D4, 3, 4, 0, 0, 65535, 127), "version 3"),
        (gzip.compress(b"hello world", mtime=0), "this is not a capture"),
        (gzip.compress(gzip.compress(b"hello world", mtime=0), mtime=0), "this is not a capture"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\x1f\x8b", "gzip data is cut off"),
        (b"\x1f\x8b\x08" + b"\xff" * 90, "gzip data is damaged"),
    ],
)
def test_what_is_wrong_is_said(read_bytes: Any, content: bytes, words: str) -> None:
    got = read_bytes(content)
    assert got.records == []
    (problem,) = got.problems
    assert words in problem
    assert "/capture, byte " in problem


def test_damage_inside_gzip_loses_only_what_follows(formats: Any, read_bytes: Any) -> None:
    items = [formats.Packet(i, bytes([i]) * 400) for i in range(200)]
    content = bytearray(
        gzip.compress(formats.pcap(items), 0, mtime=0)
    )  # stored in blocks, unpacked
    first_size = int.from_bytes(content[11:13], "little")
    content[10 + 5 + first_size + 3] ^= 1  # the complement of the second block's length
    got = read_bytes(bytes(content))
    readable = (first_size - 24) // 416
    assert readable > 70
    assert [data for _, data, _, _ in got.records] == [p.data for p in items[:readable]]
    assert [problem.rpartition("reading failed here")[2][:30] for problem in got.problems] == [
        " (the gzip data is damaged: Er"
    ]


def test_a_capture_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pcap", tmp_path, tmp_path / "nul\0byte"):
        source = open_source(path)
        assert "can't be opened" in str(source.problems[0])
        assert list(source) == []


MEASURE = """
import resource, sys
from chaland.sensor.capture import open_source
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = open_source(sys.argv[1])
frames = sum(1 for _ in source)
assert not source.problems, source.problems
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("zipped", [False, True])
def test_memory_does_not_grow_with_the_file(formats: Any, tmp_path: Path, zipped: bool) -> None:
    items = [formats.Packet(i, bytes(400)) for i in range(1000)]
    content = formats.pcap(items)
    start, body = content[:24], content[24:]
    used = []
    for times in (1, 60):
        file = tmp_path / "sized"
        whole = start + body * times
        file.write_bytes(gzip.compress(whole, 1, mtime=0) if zipped else whole)
        out = subprocess.run(
            [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, check=True
        )
        frames, kib = map(int, out.stdout.split())
        assert frames == 1000 * times
        used.append(kib)
    assert used[1] < used[0] + 1024
