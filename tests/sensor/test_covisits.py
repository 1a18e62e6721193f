"""Sketch and town key through the whole chain, from frame bytes to releases."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import Mode, decode_release, encode_release
from tests.sensor.sketching import (
    DAY,
    DAY_ENDS_S,
    NOON,
    TRUTHFUL,
    TWO_O_CLOCK_S,
    holder,
    said,
    sketched,
    stay,
    visited,
)


@pytest.mark.parametrize("mode", list(Mode))
def test_arrivals_of_the_day_leave_with_its_last_cell(
    new_air: Any, address: Any, pipeline_of: Any, mode: Mode
) -> None:
    air = new_air()
    air.ticks(0, 5400)
    air.ticks(DAY_ENDS_S - 900, DAY_ENDS_S + 1800)
    early, late, tomorrow = (address(n, True) for n in range(3))
    stay(air, early, 100)
    stay(air, late, TWO_O_CLOCK_S + 100)
    stay(air, tomorrow, DAY_ENDS_S + 100)
    stay(air, address(7, True), 300, 50)  # a bounce is no arrival
    town_key = holder()
    cells = sketched(pipeline_of, air, mode=mode, recorded=False, town_key=town_key)
    (last,) = (cell for cell in cells if cell.sketch)
    assert last.start == datetime(2023, 11, 16, 2, 45, tzinfo=UTC)
    assert last.dwell
    assert visited(last.sketch) == said(early, 1) | said(late, 2)
    assert last.sketch
    assert (last.sketch.day, last.sketch.since) == (DAY, NOON)
    assert decode_release(encode_release(last)) == last
    assert town_key.held == ""  # it has served


def test_the_released_sketch_is_as_deniable_as_the_mechanism_says(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 899)
    (cell,) = sketched(pipeline_of, air, mechanism=DEFAULT_MECHANISM)
    assert cell.sketch
    assert cell.sketch.epsilon == DEFAULT_MECHANISM.sketch.epsilon
    lies = sum(cell.sketch.bits) / DEFAULT_MECHANISM.sketch.bits
    assert 0.08 < lies < 0.16  # 1 / (1 + e^2) = 0.119; the bounds lie five sd away


@pytest.mark.parametrize(
    ("settings", "has_sketch"),
    [
        ({}, True),
        ({"recorded": False}, False),  # may be started again: no second sketch of the day
        ({"day": None}, False),
        ({"day": date(2023, 11, 14)}, False),
        ({"town_key": None}, False),
        ({"town_key": "not held"}, False),
    ],
)
def test_where_there_is_a_sketch(
    new_air: Any, address: Any, pipeline_of: Any, settings: dict[str, Any], has_sketch: bool
) -> None:
    air = new_air()
    air.ticks(0, 899)
    stay(air, address(1), 100)
    if settings.get("town_key") == "not held":
        settings = {"town_key": TownKey()}
    (cell,) = sketched(pipeline_of, air, **settings)
    assert (cell.sketch is not None) == has_sketch
    assert (cell.dwell is not None) == (settings.get("recorded") is not False)


def test_a_second_file_of_the_day_has_no_sketch(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """Else two independent answers about one visit would leave."""
    town_key, cells = holder(), []
    for _ in range(2):
        air = new_air()
        air.ticks(0, 899)
        stay(air, address(1), 100)
        cells += sketched(pipeline_of, air, town_key=town_key)
    assert [cell.sketch is not None for cell in cells] == [True, False]


def test_a_flooded_day_has_no_sketch(new_air: Any, address: Any, pipeline_of: Any) -> None:
    small = replace(TRUTHFUL, visit_capacity=1500, flood_margin=900)
    air = new_air()
    air.ticks(0, 1900)
    for who in range(1600):
        air.data(10 + who / 100, address(5000 + who))
    *_, last = sketched(pipeline_of, air, mechanism=small)
    assert (last.dwell, last.sketch) == (None, None)


def test_a_key_that_comes_or_changes_at_noon(new_air: Any, address: Any, pipeline_of: Any) -> None:
    air, town_key = new_air(), holder()
    before, between, after = (address(n, True) for n in range(3))
    air.ticks(0, 3000)
    stay(air, before, 100)
    stay(air, between, 920)
    stay(air, after, 1900)
    air.then(950, town_key.drop)
    air.then(1000.5, town_key.adopt)
    cells = sketched(pipeline_of, air, town_key=town_key)
    sketch = cells[-1].sketch
    assert sketch
    assert sketch.since == NOON.replace(minute=30)
    assert len(visited(sketch)) == 1


def test_a_pause_within_the_day_keeps_the_sketch_and_one_past_it_ends_it(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 899)
    stay(air, address(1), 100)
    air.ticks(4 * 3600, 4 * 3600 + 900)
    stay(air, address(2), 4 * 3600 + 100)
    air.ticks(DAY_ENDS_S + 7200, DAY_ENDS_S + 9000)
    stay(air, address(3), DAY_ENDS_S + 7300)
    sketches = [c.sketch for c in sketched(pipeline_of, air, recorded=False) if c.sketch]
    assert [visited(s) for s in sketches] == [said(address(1), 1) | said(address(2), 2)]


def test_a_clock_set_back_keeps_the_sketch(new_air: Any, address: Any, pipeline_of: Any) -> None:
    before, after = new_air(), new_air()
    before.ticks(1800, 2100)
    stay(before, address(1), 1850)
    after.ticks(900, 2699)
    before.records = before.in_order().records + after.records
    settings = {"mechanism": TRUTHFUL, "day": DAY, "town_key": holder()}
    *_, cell = pipeline_of(before, **settings).run()
    assert visited(cell.sketch) == said(address(1), 1)
    assert cell.sketch.since == NOON.replace(minute=30)


def test_two_shops_share_a_place_under_one_key_and_nothing_under_two(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """F5: what can be compared is the noisy place, one day long."""
    found = []
    for key in (bytes(range(32)), bytes(range(32)), bytes(range(1, 33))):
        air = new_air()
        air.ticks(0, 899)
        for who in range(20):
            stay(air, address(who), 100 + who)
        (cell,) = sketched(pipeline_of, air, town_key=holder(key))
        found.append(set(visited(cell.sketch)))
    assert found[0] == found[1]
    assert len(found[0] & found[2]) < 5


def test_an_abandoned_run_leaves_no_sketch_in_memory(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 1799)
    stay(air, address(1), 100)
    pipeline = pipeline_of(air.in_order(), mechanism=TRUTHFUL, day=DAY, town_key=holder())
    run = pipeline.run()
    next(run)
    assert pipeline._sketch._state.any()
    run.close()
    assert not pipeline._sketch._state.any()
    assert not any(pipeline._sketch._key._page[:32])
