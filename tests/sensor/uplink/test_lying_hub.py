"""A hub that lies: whatever it sends, no sensor uses a key that it knows, nor seals one for it.

The hub may say anything in an answer, replay whatever signed thing it ever saw, and has boxes of
its own: one that no charter names, and one that an older charter named (stolen, then revoked).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.sensor.charter import CharterRefusedFinal
from chaland.sensor.orders import DayOrders, KeyNews, read_line_down
from chaland.sensor.privacy.keys import pointer_to
from chaland.sensor.privacy.town_key import TownKey
from chaland.sensor.town import Town
from chaland.wire.charter import Charter
from chaland.wire.exchange import (
    FILTER_BYTES,
    DayKey,
    Exchanged,
    SealedCopy,
    encode_answer,
    sign_copy,
    sign_day_key,
)
from chaland.wire.summary import Mode
from tests import charters

DAY = date(2026, 3, 14)
YESTERDAY = DAY - timedelta(days=1)
HONEST, VICTIM, THIRD, STOLEN, HUBS_OWN = (SigningKey(bytes([n]) * 32) for n in range(1, 6))
NEW = charters.draft(HONEST, VICTIM, THIRD, version=3)
OLD = charters.draft(HONEST, VICTIM, THIRD, STOLEN, version=2)


def orders(identity: SigningKey, day: date) -> DayOrders:
    return DayOrders(
        "mon0", "chaland", (), "Europe/Paris", Mode.DEFAULT, -70, -85, "optout",
        sensor=charters.name(identity), town_key=charters.FINGERPRINT, day=day.isoformat(),
    )  # fmt: skip


class Box:
    """One box: its identity, the keys of its day's process, and what its supervisor signs."""

    def __init__(self, identity: SigningKey, day: date = DAY) -> None:
        self.identity, self.day, self.name = identity, day, charters.name(identity)
        self.news: list[KeyNews] = []
        self.town = Town(orders(identity, day), self.news.append)
        self.town.hear(answer(charter=charters.signed(NEW), day=day))

    @property
    def day_key(self) -> DayKey:
        return sign_day_key(self.identity, self.name, self.day, self.town.key.public_key)

    def copies(self) -> list[SealedCopy]:
        """Return what it last sealed, as its supervisor signs it."""
        return [
            sign_copy(
                self.identity,
                SealedCopy(self.name, each.recipient, each.recipient_key, each.key, each.box),
                self.day,
            )
            for each in self.news[-1].copies
        ]

    def hear(self, said: Exchanged) -> None:
        """Take an answer as the day's process does: what is not to be obeyed is not."""
        try:
            self.town.hear(said)
        except CharterRefusedFinal:
            return


def answer(
    *,
    key: str = "",
    copy: SealedCopy | None = None,
    wanting: tuple[DayKey, ...] = (),
    charter: str = "",
    day: date = DAY,
) -> Exchanged:
    return Exchanged(day, key, copy, wanting, charter, 0, b"")


def seal(
    key: TownKey, maker: SigningKey, signer: SigningKey, to: Box, day: date = DAY
) -> SealedCopy:
    public = to.town.key.public_key
    copy = SealedCopy(charters.name(maker), to.name, public, key.held, key.seal(public))
    return sign_copy(signer, copy, day)


@dataclass
class Lie:
    """All that a lying hub has: its own keys, and what honest sensors once signed."""

    victim: Box = field(default_factory=lambda: Box(VICTIM))
    maker: Box = field(default_factory=lambda: Box(HONEST))
    hubs: TownKey = field(default_factory=TownKey)
    """A town key that the hub knows."""

    def __post_init__(self) -> None:
        self.hubs.adopt()
        self.maker.hear(answer(key=self.maker.town.key.offered))
        third, before = Box(THIRD), Box(VICTIM, YESTERDAY)
        self.maker.hear(self.now(wanting=(self.victim.day_key, third.day_key)))
        self.for_victim, self.for_third = self.maker.copies()
        maker = Box(HONEST, YESTERDAY)
        maker.hear(answer(key=maker.town.key.offered, day=YESTERDAY))
        maker.hear(answer(key=maker.town.key.held, wanting=(before.day_key,), day=YESTERDAY))
        (self.of_yesterday,) = maker.copies()
        self.old_day_key = before.day_key

    def now(self, **said: object) -> Exchanged:
        return answer(key=self.maker.town.key.held, **said)  # type: ignore[arg-type]

    def own(self, copy: SealedCopy) -> Exchanged:
        return answer(key=self.hubs.held, copy=copy)

    def forged(self, maker: SigningKey, signer: SigningKey, day: date = DAY) -> Exchanged:
        return self.own(seal(self.hubs, maker, signer, self.victim, day))


