"""Sketch, town key and objection through the whole chain, from frame bytes to releases."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chaland.sensor.drops import Drop
from chaland.sensor.privacy.objection import ObjectionFilter
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.exchange import FILTER_BYTES
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import CellCounts, Mode, decode_release, encode_release

DAY = date(2023, 11, 15)
NOON = datetime(2023, 11, 15, 12, tzinfo=UTC)
DAY_ENDS_S = 15 * 3600
"""04:00 in Paris, after 12:00 UTC."""
TWO_O_CLOCK_S = 3600
TRUTHFUL = replace(DEFAULT_MECHANISM, sketch=replace(DEFAULT_MECHANISM.sketch, epsilon="60"))
"""Its sketch lies with probability 1e-26 a place: what it would tell without deniability."""


def holder(key: bytes = bytes(range(32))) -> TownKey:
    """A holder of a fixed key."""
    town_key = TownKey()
    town_key.adopt()
    town_key._key._page[:32] = key
    town_key._held = hashlib.sha256(key).hexdigest()[:16]
    return town_key


def place(address: bytes, key: bytes = bytes(range(32))) -> int:
    digest = hashlib.blake2b(address, digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") % DEFAULT_MECHANISM.sketch.places


def visited(sketch: DaySketch | None) -> dict[int, int]:
    """Return the places that do not say "no visit", with what they say."""
    assert sketch
    answers = [*sketch.bits, *sketch.symbols]
    return {where: answer for where, answer in enumerate(answers) if answer}


def said(address: bytes, symbol: int) -> dict[int, int]:
    where = place(address)
    return {where: symbol if where >= DEFAULT_MECHANISM.sketch.bits else 1}


def stay(air: Any, who: bytes, from_s: float, for_s: int = 100) -> None:
    for at_s in range(0, for_s + 1, 50):
        air.data(from_s + at_s, who)


def sketched(pipeline_of: Any, air: Any, **settings: Any) -> list[CellCounts]:
    settings = {"mechanism": TRUTHFUL, "day": DAY, "town_key": holder()} | settings
    return list(pipeline_of(air.in_order(), **settings).run())


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


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("mechanism", [DEFAULT_MECHANISM, TRUTHFUL], ids=["noised", "truthful"])
def test_who_objected_before_leaves_no_trace_in_the_sketch(
    new_air: Any, address: Any, pipeline_of: Any, mode: Mode, mechanism: Mechanism
) -> None:
    """F9, with a fixed seed: the whole output is that of its absence."""
    outputs = []
    for is_there in (False, True):
        air = new_air()
        air.ticks(0, 1799)
        for who in range(1, 20):
            stay(air, address(who), 400 + 10 * who)
        if is_there:
            air.joins(100, address(0, True), b"chaland-optout", -80)
            stay(air, address(0, True), 101)
            stay(air, address(0, True), 700)
        outputs.append(sketched(pipeline_of, air, mode=mode, mechanism=mechanism))
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("objects_s", [450, 950])
def test_who_objects_after_arriving_is_drawn_out_of_the_sketch(
    new_air: Any, address: Any, pipeline_of: Any, objects_s: int
) -> None:
    """Its place answers anew as if nobody had visited; the rest is as in its absence. Counts of
    the cell in progress are taken back, those of a cell released before are not."""
    outputs = []
    for is_there in (False, True):
        air = new_air()
        air.ticks(0, 1799)
        for who in range(1, 20):
            stay(air, address(who), 30 + 10 * who)
        if is_there:
            stay(air, address(0, True), 310, objects_s - 320)
            air.joins(objects_s, address(0, True), b"chaland-optout", -80)
        outputs.append(sketched(pipeline_of, air))
    absent, present = (output[-1].sketch for output in outputs)
    assert visited(absent) == visited(present)
    cells = [[replace(cell, sketch=None) for cell in output] for output in outputs]
    assert (cells[0] == cells[1]) == (objects_s < 900)


def test_a_visit_that_is_over_stays_in_the_sketch(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """Nothing here knows that it was there, so nothing can take it out: it stays deniable."""
    air = new_air()
    air.ticks(0, 1799)
    stay(air, address(0, True), 10)
    air.joins(1000, address(0, True), b"chaland-optout", -80)
    *_, cell = sketched(pipeline_of, air)
    assert visited(cell.sketch) == said(address(0, True), 1)


def test_forged_objections_of_strangers_draw_nothing(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """Else a transmitter of invented addresses could wipe the day's sketch."""
    sketches = []
    for forges in (False, True):
        air = new_air()
        air.ticks(0, 899)
        stay(air, address(1), 10)
        for number in range(1000 * forges):
            air.probe(200 + number / 10, address(1000 + number), ssid=b"chaland-optout")
        (cell,) = sketched(pipeline_of, air, mechanism=DEFAULT_MECHANISM)
        sketches.append(cell.sketch)
    assert sketches[0] == sketches[1]


