"""From frame bytes to an observation: kinds, offsets, lengths that lie, bytes left unread."""

from random import Random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.sensor.decode import (
    Fcs,
    Kind,
    Observation,
    decode,
    elements,
    ssid_ends_with,
    ssid_equals,
)
from chaland.sensor.drops import Drop

RADIOTAP = pack("<BxHIBxHHb", 0, 15, 1 << 1 | 1 << 3 | 1 << 5, 0x00, 2437, 0x80, -63)
FLAGS_AT = 8
PHONE = bytes.fromhex("02a1b2c3d4e5")
BODY = b"\x00\x04cafe" + b"\x01\x04\x02\x04\x0b\x16" + b"\xff\x03\x02\x00\x01"


def header(control: int, flags: int = 0, sequence: int = 1234, fragment: int = 0) -> bytes:
    control_field = bytes([control, flags]) + b"\x3a\x01"
    return control_field + b"\xff" * 6 + PHONE + b"\xff" * 6 + pack("<H", sequence << 4 | fragment)


def frame(control: int = 0x40, flags: int = 0, fixed: int = 0, **fields: int) -> bytearray:
    high_throughput = bytes(4 if flags & 0x80 else 0)
    return bytearray(
        RADIOTAP + header(control, flags, **fields) + high_throughput + bytes(fixed) + BODY
    )


def seen(buffer: bytearray, size: int | None = None, original: int = 0) -> Observation:
    observation = Observation()
    end = len(buffer) if size is None else size
    assert decode(buffer, 0, end, 127, observation, original) is None
    return observation


def values(observation: Observation) -> tuple[object, ...]:
    return tuple(getattr(observation, name) for name in Observation.__slots__)


@pytest.mark.parametrize(
    ("control", "fixed", "kind"),
    [
        (0x40, 0, Kind.PROBE_REQUEST),
        (0x00, 4, Kind.ASSOCIATION_REQUEST),
        (0x20, 10, Kind.ASSOCIATION_REQUEST),
        (0xB0, 6, Kind.AUTHENTICATION),
        (0x80, 12, Kind.BEACON),
    ],
)
def test_management_frames_in_use(control: int, fixed: int, kind: Kind) -> None:
    buffer = frame(control, 0x08, fixed)
    observation = seen(buffer)
    assert observation.kind is kind
    assert observation.rssi_dbm == -63
    assert observation.frequency_mhz == 2437
    assert observation.fcs is Fcs.ABSENT
    assert observation.sequence == 1234
    assert observation.retry
    assert buffer[observation.address_at : observation.address_at + 6] == PHONE
    assert buffer[observation.body_at : observation.end] == BODY


@pytest.mark.parametrize("subtype", range(16))
@pytest.mark.parametrize("direction", range(4))
def test_data_counts_only_from_a_station_to_its_access_point(subtype: int, direction: int) -> None:
    buffer = frame(subtype << 4 | 0x08, direction)
    observation = Observation()
    drop = decode(buffer, 0, len(buffer), 127, observation)
    if direction == 1:
        assert drop is None
        assert observation.kind is Kind.DATA_TO_DS
        assert observation.body_at == observation.end
    else:
        assert drop is Drop.KIND_UNUSED
        assert observation.kind is Kind.OTHER


@pytest.mark.parametrize("control", [c for c in range(256) if c & 3 == 0 and c & 0x0C != 0x08])
def test_every_other_kind_is_left_unread(control: int) -> None:
    buffer = frame(control)
    drop = decode(buffer, 0, len(buffer), 127, Observation())
    assert (drop is None) == (control in (0x40, 0x00, 0x20, 0xB0, 0x80))
    assert drop in (None, Drop.KIND_UNUSED)


def test_an_unknown_protocol_version_is_dropped() -> None:
    for version in (1, 2, 3):
        buffer = frame(0x40 | version)
        assert decode(buffer, 0, len(buffer), 127, Observation()) is Drop.PROTOCOL_UNKNOWN


