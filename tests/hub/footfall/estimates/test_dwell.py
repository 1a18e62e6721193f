"""Mean stay from noised histograms, visits, capture rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import capture_rate, mean_dwell, visits
from chaland.hub.footfall.estimates.dwell import DEFAULT_DWELL_S
from chaland.hub.footfall.rules import estimate

EDGES_S = (60, 300, 600, 1200, 2400, 4200, 7200)


def histogram(stays_s: np.ndarray) -> np.ndarray:
    return np.histogram(stays_s, EDGES_S)[0].astype(float)


@pytest.mark.parametrize("typical_s", [300, 900, 1800])
def test_the_mean_of_short_and_long_stays_is_found(typical_s: int) -> None:
    stays_s = np.random.default_rng(1).exponential(typical_s, 20_000)
    stays_s = stays_s[(stays_s >= EDGES_S[0]) & (stays_s < EDGES_S[-1])]
    mean_s, variance = mean_dwell(EDGES_S, histogram(stays_s), 0.0)
    assert mean_s == pytest.approx(stays_s.mean(), rel=0.10)
    assert variance > 0


def test_noise_widens_the_mean_as_much_as_it_moves_it() -> None:
    """400 noisy releases of one histogram pooled over 28 days; 90 % intervals hold 86-97 %."""
    rng = np.random.default_rng(2)
    stays_s = rng.exponential(900, 600)
    exact = histogram(stays_s)
    centre, _ = mean_dwell(EDGES_S, exact, 0.0)
    scale = 4 * np.sqrt(28)
    held = 0
    for _ in range(400):
        noised = exact + rng.laplace(0, 4, (28, 6)).sum(axis=0)
        mean_s, variance = mean_dwell(EDGES_S, noised, scale)
        found = estimate(mean_s, variance)
        held += found.low <= centre <= found.high
    assert 0.86 <= held / 400 <= 0.995


def test_too_few_stays_give_the_default_with_a_forbidding_error() -> None:
    mean_s, variance = mean_dwell(EDGES_S, np.array([3.0, -2, 4, 1, 0, -1]), 4.0)
    assert mean_s == DEFAULT_DWELL_S
    assert np.sqrt(variance) / mean_s > 0.35


@given(st.lists(st.integers(-60, 400), min_size=6, max_size=6), st.floats(0, 60))
def test_any_released_histogram_gives_a_stay_within_the_day(
    counts: list[int], scale: float
) -> None:
    mean_s, variance = mean_dwell(EDGES_S, np.array(counts, float), scale)
    assert 0 < mean_s <= EDGES_S[-1]
    assert np.isfinite(variance)
    assert variance >= 0


def test_visits_are_person_hours_over_the_stay() -> None:
    found, variance, share = visits(
        np.array([10.0]), np.array([1.0]), np.array([1200.0]), np.array([0.0])
    )
    np.testing.assert_allclose(found, 30.0)
    np.testing.assert_allclose(variance, 9.0)
    np.testing.assert_allclose(share, 0.0)


def test_an_unsure_stay_does_not_inflate_visits() -> None:
    """The mean of 1 / stay over unsure stays exceeds 1 / mean: the correction brings it back."""
    stays_s = np.random.default_rng(3).gamma(25, 1200 / 25, 200_000)
    n = len(stays_s)
    found, _, share = visits(np.full(n, 10.0), np.zeros(n), stays_s, (stays_s / 5) ** 2)
    assert share[0] == pytest.approx(0.2)
    assert found.mean() == pytest.approx(30.0, rel=0.01)


def test_the_capture_rate_is_the_share_of_those_who_come_in() -> None:
    rate, variance = capture_rate(np.array([100.0]), np.array([300.0]), np.array([8.0]))
    assert rate[0] == pytest.approx(0.25)
    assert 0 < variance[0] < 0.05**2


def test_a_capture_rate_of_noise_is_not_given() -> None:
    rate, _ = capture_rate(np.array([4.0, -3.0]), np.array([2.0, 5.0]), np.array([8.0, 8.0]))
    assert np.isnan(rate).all()
