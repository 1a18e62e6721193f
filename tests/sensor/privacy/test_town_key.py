"""The town's key of the day: sealed for who should have it, in locked pages, gone when zeroed."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl._sodium import ffi
from nacl.public import PrivateKey, PublicKey, SealedBox

from chaland.sensor.privacy.keys import Key
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.exchange import SEALED_BYTES
from chaland.wire.sketch import KEY_ID_PATTERN


def pages(key: TownKey) -> list[bytes]:
    return [bytes(each._page[:32]) for each in vars(key).values() if isinstance(each, Key)]


@pytest.fixture
def maker() -> TownKey:
    key = TownKey()
    assert key.adopt()
    return key


def test_an_offer_becomes_the_key_when_adopted() -> None:
    key = TownKey()
    assert key.held == ""
    offered = key.offered
    assert KEY_ID_PATTERN.fullmatch(offered)
    assert key.adopt()
    assert (key.held, key.offered) == (offered, "")
    assert pages(key).count(bytes(key._key._page[:32])) == 1  # no second copy is kept
    assert not key.adopt()


def test_a_sealed_copy_gives_the_same_key(maker: TownKey) -> None:
    other = TownKey()
    box = maker.seal(other.public_key)
    assert len(box) == SEALED_BYTES
    assert other.open(box, maker.held)
    assert other.held == maker.held
    assert bytes(other._key._page[:32]) == bytes(maker._key._page[:32])
    again = TownKey()
    assert again.open(other.seal(again.public_key), maker.held)  # any holder may pass it on


def test_the_pair_and_the_box_are_libsodiums(maker: TownKey) -> None:
    secret = PrivateKey(bytes(maker._secret._page[:32]))
    assert bytes(secret.public_key) == maker.public_key
    opened = SealedBox(secret).decrypt(maker.seal(maker.public_key))
    assert opened == bytes(maker._key._page[:32])
    other = SealedBox(PublicKey(maker.public_key)).encrypt(bytes(range(32)))
    assert not maker.open(other, maker.held)  # well sealed, but another key than was said


@given(
    at=st.integers(0, SEALED_BYTES - 1), flip=st.integers(1, 255), cut=st.integers(0, SEALED_BYTES)
)
def test_a_bad_box_harms_nothing(at: int, flip: int, cut: int) -> None:
    maker, other = TownKey(), TownKey()
    maker.adopt()
    box = bytearray(maker.seal(other.public_key))
    other.adopt()
    before = (other.held, pages(other))
    box[at] ^= flip
    assert not other.open(bytes(box), maker.held)
    assert not other.open(bytes(box[:cut]), maker.held)
    assert not TownKey().open(maker.seal(other.public_key), maker.held)  # not for this one
    assert (other.held, pages(other)) == before


def test_a_box_of_another_key_than_its_name_says_is_refused(maker: TownKey) -> None:
    other = TownKey()
    assert not other.open(maker.seal(other.public_key), "0" * 16)
    assert other.held == ""
    assert not any(other._spare._page[:32])


@pytest.mark.parametrize("public_key", [bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
def test_nothing_is_sealed_for_a_weak_key(maker: TownKey, public_key: bytes) -> None:
    with pytest.raises(ValueError, match=r"key has 32 bytes|weak key"):
        maker.seal(public_key)


def test_who_has_no_key_seals_nothing() -> None:
    one, other = TownKey(), TownKey()
    assert one.seal(other.public_key) == b""


def test_a_dropped_key_is_zeros_and_another_is_offered(maker: TownKey) -> None:
    name, held = maker.held, bytes(maker._key._page[:32])
    maker.drop()
    assert maker.held == ""
    assert maker.offered not in ("", name)
    assert held not in pages(maker)
    target = Key()
    assert maker.copy_to(target) == ""
    assert not any(target._page[:32])


def test_the_end_of_the_day_is_for_good(maker: TownKey) -> None:
    other = TownKey()
    other.adopt()
    box = other.seal(maker.public_key)
    maker.zero()
    assert not any(map(any, pages(maker)))
    assert maker.held == maker.offered == ""
    assert not maker.adopt()
    assert not maker.open(box, other.held)
    maker.drop()
    assert maker.seal(other.public_key) == b""
    assert not any(map(any, pages(maker)))


def test_the_name_tells_keys_apart() -> None:
    names = {TownKey().offered for _ in range(50)}
    assert len(names) == 50


def test_every_secret_lies_on_a_locked_page_of_its_own(maker: TownKey) -> None:
    addresses = {
        int(ffi.cast("uintptr_t", each.at))
        for each in vars(maker).values()
        if isinstance(each, Key)
    }
    locked, start, end = set(), 0, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            start, end = (int(bound, 16) for bound in words[0].split("-"))
        elif words[0] == "VmFlags:" and {"lo", "dd", "dc"} <= set(words[1:]):
            locked |= {address for address in addresses if start <= address < end}
    assert locked == addresses
    assert len({address // 4096 for address in addresses}) == len(addresses) == 5


def test_two_threads_never_see_half_a_key() -> None:
    """One thread exchanges keys as fast as it can, the other copies, as a pipeline does."""
    maker, other = TownKey(), TownKey()
    maker.adopt()
    box, name = maker.seal(other.public_key), maker.held
    known = {"": bytes(32), name: bytes(maker._key._page[:32])}
    done = threading.Event()

    def exchange() -> None:
        for _ in range(300):
            other.open(box, name)
            other.drop()
        done.set()

    thread = threading.Thread(target=exchange)
    thread.start()
    copy, seen = Key(), set()
    while not done.is_set():
        copied = other.copy_to(copy)
        assert bytes(copy._page[:32]) == known[copied]
        seen.add(copied)
    thread.join()
    assert "" in seen
