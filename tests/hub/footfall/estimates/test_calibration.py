"""Calibration: unbiased under noise, honest about its error, clear when data are too few."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import CalibrationFinal, Fit, Refusal, fit, occupancy
from tests.hub.footfall.estimates.shops import SCALES, Shop, shop

TWO_QUARTERS = {"fingerprints": np.array([9.0, 9]), "scans": np.array([9.0, 9])}


def calibrate(data: Shop) -> Fit:
    return fit(data.counts, data.windows, SCALES, data.truth, data.day)


def test_few_hours_of_a_quiet_shop_give_an_unbiased_scale() -> None:
    """A small shop's counts are half noise; ordinary least squares would halve the slope."""
    slopes, flattened = [], []
    for seed in range(60):
        data = shop(np.random.default_rng(seed), days=4, busy=2.0, day_sd=0.0)
        slopes.append(calibrate(data).coefficients["fingerprints"])
        x = data.counts["fingerprints"] / 3
        flattened.append(np.polyfit(x, data.truth, 1)[0])
    true_slope = 3 / 4.2
    assert np.mean(slopes) == pytest.approx(true_slope, rel=0.05)
    assert np.mean(flattened) < 0.75 * true_slope


def test_devices_that_are_always_there_are_not_counted_as_people() -> None:
    data = shop(np.random.default_rng(1), days=20, background=40.0)
    made = calibrate(data)
    mean, _ = occupancy(data.counts, data.windows, SCALES, made.coefficients, made.residual_sd)
    assert made.shape in {"line", "curve"}
    as_people = 40 / 4.2
    assert abs(mean[data.truth == 0].mean()) < as_people / 5
    assert mean.sum() == pytest.approx(data.truth.sum(), rel=0.05)


def test_sums_over_days_are_unbiased_in_a_quiet_shop() -> None:
    """Calibrated on ten days, applied to ten others: totals agree over 40 shops."""
    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = calibrate(shop(rng, days=10, busy=3.0, day_sd=0.0))
        later = shop(rng, days=10, busy=3.0, day_sd=0.0)
        mean, _ = occupancy(
            later.counts, later.windows, SCALES, made.coefficients, made.residual_sd
        )
        ratios.append(mean.sum() / later.truth.sum())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.03)


def test_the_held_out_error_predicts_the_error_on_new_days() -> None:
    told, made_later = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        made = calibrate(shop(rng, days=8))
        later = shop(rng, days=8)
        mean, _ = occupancy(
            later.counts, later.windows, SCALES, made.coefficients, made.residual_sd
        )
        told.append(made.held_out_mae)
        made_later.append(np.abs(mean - later.truth).mean())
    assert np.mean(told) == pytest.approx(np.mean(made_later), rel=0.07)


def test_no_day_helps_to_estimate_itself() -> None:
    """Changing the truth of one day leaves that day's held-out estimates as they were."""
    data = shop(np.random.default_rng(3), days=6, busy=2.0)
    before = calibrate(data).held_out
    third = data.day == 2
    changed = np.where(third, data.truth * 1.15, data.truth)
    after = fit(data.counts, data.windows, SCALES, changed, data.day).held_out
    np.testing.assert_allclose(after[third], before[third])
    assert (after[~third] != before[~third]).any()


def test_strict_mode_is_calibrated_on_scans_alone() -> None:
    data = shop(np.random.default_rng(5), days=8)
    made = fit({"scans": data.counts["scans"]}, data.windows, {"scans": 4.0}, data.truth, data.day)
    assert "scans" in made.coefficients
    assert "fingerprints" not in made.coefficients


def test_one_morning_is_enough_for_a_first_calibration() -> None:
    data = shop(np.random.default_rng(6), days=1)
    made = calibrate(data)
    assert made.days == 1
    assert np.isfinite(made.held_out_mae)


def test_unknown_truth_and_unheard_cells_are_left_out() -> None:
    data = shop(np.random.default_rng(7), days=5)
    truth, windows = data.truth.copy(), data.windows.copy()
    truth[:50], windows[60:70] = np.nan, 0
    made = fit(data.counts, windows, SCALES, truth, data.day)
    assert made.cells == len(truth) - 60
    assert np.isnan(made.held_out[:50]).all()


def test_a_year_of_door_counts_is_fitted_in_seconds() -> None:
    data = shop(np.random.default_rng(8), days=365)
    begin = time.process_time()
    made = calibrate(data)
    assert time.process_time() - begin < 20
    assert made.days == 365


@pytest.mark.parametrize(
    ("counts", "truth", "reason", "says"),
    [
        (2, 5.0, Refusal.TOO_FEW_CELLS, "more hours"),
        (40, 0.0, Refusal.NOBODY_COUNTED, "all counts are 0"),
    ],
)
def test_too_little_truth_is_refused_with_what_to_do(
    counts: int, truth: float, reason: Refusal, says: str
) -> None:
    heard = {name: np.full(counts, 60.0) for name in SCALES}
    with pytest.raises(CalibrationFinal, match=says) as refused:
        fit(heard, np.full(counts, 3.0), SCALES, np.full(counts, truth), np.arange(counts))
    assert refused.value.reason is reason


def test_people_that_the_sensor_does_not_hear_are_refused() -> None:
    rng = np.random.default_rng(9)
    noise = {name: rng.laplace(0, scale, 200).round() for name, scale in SCALES.items()}
    with pytest.raises(CalibrationFinal, match="check its place") as refused:
        fit(noise, np.full(200, 3.0), SCALES, np.full(200, 8.0), np.arange(200) // 40)
    assert refused.value.reason is Refusal.NOTHING_HEARD


def test_nothing_counted_at_all_is_refused() -> None:
    with pytest.raises(CalibrationFinal) as refused:
        fit(TWO_QUARTERS, np.array([3.0, 3]), SCALES, np.full(2, np.nan), np.array([1, 1]))
    assert refused.value.reason is Refusal.TOO_FEW_CELLS


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    days=st.integers(1, 6),
    busy=st.floats(0.5, 80),
    background=st.floats(0, 60),
)
def test_any_shop_gives_finite_figures_or_a_reason(
    seed: int, days: int, busy: float, background: float
) -> None:
    data = shop(np.random.default_rng(seed), days, busy=busy, background=background)
    try:
        made = calibrate(data)
    except CalibrationFinal:
        return
    mean, variance = occupancy(
        data.counts, data.windows, SCALES, made.coefficients, made.residual_sd
    )
    assert np.isfinite(mean).all()
    assert (variance >= 0).all()
    assert all(isinstance(value, float) for value in made.coefficients.values())
    assert min(made.residual_sd, made.scale_error, made.day_error, made.held_out_mae) >= 0