def test_an_unknown_link_type_is_dropped() -> None:
    for link_type in (-1, 0, 1, 113, 128):
        assert decode(frame(), 0, 40, link_type, Observation()) is Drop.LINK_TYPE_UNSUPPORTED


def test_ht_control_stands_before_the_elements() -> None:
    buffer = frame(0x40, 0x80)
    observation = seen(buffer)
    assert buffer[observation.body_at : observation.end] == BODY


@pytest.mark.parametrize(("flags", "fragment"), [(0x40, 0), (0, 3)])
def test_encrypted_or_later_fragments_have_no_elements(flags: int, fragment: int) -> None:
    observation = seen(frame(0xB0, flags, 6, fragment=fragment))
    assert observation.body_at == observation.end


def test_a_checksum_is_not_part_of_the_frame() -> None:
    buffer = frame() + b"\xde\xad\xbe\xef"
    buffer[FLAGS_AT] = 0x10
    observation = seen(buffer)
    assert observation.fcs is Fcs.GOOD
    assert buffer[observation.body_at : observation.end] == BODY


@pytest.mark.parametrize("cut", range(8))
def test_of_a_cut_frame_only_what_is_left_of_the_checksum_is_taken_off(cut: int) -> None:
    buffer = frame() + b"\xde\xad\xbe\xef"
    buffer[FLAGS_AT] = 0x10
    observation = seen(buffer, len(buffer) - cut, len(buffer))
    assert observation.end == len(buffer) - max(cut, 4)


def test_a_frame_with_a_failed_checksum_is_dropped_whatever_it_holds() -> None:
    for control in range(256):
        buffer = frame(control)
        buffer[FLAGS_AT] = 0x50
        assert decode(buffer, 0, len(buffer), 127, Observation()) is Drop.FCS_BAD


def test_bare_frames_have_no_radio_header() -> None:
    buffer = frame()[len(RADIOTAP) :]
    observation = seen(frame())  # whose signal must not survive into the next frame
    assert decode(buffer, 0, len(buffer), 105, observation) is None
    assert observation.rssi_dbm is None
    assert observation.frequency_mhz is None
    assert buffer[observation.body_at : observation.end] == BODY


WHOLE = {
    "probe": frame(),
    "association": frame(0x00, 0, 4),
    "reassociation": frame(0x20, 0, 10),
    "authentication": frame(0xB0, 0, 6),
    "data": frame(0x88, 1),
    "beacon": frame(0x80, 0, 12),
    "answer": frame(0x50, 0, 12),
}


@pytest.mark.parametrize("name", WHOLE)
def test_truncated_at_every_byte(name: str) -> None:
    whole = WHOLE[name]
    observation = Observation()
    for size in range(len(whole)):
        drop = decode(whole, 0, size, 127, observation)
        if size < len(RADIOTAP):
            assert drop is Drop.RADIO_HEADER_TRUNCATED
        elif name == "answer":
            expected = Drop.FRAME_TRUNCATED if size < len(RADIOTAP) + 2 else Drop.KIND_UNUSED
            assert drop is expected
        elif size < len(RADIOTAP) + 24:
            assert drop is Drop.FRAME_TRUNCATED
        else:
            assert drop is None
            assert observation.address_at + 6 <= observation.end == size
            assert observation.body_at <= size
            for _, at, length in elements(whole, observation.body_at, observation.end):
                assert at + length <= size


