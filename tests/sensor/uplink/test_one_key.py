"""Whatever order sensors start, die and fall silent in: those that live end up with one key.

Real key logic, real exchanger, the hub's real relay with its tables; only processes and sockets
are left out (test_town_of_sensors.py has those).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.hub.association.models import Association
from chaland.hub.footfall.intake.exchange import relay
from chaland.hub.footfall.models import Sensor, TownKey
from chaland.hub.footfall.services.election import HEARD_WITHIN
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.sensor.orders import DayOrders, KeyNews, read_line, read_line_down, write_line
from chaland.sensor.town import Town
from chaland.sensor.uplink.charters import CharterStore
from chaland.sensor.uplink.exchanging import EVERY_S, NEWS_WITHIN_S, Exchanger
from chaland.sensor.uplink.patience import LONGEST_DELAY_S
from chaland.wire.answers import Answer, encode, status_of
from chaland.wire.exchange import encode_answer
from chaland.wire.periods import local_day
from chaland.wire.signature import (
    SENSOR_HEADER,
    SEQUENCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    Envelope,
)
from chaland.wire.summary import Mode
from tests import builders, charters

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("Europe/Paris")
MORNING = datetime(2026, 3, 14, 8, tzinfo=UTC)
ROUNDS = int(HEARD_WITHIN.total_seconds() / EVERY_S) + 5
"""Of one exchange each: a key whose holders are gone is replaced, and sealed for everyone."""


class Air(httpx.BaseTransport):
    """The way to the hub and back; it can lose what goes up, and what comes down."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.loses = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.loses == "request":
            raise httpx.ConnectError("no route")
        headers = request.headers
        envelope = Envelope(
            headers[SENSOR_HEADER], int(headers[SEQUENCE_HEADER]), headers[TIME_HEADER],
            headers[SIGNATURE_HEADER],
        )  # fmt: skip
        answer = relay(request.read(), envelope, self.clock())
        if self.loses == "answer":
            raise httpx.ReadTimeout("lost on the way back")
        if isinstance(answer, Answer):
            return httpx.Response(status_of(answer.code), content=encode(answer))
        return httpx.Response(200, content=encode_answer(answer))


class Box:
    """A box: a real exchanger, and the key logic of its day's process while one runs."""

    def __init__(self, directory: Path, identity: SigningKey, world: "World") -> None:
        directory.mkdir()
        self.world, self.name = world, charters.name(identity)
        self.air = Air(lambda: world.now)
        store = CharterStore(directory, self.name, charters.FINGERPRINT, lambda _: None)
        self.exchanger = Exchanger(
            store, directory, identity, "http://hub", httpx.Client(transport=self.air),
            now=lambda: world.now, monotonic_s=world.seconds,
        )  # fmt: skip
        self.town: Town | None = None

    def start(self) -> None:
        """Start the day's process; it is told the charter that the box has, if any."""
        if self.town is not None or self.exchanger.store.charter is None:
            return
        orders = DayOrders(
            "mon0", "chaland", (), "Europe/Paris", Mode.DEFAULT, -70, -85, "optout",
            sensor=self.name, town_key=charters.FINGERPRINT, day=self.world.day.isoformat(),
        )  # fmt: skip
        self.town = Town(orders, self._said)
        self._hear(self.exchanger.greeting(self.world.day))
        self.world.wait(NEWS_WITHIN_S)

    def _said(self, news: KeyNews) -> None:
        heard = read_line(write_line(news))
        assert isinstance(heard, KeyNews)
        self.exchanger.hear(heard)

    def _hear(self, line: bytes) -> None:
        said = read_line_down(line)
        assert said is not None
        if self.town is not None:
            self.town.hear(said)

    def kill(self) -> None:
        if self.town is not None:
            self.town.key.zero()
        self.town = None
        self.exchanger.process_ended()

    def exchange(self, loses: str = "") -> None:
        self.air.loses = loses
        if (heard := self.exchanger.exchange(self.world.day)) is not None:
            self._hear(heard)

    @property
    def held(self) -> str:
        return self.town.key.held if self.town else ""


