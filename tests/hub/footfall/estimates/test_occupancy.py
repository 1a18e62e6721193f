"""People present from released counts, with a variance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import DEFAULT_COEFFICIENTS, Curve, laplace_variance, occupancy

BENT = Curve(5.0, threshold=4.0, exponent=0.4, reach=30.0)


def test_a_straight_calibration_is_the_mean_per_window_times_people() -> None:
    mean, variance = occupancy(
        {"fingerprints": np.array([60.0, -6.0]), "scans": np.array([80.0, 0.0])},
        np.array([3.0, 2.0]),
        {"fingerprints": 5.0, "scans": 20.0},
        {"fingerprints": 0.7},
        residual_sd=1.0,
    )
    np.testing.assert_allclose(mean, [14.0, -2.1])
    noise = laplace_variance(5.0) * 0.49 / np.array([9.0, 4.0])
    np.testing.assert_allclose(variance, noise + 1.0)


def test_the_error_of_the_signal_grows_with_the_crowd() -> None:
    coefficients = {"scans": 0.5, "signal_error": 0.2}
    counts = {"scans": np.array([0.0, 300.0])}
    _, variance = occupancy(counts, np.array([3.0, 3.0]), {"scans": 0.0}, coefficients, 1.0)
    np.testing.assert_allclose(variance, [1.0, 1.0 + 10.0**2])


@pytest.mark.parametrize("mode", ["default", "strict"])
def test_a_shop_without_calibration_gets_an_index(mode: str) -> None:
    counts = {"fingerprints": np.array([60.0]), "scans": np.array([85.0])}
    mean, variance = occupancy(
        counts, np.array([3.0]), {"fingerprints": 5.0, "scans": 20.0}, DEFAULT_COEFFICIENTS[mode], 0
    )
    assert 5 < mean[0] < 30
    assert variance[0] > 0


def test_no_windows_no_people_figure() -> None:
    mean, variance = occupancy(
        {"scans": np.array([5.0])}, np.array([0.0]), {"scans": 4.0}, {"scans": 0.5}, 1.0
    )
    assert np.isnan(mean[0])
    assert np.isnan(variance[0])


def test_a_count_missing_from_a_cell_makes_it_unknown() -> None:
    mean, _ = occupancy(
        {"fingerprints": np.array([np.nan, 9.0]), "scans": np.array([9.0, 9.0])},
        np.array([3.0, 3.0]),
        {"fingerprints": 5.0, "scans": 20.0},
        {"fingerprints": 0.7},
        0.0,
    )
    assert np.isnan(mean[0])
    assert mean[1] == pytest.approx(2.1)


@given(st.floats(-50, 500), st.floats(0, 100))
def test_the_curve_never_falls(value: float, more: float) -> None:
    low, high = BENT.people(np.array([value, value + more]))
    assert 0 <= low <= high + 1e-9


def test_beyond_what_calibration_saw_people_grow_in_proportion() -> None:
    at, twice = BENT.people(np.array([30.0, 56.0]))
    assert twice == pytest.approx(2 * at)


def test_the_curve_is_continuous_at_its_reach() -> None:
    below, above = BENT.people(np.array([30.0 - 1e-6, 30.0 + 1e-6]))
    assert below == pytest.approx(above, abs=1e-4)


def test_stored_coefficients_bring_the_curve_back() -> None:
    stored = {"fingerprints": 5.0, "intercept": 0.0, "threshold": 4.0, "exponent": 0.4,
              "reach": 30.0, "signal_error": 0.1}  # fmt: skip
    assert Curve.of(stored) == BENT
