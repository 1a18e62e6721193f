"""Objection through the whole chain: by name, by button, by the town's filter, and forged."""

from dataclasses import replace
from typing import Any

import pytest

from chaland.sensor.drops import Drop
from chaland.sensor.privacy.objection import ObjectionFilter
from chaland.wire.exchange import FILTER_BYTES
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism
from chaland.wire.summary import Mode
from tests.sensor.sketching import DAY, TRUTHFUL, holder, place, said, sketched, stay, visited


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
