"""Purchases per hundred visits: as unsure as the visits, and as receipts are few."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.rules import Estimate
from chaland.hub.insight.rules import conversion


def test_of_very_many_receipts_the_uncertainty_is_the_visits() -> None:
    found = conversion(3_000_000, Estimate(1e7, 0.8e7, 1.2e7))
    assert found is not None
    assert (found.value, found.low, found.high) == (
        30,
        pytest.approx(25, 1e-4),
        pytest.approx(37.5, 1e-4),
    )


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 2.996), (1, 0.0513, 4.744), (10, 5.425, 16.96), (100, 84.14, 118.1)],
)
def test_few_receipts_vary_by_chance(count: int, low: float, high: float) -> None:
    """The exact limits of the Poisson's mean (Garwood 1936)."""
    found = conversion(count, Estimate(100.0, 100.0, 100.0))
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(low, 0.02, 0.02), pytest.approx(high, 0.02))


def test_ten_receipts_where_six_are_usual_are_no_clear_difference() -> None:
    visits = Estimate(50.0, 48.0, 52.0)
    now, usual = conversion(10, visits), conversion(23, Estimate(200.0, 192.0, 208.0))
    assert now is not None
    assert usual is not None
    assert now.against(usual) == 0


def test_without_a_difference_one_is_seldom_said() -> None:
    """Of 2,000 sales at the usual rate 1.4 % are told apart (the Poisson's sum over the counts that
    are): more than 60 with odds under 1e-7; the seed is fixed."""
    draw = numpy.random.default_rng(20_261_122)
    usual = conversion(60, Estimate(600.0, 570.0, 630.0))
    assert usual is not None
    visits = Estimate(100.0, 95.0, 105.0)
    sales = [conversion(int(n), visits) for n in draw.poisson(10, 2_000)]
    apart = sum(one is not None and one.against(usual) != 0 for one in sales)
    assert apart <= 60


@pytest.mark.parametrize(
    ("mean", "error", "low", "high"),
    [(6, 0.1, 0.90, 0.96), (20, 0.05, 0.88, 0.93), (60, 0.1, 0.88, 0.92), (300, 0.15, 0.88, 0.92)],
)
def test_the_interval_holds_the_true_rate_nine_times_in_ten(
    mean: int, error: float, low: float, high: float
) -> None:
    """With both noises: receipts drawn from a Poisson, visits with a normal ``error``. Of counts
    below ten it holds more: they come in whole steps. 4,000 draws, standard error 0.5 points."""
    draw, visits = numpy.random.default_rng(20_261_122), 400.0
    spread = error * visits
    drawn = zip(draw.poisson(mean, 4_000), draw.normal(visits, spread, 4_000), strict=True)
    found = [
        conversion(int(n), Estimate(v, v - 1.645 * spread, v + 1.645 * spread)) for n, v in drawn
    ]
    read = [one for one in found if one is not None]
    assert len(read) > 3_900
    held = sum(one.low <= 100 * mean / visits <= one.high for one in read) / len(read)
    assert low <= held <= high


@pytest.mark.parametrize("visits", [None, Estimate(0, 0, 0), Estimate(40, 19, 61)])
def test_nothing_is_divided_by_what_is_hardly_known(visits: Estimate | None) -> None:
    assert conversion(5, visits) is None


@given(
    st.integers(0, 10_000),
    st.floats(1, 1e5),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
)
def test_an_interval_holds_its_value_and_a_rate_is_not_apart_from_itself(
    receipts: int, visits: float, below: float, above: float
) -> None:
    found = conversion(receipts, Estimate(visits, visits * (1 - below), visits * (1 + above)))
    assert found is not None
    assert found.low <= found.value <= found.high
    assert found.against(found) == 0


def test_clearly_apart_is_when_the_intervals_don_t_meet() -> None:
    visits = Estimate(100.0, 90.0, 110.0)
    few, many = conversion(20, visits), conversion(60, visits)
    assert few is not None
    assert many is not None
    assert many.against(few) == 1
    assert few.against(many) == -1
