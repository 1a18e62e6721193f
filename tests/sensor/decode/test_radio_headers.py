"""Radio headers: radiotap against a builder written from its rules, Prism and AVS by hand."""

from random import Random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.sensor.decode import Fcs, Kind, Observation, decode, radiotap
from chaland.sensor.drops import Drop

FRAME = bytes.fromhex("40000000ffffffffffff02a1b2c3d4e5ffffffffffff1000") + b"\x00\x00"

# Fields by bit: alignment, size; written down anew from radiotap.org.
FIELDS = {
    0: (8, 8), 1: (1, 1), 2: (1, 1), 3: (2, 4), 4: (2, 2), 5: (1, 1), 6: (1, 1), 7: (2, 2),
    8: (2, 2), 9: (2, 2), 10: (1, 1), 11: (1, 1), 12: (1, 1), 13: (1, 1), 14: (2, 2), 15: (2, 2),
    16: (1, 1), 17: (1, 1), 18: (4, 8), 19: (1, 3), 20: (4, 8), 21: (2, 12), 22: (8, 12),
    23: (2, 12), 24: (2, 12), 25: (2, 6), 26: (1, 1), 27: (2, 4),
}  # fmt: skip

Namespace = tuple[str, frozenset[int] | bytes]


def build(namespaces: list[Namespace], values: dict[int, bytes]) -> bytearray:
    """Build a header of radiotap namespaces (sets of bits) and vendor namespaces (their data).

    ``values`` are given to the fields' first occurrence; later ones are filled with 0x7e.
    """
    given_values = dict(values)
    words = []
    for at, (kind, content) in enumerate(namespaces):
        word = sum(1 << bit for bit in content) if kind == "radiotap" else 0b1011
        if at + 1 < len(namespaces):
            follows_vendor = namespaces[at + 1][0] == "vendor"
            word |= 1 << 31 | (1 << 30 if follows_vendor else 1 << 29)
        words.append(word)
    out = bytearray(4 + 4 * len(words))
    for kind, content in namespaces:
        if kind == "vendor":
            out += bytes(len(out) % 2) + b"\x00\x50\x43\x01" + pack("<H", len(content)) + content
            continue
        for bit in sorted(content):
            alignment, size = FIELDS[bit]
            out += bytes(-len(out) % alignment) + given_values.pop(bit, b"\x7e" * size)
    out[:4] = pack("<BxH", 0, len(out))
    for at, word in enumerate(words):
        out[4 + 4 * at : 8 + 4 * at] = pack("<I", word)
    return out


bits = st.frozensets(st.sampled_from(sorted(FIELDS)))
later = st.lists(
    st.tuples(st.just("radiotap"), bits) | st.tuples(st.just("vendor"), st.binary(max_size=30)),
    max_size=5,
)


@given(
    bits, later, st.sampled_from([0x00, 0x02, 0x10]), st.integers(0, 65535), st.integers(-128, 127)
)
def test_any_well_formed_header_is_read(
    first: frozenset[int], more: list[Namespace], flags: int, frequency: int, signal: int
) -> None:
    values = {1: bytes([flags]), 3: pack("<HH", frequency, 0x80), 5: pack("<b", signal)}
    namespaces: list[Namespace] = [("radiotap", first), *more]
    header = build(namespaces, values)
    present = set().union(*(content for kind, content in namespaces if kind == "radiotap"))
    for prefix in (b"", b"\xff" * 5):  # alignment counts from the header, not from the buffer
        buffer = bytearray(prefix) + header + FRAME + bytes(4)
        observation = Observation()
        assert decode(buffer, len(prefix), len(buffer), 127, observation) is None
        assert observation.kind is Kind.PROBE_REQUEST
        assert observation.frame_at == len(prefix) + len(header)
        assert observation.rssi_dbm == (signal if 5 in present else None)
        assert observation.frequency_mhz == (frequency if 3 in present else None)
        has_checksum = 1 in present and flags == 0x10
        assert observation.fcs is (Fcs.GOOD if has_checksum else Fcs.ABSENT)


@given(bits, later, st.data())
def test_a_header_shorter_than_its_fields_is_malformed(
    first: frozenset[int], more: list[Namespace], data: st.DataObject
) -> None:
    header = build([("radiotap", first), *more], {})
    claimed = data.draw(st.integers(0, len(header) - 1))
    header[2:4] = pack("<H", claimed)
    buffer = header + FRAME
    drop = decode(buffer, 0, len(buffer), 127, Observation())
    assert drop is Drop.RADIO_HEADER_MALFORMED


