"""The sketch: one place an address, deniable at each instant, gone when the day is released."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from math import exp
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chaland.sensor.privacy import SeededBits
from chaland.sensor.privacy.keys import pointer_to
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM, SketchMechanism
from chaland.wire.sketch import DaySketch

PARIS = ZoneInfo("Europe/Paris")
DAY = date(2023, 11, 15)
MECHANISM = DEFAULT_MECHANISM.sketch
TRUTHFUL = replace(MECHANISM, epsilon="60")
"""Lies with probability 1e-26 a place: what a place would tell without its deniability."""
MANY = SketchMechanism(epsilon=MECHANISM.epsilon, bits=12_000, ordered=4_000)
CHI_SQUARE_LIMIT = {1: 19.5, 2: 23.1}
"""Quantiles of 1 - 1e-5 for one and two degrees of freedom."""


def at(hour: int, minute: int = 0, day: int = 15, second: int = 0) -> int:
    """Microseconds since the epoch of a local time in November 2023."""
    local = datetime(2023, 11, day, hour, minute, second, tzinfo=PARIS)
    return int(local.timestamp()) * 1_000_000


def address(number: int) -> Any:
    return pointer_to(bytearray(number.to_bytes(6, "big")))


def place(town_key: TownKey, number: int, mechanism: SketchMechanism = MECHANISM) -> int:
    """The place of an address, worked out apart from the code under test."""
    key = bytes(town_key._key._page[:32])
    digest = hashlib.blake2b(number.to_bytes(6, "big"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") % mechanism.places


@pytest.fixture
def town_key() -> TownKey:
    """A holder of a fixed key, so that a test's places are the same each time."""
    key = TownKey()
    key.adopt()
    key._key._page[:32] = bytes(range(32))
    return key


@pytest.fixture
def new(town_key: TownKey) -> Callable[..., Sketch]:
    """A sketch that counts from 09:00 on, unless another time is given."""

    def make(
        mechanism: SketchMechanism = TRUTHFUL, seed: int = 1, from_us: int = at(9), day: date = DAY
    ) -> Sketch:
        sketch = Sketch(mechanism, SeededBits(seed), town_key, day, PARIS)
        sketch.notice(from_us)
        return sketch

    return make


def places(released: DaySketch | None) -> list[int]:
    assert released
    return [*released.bits, *released.symbols]


def test_an_arrival_sets_its_one_place_and_tells_the_half_of_the_day(
    new: Any, town_key: TownKey
) -> None:
    morning, evening, night = range(100), range(100, 200), range(200, 300)
    expected = [0] * TRUTHFUL.places
    sketch = new()
    times = (at(10), 1), (at(14), 2), (at(3, 59, day=16), 2)
    for people, (now_us, symbol) in zip((morning, evening, night), times, strict=True):
        for number in people:
            where = place(town_key, number)
            expected[where] = 1 if where < TRUTHFUL.bits else symbol
            sketch.visit(address(number), now_us)
    assert places(sketch.release(DAY, at(3, 45, day=16))) == expected
    assert {1, 2} <= set(expected[TRUTHFUL.bits :])


def test_the_last_visit_decides_the_half(new: Any, town_key: TownKey) -> None:
    number = next(n for n in range(10_000) if place(town_key, n) >= TRUTHFUL.bits)
    sketch = new()
    for hour in (9, 15, 11, 16):
        sketch.visit(address(number), at(hour))
    assert sketch._state[place(town_key, number)] == 2


def test_fourteen_hours_is_local_time_when_the_clocks_change() -> None:
    key = TownKey()
    key.adopt()
    day = date(2026, 3, 28)  # its night has an hour less
    number = next(n for n in range(10_000) if place(key, n) >= TRUTHFUL.bits)
    for minute_us, symbol in ((-1, 1), (0, 2)):
        sketch = Sketch(TRUTHFUL, SeededBits(1), key, day, PARIS)
        afternoon = datetime(2026, 3, 28, 14, tzinfo=PARIS).timestamp()
        sketch.notice(round(afternoon - 36_000) * 1_000_000)
        sketch.visit(address(number), round(afternoon * 1_000_000) + minute_us)
        assert sketch._state.max() == symbol


@given(
    victim=st.integers(0, 2**48 - 1),
    before=st.lists(st.integers(0, 50), max_size=5),
    visits=st.integers(1, 4),
    objects=st.booleans(),
)
def test_one_address_touches_one_place(
    victim: int, before: list[int], visits: int, objects: bool
) -> None:
    """With the same dice, all places but its own are as they are without it."""
    key = TownKey()
    key.adopt()
    states = []
    for is_there in (True, False):
        sketch = Sketch(MECHANISM, SeededBits(5), key, DAY, PARIS)
        sketch.notice(at(9))
        for number in before:
            sketch.visit(address(number), at(9, 30))
        for _ in range(visits * is_there):
            sketch.visit(address(victim), at(15))
        if objects and is_there:
            sketch.forget(address(victim))
        states.append(sketch._state.copy())
    differing = np.flatnonzero(states[0] != states[1])
    assert set(differing.tolist()) <= {place(key, victim)}


def fits(answers: NDArray[np.uint8], truth: int, symbols: int) -> bool:
    weights = np.ones(symbols)
    weights[truth] = exp(float(MECHANISM.epsilon))
    expected = weights / weights.sum() * answers.size
    observed = np.bincount(answers, minlength=symbols)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return statistic < CHI_SQUARE_LIMIT[symbols - 1]


