"""pcap and pcapng in all variants: what was written is what is read."""

import gzip
import shutil
import subprocess
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

packets = st.lists(
    st.tuples(
        st.integers(0, 2**32 * 10**6 - 1),
        st.binary(max_size=600),
        st.integers(0, 3000) | st.just(0),
    ),
    max_size=20,
)
reusing_files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def expected(items: list[Any], link_type: int = 127) -> list[tuple[int, bytes, int, int]]:
    return [(p.time_us, p.data, p.length, link_type) for p in items]


@reusing_files
@given(
    packets, st.sampled_from("<>"), st.booleans(), st.sampled_from([105, 119, 127]), st.booleans()
)
def test_pcap(
    read_bytes: Any, formats: Any, raw: list[Any], order: str, nano: bool, link: int, zipped: bool
) -> None:
    items = [formats.Packet(time_us, data, len(data) + cut) for time_us, data, cut in raw]
    content = formats.pcap(items, order, nano, link)
    got = read_bytes(gzip.compress(content, 1) if zipped else content)
    assert got.records == expected(items, link)
    assert got.problems == []


@reusing_files
@given(packets, st.sampled_from("<>"), st.integers(0, 2), st.booleans())
def test_pcapng(
    read_bytes: Any, formats: Any, raw: list[Any], order: str, flavour: int, zipped: bool
) -> None:
    items = [formats.Packet(time_us, data, len(data) + cut) for time_us, data, cut in raw]
    content = formats.section(order) + formats.interface(order)
    wanted = expected(items)
    if flavour == 0:
        content += b"".join(formats.packet(p, order) for p in items)
    elif flavour == 1:
        content += b"".join(formats.old_packet(p, order) for p in items)
    else:
        # A simple packet has no time, and says its captured length by the interface's bound only.
        content += formats.packet(formats.Packet(77, b"dated"), order)
        items = [formats.Packet(77, data) for _, data, _ in raw]
        content += b"".join(formats.simple_packet(p, order) for p in items)
        wanted = [(77, b"dated", 5, 127), *expected(items)]
    got = read_bytes(gzip.compress(content, 1) if zipped else content)
    assert got.records == wanted
    assert got.problems == []


def test_sections_interfaces_and_strangers(read_bytes: Any, formats: Any) -> None:
    p, packet = formats.Packet, formats.packet
    content = (
        formats.section("<")
        + formats.interface("<", 127, {2: b"mon0", 9: b"\x09"})  # nanoseconds
        + formats.interface("<", 105, {9: b"\x94"})  # 2^-20 s
        + formats.block("<", 0x0BAD, b"a custom block" * 100_000)
        + packet(
            p(1_700_000_000_123_456, b"one"), units=10**9, options=pack("<HH4s", 1, 4, b"note")
        )
        + packet(p(1_700_000_000_500_000, b"two", 99, 1), units=2**20)
        + formats.block("<", 4, b"names")
        + formats.section(">")
        + formats.interface(">", 119, {14: pack(">q", 3600)})
        + formats.block(">", 5, b"statistics")
        + packet(p(5_000_000, b"three"), ">")
    )
    got = read_bytes(content)
    assert got.problems == []
    assert got.records == [
        (1_700_000_000_123_456, b"one", 3, 127),
        (1_700_000_000_500_000, b"two", 99, 105),
        (3_605_000_000, b"three", 5, 119),
    ]


def test_a_snap_length_bounds_simple_packets(read_bytes: Any, formats: Any) -> None:
    content = formats.section() + formats.interface(snap=4)
    got = read_bytes(content + formats.simple_packet(formats.Packet(0, b"abcdefgh", 100)))
    assert [(data, original) for _, data, original, _ in got.records] == [(b"abcd", 100)]
    assert "carry no time" in got.problems[0]


@pytest.mark.parametrize("cut", range(6))
def test_a_checksum_that_the_file_announces_is_taken_off(
    read_bytes: Any, formats: Any, cut: int
) -> None:
    data = b"frame+FCS."[: 10 - cut]
    announced = 105 | 1 << 26 | 2 << 28
    item = formats.Packet(7, data, 10)
    pcapng = formats.section() + formats.interface(link_type=105, options={13: b"\x04"})
    for content in (formats.pcap([item], link_type=announced), pcapng + formats.packet(item)):
        ((_, frame, _, link_type),) = read_bytes(content).records
        assert (frame, link_type) == (data[:6], 105)
    # With radiotap each frame says it itself.
    item = formats.Packet(7, b"frame+FCS.")
    ((_, frame, _, _),) = read_bytes(formats.pcap([item], link_type=announced + 22)).records
    assert frame == b"frame+FCS."


def test_gzip_members_one_after_the_other(read_bytes: Any, formats: Any) -> None:
    items = [formats.Packet(i, bytes([i]) * 50) for i in range(30)]
    content = formats.pcap(items)
    parts = [gzip.compress(content[at : at + 333]) for at in range(0, len(content), 333)]
    for padding in (b"", bytes(512)):
        got = read_bytes(b"".join(parts) + padding)
        assert (got.records, got.problems) == (expected(items), [])


def test_every_variant_as_tshark_reads_it(read_bytes: Any, formats: Any, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark, the oracle of this test, is not installed")
    p = formats.Packet
    items = [p(1_700_000_000_000_000 + i * 1_234_567, bytes(60 + i), 60 + i * 2) for i in range(9)]
    ordered = [
        formats.section(order)
        + formats.interface(order, 127, {9: b"\x09"})
        + formats.interface(order, 105)
        + b"".join(formats.packet(p(i.time_us, i.data, i.original), order, 10**9) for i in items)
        + b"".join(formats.packet(p(i.time_us, i.data, i.original, 1), order) for i in items)
        + b"".join(formats.old_packet(p(i.time_us, i.data, i.original, 1), order) for i in items)
        for order in "<>"
    ]
    pcaps = [formats.pcap(items), formats.pcap(items, ">", True)]
    for content in [*pcaps, ordered[0] + ordered[1]]:
        file = tmp_path / "for-tshark"
        file.write_bytes(content)
        fields = ["frame.time_epoch", "frame.cap_len", "frame.len"]
        command = ["tshark", "-r", str(file), "-T", "fields"]
        command += [word for name in fields for word in ("-e", name)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        theirs = [line.split("\t") for line in lines.splitlines()]
        got = read_bytes(content)
        ours = [
            [f"{time_us // 10**6}.{time_us % 10**6:06d}000", str(len(data)), str(original)]
            for time_us, data, original, _ in got.records
        ]
        assert ours == theirs
        assert len(ours) >= len(items)