def charter_with_the_hub(lie: Lie, town: SigningKey) -> Exchanged:
    own = replace(lie.forged(HUBS_OWN, HUBS_OWN))
    listed = charters.draft(HONEST, VICTIM, HUBS_OWN, version=9)
    return replace(own, charter=charters.signed(listed, town))


def tampered_charter(lie: Lie) -> Exchanged:
    text = charters.signed(NEW).replace(charters.name(THIRD), charters.name(HUBS_OWN))
    text = text.replace(bytes(THIRD.verify_key).hex(), bytes(HUBS_OWN.verify_key).hex())
    return replace(lie.forged(HUBS_OWN, HUBS_OWN), charter=text)


ATTACKS: dict[str, Callable[[Lie], Exchanged]] = {
    "a key of its own, in its own name": lambda lie: lie.forged(HUBS_OWN, HUBS_OWN),
    "a key of its own, in an honest name": lambda lie: lie.forged(HONEST, HUBS_OWN),
    "a key of its own, in the victim's name": lambda lie: lie.forged(VICTIM, HUBS_OWN),
    "a stolen box that is revoked": lambda lie: lie.forged(STOLEN, STOLEN),
    "a stolen box and the charter of its time": lambda lie: replace(
        lie.forged(STOLEN, STOLEN), charter=charters.signed(OLD)
    ),
    "a charter that names its box, signed by itself": lambda lie: charter_with_the_hub(
        lie, HUBS_OWN
    ),
    "a charter with a name replaced": tampered_charter,
    "an honest copy with its own box in it": lambda lie: lie.own(
        replace(
            lie.for_victim, key=lie.hubs.held, box=seal(lie.hubs, HONEST, HONEST, lie.victim).box
        )
    ),
    "an honest copy under its key's name": lambda lie: lie.own(
        replace(lie.for_victim, key=lie.hubs.held)
    ),
    "the name of its own key over an honest copy": lambda lie: lie.own(lie.for_victim),
    "a copy for another sensor": lambda lie: lie.now(copy=lie.for_third),
    "a copy for another sensor, readdressed": lambda lie: lie.now(
        copy=replace(
            lie.for_third,
            recipient=lie.victim.name,
            recipient_key=lie.victim.town.key.public_key,
        )
    ),
    "yesterday's copy": lambda lie: answer(key=lie.of_yesterday.key, copy=lie.of_yesterday),
    "yesterday's answer": lambda lie: answer(
        key=lie.of_yesterday.key, copy=lie.of_yesterday, day=YESTERDAY
    ),
    "a copy signed for yesterday": lambda lie: lie.forged(HONEST, HONEST, YESTERDAY),
    "the name of its own key, and nothing": lambda lie: answer(key=lie.hubs.held),
}
"""The copies that an honest key signs here ("signed for yesterday") are ones the hub replays."""


@pytest.mark.parametrize("name", ATTACKS)
def test_no_answer_makes_a_sensor_take_a_key_that_the_hub_chose(name: str) -> None:
    lie = Lie()
    lie.victim.hear(ATTACKS[name](lie))
    assert lie.victim.town.key.held == ""
    lie.victim.hear(lie.now(copy=lie.for_victim))
    assert lie.victim.town.key.held == lie.maker.town.key.held, "honesty still works"
    lie.victim.hear(ATTACKS[name](lie))
    assert lie.victim.town.key.held in {"", lie.maker.town.key.held}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*sorted(ATTACKS), "honesty"]), max_size=8))
def test_no_sequence_of_lies_does(names: list[str]) -> None:
    lie = Lie()
    known = {lie.hubs.held, lie.of_yesterday.key}
    for name in names:
        said = lie.now(copy=lie.for_victim) if name == "honesty" else ATTACKS[name](lie)
        lie.victim.hear(said)
        assert lie.victim.town.key.held not in known


def asked_for(lie: Lie, key: DayKey) -> Exchanged:
    return lie.now(wanting=(key,))