def test_padding_behind_the_fields_is_skipped() -> None:
    header = build([("radiotap", frozenset({5}))], {5: b"\xc0"}) + bytes(7)
    header[2:4] = pack("<H", len(header))
    observation = Observation()
    buffer = header + FRAME
    assert decode(buffer, 0, len(buffer), 127, observation) is None
    assert observation.rssi_dbm == -64


def test_what_follows_an_unknown_field_is_not_guessed() -> None:
    header = build([("radiotap", frozenset({5})), ("radiotap", frozenset({3}))], {5: b"\xc0"})
    word = int.from_bytes(header[4:8], "little") | 1 << 28
    header[4:8] = pack("<I", word)
    observation = Observation()
    buffer = header + FRAME
    assert decode(buffer, 0, len(buffer), 127, observation) is None
    assert (observation.rssi_dbm, observation.frequency_mhz) == (-64, None)


def test_endless_present_words_are_refused_at_once() -> None:
    header = pack("<BxH", 0, 65_532) + b"\xff" * 65_528
    buffer = bytearray(header + FRAME)
    assert decode(buffer, 0, len(buffer), 127, Observation()) is Drop.RADIO_HEADER_MALFORMED


def test_a_flood_of_layouts_does_not_fill_the_memory() -> None:
    random = Random(1)
    observation = Observation()
    for _ in range(2000):
        chosen = frozenset(bit for bit in FIELDS if random.random() < 0.5)
        buffer = build([("radiotap", chosen)], {1: b"\0", 5: b"\xc0"}) + FRAME
        assert decode(buffer, 0, len(buffer), 127, observation) is None
        assert observation.rssi_dbm == (-64 if 5 in chosen else None)
    assert len(radiotap._layouts) <= 256


def prism(order: str, signal: int = -57, channel: int = 11, status: int = 0) -> bytes:
    items = [(0x00010044, 0, 1), (0x00030044, 0, channel), (0x00040044, 0, 40)]
    items += [(0x00060044, status, signal), (0x000A0044, 0, len(FRAME))]
    body = b"".join(pack(order + "IHHi", did, off, 4, value) for did, off, value in items)
    return pack(order + "II16s", 0x44, 24 + len(body), b"wlan0") + body


def avs(signal: int = -57, channel: int = 11, unit: int = 2) -> bytes:
    head = pack(">IIQQIIIIII", 0x80211001, 64, 1, 2, 4, channel, 10, 0, 0, unit)
    return head + pack(">iiII", signal, -95, 0, 0)


@pytest.mark.parametrize("radio", [prism("<"), prism(">"), avs()], ids=["little", "big", "avs"])
def test_older_radio_headers(radio: bytes) -> None:
    buffer = bytearray(radio + FRAME)
    observation = Observation()
    assert decode(buffer, 0, len(buffer), 119, observation) is None
    assert observation.kind is Kind.PROBE_REQUEST
    assert (observation.rssi_dbm, observation.frequency_mhz) == (-57, 2462)
    for size in range(len(radio)):
        assert decode(buffer, 0, size, 119, observation) is Drop.RADIO_HEADER_TRUNCATED


@pytest.mark.parametrize("radio", [prism("<", status=1), prism(">", 57), avs(unit=1), avs(40)])
def test_a_signal_that_is_no_dbm_is_not_taken_for_one(radio: bytes) -> None:
    buffer = bytearray(radio + FRAME)
    observation = Observation()
    assert decode(buffer, 0, len(buffer), 119, observation) is None
    assert observation.rssi_dbm is None


@pytest.mark.parametrize(
    ("channel", "frequency"),
    [(1, 2412), (13, 2472), (14, 2484), (36, 5180), (165, 5825), (0, None), (20, None), (-1, None)],
)
def test_channels_become_frequencies(channel: int, frequency: int | None) -> None:
    buffer = bytearray(prism("<", channel=channel) + FRAME)
    observation = Observation()
    assert decode(buffer, 0, len(buffer), 119, observation) is None
    assert observation.frequency_mhz == frequency


@pytest.mark.parametrize("length", [0, 23, 25, 10_000, 0xFFFFFFFF])
def test_a_lying_length_is_a_reason(length: int) -> None:
    for order in "<>":
        radio = bytearray(prism(order) + FRAME)
        radio[4:8] = pack(order + "I", length)
        drop = decode(radio, 0, len(radio), 119, Observation())
        assert drop is not None or length == 25
    radio = bytearray(b"\x12" * 200)
    assert decode(radio, 0, 200, 119, Observation()) is Drop.RADIO_HEADER_MALFORMED
