"""Lives in the visit table: arrivals, passers-by, dwell, those who stay, and forgetting."""

from typing import Any

import numpy as np
import pytest

from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.privacy import DEFAULT_MECHANISM
from chaland.sensor.privacy.keys import pointer_to

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


def test_inside_at_once_is_an_arrival_outside_a_passer_by(table: VisitTable) -> None:
    table.sight(place(1), START_US, inside=True)
    table.sight(place(2), START_US, inside=False)
    assert (table.arrivals, table.passers_by) == (1, 1)


def test_a_passer_by_who_comes_in_is_an_arrival_instead(table: VisitTable) -> None:
    table.sight(place(1), START_US, inside=False)
    table.sight(place(1), START_US + 9 * US, inside=True)
    assert (table.arrivals, table.passers_by) == (1, 0)


def test_a_passer_by_of_the_cell_before_stays_counted_there(table: VisitTable) -> None:
    table.sight(place(1), START_US, inside=False)
    table.begin_cell()
    table.sight(place(1), START_US + 9 * US, inside=True)
    assert (table.arrivals, table.passers_by) == (1, 0)


def test_a_life_ends_five_minutes_after_the_last_sighting(table: VisitTable) -> None:
    table.sight(place(1), START_US, inside=True)
    table.sight(place(1), START_US + 100 * US, inside=False)
    table.expire(START_US + 399 * US)
    assert table.live == 1
    table.expire(START_US + 400 * US)
    assert table.live == 0
    assert rows_left(table) == 0
    assert table.dwell.tolist() == [1, 0, 0, 0, 0, 0]  # inside only once, outside later


@pytest.mark.parametrize(
    ("stay_s", "bin_index"), [(0, 0), (59, 0), (60, 1), (299, 1), (300, 2), (3600, 5), (6899, 5)]
)
def test_dwell_from_first_to_last_sighting_inside(
    table: VisitTable, stay_s: int, bin_index: int
) -> None:
    for at_s in [*range(0, stay_s, 250), stay_s]:
        table.sight(place(1), START_US + at_s * US, inside=True)
    table.expire(START_US + (stay_s + 300) * US)
    assert table.dwell.sum() == table.dwell[bin_index] == 1


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
    assert (table.arrivals, table.dwell.sum(), table.live) == (1, 0, 0)


def test_no_time_in_a_row_is_older_than_two_hours(table: VisitTable) -> None:
    for now_us in range(START_US, START_US + 5 * HOUR_US, 290 * US):
        table.sight(place(1), now_us, inside=True)
        for times in (table._born_us, table._first_inside_us, table._last_inside_us):
            known = times[times > 0]
            assert (now_us - known <= 2 * HOUR_US).all()


@pytest.mark.parametrize("inside", [False, True])
def test_forgetting_takes_back_what_the_cell_counted(table: VisitTable, inside: bool) -> None:
    table.sight(place(1), START_US, inside)
    table.forget(place(1))
    table.forget(place(2))
    assert (table.arrivals, table.passers_by, table.live, rows_left(table)) == (0, 0, 0, 0)
    table.expire(START_US + HOUR_US)
    assert not table.dwell.any()


def test_ends_with_nothing_in_memory(table: VisitTable) -> None:
    for number in range(1, 50):
        table.sight(place(number), START_US, inside=True)
    table.zero()
    assert rows_left(table) == 0
    assert not any(table._key._page[:32])


def test_a_full_table_refuses_new_devices_by_name_and_serves_the_old(table: VisitTable) -> None:
    capacity = DEFAULT_MECHANISM.visit_capacity
    for number in range(1, capacity + 1):
        assert table.sight(place(number), START_US, inside=True) is None
    assert table.sight(place(9999), START_US, inside=True) == "visit-table-full"
    assert table.sight(place(7), START_US, inside=True) is None
    assert table.peak == capacity == table.arrivals
    table.expire(START_US + 300 * US)
    assert table.sight(place(9999), START_US + 300 * US, inside=True) is None
