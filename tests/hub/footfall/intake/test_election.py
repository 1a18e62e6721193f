"""A key that is lost or kept back gives way, and no sensor can keep a key from another."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from chaland.hub.footfall.intake.exchange import relay
from chaland.hub.footfall.models import DayKey, DropCount, SealedCopy, Sensor, TownKey
from chaland.hub.footfall.services.election import HEARD_WITHIN, WANTED_IN_VAIN, spread
from chaland.wire import exchange as wire
from chaland.wire.answers import Answer, Code
from chaland.wire.exchange import Exchanged
from chaland.wire.signature import sign
from tests.hub.footfall.intake.boxes import NOW, Box
from tests.hub.footfall.intake.talkers import DAY, OURS, THEIRS, Talker

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])

THIRD = "00000000000000cc"
MINUTE = timedelta(minutes=1)
PATIENCE = int(WANTED_IN_VAIN / MINUTE)


class Town:
    """Sensors that exchange each minute; honest ones seal for whoever wants, others do not."""

    def __init__(self, talkers: list[Talker], hostile: int = 1, junk: bool = False) -> None:
        self.talkers, self.hostile, self.junk = talkers, set(range(hostile)), junk
        self.own = [f"{number:016x}" for number in range(1, len(talkers) + 1)]
        self.copies: list[list[wire.SealedCopy]] = [[] for _ in talkers]
        self.at = NOW

    def minute(self) -> None:
        self.at += MINUTE
        for number, talker in enumerate(self.talkers):
            talker.at = max(talker.at, self.at)
            said = talker.say(
                offers="" if talker.holds else self.own[number], copies=tuple(self.copies[number])
            )
            self.copies[number] = self._next(number, talker, said)

    def _next(self, number: int, talker: Talker, said: Exchanged) -> list[wire.SealedCopy]:
        if talker.holds != said.key:
            talker.holds = said.key if said.key == self.own[number] else ""
        if said.copy is not None and said.copy.box[:1] == b"G":
            talker.holds = said.copy.key
        hostile = number in self.hostile
        if hostile and not self.junk:
            return []
        others = {each.name: each for each in self.talkers}
        box = (b"E" if hostile else b"G") * 80
        return [talker.seal(others[key.sensor], said.key, box) for key in said.wanting]

    @property
    def held(self) -> set[str]:
        return {
            each.holds for number, each in enumerate(self.talkers) if number not in self.hostile
        }


@pytest.mark.parametrize("junk", [False, True], ids=["seals for nobody", "seals rubbish"])
def test_who_keeps_the_first_key_to_itself_blinds_a_town_for_minutes_only(
    talkers: list[Talker], junk: bool
) -> None:
    town = Town(talkers, junk=junk)
    town.minute()
    assert TownKey.objects.get().key == town.own[0]
    for _ in range(PATIENCE + 5):
        town.minute()
    (key,) = town.held
    assert key in town.own[1:]
    assert TownKey.objects.get().passed_over == [talkers[0].box.sensor.pk]
    found = spread(TownKey.objects.get().association_id, DAY, list(Sensor.objects.all()), town.at)
    assert (found.heard, found.lacking) == (3, 0 if junk else found.lacking)
    assert found.kept_back == (talkers[0].box.sensor,)


def test_a_town_whose_first_maker_is_honest_keeps_its_key(talkers: list[Talker]) -> None:
    """Though one sensor can't open a copy, or says so, all day."""
    town = Town(list(reversed(talkers)), hostile=0)
    town.minute()
    deaf = town.talkers[2]
    for _ in range(3 * PATIENCE):
        deaf.holds = ""
        town.minute()
    assert TownKey.objects.get().key == town.own[0]
    assert {town.talkers[0].holds, town.talkers[1].holds} == {town.own[0]}
    found = spread(TownKey.objects.get().association_id, DAY, list(Sensor.objects.all()), town.at)
    assert (found.heard, found.lacking, found.kept_back) == (3, 1, ())


def test_it_takes_half_of_the_sensors_to_take_a_shared_key_away(
    talkers: list[Talker], make_box: Callable[[], Box]
) -> None:
    for lacking in (1, 2):
        everyone = [Talker(make_box()) for _ in range(4)]
        TownKey.objects.all().delete()
        for minute in range(PATIENCE + 2):
            for number, talker in enumerate(everyone):
                talker.at = NOW + minute * MINUTE + timedelta(hours=lacking)
                has = number < 4 - lacking
                talker.say(holds=OURS if has else "", offers="" if has else THEIRS)
        assert TownKey.objects.get().key == (OURS if lacking == 1 else THEIRS)


