"""Captures from a pipe, as they are made: ticks, erasure before waiting, stalls."""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any

import pytest

from chaland.sensor.capture import Record, StreamSource
from chaland.sensor.capture.health import is_beacon
from chaland.sensor.capture.stream import RawReader
from chaland.sensor.decode import Observation, decode
from chaland.wire.summary import State

ADDRESS = bytes.fromhex("02c0ffee0001")
RADIOTAP = bytes.fromhex("0000090020000000c4")


def probe(sequence: int = 1, address: bytes = ADDRESS) -> bytes:
    rest = b"\xff" * 6 + (sequence << 4).to_bytes(2, "little") + b"\0\0"
    return RADIOTAP + b"\x40\0\0\0" + b"\xff" * 6 + address + rest


@pytest.fixture
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaland.sensor.capture.stream.TICK_S", 0.05)


@pytest.fixture
def pipe() -> Iterator[tuple[io.FileIO, StreamSource]]:
    read_end, write_end = os.pipe()
    source = StreamSource("pipe", RawReader(read_end))
    with os.fdopen(write_end, "wb", 0) as writer:
        yield writer, source


def test_frames_come_out_as_soon_as_they_are_in(pipe: Any, formats: Any) -> None:
    writer, source = pipe
    records = iter(source)
    capture = formats.pcap([formats.Packet(10**15 + i, probe(i)) for i in range(3)])
    writer.write(capture[:24])
    size = len(probe()) + 16
    for i in range(3):
        writer.write(capture[24 + i * size : 24 + (i + 1) * size])
        time_us, start, end, _ = next(records)
        assert time_us == 10**15 + i
        assert source.buffer[start:end] == probe(i)
    writer.close()
    assert list(records) == []
    assert source.problems == []
    assert ADDRESS not in source.buffer


@pytest.mark.usefixtures("quick_ticks")
def test_what_is_consumed_is_overwritten_before_waiting(pipe: Any, formats: Any) -> None:
    writer, source = pipe
    writer.write(formats.pcap([formats.Packet(10**15, probe(i)) for i in range(3)]))
    records = iter(source)
    for _ in range(3):
        next(records)
    assert ADDRESS in source.buffer
    _, start, end, _ = next(records)  # a tick: the source has waited
    assert (start, end) == (0, 0)
    assert ADDRESS not in source.buffer


def test_ticks_go_on_from_the_last_frame(pipe: Any, formats: Any) -> None:
    writer, source = pipe
    writer.write(formats.pcap([formats.Packet(10**15, probe())]))
    records = iter(source)
    next(records)
    began = time.monotonic()
    ticks = [next(records)[0] for _ in range(2)]
    waited_s = time.monotonic() - began
    first, second = [(tick - 10**15) / 1e6 for tick in ticks]
    assert first > 0.9
    assert second - first > 0.9
    assert second == pytest.approx(waited_s, abs=2)  # the time that passes


@pytest.mark.usefixtures("quick_ticks")
def test_ticks_before_the_first_frame_are_now(pipe: Any) -> None:
    _, source = pipe
    time_us, _, end, _ = next(iter(source))
    assert end == 0
    assert abs(time_us / 1e6 - time.time()) < 5


@pytest.mark.parametrize("pcapng", [False, True])
@pytest.mark.usefixtures("quick_ticks")
def test_half_a_frame_does_not_wait_in_memory(pipe: Any, formats: Any, pcapng: bool) -> None:
    writer, source = pipe
    items = [formats.Packet(10**15 + i, probe(i)) for i in range(2)]
    content = formats.pcap(items)
    if pcapng:
        content = formats.section() + formats.interface()
        content += b"".join(formats.packet(item) for item in items)
    half = content.index(ADDRESS) + 8
    writer.write(content[:half])
    records, observation = iter(source), Observation()
    assert next(records)[2] == 0
    assert ADDRESS not in source.buffer
    writer.write(content[half:])
    _, start, end, original = next(records)
    assert start == end > 0  # the frame is lost, and counted as cut off
    drop = decode(source.buffer, start, end, source.link_type, observation, original)
    assert drop == "radio-header-truncated"
    _, start, end, _ = next(records)
    assert source.buffer[start:end] == probe(1)


def test_a_slow_writer_loses_nothing(pipe: Any, formats: Any) -> None:
    writer, source = pipe
    content = formats.pcap([formats.Packet(10**15 + i, probe(i)) for i in range(20)])

    def drip() -> None:
        for at in range(0, len(content), 7):
            writer.write(content[at : at + 7])
        writer.close()

    thread = threading.Thread(target=drip)
    thread.start()
    frames = [bytes(source.buffer[s:e]) for _, s, e, _ in source if e]
    thread.join()
    assert frames == [probe(i) for i in range(20)]