def test_forged_visitors_that_object_cannot_wipe_the_sketch(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """An invented device that arrives and then objects draws its place anew, and so whatever an
    honest visitor left there; a day has few such draws."""
    air, limit = new_air(), DEFAULT_MECHANISM.objection.new_in_a_day
    honest, forged = range(300), range(1000, 2200)
    air.ticks(0, 1799)
    for who in honest:
        air.data(1 + who / 10, address(who, True))
        air.data(62 + who / 10, address(who, True))
    for number, who in enumerate(forged):
        from_s = 400 + 300 * (number % 4) + number / 40
        air.data(from_s, address(who, True))
        air.data(from_s + 60, address(who, True))
        air.probe(from_s + 61, address(who, True), ssid=b"chaland-optout")
    pipeline = pipeline_of(
        air.in_order(), mechanism=TRUTHFUL, day=DAY, town_key=holder(), recorded=True
    )
    *_, last = pipeline.run()
    lost = {place(address(who, True)) for who in honest} - visited(last.sketch).keys()
    assert len(lost) <= limit * len(honest) / DEFAULT_MECHANISM.sketch.places * 3
    assert pipeline.drops[Drop.OBJECTED] == limit
    assert pipeline.drops[Drop.OBJECTION_OVER_LIMIT] == len(forged) - limit


def exhaust(air: Any, address: Any) -> None:
    """Use up the objections of the day by invented devices, in the first windows."""
    for number in range(DEFAULT_MECHANISM.objection.new_in_a_day):
        from_s = 300 * (number // DEFAULT_MECHANISM.objection.new_in_a_window)
        air.probe(from_s + 1, address(10_000 + number), ssid=b"chaland-optout")


def test_who_asks_beyond_the_limit_is_not_counted_in_this_life(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air, asks_s = new_air(), range(900, 7200, 200)
    exhaust(air, address)
    air.ticks(0, 7199)
    stay(air, address(1, True), 620, 6500)
    for at_s in asks_s:
        air.joins(at_s + 7, address(1, True), b"chaland-optout")
    stay(air, address(2, True), 1000, 100)
    pipeline = pipeline_of(air.in_order())
    cells = list(pipeline.exact_cells())
    assert [cell.arrivals for cell in cells] == [1, 1, *[0] * 6], "one before it asked, one other"
    assert [sum(cell.dwell) for cell in cells if cell.dwell] == [1]
    assert pipeline.drops[Drop.OBJECTION_OVER_LIMIT] == len(asks_s)


def test_a_town_filter_that_comes_and_goes_makes_no_stay_many(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """A hub that could bar and admit in turn would learn of one address as often as it likes."""
    air, objections = new_air(), ObjectionFilter()
    air.ticks(0, 8100)
    for at_s in range(20, 7220, 20):
        air.data(at_s, address(1, True))
    for at_s in range(150, 7200, 450):
        air.then(at_s, lambda: objections.share(b"\xff" * FILTER_BYTES))
        air.then(at_s + 330, lambda: objections.share(bytes(FILTER_BYTES)))
    cells = list(pipeline_of(air.in_order(), objections=objections).exact_cells())
    assert sum(cell.arrivals + cell.passers_by for cell in cells) == 1
    assert sum(sum(cell.dwell) for cell in cells) == 1


def test_a_button_pressed_each_minute_tells_of_few(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    """Else a shopkeeper would keep a register of who is near, in the town's filter."""
    air, objections, limits = new_air(), ObjectionFilter(), DEFAULT_MECHANISM.objection
    air.ticks(0, 1799)
    crowd = limits.new_in_a_day + 20
    for who in range(crowd):
        for at_s in range(3, 1800, 60):
            air.data(at_s + who / 10, address(who), -40)
    presses, told = range(0, 1800, 60), []
    for at_s in presses:
        air.then(at_s, objections.forget_near)
    for _ in pipeline_of(air.in_order(), objections=objections).run():
        told.append(len(objections.take_new()))
    assert sum(told) <= limits.new_in_a_day
    air, objections = new_air(), ObjectionFilter()
    air.ticks(0, 899)
    for who in range(crowd):
        air.data(10 + who / 10, address(who), -40)
    air.then(5, objections.forget_near)
    list(pipeline_of(air.in_order(), objections=objections).run())
    assert len(objections.take_new()) == limits.button_addresses


def test_the_button_forgets_who_is_near_for_a_minute(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air, objections = new_air(), ObjectionFilter()
    near, far, later = (address(n, True) for n in range(3))
    air.ticks(0, 1799)
    for who, rssi_dbm, from_s in ((near, -40, 100), (far, -60, 100), (later, -40, 400)):
        for at_s in range(0, 300, 20):
            air.data(from_s + at_s, who, rssi_dbm)
            air.probe(from_s + at_s + 1, who, rssi_dbm=rssi_dbm)
    air.then(200.5, objections.forget_near)
    pipeline = pipeline_of(
        air.in_order(), mechanism=TRUTHFUL, day=DAY, town_key=holder(), objections=objections
    )
    told, cells = [], []
    for cell in pipeline.run():
        cells.append(cell)
        told.append(objections.take_new())
    assert visited(cells[-1].sketch) == said(far, 1) | said(later, 1)
    assert [len(bits) for bits in told] == [1, 0]
    assert pipeline.drops[Drop.OBJECTED] == 19  # of 30 frames, those from 201 s on


def test_the_towns_filter_bars_at_the_next_second(
    new_air: Any, address: Any, pipeline_of: Any
) -> None:
    air, objections = new_air(), ObjectionFilter()
    air.ticks(0, 899)
    stay(air, address(1), 300)
    air.then(299, lambda: objections.share(b"\xff" * FILTER_BYTES))
    pipeline = pipeline_of(air.in_order(), objections=objections)
    list(pipeline.run())
    assert pipeline.drops[Drop.OBJECTED] == 3
    assert objections.take_new() == ()


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
