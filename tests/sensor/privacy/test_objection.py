"""Objection: recognised by the network's name in place, kept as one bit of 2^16."""

import hashlib
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.sensor.decode import Kind, Observation
from chaland.sensor.privacy.keys import pointer_to
from chaland.sensor.privacy.objection import NetworkName, ObjectionFilter
from chaland.wire.exchange import FILTER_BITS, FILTER_BYTES
from chaland.wire.mechanism import DEFAULT_MECHANISM


def seen(body: bytes, kind: Kind = Kind.PROBE_REQUEST) -> tuple[bytearray, Observation]:
    observation = Observation()
    observation.kind, observation.body_at, observation.end = kind, 0, len(body)
    return bytearray(body), observation


def element(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


@pytest.mark.parametrize(
    ("ssid", "whole", "suffix"),
    [
        (b"chaland-optout", True, True),
        (b"home-chaland-optout", False, True),
        (b"chaland-optouT", False, False),
        (b"chaland-optout2", False, False),
        (b"optout", False, False),
        (b"", False, False),
    ],
)
@pytest.mark.parametrize("before", [b"", element(1, b"\x82\x84")])
def test_names(ssid: bytes, whole: bool, suffix: bool, before: bytes) -> None:
    frame = seen(before + element(0, ssid) + element(3, b"\x06"))
    assert NetworkName("chaland-optout", False).is_named_by(*frame) is whole
    assert NetworkName("chaland-optout", True).is_named_by(*frame) is suffix


@pytest.mark.parametrize("kind", list(Kind))
def test_only_frames_that_look_for_or_join_a_network_count(kind: Kind) -> None:
    named = NetworkName("chaland-optout", False).is_named_by(
        *seen(element(0, b"chaland-optout"), kind)
    )
    assert named is (kind in (Kind.PROBE_REQUEST, Kind.ASSOCIATION_REQUEST))


@given(st.binary(max_size=80))
def test_hostile_bodies_never_raise(body: bytes) -> None:
    NetworkName("chaland-optout", True).is_named_by(*seen(body))


@pytest.mark.parametrize("name", ["", "x" * 33])
def test_a_name_that_no_network_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 32 bytes"):
        NetworkName(name, False)


def test_the_filter_holds_what_was_added_and_little_else() -> None:
    objections = ObjectionFilter()
    addresses = [bytearray(b"\x02\xaa" + n.to_bytes(4, "big")) for n in range(10_100)]
    pointers = [pointer_to(address) for address in addresses]
    assert not any(map(objections.holds, pointers))
    for number, pointer in enumerate(pointers[:100]):
        if number % 50 == 0:
            objections.begin_window()
        objections.add(pointer)
    assert all(map(objections.holds, pointers[:100]))
    assert sum(map(objections.holds, pointers[100:])) < 40  # expected 15
    assert objections.share_excluded == pytest.approx(100 / FILTER_BITS, rel=0.05)


def test_forged_objections_cannot_blind_a_shop() -> None:
    objections, limits = ObjectionFilter(), DEFAULT_MECHANISM.objection
    numbers = iter(range(10_000))
    for expected in (limits.new_in_a_window, limits.new_in_a_day, limits.new_in_a_day):
        for forged in islice(numbers, 1_000):
            objections.add(place(forged))
        assert objections.share_excluded == expected / FILTER_BITS
        objections.begin_window()
    late = place(next(numbers))
    assert not objections.add(late)
    assert not objections.holds(late)
    assert len(objections.take_new()) == limits.new_in_a_day
    objections.begin_day()
    assert objections.add(late)
    assert objections.holds(late)
    assert not objections.add(late), "its bit is set"


def test_the_bit_is_the_published_hash_and_leaves_no_digest_behind() -> None:
    objections, address = ObjectionFilter(), bytearray.fromhex("02a1b2c3d4e5")
    objections.add(pointer_to(address))
    digest = hashlib.blake2b(address, digest_size=16, person=b"chaland-object-1").digest()
    index = int.from_bytes(digest[:2], "little")
    assert objections._bytes[index >> 3] == 1 << (index & 7)
    assert objections._bytes.astype(bool).sum() == 1
    assert not objections._digest.any()


def place(number: int) -> Any:
    return pointer_to(bytearray(number.to_bytes(6, "big")))


def bit_of(number: int) -> int:
    digest = hashlib.blake2b(
        number.to_bytes(6, "big"), digest_size=16, person=b"chaland-object-1"
    ).digest()
    return int.from_bytes(digest[:2], "little")


def filter_of(*bits: int) -> bytes:
    town = bytearray(FILTER_BYTES)
    for bit in bits:
        town[bit >> 3] |= 1 << (bit & 7)
    return bytes(town)


def test_the_town_filter_bars_from_the_next_second_on_and_lets_nobody_in_again() -> None:
    objections = ObjectionFilter()
    objections.add(place(1))
    objections.share(filter_of(bit_of(2)))
    assert not objections.holds(place(2))
    objections.notice(0)
    assert [objections.holds(place(n)) for n in (1, 2, 3)] == [True, True, False]
    objections.share(filter_of(bit_of(3)))
    objections.notice(1_000_000)
    assert [objections.holds(place(n)) for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert objections.share_excluded == 3 / FILTER_BITS


@pytest.mark.parametrize("size", [0, FILTER_BYTES - 1, FILTER_BYTES + 1])
def test_a_filter_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="8192 bytes"):
        ObjectionFilter().share(bytes(size))


@given(st.lists(st.lists(st.integers(0, 300), max_size=20), max_size=4))
def test_new_bits_are_told_once_in_ascending_order(cells: list[list[int]]) -> None:
    objections, told, numbers_before = ObjectionFilter(), set[int](), set[int]()
    for numbers in cells:
        objections.begin_window()
        for number in numbers:
            assert objections.add(place(number)) == (number not in numbers_before)
            numbers_before.add(number)
            assert objections.holds(place(number))
        expected = {bit_of(number) for number in numbers} - told
        assert objections.take_new() == tuple(sorted(expected))
        told |= expected
    assert objections.take_new() == ()


@pytest.mark.parametrize("comes_first", ["town", "frame"])
def test_what_the_town_bars_is_not_told_again(comes_first: str) -> None:
    """Else one number would tell where, and in which quarter hour, one who objects was."""
    objections = ObjectionFilter()
    objections.share(filter_of(bit_of(1)))
    for came in ("town", "frame") if comes_first == "town" else ("frame", "town"):
        if came == "town":
            objections.notice(0)
        else:
            assert objections.add(place(1)) == (comes_first == "frame")
    assert objections.take_new() == ()
    objections.share(bytes(FILTER_BYTES))
    objections.notice(1_000_000)
    assert not objections.add(place(1)), "it is still barred"
    assert objections.take_new() == ()


def test_the_button_lasts_its_minute_and_knows_near_from_far() -> None:
    objections, start_us = ObjectionFilter(), 1_700_049_600_000_000
    assert not objections.is_near(-10)
    objections.forget_near()
    assert not objections.is_near(-10)  # not yet noticed
    objections.notice(start_us)
    near = [objections.is_near(rssi_dbm) for rssi_dbm in (-30, -45, -46, None)]
    assert near == [True, True, False, False]
    objections.notice(start_us + 59_000_000)
    assert objections.is_near(-45)
    objections.forget_near()  # pressed again: another minute from here
    objections.notice(start_us + 59_500_000)
    objections.notice(start_us + 119_000_000)
    assert objections.is_near(-45)
    objections.notice(start_us + 120_000_000)
    assert not objections.is_near(-45)


def test_a_press_bars_a_few_and_those_who_ask_by_name_are_none_of_them() -> None:
    objections, limits = ObjectionFilter(), DEFAULT_MECHANISM.objection
    objections.forget_near()
    objections.notice(0)
    assert objections.add(place(99))
    for number in range(limits.button_addresses):
        assert objections.is_near(-40)
        assert objections.add(place(number), by_button=True)
        assert not objections.add(place(number), by_button=True)
    assert not objections.is_near(-40)
    objections.forget_near()
    objections.notice(1_000_000)
    assert objections.is_near(-40)


def test_all_presses_of_a_day_fit_in_the_day() -> None:
    limits = DEFAULT_MECHANISM.objection
    assert limits.presses_in_a_day * limits.button_addresses <= limits.new_in_a_day
    assert limits.button_addresses <= limits.new_in_a_window
