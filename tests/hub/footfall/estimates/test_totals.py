"""Quarter hours into hours and days."""

import numpy as np
import pytest

from chaland.hub.footfall.estimates import days, hours, occupancy_now

STARTS = 1_700_000_100 - 1_700_000_100 % 3600 + 900 * np.arange(8)


def test_an_hour_is_the_mean_of_its_cells() -> None:
    found = hours(STARTS, np.arange(8.0), np.full(8, 4.0))
    np.testing.assert_array_equal(found.key, STARTS[[0, 4]])
    np.testing.assert_allclose(found.mean, [1.5, 5.5])
    np.testing.assert_allclose(found.variance, 1.0)


def test_gaps_are_left_out_not_filled() -> None:
    mean = np.array([4.0, np.nan, np.nan, 8.0, *[np.nan] * 4])
    found = hours(STARTS, mean, np.where(np.isnan(mean), np.nan, 1.0))
    np.testing.assert_array_equal(found.cells, [2])
    np.testing.assert_allclose(found.mean, [6.0])


def test_errors_that_cells_share_do_not_average_out() -> None:
    mean, variance = np.full(8, 10.0), np.full(8, 5.0)
    found = days(np.zeros(8, np.int64), mean, variance, day_error=0.2)
    assert found.variance[0] == pytest.approx((5 - 4) / 8 + 4)


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