def test_a_gzip_stream_is_passed_on_without_waiting(pipe: Any, formats: Any) -> None:
    import gzip

    writer, source = pipe
    items = [formats.Packet(10**15 + i, bytes(60_000)) for i in range(50)]  # unpacks to 3 MB
    writer.write(gzip.compress(formats.pcap(items)))
    records = iter(source)
    began = time.monotonic()
    assert all(next(records)[2] for _ in range(49))
    assert time.monotonic() - began < 10  # a second's wait for each would be 49


def test_standard_input_is_a_source(formats: Any, tmp_path: Path) -> None:
    content = formats.pcap([formats.Packet(i, probe(i)) for i in range(1000)])
    code = (
        "from chaland.sensor.capture import open_source\n"
        "s = open_source('-')\n"
        "print(sum(1 for r in s if r[2]), s.link_type, list(s.problems), s.buffer.count(0xee))"
    )
    piped = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, check=True
    )
    assert piped.stdout.split() == [b"1000", b"127", b"[]", b"0"]
    file = tmp_path / "capture.pcap"
    file.write_bytes(content)
    with file.open("rb") as stdin:
        redirected = subprocess.run(
            [sys.executable, "-c", code], stdin=stdin, capture_output=True, check=True
        )
    assert redirected.stdout == piped.stdout


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def judged() -> Any:
    """A health with a clock in hand, fed with records of a buffer."""
    from chaland.sensor.capture.health import Health
    from chaland.sensor.capture.stream import ByteStream

    clock = Clock()
    health = Health(watches=True, clock=clock)
    read_end, write_end = os.pipe()
    os.close(write_end)
    with RawReader(read_end) as reader:
        stream = ByteStream("test", reader)
        stream.link_type = 127

        def feed(frame: bytes, after_s: float) -> State:
            clock.now += after_s
            stream.buffer[: len(frame)] = frame
            record: Record = (0, 0, len(frame), len(frame))
            assert list(health.watch(iter([record]), stream)) == [record]
            clock.now += 0.001
            list(health.watch(iter([(0, 0, 0, 0)]), stream))
            return health.state

        yield health, feed


BEACON = RADIOTAP + b"\x80" + bytes(40)
HOTSPOT_BEACON = RADIOTAP + b"\x80" + bytes(9) + b"\x02" + bytes(30)
NOTHING = b""


def test_a_quiet_street_is_not_a_deaf_radio(judged: Any) -> None:
    health, feed = judged
    assert [feed(BEACON, 5) for _ in range(100)] == [State.OK] * 100
    assert "beacons are heard" in health.message


def test_beacons_that_stop_are_a_deaf_radio_even_while_phones_are_heard(judged: Any) -> None:
    health, feed = judged
    assert feed(BEACON, 1) is State.OK
    assert feed(probe(), 119) is State.OK
    assert feed(probe(), 2) is State.DEAF
    assert "gone deaf" in health.message
    assert feed(BEACON, 1) is State.OK


def test_no_beacon_since_the_start_is_a_silent_failure(judged: Any) -> None:
    health, feed = judged
    assert feed(NOTHING, 100) is State.OK
    assert feed(NOTHING, 30) is State.NO_FRAMES
    assert "monitor mode may not really be on" in health.message
    health.started()
    assert feed(NOTHING, 100) is State.OK


def test_no_frame_of_a_phone_changes_the_state(judged: Any) -> None:
    """The state leaves the sensor, so it may tell nothing of who is there."""
    _, feed = judged
    assert feed(probe(), 130) is State.NO_FRAMES
    assert feed(probe(), 1) is State.NO_FRAMES
    assert feed(HOTSPOT_BEACON, 1) is State.NO_FRAMES


def with_radio_header(link_type: int, frame: bytes) -> bytes:
    if link_type == 105:
        return frame
    if link_type == 127:
        return pack("<BxHI", 0, 8, 0) + frame
    if link_type == 119:
        return pack("<II16s", 0x44, 24, b"wlan0") + frame
    return pack(">II56x", 0x80211001, 64) + frame


@pytest.mark.parametrize("link_type", [105, 119, 127, 163])
def test_a_beacon_is_known_behind_each_radio_header_that_is_decoded(link_type: int) -> None:
    access_point, hotspot = bytes.fromhex("0011223344aa"), bytes.fromhex("0211223344aa")
    for sender, known in ((access_point, True), (hotspot, False)):
        frame = b"\x80\0\0\0" + b"\xff" * 6 + sender * 2 + bytes(14)
        buffer = bytearray(b"before" + with_radio_header(link_type, frame))
        assert decode(buffer, 6, len(buffer), link_type, Observation()) is None
        assert is_beacon(buffer, 6, len(buffer), link_type) is known
        for end in range(6, len(buffer) - len(frame) + 11):
            assert not is_beacon(buffer, 6, end, link_type)
    noise = bytearray(b"\x12" * 100)
    assert not is_beacon(noise, 0, 100, link_type)
