"""Lives in the visit table: arrivals, passers-by, dwell, those who stay, and forgetting."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.privacy.keys import pointer_to
from chaland.wire.mechanism import DEFAULT_MECHANISM

US = 1_000_000
HOUR_US = 3600 * US
START_US = 1_700_049_600 * US


@pytest.fixture
def table() -> VisitTable:
    return VisitTable(DEFAULT_MECHANISM)


def place(number: int) -> Any:
    return pointer_to(bytearray(number.to_bytes(6, "big")))


def rows_left(table: VisitTable) -> int:
    arrays = [value for value in vars(table).values() if isinstance(value, np.ndarray)]
    sized = [array for array in arrays if array.size == DEFAULT_MECHANISM.visit_capacity]
    return int(sum(np.count_nonzero(array) for array in sized if array is not table._mask))


def sight(table: VisitTable, number: int, inside: bool, *at_s: float) -> None:
    """Show one device at each time, ending lives in between as the pipeline does."""
    for time_s in at_s:
        now_us = START_US + round(time_s * US)
        table.expire(now_us - now_us % US)
        table.sight(place(number), now_us, inside)


def counts(table: VisitTable) -> tuple[int, int, int]:
    return table.arrivals, table.passers_by, int(table.dwell.sum())


def test_an_arrival_is_counted_once_the_minimum_stay_is_reached(table: VisitTable) -> None:
    sight(table, 1, True, 0, 59.9)
    assert counts(table) == (0, 0, 0)
    sight(table, 1, True, 60, 200, 400)
    assert counts(table) == (1, 0, 0)


def test_a_passer_by_is_counted_at_the_end_of_a_life_outside(table: VisitTable) -> None:
    sight(table, 1, False, 0, 100)
    table.expire(START_US + 399 * US)
    assert counts(table) == (0, 0, 0)
    table.expire(START_US + 400 * US)
    assert counts(table) == (0, 1, 0)


@pytest.mark.parametrize("cells_between", [0, 1, 2])
def test_who_comes_in_from_outside_is_an_arrival_only(
    table: VisitTable, cells_between: int
) -> None:
    """Also if a cell ends between the two: one life, one count."""
    sight(table, 1, False, 0)
    moved = [0, 0]
    for _ in range(cells_between):
        table.begin_cell()
    sight(table, 1, True, 9, 80)
    moved[0] += table.arrivals
    table.begin_cell()
    sight(table, 1, False, 100, 200)
    table.expire(START_US + HOUR_US)
    assert (moved[0], *counts(table)) == (1, 0, 0, 1)


@pytest.mark.parametrize("inside_s", [[0], [0, 59]])
def test_a_bounce_counts_as_nothing(table: VisitTable, inside_s: list[float]) -> None:
    sight(table, 1, True, *inside_s)
    sight(table, 1, False, 100, 200)
    table.expire(START_US + HOUR_US)
    assert counts(table) == (0, 0, 0)


def test_a_life_ends_five_minutes_after_the_last_sighting(table: VisitTable) -> None:
    sight(table, 1, True, 0, 60)
    sight(table, 1, False, 100)
    table.expire(START_US + 399 * US)
    assert table.live == 1
    table.expire(START_US + 400 * US)
    assert table.live == 0
    assert rows_left(table) == 0
    assert table.dwell.tolist() == [1, 0, 0, 0, 0, 0]  # 60 s inside, outside later


@pytest.mark.parametrize(
    ("stay_s", "bin_index"),
    [(60, 0), (299, 0), (300, 1), (600, 2), (1199, 2), (2400, 4), (4200, 5), (6899, 5)],
)
def test_dwell_from_first_to_last_sighting_inside(
    table: VisitTable, stay_s: int, bin_index: int
) -> None:
    sight(table, 1, True, *range(0, stay_s, 250), stay_s)
    table.expire(START_US + (stay_s + 300) * US)
    assert table.dwell.sum() == table.dwell[bin_index] == 1


def test_the_end_of_the_day_ends_all_lives(table: VisitTable) -> None:
    sight(table, 1, False, 0)
    sight(table, 2, True, 0)
    sight(table, 3, True, 0, 100)
    sight(table, 4, False, *range(0, 7200, 200))
    table.sight(place(1), START_US + 7000 * US, inside=False)
    table.end_lives()
    assert counts(table) == (1, 2, 1)  # the first life of 1, 2 and 3 ended long before
    assert rows_left(table) == table.live == 0


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("hours", [0.1, 1.9, 2, 8])
def test_a_fixed_device_heard_each_six_minutes_never_arrives(
    table: VisitTable, inside: bool, hours: float
) -> None:
    """Inside it adds nothing. Outside each life passes by: nothing remembers the one before."""
    sight(table, 1, inside, *range(0, int(hours * 3600), 360))
    table.expire(START_US + 9 * HOUR_US)
    lives = -(-int(hours * 3600) // 360)
    assert counts(table) == (0, 0 if inside else lives, 0)


@pytest.mark.parametrize("hours", [2, 3, 5.97, 8, 8.1])
@pytest.mark.parametrize("step_s", [1, 10, 299])
def test_who_stays_for_hours_adds_no_dwell_and_one_arrival(
    table: VisitTable, hours: float, step_s: int
) -> None:
    """F14: staff, residents and printers; the end of a stay must not look like a short visit."""
    end_us = START_US + int(hours * HOUR_US)
    for now_us in range(START_US, end_us, step_s * US):
        table.sight(place(1), now_us, inside=True)
        table.expire(now_us)
    table.expire(end_us + HOUR_US)
    assert (*counts(table), table.live) == (1, 0, 0, 0)


def test_who_stays_outside_for_hours_is_no_passer_by_and_never_arrives(table: VisitTable) -> None:
    """A resident upstairs, who comes into the shop after two hours."""
    sight(table, 1, False, *range(0, 7000, 100))
    sight(table, 1, True, *range(7000, 9000, 100))
    table.expire(START_US + 3 * HOUR_US)
    assert counts(table) == (0, 0, 0)


@pytest.mark.parametrize(("linger_s", "stay_at_most_s"), [(60, 7200), (300, 3600)])
def test_how_long_it_remembers_is_the_mechanisms(linger_s: int, stay_at_most_s: int) -> None:
    mechanism = replace(DEFAULT_MECHANISM, linger_s=linger_s, stay_at_most_s=stay_at_most_s)
    table = VisitTable(mechanism)
    sight(table, 1, True, 0, 30)
    for at_s, live in ((30 + linger_s - 1, 1), (30 + linger_s, 0)):
        table.expire(START_US + at_s * US)
        assert table.live == live
    times = range(10_000, 10_000 + stay_at_most_s + 1, linger_s // 2)
    sight(table, 2, True, *times)
    assert times[-1] * US + START_US - table._born_us.max() < (stay_at_most_s - linger_s) * US


def test_no_time_in_a_row_is_older_than_two_hours(table: VisitTable) -> None:
    for now_us in range(START_US, START_US + 5 * HOUR_US, 290 * US):
        table.sight(place(1), now_us, inside=True)
        for times in (table._born_us, table._first_inside_us, table._last_inside_us):
            known = times[times > 0]
            assert (now_us - known <= 2 * HOUR_US).all()


@pytest.mark.parametrize("inside", [False, True])
def test_forgetting_takes_back_what_the_cell_counted(table: VisitTable, inside: bool) -> None:
    sight(table, 1, inside, 0, 100)
    assert table.forget(place(1), is_barred=True) is inside  # had it arrived?
    assert not table.forget(place(1), is_barred=True)
    assert not table.forget(place(2), is_barred=True)
    assert (*counts(table), table.live, rows_left(table)) == (0, 0, 0, 0, 0)
    table.expire(START_US + HOUR_US)
    assert counts(table) == (0, 0, 0)


def test_forgetting_leaves_what_an_earlier_cell_released(table: VisitTable) -> None:
    sight(table, 1, True, 0, 100)
    table.begin_cell()
    sight(table, 2, True, 100, 200)
    assert table.forget(place(1), is_barred=True)
    assert table.arrivals == 1


@pytest.mark.parametrize("inside", [False, True])
def test_one_that_objects_but_cannot_be_barred_counts_no_more_in_this_life(
    table: VisitTable, inside: bool
) -> None:
    """Else whoever asks in its name, time and again, would make one stay many."""
    sight(table, 1, inside, 0, 100)
    assert table.forget(place(1), is_barred=False) is inside
    sight(table, 1, inside, 200, 300, 400)
    assert not table.forget(place(1), is_barred=False)
    sight(table, 1, inside, 500, 600)
    assert (*counts(table), table.live) == (0, 0, 0, 1)
    table.expire(START_US + HOUR_US)
    assert (*counts(table), table.live, rows_left(table)) == (0, 0, 0, 0, 0)
    sight(table, 1, inside, 3600, 3700)
    table.expire(START_US + 2 * HOUR_US)
    assert sum(counts(table)[:2]) == 1, "its next life counts"


def test_ends_with_nothing_in_memory(table: VisitTable) -> None:
    for number in range(1, 50):
        table.sight(place(number), START_US, inside=True)
    table.zero()
    assert rows_left(table) == 0
    assert not any(table._key._page[:32])


def test_a_full_table_refuses_new_devices_by_name_and_serves_the_old(table: VisitTable) -> None:
    capacity = DEFAULT_MECHANISM.visit_capacity
    for number in range(1, capacity + 1):
        assert table.sight(place(number), START_US, inside=False) is None
    assert table.sight(place(9999), START_US, inside=True) == "visit-table-full"
    assert table.sight(place(7), START_US, inside=False) is None
    assert table.peak == capacity
    table.expire(START_US + 300 * US)
    assert table.passers_by == capacity
    assert table.sight(place(9999), START_US + 300 * US, inside=True) is None