@given(st.binary(max_size=200), st.integers(0, 40), st.sampled_from([105, 119, 127, 163]))
def test_any_bytes_give_a_reason_or_offsets_inside(data: bytes, at: int, link_type: int) -> None:
    buffer = bytearray(data)
    start = min(at, len(buffer))
    observation = Observation()
    drop = decode(buffer, start, len(buffer), link_type, observation)
    if drop is None:
        assert start <= observation.frame_at < observation.address_at
        assert observation.address_at + 6 <= observation.end <= len(buffer)
        assert observation.address_at <= observation.body_at <= observation.end
        assert 0 <= observation.sequence < 4096
        ends = [a + n for _, a, n in elements(buffer, observation.body_at, observation.end)]
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= observation.end


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_bytes_behind_the_end_are_never_read(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    size = data.draw(st.integers(0, len(whole)))
    behind = data.draw(st.binary(min_size=64, max_size=64))
    outcomes = []
    for tail in (bytes(64), behind):
        observation = Observation()
        buffer = bytearray(whole[:size] + tail)
        drop = decode(buffer, 0, size, 127, observation)
        walk = list(elements(buffer, observation.body_at, observation.end)) if not drop else []
        outcomes.append((drop, values(observation), walk))
    assert outcomes[0] == outcomes[1]


NEEDED = {0, *range(2, 12), 14} | {len(RADIOTAP) + at for at in (0, 1, 22, 23)}
"""What the decoder may read: version, lengths, present, flags, frequency, signal; then frame
control and sequence control. Not the addresses (it only says where one is), not the rest."""


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_beyond_the_needed_bytes_is_read(name: str) -> None:
    random = Random(name)
    whole = WHOLE[name]
    outcomes = set()
    for _ in range(200):
        noisy = bytearray(random.randbytes(len(whole)))
        for at in NEEDED:
            noisy[at] = whole[at]
        observation = Observation()
        outcomes.add((decode(noisy, 0, len(noisy), 127, observation), values(observation)))
    assert len(outcomes) == 1


element_lists = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=255)), max_size=12)


@given(element_lists)
def test_elements_are_walked_in_order(items: list[tuple[int, bytes]]) -> None:
    body = bytearray(b"".join(bytes([tag, len(value)]) + value for tag, value in items))
    walked = [(tag, bytes(body[at : at + n])) for tag, at, n in elements(body, 0, len(body))]
    assert walked == items


@given(element_lists, st.integers(0, 400))
def test_a_cut_body_gives_the_whole_elements_then_what_is_left(
    items: list[tuple[int, bytes]], size: int
) -> None:
    body = bytearray(b"".join(bytes([tag, len(value)]) + value for tag, value in items))
    size = min(size, len(body))
    whole = list(elements(body, 0, len(body)))
    cut = [(tag, at, min(n, size - at)) for tag, at, n in whole if at <= size]
    assert list(elements(body, 0, size)) == cut


def test_the_value_of_an_element_is_not_read() -> None:
    random = Random(7)
    body = bytearray(BODY)
    expected = list(elements(body, 0, len(body)))
    inside = [at + i for _, at, n in expected for i in range(n)]
    for _ in range(100):
        for at in inside:
            body[at] = random.randrange(256)
        assert list(elements(body, 0, len(body))) == expected


def test_network_names_are_compared_in_place() -> None:
    buffer = frame()
    observation = seen(buffer)
    assert ssid_equals(buffer, observation, b"cafe")
    assert not ssid_equals(buffer, observation, b"caf")
    assert not ssid_equals(buffer, observation, b"cafe\x01")
    assert not ssid_equals(buffer, observation, b"")
    assert ssid_ends_with(buffer, observation, b"fe")
    assert not ssid_ends_with(buffer, observation, b"xcafe")


def test_a_name_cut_short_or_missing_is_no_match() -> None:
    buffer = frame()
    cut = seen(buffer, len(RADIOTAP) + 24 + 5)
    assert not ssid_equals(buffer, cut, b"cafe")
    nameless = bytearray(RADIOTAP + header(0x40) + b"\x01\x01\x02")
    assert not ssid_equals(nameless, seen(nameless), b"")
    assert not ssid_ends_with(nameless, seen(nameless), b"-optout")


def test_only_the_first_name_counts() -> None:
    buffer = bytearray(RADIOTAP + header(0x40) + b"\x00\x01a\x00\x01b")
    assert ssid_equals(buffer, seen(buffer), b"a")
    assert not ssid_equals(buffer, seen(buffer), b"b")
