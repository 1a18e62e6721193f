"""What a probe request adds to a window, by the stable fingerprint and by time."""

from typing import Any

import pytest

from chaland.wire.summary import Mode

VENDOR = b"\xdd\x09\x00\x50\xf2\x04uuid1"
OTHER_DEVICE = b"\xdd\x09\x00\x50\xf2\x04uuid2"
OTHER_TYPE = b"\xdd\x09\x00\x50\xf2\x08uuid1"
FILS = b"\xff\x03\x02\x11\x22"
OTHER_FILS = b"\xff\x03\x02\x33\x44"
HE = b"\xff\x02\x23\x01"
RATES = b"\x01\x02\x82\x84"
CHANNEL = b"\x03\x01\x06"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (RATES, RATES, True),
        (RATES, b"\x01\x02\x82\x85", False),
        (RATES + CHANNEL, RATES + b"\x03\x01\x0b", True),
        (RATES + CHANNEL, RATES, True),
        (RATES + HE, HE + RATES, False),
        (VENDOR, OTHER_DEVICE, True),
        (VENDOR, OTHER_TYPE, False),
        (FILS, OTHER_FILS, True),
        (FILS, b"\xff\x03\x05\x11\x22", False),
        (HE, b"\xff\x02\x23\x02", False),
        (b"\x01\x01\x82\x2d\x01\x00", b"\x01\x04\x82\x2d\x01\x00", False),
        (b"\xdd\x02\x00\x50", b"\xdd\x02\x00\x51", False),
    ],
)
def test_which_phones_share_a_fingerprint(
    new_air: Any, address: Any, cells_of: Any, one: bytes, other: bytes, same: bool
) -> None:
    air = new_air()
    air.ticks(0, 300)
    air.probe(3, address(1), one, ssid=b"home")
    air.probe(3.5, address(2), other)
    assert cells_of(air.in_order())[0].fingerprints == (1 if same else 2)


def test_pairs_of_fingerprint_and_time(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    """Same model: a minute makes one fingerprint, five seconds one scan; windows are summed."""
    air = new_air()
    air.ticks(0, 900)
    for who, at_s in enumerate([10, 11, 16, 70, 310]):
        air.probe(at_s, address(who), elements(1))
    cell = cells_of(air.in_order())[0]
    assert (cell.windows, cell.fingerprints, cell.scans) == (3, 3, 4)


def test_only_the_first_frame_of_an_address_counts_in_a_window(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 900)
    for at_s in (10, 100, 250, 301):
        air.probe(at_s, address(1), elements(at_s % 7))
    cell = cells_of(air.in_order())[0]
    assert (cell.fingerprints, cell.scans) == (2, 2)


def test_only_probes_within_the_visitor_gate_count(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 300)
    air.probe(1, address(1), elements(1), rssi_dbm=-70)
    air.probe(2, address(2), elements(2), rssi_dbm=-71)
    air.data(3, address(3))
    assert cells_of(air.in_order())[0].fingerprints == 1


def test_strict_mode_counts_by_signal_and_time_whatever_the_elements(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    cells = []
    for change in (0, 5):
        air = new_air()
        air.ticks(0, 300)
        air.probe(1, address(1), elements(1 + change), rssi_dbm=-60)
        air.probe(2, address(2), elements(2 + change), rssi_dbm=-57)  # the same 5 dB
        air.probe(3, address(3), elements(3 + change), rssi_dbm=-61)  # the next
        air.probe(7, address(4), elements(4 + change), rssi_dbm=-60)  # the next 5 s
        cells.append(cells_of(air.in_order(), mode=Mode.STRICT)[0])
    assert cells[0] == cells[1]
    assert (cells[0].fingerprints, cells[0].scans) == (0, 3)


def test_a_body_of_endless_elements_is_counted_and_harmless(
    new_air: Any, address: Any, cells_of: Any
) -> None:
    air = new_air()
    air.buffer = bytearray(20_000)
    air.ticks(0, 300)
    air.probe(1, address(1), b"\x2d\xff" + bytes(255) * 1 + b"\x01\xff" * 5000)
    assert cells_of(air.in_order())[0].fingerprints == 1
