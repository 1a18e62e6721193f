"""Variance of the release noise."""

import numpy as np
import pytest

from chaland.hub.footfall.estimates import laplace_variance


@pytest.mark.parametrize("scale", [0.5, 4 / 3, 5.0, 20.0])
def test_the_variance_is_that_of_the_probabilities(scale: float) -> None:
    k = np.arange(-2000, 2001)
    weight = np.exp(-np.abs(k) / scale)
    assert laplace_variance(scale) == pytest.approx((weight * k**2).sum() / weight.sum())


def test_no_noise_has_no_variance() -> None:
    np.testing.assert_array_equal(laplace_variance(np.array([0.0, 0.0])), [0.0, 0.0])