@pytest.mark.parametrize(
    "history",
    [[], [("visit", 10)], [("visit", 10)] * 3, [("visit", 10), ("visit", 15)],
     [("visit", 10), ("visit", 15), ("forget", 0)], [("forget", 0)],
     [("forget", 0), ("visit", 15)]],
    ids=lambda history: "-".join(f"{what}{hour or ''}" for what, hour in history) or "nothing",
)  # fmt: skip
def test_at_each_instant_a_place_is_one_response_to_what_is_true(
    new: Any, town_key: TownKey, history: list[tuple[str, int]]
) -> None:
    """Pan-privacy: the state's places have the distribution of one response, whatever happened
    before, however often. False alarms of the whole test, were its seeds drawn anew: < 1e-3."""
    sketch = new(MANY, seed=8)
    people = {place(town_key, number, MANY): number for number in range(4_000)}
    touched = np.array(sorted(people))
    bits, symbols = touched[touched < MANY.bits], touched[touched >= MANY.bits]
    truth = 0
    for what, hour in [("nothing", 0), *history]:
        for number in people.values():
            if what == "visit":
                sketch.visit(address(number), at(hour))
            elif what == "forget":
                sketch.forget(address(number))
        truth = {"visit": 1 if hour < 14 else 2, "forget": 0, "nothing": 0}[what]
        assert fits(sketch._state[bits], min(truth, 1), 2)
        assert fits(sketch._state[symbols], truth, 3)
    others = np.setdiff1d(np.arange(MANY.places), touched)
    assert fits(sketch._state[others[others < MANY.bits]], 0, 2)
    assert fits(sketch._state[others[others >= MANY.bits]], 0, 3)


@pytest.mark.parametrize(
    ("from_us", "since_us"),
    [
        (at(9), at(9)),
        (at(9, second=1), at(9, 15)),
        (at(9, 14, second=59), at(9, 15)),
        (at(3, 30), at(4)),  # the day before
    ],
)
def test_since_is_the_first_whole_cell_and_nothing_before_it_counts(
    new: Any, from_us: int, since_us: int
) -> None:
    sketch = new(from_us=from_us)
    sketch.visit(address(1), since_us - 1)
    assert not sketch._state.any()
    sketch.visit(address(1), since_us)
    assert sketch._state.any()
    released = sketch.release(DAY, at(3, 45, day=16))
    assert released.since == datetime.fromtimestamp(since_us // 1_000_000, UTC)


def test_a_key_that_comes_too_late_gives_no_sketch(new: Any) -> None:
    last_us = at(3, 45, day=16)
    assert new(from_us=last_us).release(DAY, last_us) is not None
    late = new(from_us=at(3, 46, day=16))
    late.visit(address(1), at(3, 50, day=16))
    assert late.release(DAY, last_us) is None


def test_a_recording_that_ends_before_its_first_whole_cell_gives_no_sketch(new: Any) -> None:
    assert new(from_us=at(9, 5)).release(DAY, at(9)) is None


def test_visits_after_the_day_are_not_in_it(new: Any) -> None:
    sketch = new()
    sketch.visit(address(1), at(4, day=16))
    assert not sketch._state.any()


def test_another_key_begins_anew_and_a_lost_one_ends(new: Any, town_key: TownKey) -> None:
    sketch = new()
    sketch.visit(address(1), at(10))
    town_key.drop()
    sketch.notice(at(11))
    assert not sketch._state.any()
    assert not any(sketch._key._page[:32])
    sketch.visit(address(1), at(11))
    town_key.adopt()
    sketch.notice(at(11, 1))
    sketch.visit(address(2), at(12))
    released = sketch.release(DAY, at(3, 45, day=16))
    assert released.since == datetime(2023, 11, 15, 10, 15, tzinfo=UTC)
    assert sum(released.bits) + (sum(released.symbols) > 0) == 1


def test_the_release_ends_sketch_and_keys_and_comes_once(new: Any, town_key: TownKey) -> None:
    sketch = new(MECHANISM)
    sketch.visit(address(1), at(10))
    assert sketch.release(date(2023, 11, 14), at(3, 45)) is None  # another day's end
    name = town_key.held
    released = sketch.release(DAY, at(3, 45, day=16))
    assert (released.key, released.day, released.epsilon) == (name, DAY, MECHANISM.epsilon)
    assert (len(released.bits), len(released.symbols)) == (MECHANISM.bits, MECHANISM.ordered)
    assert not sketch._state.any()
    assert not any(sketch._key._page[:32])
    assert town_key.held == town_key.offered == ""
    assert not town_key.adopt()
    sketch.notice(at(3, 59, day=16))
    assert sketch.release(DAY, at(3, 45, day=16)) is None


def test_without_a_key_or_a_day_it_stays_empty(town_key: TownKey) -> None:
    for key, day in ((None, DAY), (town_key, None), (TownKey(), DAY)):
        sketch = Sketch(MECHANISM, SeededBits(1), key, day, PARIS)
        sketch.notice(at(9))
        sketch.visit(address(1), at(10))
        sketch.forget(address(1))
        assert not sketch._state.any()
        assert sketch.release(DAY, at(3, 45, day=16)) is None


def test_no_token_and_no_place_stays_behind(new: Any) -> None:
    sketch = new(MECHANISM)
    sketch.visit(address(1), at(10))
    scratch = (sketch._token.value, sketch._place, sketch._is_ordered, sketch._answer)
    assert not any(array.any() for array in (*scratch, sketch._symbol))
