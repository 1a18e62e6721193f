"""The decoder against tshark, an independent oracle, on every frame of every reference capture.

``oracle_tshark*.csv.gz`` holds tshark's fields for each frame. The adapter here turns our
observations into full rows of that table. Where tshark's column means something else than what
the sensor needs, the adapter says so, and computes tshark's column from the same bytes.
"""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaland.sensor.capture import open_source
from chaland.sensor.decode import Fcs, Kind, Observation, decode, elements
from chaland.sensor.drops import Drop

Row = dict[str, str]

SETS = {"cagliari": 32_346, "polimi": 7_003, "rusca_generator": 20_456, "tcpdump_tests": 41}

COLUMNS = (
    *("file", "frame", "time_epoch", "type_subtype", "sa", "seq", "retry", "ssid_len_first_tag"),
    *("tag_numbers", "tag_lengths", "ext_tag_numbers"),
    *("rssi_dbm", "freq_mhz", "fcs_status", "frame_len"),
)

MANAGEMENT, DATA = 0, 2
FIXED_OF_ANSWERS = {0x1: 6, 0x3: 6, 0x5: 12}
"""Fixed fields before the elements of (re)association and probe responses."""


DEVIATIONS: dict[tuple[str, str], dict[str, tuple[str, str]]] = {
    # tshark gives a frame up when the INSIDE of an element is malformed (here an RSN element's
    # cipher list). We never look inside, so the walk goes on; (tshark's value, ours).
    ("ieee802.11_parse_elements_oobr.pcap", "1"): {
        "tag_numbers": ("48", "48;48;48;5;48"),
        "tag_lengths": ("11", "11;4;20;130;48"),
    },
    # Radiotap version 48, then protocol version 1: tshark guesses on; for us the radio header is
    # malformed and the frame dropped.
    ("ieee802.11_rates_oobr.pcap", "1"): {"seq": ("771", "")},
}

PROBE_REQUEST = bytes.fromhex("40000000ffffffffffff02aabbccddeeffffffffffff1000") + b"\0\0"


def rows_of(capture: Path) -> Iterator[Row]:
    source = open_source(capture)
    observation = Observation()
    for number, record in enumerate(source, 1):
        row = {name: "" for name in COLUMNS}
        row["file"], row["frame"] = capture.name, str(number)
        row["time_epoch"] = f"{record[0] // 10**6}.{record[0] % 10**6:06d}000"
        row["frame_len"] = str(record[3])
        drop = decode(source.buffer, *record[1:3], source.link_type, observation, record[3])
        if drop in (None, Drop.KIND_UNUSED):
            _fill(row, source.buffer, observation, record, used=drop is None)
        yield row
    assert not source.problems or source.link_type == 1


def _fill(
    row: Row, buffer: bytearray, seen: Observation, record: tuple[int, ...], *, used: bool
) -> None:
    at, end = seen.frame_at, seen.end
    control, flags = buffer[at], buffer[at + 1]
    kind, subtype = control >> 2 & 3, control >> 4
    row["type_subtype"] = f"0x{kind << 4 | subtype:04x}"
    row["retry"] = str(int(flags & 8 != 0))
    row["rssi_dbm"] = "" if seen.rssi_dbm is None else str(seen.rssi_dbm)
    row["freq_mhz"] = "" if seen.frequency_mhz is None else str(seen.frequency_mhz)
    if seen.fcs is Fcs.GOOD:
        crc = zlib.crc32(buffer[at:end]).to_bytes(4, "little")
        row["fcs_status"] = str(int(crc == buffer[end : end + 4]))
    if used:
        row["sa"] = buffer[seen.address_at : seen.address_at + 6].hex(":")
        row["seq"] = str(seen.sequence)
        _fill_elements(row, buffer, seen.body_at, end)
    elif kind in (MANAGEMENT, DATA) and end - at >= 24:
        # The decoder leaves these frames unread; the columns are filled here from the header, so
        # that the walk over elements is compared on answers too.
        row["sa"] = buffer[at + 10 : at + 16].hex(":")
        row["seq"] = str(int.from_bytes(buffer[at + 22 : at + 24], "little") >> 4)
        if kind == MANAGEMENT and subtype in FIXED_OF_ANSWERS:
            _fill_elements(row, buffer, at + 24 + FIXED_OF_ANSWERS[subtype], end)


def _fill_elements(row: Row, buffer: bytearray, body_at: int, end: int) -> None:
    tags = list(elements(buffer, body_at, end))
    row["tag_numbers"] = ";".join(str(tag) for tag, _, _ in tags)
    # tshark has the length of an extended element (255) under another name, not in this column.
    lengths = [(tag, buffer[at - 1]) for tag, at, _ in tags if tag != 255]
    row["tag_lengths"] = ";".join(str(length) for _, length in lengths)
    row["ext_tag_numbers"] = ";".join(str(buffer[at]) for tag, at, n in tags if tag == 255 and n)
    row["ssid_len_first_tag"] = next((str(length) for tag, length in lengths if tag == 0), "")


