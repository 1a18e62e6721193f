"""Counting sightings without frames says what the real pipeline says of their frames."""

from datetime import date

import numpy as np
import pytest

from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.presence.cells import ExactCell
from chaland.sensor.privacy import SeededBits
from chaland.simulate.air import TIMEZONE, ShopAir
from chaland.simulate.history import DayCounts, count_day
from chaland.simulate.radio import Sightings
from chaland.simulate.source import SimulatedSource
from chaland.simulate.walkers import DAY_S, Day, Role, Walkers
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import State

from .conftest import SEED, TUESDAY

EDGES_S = DEFAULT_MECHANISM.dwell_edges_s
NAMES = ("fingerprints", "scans", "arrivals", "passers_by")


@pytest.fixture(scope="module")
def counted(walkers: Walkers) -> DayCounts:
    return count_day(walkers, TUESDAY, EDGES_S)


def exact_day(day: Day, heard: Sightings, shop: int) -> list[ExactCell]:
    """Lead all frames of a shop's day through the sensor, noise off."""
    source = SimulatedSource(ShopAir(day, heard, shop, SEED), 0, DAY_S)
    return list(Pipeline.simulated(PipelineConfig(TIMEZONE), source, SeededBits(1)).exact_cells())


@pytest.mark.parametrize("shop", [1, 6])
def test_the_fast_way_equals_the_pipeline(
    tuesday: Day, heard: Sightings, counted: DayCounts, shop: int
) -> None:
    """Cell by cell. No statistics, so no false alarms.

    The only differences: the sensor's objection list holds some addresses by collision (1 in 65,536
    for each objection), and forgets a visitor at the next whole second after five minutes.
    """
    cells = exact_day(tuesday, heard, shop)
    assert [int(cell.start.timestamp()) for cell in cells] == counted.start_s.tolist()
    assert all(cell.windows == 3 and cell.state is State.OK for cell in cells)
    for name in NAMES:
        slow = np.array([getattr(cell, name) for cell in cells])
        fast = counted.counts[name][:, shop]
        assert slow.sum() > 50, name
        assert np.abs(slow - fast).sum() <= 2 + 0.004 * slow.sum(), name
    dwell = np.array(cells[-1].dwell)
    assert np.abs(dwell - counted.dwell[shop]).sum() <= 2 + 0.02 * dwell.sum()


def test_counts_follow_the_people_inside(counted: DayCounts) -> None:
    signal = counted.counts["fingerprints"]
    assert np.corrcoef(counted.visitors.ravel(), signal.ravel())[0, 1] > 0.85
    busiest = counted.visitors.sum(axis=0).argmax()
    assert np.corrcoef(counted.visitors[:, busiest], signal[:, busiest])[0, 1] > 0.9


def test_entries_are_the_visits(tuesday: Day, counted: DayCounts) -> None:
    assert counted.entries.sum() == np.sum(tuesday.stays.role == Role.VISITOR)


def test_a_day_is_counted_the_same_again(walkers: Walkers, counted: DayCounts) -> None:
    again = count_day(walkers, TUESDAY, EDGES_S)
    assert all(np.array_equal(again.counts[name], counted.counts[name]) for name in NAMES)


@pytest.mark.parametrize(("day", "cells"), [(date(2026, 3, 28), 92), (date(2026, 10, 24), 100)])
def test_days_of_the_clock_change_have_their_own_length(
    walkers: Walkers, day: date, cells: int
) -> None:
    counts = count_day(walkers, day, EDGES_S)
    assert len(counts.start_s) == cells
    assert {len(values) for values in counts.counts.values()} == {cells}
    assert np.all(np.diff(counts.start_s) == 900)