def test_a_maker_that_was_passed_over_comes_last(talkers: list[Talker]) -> None:
    evil, first, second = talkers
    for minute in range(PATIENCE + 1):
        for each, key in ((evil, OURS), (first, THEIRS), (second, THIRD)):
            each.at = NOW + minute * MINUTE
            each.say(offers=key) if each is not evil else each.say(holds=key)
    assert TownKey.objects.get().key == THEIRS
    later = NOW + PATIENCE * MINUTE + HEARD_WITHIN
    insist(second, THIRD, later)  # first is silent now, so its key is lost, and second has the name
    assert TownKey.objects.get().key == THIRD
    later += (PATIENCE + 1) * MINUTE + HEARD_WITHIN
    for minute in range(PATIENCE + 2):
        first.at = evil.at = later + minute * MINUTE
        evil.say(offers=OURS)
        first.say(offers=THEIRS)
    assert TownKey.objects.get().key == THEIRS, "somebody else has a key to offer"
    insist(evil, OURS, later + (PATIENCE + 2) * MINUTE + HEARD_WITHIN)
    assert TownKey.objects.get().key == OURS, "nobody else does"


def insist(talker: Talker, key: str, begin: datetime) -> None:
    """Ask for the town's key for as long as it takes to ask in vain."""
    for minute in range(PATIENCE + 1):
        talker.at = begin + minute * MINUTE
        talker.say(offers=key)


def test_a_pause_or_a_new_process_begins_to_wait_anew(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    for minutes in (0, 11, 20, 30):
        first.at = second.at = NOW + minutes * MINUTE
        first.say(holds=OURS)
        second.say(offers=THEIRS)
        if minutes == 20:
            second.secret = type(second.secret).generate()
    assert TownKey.objects.get().key == OURS


def test_copies_of_several_makers_wait_and_the_oldest_comes_first(talkers: list[Talker]) -> None:
    good, evil, late = talkers
    late.say()
    good.say(offers=OURS, copies=(good.seal(late, box=b"G" * 80),))
    evil.say(holds=OURS, copies=(evil.seal(late, box=b"E" * 80),))
    good.say(holds=OURS, copies=(good.seal(late, box=b"g" * 80),))
    assert [bytes(each.box)[:1] for each in SealedCopy.objects.order_by("pk")] == [b"G", b"E"]
    boxes = []
    for _ in range(3):
        said = late.say()
        boxes.append(said.copy.box[:1] if said.copy else b"")
        evil.say(holds=OURS, copies=(evil.seal(late, box=b"e" * 80),))
        good.say(holds=OURS, copies=(good.seal(late, box=b"g" * 80),))
    assert boxes == [b"G", b"E", b"e"] or boxes == [b"G", b"E", b"g"]
    late.say(holds=OURS)
    assert not SealedCopy.objects.exists(), "who has the key needs none"


def test_a_replayed_exchange_is_refused_and_takes_nothing(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    body = wire.encode(second.ask())
    seen = sign(second.box.key, 0, NOW, body)
    assert isinstance(relay(body, seen, NOW), Exchanged)
    off = wire.encode(second.ask(day_key=None))
    gone = sign(second.box.key, 0, NOW + timedelta(seconds=5), off)
    assert isinstance(relay(off, gone, NOW + timedelta(seconds=5)), Exchanged)
    second.at = NOW + timedelta(seconds=10)
    second.say()
    first.say(offers=OURS, copies=(first.seal(second),))
    for old_body, old in ((body, seen), (off, gone)):
        said = relay(old_body, old, NOW + timedelta(minutes=9))
        assert isinstance(said, Answer)
        assert said.code is Code.SEQUENCE_REPLAYED
    assert DropCount.objects.get().count == 2
    assert DayKey.objects.filter(sensor=second.box.sensor).exists()
    assert second.say().copy is not None


def test_the_newest_exchange_sent_again_takes_no_copy(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    second.say()
    body = wire.encode(second.ask())
    first.say(offers=OURS, copies=(first.seal(second),))
    again = relay(body, sign(second.box.key, 0, second.at, body), NOW + timedelta(minutes=1))
    assert isinstance(again, Exchanged)
    assert (again.key, again.copy) == (OURS, None)
    assert second.say().copy is not None