def test_a_key_is_sealed_only_for_keys_that_the_charters_sensors_made_today() -> None:
    lie = Lie()
    mine = TownKey().public_key
    hub, victim = charters.name(HUBS_OWN), lie.victim.name
    wanting = (
        sign_day_key(HUBS_OWN, hub, DAY, mine),
        sign_day_key(STOLEN, charters.name(STOLEN), DAY, mine),
        sign_day_key(HUBS_OWN, victim, DAY, mine),
        replace(lie.victim.day_key, public_key=mine),
        lie.old_day_key,
        sign_day_key(HONEST, lie.maker.name, DAY, mine),
        sign_day_key(VICTIM, victim, DAY, bytes(32)),  # weak: its box could be opened by all
    )
    before = len(lie.maker.news)
    lie.maker.hear(lie.now(wanting=wanting))
    assert [copy for news in lie.maker.news[before:] for copy in news.copies] == []
    lie.maker.hear(lie.now(wanting=(*wanting, lie.victim.day_key)))
    assert [copy.recipient for copy in lie.maker.news[-1].copies] == [victim]


def test_without_a_charter_nothing_is_held_nor_sealed() -> None:
    news: list[KeyNews] = []
    town = Town(orders(VICTIM, DAY), news.append)
    town.hear(answer(key=town.key.offered))
    assert town.key.held == ""
    assert town.refusal is not None


def test_no_news_holds_a_secret() -> None:
    """What goes up the pipe: a public key, names, boxes. The key itself is in none of them."""
    lie = Lie()
    maker = lie.maker.town.key
    secrets = {bytes(key._page[:32]) for key in (maker._secret, maker._key, maker._offer)}
    assert secrets
    for news in lie.maker.news:
        said = news.day_key + b"".join(copy.box for copy in news.copies)
        assert not [secret for secret in secrets if secret in said]


def test_a_dropped_charter_entry_ends_the_trust_at_once() -> None:
    lie = Lie()
    without: Charter = replace(charters.draft(VICTIM, THIRD), version=4)
    said = lie.now(copy=lie.for_victim)
    lie.victim.hear(replace(said, charter=charters.signed(without)))
    assert lie.victim.town.key.held == "", "its maker is no longer of the town"


@given(st.lists(st.integers(0), min_size=1, max_size=5))
@settings(max_examples=20)
def test_whoever_a_filter_barred_is_barred_until_the_process_ends(seeds: list[int]) -> None:
    """Else the hub could make one stay count as often as it bars an address and lets it in."""
    victim = Box(VICTIM)
    objections = victim.town.objections
    filters = (*(Random(seed).randbytes(FILTER_BYTES) for seed in seeds), bytes(FILTER_BYTES))
    barred = set[int]()
    addresses = [bytearray(number.to_bytes(6, "big")) for number in range(50)]
    for second, sent in enumerate(filters):
        victim.hear(replace(answer(), filter_version=second, filter=sent))
        objections.notice(second * 1_000_000)
        now = {n for n, each in enumerate(addresses) if objections.holds(pointer_to(each))}
        assert barred <= now
        barred = now
    assert objections.take_new() == ()


@pytest.mark.parametrize("toggles", [False, True])
def test_a_filter_that_is_switched_on_and_off_lets_nobody_in_twice(
    toggles: bool, new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """Each time that a life ended and began again would be another arrival, with its own loss."""
    box, air, hours = Box(VICTIM), new_air(), 2 * 3600

    def says(bits: bytes, version: int) -> Callable[[], None]:
        line = encode_answer(replace(answer(), filter=bits, filter_version=version))

        def hear() -> None:
            said = read_line_down(line)
            assert said
            box.hear(said)

        return hear

    for second in range(0, hours, 20):
        air.data(second, address(1, True))
    air.ticks(0, hours + 900, True)
    for at in range(120, hours, 450) if toggles else ():
        air.then(at, says(bytes([255]) * FILTER_BYTES, at))
        air.then(at + 330, says(bytes(FILTER_BYTES), at + 1))
    air.in_order()
    cells = list(pipeline_of(air, objections=box.town.objections).exact_cells())
    assert sum(cell.arrivals for cell in cells) == 1
    assert box.town.objections.share_excluded == (1 if toggles else 0), "barred for the day"