@pytest.mark.parametrize("name", SETS)
def test_every_frame_and_column_as_tshark_reads_it(name: str, shared_data: Path) -> None:
    folder = shared_data / "wifi" / name
    (oracle,) = folder.glob("oracle_tshark*.csv.gz")
    with gzip.open(oracle, "rt", newline="") as lines:
        expected = list(csv.DictReader(lines))
    assert len(expected) == SETS[name]
    files = dict.fromkeys(row["file"] for row in expected)
    found = [row for file in files for row in rows_of(folder / file)]
    assert len(found) == len(expected)
    for theirs, ours in zip(expected, found, strict=True):
        # tshark lists the signal of each antenna; the sensor uses the first.
        theirs["rssi_dbm"] = theirs["rssi_dbm"].split(";")[0]
        known = DEVIATIONS.get((theirs["file"], theirs["frame"]), {})
        differing = {
            column: (theirs[column], ours[column])
            for column in COLUMNS
            if theirs[column] != ours[column]
        }
        assert differing == known, f"{theirs['file']} frame {theirs['frame']}"


def test_all_captures_of_the_room_decode_without_a_problem(shared_data: Path) -> None:
    captures = sorted((shared_data / "wifi" / "brno").glob("*.pcap.gz"))
    assert len(captures) == 32
    observation = Observation()
    for capture in captures:
        source = open_source(capture)
        frames = 0
        for _, start, end, original in source:
            drop = decode(source.buffer, start, end, source.link_type, observation, original)
            assert drop is None
            assert observation.kind is Kind.PROBE_REQUEST
            assert observation.rssi_dbm is not None
            frames += 1
        assert frames > 1000
        assert not source.problems


def test_malformed_captures_give_their_reasons(shared_data: Path) -> None:
    folder = shared_data / "wifi" / "tcpdump_tests"
    reasons = {}
    for capture in sorted(folder.glob("*.pcap")):
        source = open_source(capture)
        observation = Observation()
        reasons[capture.stem] = Counter(
            decode(source.buffer, start, end, source.link_type, observation, original)
            for _, start, end, original in source
        )
        assert not source.problems
    assert reasons["radiotap-heapoverflow"] == {Drop.RADIO_HEADER_MALFORMED: 1}
    assert reasons["ieee802.11_meshhdr-oobr"] == {Drop.RADIO_HEADER_MALFORMED: 1}
    assert reasons["ieee802.11_rates_oobr"] == {Drop.RADIO_HEADER_MALFORMED: 1}
    assert reasons["ieee802.11_tim_ie_oobr"] == {Drop.KIND_UNUSED: 4}
    assert reasons["ieee802.11_parse_elements_oobr"] == {None: 1}


RADIOTAP_CHECK = {
    # name: (drop, fcs, frequency), with a probe request put behind the header
    "0": (None, Fcs.ABSENT, None),
    "00": (None, Fcs.ABSENT, None),
    "0fcs": (None, Fcs.ABSENT, None),
    "0v0": (None, Fcs.ABSENT, None),
    "0v0-2": (None, Fcs.ABSENT, None),
    "0v0-3": (None, Fcs.ABSENT, None),
    "0v0-4": (None, Fcs.ABSENT, None),
    "1": (None, Fcs.GOOD, None),
    "malformed-vendor": (Drop.RADIO_HEADER_MALFORMED, None, None),
    "unparsed-vendor": (None, Fcs.GOOD, 2462),
}


@pytest.mark.parametrize("name", RADIOTAP_CHECK)
def test_radiotap_headers_of_the_reference_library(name: str, shared_data: Path) -> None:
    folder = shared_data / "wifi" / "radiotap_check"
    assert {file.stem for file in folder.glob("*.bin")} == set(RADIOTAP_CHECK)
    drop, fcs, frequency = RADIOTAP_CHECK[name]
    header = (folder / f"{name}.bin").read_bytes()
    says_malformed = "malformed" in (folder / f"{name}.out").read_text()
    assert says_malformed == (drop is Drop.RADIO_HEADER_MALFORMED)
    frame = bytearray(header + PROBE_REQUEST + bytes(4))
    observation = Observation()
    assert decode(frame, 0, len(frame), 127, observation) == drop
    if drop is None:
        assert observation.kind is Kind.PROBE_REQUEST
        assert observation.frame_at == len(header)
        assert (observation.fcs, observation.frequency_mhz) == (fcs, frequency)
    # The same headers cut anywhere: a reason, never an exception.
    for size in range(len(header)):
        assert decode(frame, 0, size, 127, observation) in (
            Drop.RADIO_HEADER_TRUNCATED,
            Drop.RADIO_HEADER_MALFORMED,
        )