class World:
    """A town with a few boxes, a clock, and a hub."""

    def __init__(self, directory: Path, boxes: int) -> None:
        self.now = MORNING
        town = Association.objects.create(name="Les vitrines", town="Bourg")
        builders.build_shops(town, boxes)
        identities = [SigningKey.generate() for _ in range(boxes)]
        for shop, identity in zip(town.shops.order_by("pk"), identities, strict=True):
            public = bytes(identity.verify_key)
            Sensor.objects.create(
                identifier=charters.name(identity), shop_id=shop.pk, public_key=public,
                label="", enrolled_at=self.now,
            )  # fmt: skip
        sign_trial_charter(town.pk, charters.TOWN, self.now)
        self.town_id = town.pk
        self.boxes = [Box(directory / key.encode().hex()[:8], key, self) for key in identities]
        for box in self.boxes:
            box.exchange()
            assert box.exchanger.store.refusal(self.day) is None

    @property
    def day(self) -> date:
        return local_day(self.now, ZONE)

    def seconds(self) -> float:
        return self.now.timestamp()

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def minutes(self, count: int, *boxes: Box) -> None:
        """Let boxes (all, by default) exchange once a minute, nothing being lost."""
        for _ in range(count):
            for box in boxes or self.boxes:
                box.exchange()
            self.wait(EVERY_S)

    def settle(self) -> None:
        """Let each box exchange, its back-off over, until a lost key must have been replaced."""
        self.wait(LONGEST_DELAY_S)
        self.minutes(ROUNDS)

    def held(self) -> set[str]:
        return {box.held for box in self.boxes if box.town}


STEPS = st.tuples(
    st.sampled_from(["start", "start", "kill", "exchange", "exchange", "request", "answer"]),
    st.integers(0, 2),
    st.sampled_from([2.0, 30.0, 61.0, 61.0, 700.0]),
)


@settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(STEPS, max_size=10), st.sets(st.integers(0, 2), min_size=1))
def test_all_that_live_hold_one_key(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, float]], alive: set[int]
) -> None:
    world = World(tmp_path_factory.mktemp("world"), 3)
    for what, number, seconds in steps:
        box = world.boxes[number]
        if what in {"start", "kill"}:
            getattr(box, what)()
        else:
            box.exchange("" if what == "exchange" else what)
        world.wait(seconds)
    for number in alive:
        world.boxes[number].start()
    world.settle()
    (key,) = world.held()
    assert key
    assert TownKey.objects.get(association_id=world.town_id, day=world.day).key == key


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, 3)


def start_all(world: World) -> str:
    for box in world.boxes:
        box.start()
    world.minutes(4)  # the hub must also hear who holds it
    (key,) = world.held()
    assert key
    return key


def test_three_that_start_together_hold_one_key_within_minutes(world: World) -> None:
    start_all(world)


def test_a_late_joiner_gets_the_key_from_whoever_is_there_without_its_maker(world: World) -> None:
    maker, other, late = world.boxes
    for box in (maker, other):
        box.start()
    world.minutes(3, maker, other)
    key = other.held
    assert maker.held == key != ""
    maker.kill()
    late.start()
    world.minutes(3, late, other)
    assert late.held == key


def test_a_process_that_is_started_again_gets_the_same_key(world: World) -> None:
    key = start_all(world)
    box = world.boxes[0]
    box.kill()
    box.start()
    world.minutes(3)
    assert (box.held, world.held()) == (key, {key})


def test_a_key_that_nobody_holds_any_more_is_replaced(world: World) -> None:
    lost = start_all(world)
    for box in world.boxes:
        box.kill()
        box.start()
    world.settle()
    (key,) = world.held()
    assert key not in {"", lost}


def test_one_that_was_cut_off_drops_its_key_and_joins_the_others(world: World) -> None:
    cut_off, *others = world.boxes
    cut_off.start()
    cut_off.exchange()
    alone = cut_off.held
    assert alone
    world.wait(HEARD_WITHIN.total_seconds() + 60)
    for box in others:
        box.start()
    world.minutes(14, *others)
    assert len({box.held for box in others} - {"", alone}) == 1
    assert cut_off.held == alone, "hours offline harm nothing"
    world.settle()
    assert world.held() == {others[0].held}


@pytest.mark.parametrize("minutes", [11, 15, 60])
def test_an_outage_of_the_hub_costs_nobody_the_days_key(world: World, minutes: int) -> None:
    """Everybody was silent, and who has no key may be back first; the others still have theirs."""
    key = start_all(world)
    first, *holders = world.boxes
    first.kill()
    world.wait(60 * minutes)
    first.start()
    first.exchange()
    for box in holders:
        world.wait(120)
        box.exchange()
    world.minutes(4)
    assert world.held() == {key}


def test_a_new_day_has_another_key(world: World) -> None:
    yesterday = start_all(world)
    for box in world.boxes:
        box.kill()
    world.wait(24 * 3600)
    assert start_all(world) != yesterday
