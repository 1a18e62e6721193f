"""People present now."""

import numpy as np
import pytest

from chaland.hub.footfall.estimates import occupancy_now


def test_now_leans_on_the_last_cell() -> None:
    now, variance = occupancy_now(np.array([50.0, 6.0, 9.0]), np.array([1.0, 9.0, 9.0]))
    assert now == pytest.approx(8.0)
    assert variance == pytest.approx(5.0)


def test_now_with_a_gap_uses_what_is_there() -> None:
    assert occupancy_now(np.array([6.0, np.nan]), np.array([9.0, np.nan])) == (6.0, 9.0)
    assert occupancy_now(np.array([6.0]), np.array([9.0])) == (6.0, 9.0)


def test_now_is_unknown_without_cells() -> None:
    assert np.isnan(occupancy_now(np.array([np.nan]), np.array([np.nan]))).all()
    assert np.isnan(occupancy_now(np.empty(0), np.empty(0))).all()
