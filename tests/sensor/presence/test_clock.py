"""The receiver's clock: windows end on time, gaps show, a clock that jumps does no harm."""

from dataclasses import replace
from typing import Any

import pytest

from chaland.wire.summary import State

HOUR = 3600


def test_windows_close_by_ticks_alone(new_air: Any, cells_of: Any) -> None:
    air = new_air()
    air.ticks(0, 900)
    cell = cells_of(air)[0]
    assert (cell.windows, cell.state, cell.fingerprints) == (3, State.OK, 0)


def test_a_start_in_the_middle_of_a_window_leaves_it_unobserved(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    air = new_air()
    air.ticks(100, 900)
    air.probe(110, address(1), elements(1))
    air.probe(310, address(1), elements(1))
    cell = cells_of(air.in_order())[0]
    assert (cell.windows, cell.fingerprints) == (2, 1)


def test_a_gap_of_a_live_source_shows(new_air: Any, cells_of: Any) -> None:
    air = new_air()
    air.ticks(0, 290, beacons=True)
    air.ticks(610, 1800, beacons=True)
    one, two = cells_of(air, recorded=False)
    assert (one.windows, one.state, two.windows) == (0, State.OK, 3)


@pytest.mark.parametrize(("silence_s", "observed"), [(840, [0, 15]), (1800, [30])])
def test_quiet_minutes_of_a_file_are_no_gap_a_silent_cell_is(
    new_air: Any, address: Any, elements: Any, cells_of: Any, silence_s: int, observed: list[int]
) -> None:
    air = new_air()
    for at_s in (0, silence_s, silence_s + 800, silence_s + 955):
        air.probe(at_s + 1, address(1), elements(1))
    air.tick(silence_s + 961)
    assert [cell.start.minute for cell in cells_of(air) if cell.windows == 3] == observed


def test_the_pause_of_a_recording_does_not_end_its_day(
    new_air: Any, address: Any, cells_of: Any
) -> None:
    air = new_air()
    for begin_s in (1, 3 * HOUR, 20 * HOUR):
        air.data(begin_s, address(1))
        air.data(begin_s + 60, address(1))
    with_dwell = [cell for cell in cells_of(air) if cell.dwell_day]
    assert [sum(cell.dwell) for cell in with_dwell] == [2, 0]
    assert len({cell.dwell_day for cell in with_dwell}) == 2


def test_deaf_and_quiet_are_told_apart(new_air: Any, cells_of: Any) -> None:
    air = new_air()
    air.ticks(0, 899, beacons=True)
    air.ticks(900, 1800)
    heard, deaf = cells_of(air, recorded=False)
    assert (heard.windows, heard.state) == (3, State.OK)
    assert (deaf.windows, deaf.state) == (3, State.DEAF)  # the hub takes it for a gap


def test_never_a_beacon_is_no_frames(new_air: Any, address: Any, cells_of: Any) -> None:
    """Frames of phones change nothing: a state must not tell that a phone was there."""
    quiet, phones = new_air(), new_air()
    for air in (quiet, phones):
        air.ticks(0, 900)
    for at_s in range(1, 900, 5):
        phones.data(at_s + 0.5, address(at_s))
        phones.beacon(at_s + 0.6, bssid=address(7))  # a phone's hotspot
    states = [
        [(c.windows, c.state) for c in cells_of(air.in_order(), recorded=False)]
        for air in (quiet, phones)
    ]
    assert states[0] == states[1] == [(3, State.NO_FRAMES)]


def test_no_count_depends_on_a_beacon(new_air: Any, address: Any, cells_of: Any) -> None:
    """Whoever sends beacons may be a phone with a global address: only the state may tell."""
    silent, beacons = new_air(), new_air()
    for air in (silent, beacons):
        air.ticks(0, 900)
        for n in range(100):
            air.data(n * 9 + 0.5, address(n))
    for at_s in range(1, 900, 30):
        beacons.beacon(at_s + 0.6, bssid=bytes.fromhex("001a2b000001"))
    (without,), (with_them,) = (
        cells_of(air.in_order(), recorded=False) for air in (silent, beacons)
    )
    assert without.state is State.NO_FRAMES
    assert with_them.state is State.OK
    assert replace(without, state=State.OK) == with_them


def test_frames_a_little_late_count_and_very_late_ones_are_named(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 100)
    air.probe(97, address(1), elements(1))
    air.probe(50, address(2), elements(2))
    air.ticks(101, 300)
    pipeline = pipeline_of(air)
    (cell,) = pipeline.exact_cells()
    assert cell.fingerprints == 1
    assert pipeline.drops["out-of-order"] == 1


def test_a_clock_set_back_starts_anew_and_releases_no_cell_twice(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 1000)
    air.data(999, address(1))
    air.ticks(600, 1800)  # back by 400 s: into a cell that is released already
    air.records.append(air.records[-1])
    pipeline = pipeline_of(air)
    cells = list(pipeline.exact_cells())
    starts = [cell.start for cell in cells]
    assert starts == sorted(set(starts))
    assert cells[1].windows == 3
    assert cells[1].arrivals == 0  # counted before the step: a time that was not over


@pytest.mark.parametrize("jump_s", [HOUR * 24 * 365 * 50, HOUR * 10])
def test_a_clock_that_jumps_forward_releases_no_cells_of_the_time_between(
    new_air: Any, cells_of: Any, jump_s: int
) -> None:
    air = new_air()
    air.ticks(0, 700)
    air.ticks(jump_s, jump_s + 900)
    assert [cell.windows for cell in cells_of(air) if cell.windows] == [2, 3]
    assert len(cells_of(air)) <= 3


def test_one_wild_timestamp_costs_one_window_not_the_day(new_air: Any, cells_of: Any) -> None:
    air = new_air()
    air.ticks(0, 400)
    air.tick(HOUR * 24 * 365)
    air.ticks(401, 1800)
    assert [cell.windows for cell in cells_of(air) if cell.windows] == [1, 3]
