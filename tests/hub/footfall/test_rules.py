"""Display rules: thresholds, index or people, intervals that round outwards."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall import rules
from chaland.hub.footfall.rules import Estimate, Unit


@pytest.mark.parametrize(
    ("calibrated", "error", "scale", "unit"),
    [
        (True, 0.35, 0.1, Unit.VISITS),
        (True, 0.36, 0.1, Unit.INDEX),
        (True, 0.1, 0.5, Unit.INDEX),
        (True, None, 0.1, Unit.INDEX),
        (False, None, 0.1, Unit.INDEX),
    ],
)
def test_what_a_shop_may_show(
    calibrated: bool, error: float | None, scale: float, unit: Unit
) -> None:
    assert rules.unit(calibrated, error, scale) is unit


@pytest.mark.parametrize(
    ("visits", "variance", "shown"),
    [
        (9.99, 0.0, False),
        (10.0, 0.0, True),
        (29.9, 100.0, False),
        (30.0, 100.0, True),
        (-5.0, 0.0, False),
        (math.nan, 0.0, False),
    ],
)
def test_small_and_noisy_hours_are_hidden(visits: float, variance: float, shown: bool) -> None:
    assert rules.enough_people(visits, variance) is shown


values = st.floats(-1e6, 1e6)
variances = st.floats(0, 1e9)


@given(values, variances, variances)
def test_intervals_hold_their_value_and_nothing_below_nobody(
    value: float, variance: float, shared: float
) -> None:
    found = rules.estimate(value, variance, shared)
    assert 0 <= found.low <= found.value <= found.high


@given(values, variances, st.sampled_from([0.1, 1.0]))
def test_rounding_never_narrows_an_interval(value: float, variance: float, least: float) -> None:
    found = rules.estimate(value, variance)
    rounded = rules.rounded(found, least)
    slack = 1e-6 * max(1.0, abs(found.high))
    assert rounded.low <= found.low + slack
    assert rounded.high >= found.high - slack
    assert rounded.high - rounded.low <= (found.high - found.low) * 1.5 + 2 * least


def test_an_interval_reads_as_people_say_it() -> None:
    assert rules.rounded(Estimate(211.3, 183.2, 238.9)) == Estimate(210, 180, 240)
    assert rules.rounded(Estimate(7.4, 6.9, 8.2)) == Estimate(7, 6, 9)
    assert rules.rounded(Estimate(5, 5, 5)) == Estimate(5, 5, 5)


def test_no_ratio_to_what_is_not_clear_of_noise() -> None:
    assert rules.ratio(100, 4, 10, 36) is None
    assert rules.ratio(100, 4, 0, 0) is None
    found = rules.ratio(110, 0, 100, 0)
    assert found is not None
    assert found.value == pytest.approx(1.1)
