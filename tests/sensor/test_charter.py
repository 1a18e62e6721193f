"""Off by default: each thing that must be true before a sensor listens, taken away in turn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from chaland.sensor.charter import WHAT_TO_DO, CharterRefusedFinal, Refusal, accept, permission
from chaland.sensor.uplink.charters import CHARTER_NAME, CharterStore
from chaland.wire.charter import Charter
from tests import charters

BOX, OTHER = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
NAME = charters.name(BOX)
TODAY = date(2026, 3, 14)
DRAFT = replace(charters.draft(BOX, version=5), ends_on=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("charter", "today", "refusal"),
    [
        (DRAFT, TODAY, None),
        (DRAFT, date(2026, 6, 30), None),
        (DRAFT, date(2026, 7, 1), Refusal.ENDED),
        (None, TODAY, Refusal.NO_CHARTER),
        (charters.draft(OTHER), TODAY, Refusal.NOT_LISTED),
        (DRAFT, date(2019, 1, 1), Refusal.NOT_LISTED),  # the shop had not agreed yet
        (replace(DRAFT, annex_sha256="00" * 32), TODAY, Refusal.ANNEX_DIFFERS),
    ],
)
def test_a_sensor_listens_only_under_a_charter_that_allows_it(
    charter: Charter | None, today: date, refusal: Refusal | None
) -> None:
    assert permission(charter, NAME, today) is refusal


def test_every_refusal_says_what_to_do() -> None:
    assert WHAT_TO_DO.keys() == set(Refusal)


def refusal_of(text: str, last: Charter | None = None) -> Refusal | None:
    try:
        accept(text, charters.FINGERPRINT, last)
    except CharterRefusedFinal as refused:
        return refused.refusal
    return None


def test_a_charter_is_obeyed_only_from_the_pinned_key_and_never_an_older_one() -> None:
    text = charters.signed(DRAFT)
    in_force = accept(text, charters.FINGERPRINT, None)
    assert refusal_of(text, in_force) is None
    assert refusal_of(text.replace("2026-06-30", "2027-06-30")) is Refusal.FORGED
    assert refusal_of("no charter") is Refusal.FORGED
    assert refusal_of(charters.signed(DRAFT, OTHER)) is Refusal.OTHER_TOWN_KEY
    older = charters.signed(replace(DRAFT, version=4))
    assert refusal_of(older, in_force) is Refusal.OLDER_VERSION
    twin = charters.signed(replace(DRAFT, ends_on=date(2026, 7, 31)))
    assert refusal_of(twin, in_force) is Refusal.OLDER_VERSION, "the same number, other words"
    assert refusal_of(charters.signed(replace(DRAFT, version=6)), in_force) is None


Open = Callable[..., CharterStore]


@pytest.fixture
def pinned() -> list[str]:
    """What was pinned."""
    return []


@pytest.fixture
def open_store(tmp_path: Path, pinned: list[str]) -> Open:
    return lambda town_key="": CharterStore(tmp_path, NAME, town_key, pinned.append)


def test_the_first_charter_that_names_the_sensor_pins_its_key(
    open_store: Open, pinned: list[str]
) -> None:
    store = open_store()
    assert store.refusal(TODAY) is Refusal.NO_CHARTER
    with pytest.raises(CharterRefusedFinal) as caught:
        store.receive(charters.signed(charters.draft(OTHER), OTHER))
    assert caught.value.refusal is Refusal.NOT_LISTED
    assert (pinned, store.refusal(TODAY)) == ([], Refusal.NOT_LISTED)
    assert store.receive(charters.signed(DRAFT)) is not None
    assert store.receive(charters.signed(DRAFT)) is None, "it has that one"
    assert pinned == [charters.FINGERPRINT]
    assert store.refusal(TODAY) is None
    with pytest.raises(CharterRefusedFinal) as caught:
        store.receive(charters.signed(replace(DRAFT, version=9), OTHER))
    assert caught.value.refusal is Refusal.OTHER_TOWN_KEY
    assert store.refusal(TODAY) is None, "the one in force stays"


def test_a_key_given_at_enrolment_is_the_only_one(open_store: Open, pinned: list[str]) -> None:
    store = open_store(charters.FINGERPRINT)
    with pytest.raises(CharterRefusedFinal) as caught:
        store.receive(charters.signed(DRAFT, OTHER))
    assert caught.value.refusal is Refusal.OTHER_TOWN_KEY
    assert store.refusal(TODAY) is Refusal.OTHER_TOWN_KEY
    store.receive(charters.signed(DRAFT))
    assert store.refusal(TODAY) is None
    assert pinned == []


def test_a_charter_survives_a_restart_but_not_a_change_on_the_disk(
    open_store: Open, tmp_path: Path
) -> None:
    open_store(charters.FINGERPRINT).receive(charters.signed(DRAFT))
    assert open_store(charters.FINGERPRINT).refusal(TODAY) is None
    path = tmp_path / CHARTER_NAME
    path.write_text(path.read_text().replace("2026-06-30", "2036-06-30"))
    store = open_store(charters.FINGERPRINT)
    assert store.refusal(TODAY) is Refusal.FORGED
    assert store.charter is None
    store.receive(charters.signed(DRAFT))
    assert store.refusal(TODAY) is None
    path.write_text(charters.signed(DRAFT, OTHER))
    assert open_store(charters.FINGERPRINT).refusal(TODAY) is Refusal.OTHER_TOWN_KEY
    path.write_bytes(b"\xff")
    assert open_store(charters.FINGERPRINT).refusal(TODAY) is Refusal.FORGED


def test_a_power_cut_between_charter_and_pin_is_made_good(
    open_store: Open, tmp_path: Path, pinned: list[str]
) -> None:
    (tmp_path / CHARTER_NAME).write_text(charters.signed(DRAFT))
    assert open_store().refusal(TODAY) is None
    assert pinned == [charters.FINGERPRINT]
