"""Variance of the release noise, and intervals of figures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import interval, laplace_variance


@pytest.mark.parametrize("scale", [0.5, 4 / 3, 5.0, 20.0])
def test_the_variance_is_that_of_the_probabilities(scale: float) -> None:
    k = np.arange(-2000, 2001)
    weight = np.exp(-np.abs(k) / scale)
    assert laplace_variance(scale) == pytest.approx((weight * k**2).sum() / weight.sum())


def test_no_noise_has_no_variance() -> None:
    np.testing.assert_array_equal(laplace_variance(np.array([0.0, 0.0])), [0.0, 0.0])


@given(st.floats(0.01, 1000), st.floats(0, 1e6), st.floats(0, 2))
def test_an_interval_holds_its_figure_and_no_negative_people(
    mean: float, variance: float, shared: float
) -> None:
    low, high = interval(np.array([mean]), np.array([variance]), shared)
    assert 0 <= low[0] <= mean <= high[0]
    assert math.isclose(
        high[0] - mean,
        1.6448536 * math.hypot(math.sqrt(variance), shared * mean),
        rel_tol=1e-6,
        abs_tol=1e-9,
    )


def test_an_estimate_below_zero_still_says_what_may_be_there() -> None:
    low, high = interval(np.array([-1.0]), np.array([4.0]))
    assert low[0] == 0
    assert high[0] > 2
