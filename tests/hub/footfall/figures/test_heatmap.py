"""The hours table: never a 0, gaps said, hours to come left open."""

from datetime import timedelta

import numpy as np
import pytest

from chaland.hub.footfall.figures.heatmap import CellState, heatmap
from tests.hub.footfall.figures.cubes import MONDAY, cube, flat


def states(table: object, row: int) -> dict[int, CellState]:
    return {cell.hour: cell.state for cell in table.rows[row].cells}  # type: ignore[attr-defined]


def test_few_people_are_not_shown_and_never_zero() -> None:
    visits = flat(40.0)
    visits[0, 1, 12] = 9.9
    visits[0, 1, 13] = 0.0
    table = heatmap(cube(visits), None)
    assert states(table, 1)[12] is CellState.FEW
    assert states(table, 1)[13] is CellState.FEW
    assert all(c.visits is None for c in table.rows[1].cells if c.state is not CellState.SHOWN)


def test_a_gap_is_missing_and_a_part_of_an_hour_is_incomplete() -> None:
    windows = np.full((1, 7, 24), 12.0)
    windows[0, 2, 14] = 0
    windows[0, 2, 15] = 6
    table = heatmap(cube(flat(40.0), windows=windows), None)
    cells = {cell.hour: cell for cell in table.rows[2].cells}
    assert cells[14].state is CellState.MISSING
    assert cells[15].incomplete
    assert not cells[16].incomplete


def test_one_silent_shop_of_two_makes_the_hour_incomplete() -> None:
    windows = np.full((2, 7, 24), 12.0)
    windows[1, 0, 10] = 0
    table = heatmap(cube(flat(40.0, shops=2), windows=windows), None)
    assert {c.hour: c.incomplete for c in table.rows[0].cells}[10]


def test_hours_to_come_are_ahead_not_missing() -> None:
    windows = np.full((1, 7, 24), 12.0)
    windows[0, 3, 15:] = 0
    windows[0, 4:] = 0
    table = heatmap(cube(flat(40.0), windows=windows), (MONDAY + timedelta(days=3), 11))
    assert states(table, 3)[14] is CellState.SHOWN
    assert states(table, 3)[15] is CellState.AHEAD
    assert set(states(table, 5).values()) == {CellState.AHEAD}


def test_long_periods_show_the_mean_week() -> None:
    visits = flat(40.0, days=28)
    visits[0, 7] = 2 * visits[0, 7]  # one Monday of four is twice as busy
    table = heatmap(cube(visits), None)
    assert not table.by_date
    assert [row.weekday for row in table.rows] == list(range(7))
    monday = {cell.hour: cell for cell in table.rows[0].cells}[12]
    assert monday.visits is not None
    assert monday.visits.value == pytest.approx(50)


def test_the_mean_week_ignores_gaps_but_says_them() -> None:
    windows = np.full((1, 28, 24), 12.0)
    windows[0, 7] = 0
    table = heatmap(cube(flat(40.0, days=28) * (windows > 0), windows=windows), None)
    monday = {cell.hour: cell for cell in table.rows[0].cells}[12]
    assert monday.visits is not None
    assert monday.visits.value == pytest.approx(40)
    assert monday.incomplete
