"""Sums, comparisons and indices on cubes of known numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall import rules
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.town import Cubes
from tests.hub.footfall.figures.cubes import cube, flat


def test_a_total_is_the_sum_of_all_hours_small_ones_too() -> None:
    found = totals.totals(cube(flat(2.0, shops=3))).all()
    assert found.value == pytest.approx(3 * 7 * 10 * 2.0)


def test_noise_averages_out_and_the_scale_does_not() -> None:
    noisy = totals.totals(cube(flat(50.0), variance=100.0)).all()
    shared = totals.totals(cube(flat(50.0), scale_error=np.array([0.1]))).all()
    assert (noisy.high - noisy.value) / noisy.value == pytest.approx(
        1.645 * np.sqrt(7 * 24 * 100.0) / 3500, rel=1e-3
    )
    assert (shared.high - shared.value) / shared.value == pytest.approx(0.1645, rel=1e-3)


def test_errors_of_a_day_that_go_together_widen_its_total() -> None:
    apart = totals.totals(cube(flat(50.0), variance=100.0))
    together = totals.totals(cube(flat(50.0), variance=100.0, togetherness=np.full((1, 7), 9.0)))
    assert together.variance[0] == pytest.approx(9 * apart.variance[0])


def test_the_same_twice_is_no_change() -> None:
    found = totals.change(cube(flat(40.0), variance=4.0), cube(flat(40.0), variance=4.0))
    assert found is not None
    assert found.percent.value == pytest.approx(0)
    assert not found.clear
    assert found.compared_share == 1


def test_a_stay_estimated_anew_is_no_change() -> None:
    """As many person-hours, but the followed stay came out a third shorter: nothing changed."""
    then = cube(flat(40.0), variance=4.0)
    now = cube(flat(60.0), variance=9.0, dwell_h=np.full((1, 7), 0.25 / 1.5))
    before = cube(flat(40.0, days=56))
    apart = totals.change(now, then)
    assert apart is not None
    assert apart.clear  # what it would be without one stay
    cubes = Cubes(now, then, before).one_stay()
    found = totals.change(cubes.now, cubes.then)
    assert found is not None
    assert found.percent.value == pytest.approx(0)
    assert not found.clear
    index = totals.index(cubes.now, totals.weekday_means(cubes.before))
    assert index.value == pytest.approx([100])


def test_shops_err_together() -> None:
    """What all shops share does not average out over them, and one shop has it in its own error."""
    alone = totals.totals(cube(flat(50.0), variance=1.0)).all()
    many = totals.totals(cube(flat(50.0, shops=100), variance=1.0)).all()
    assert (alone.high - alone.value) / alone.value < 0.01
    assert (many.high - many.value) / many.value > 0.08


def test_a_clear_rise_is_clear() -> None:
    found = totals.change(cube(flat(60.0), variance=4.0), cube(flat(40.0), variance=4.0))
    assert found is not None
    assert found.percent.value == pytest.approx(50)
    assert found.clear


@given(st.lists(st.booleans(), min_size=7, max_size=7).filter(any))
def test_gaps_do_not_look_like_change(heard: list[bool]) -> None:
    """A sensor that was off for days in either period must not move the comparison."""
    windows = np.full((1, 7, 24), 12.0)
    windows[0, ~np.array(heard)] = 0
    visits = flat(40.0) * (windows > 0)
    now = cube(visits, windows=windows)
    found = totals.change(now, cube(flat(40.0)))
    assert found is not None
    assert found.percent.value == pytest.approx(0)
    back = totals.change(cube(flat(40.0)), now)
    if sum(heard) / len(heard) < rules.COMPARED_SHARE_MIN:
        assert back is None  # a comparison over a few hours is no finding
        return
    assert back is not None
    assert back.percent.value == pytest.approx(0)
    assert back.compared_share == pytest.approx(sum(heard) / 7)


def test_nothing_is_compared_with_nobody() -> None:
    assert totals.change(cube(flat(40.0)), cube(flat(0.0))) is None
    assert totals.change(cube(np.zeros((0, 7, 24))), cube(np.zeros((0, 7, 24)))) is None


def test_a_typical_period_has_index_100() -> None:
    usual = totals.weekday_means(cube(flat(30.0, shops=2, days=56)))
    found = totals.index(cube(flat(30.0, shops=2)), usual)
    assert found.value == pytest.approx([100, 100])


def test_an_index_looks_at_observed_hours_only() -> None:
    usual = totals.weekday_means(cube(flat(30.0, days=56)))
    windows = np.full((1, 7, 24), 12.0)
    windows[0, 3:] = 0
    visits = flat(45.0) * (windows > 0)
    assert totals.index(cube(visits, windows=windows), usual).value == pytest.approx([150])


def test_the_mean_index_gives_each_shop_the_same_weight() -> None:
    sizes = np.array([1.0, 100.0])[:, None, None]
    usual = totals.weekday_means(cube(flat(10.0, shops=2, days=56) * sizes))
    now = cube(flat(10.0, shops=2) * sizes * np.array([2.0, 1.0])[:, None, None])
    mean, _variance, shops = totals.mean_index(totals.index(now, usual))
    assert mean == pytest.approx(150)
    assert shops == 2


def test_no_index_without_a_past() -> None:
    silent = cube(flat(0.0, days=56), windows=np.zeros((1, 56, 24)))
    assert np.isnan(totals.index(cube(flat(30.0)), totals.weekday_means(silent)).value).all()


def test_capture_rate() -> None:
    found = totals.capture_rate(cube(flat(200.0)))
    assert found is not None
    assert found.value == pytest.approx(0.25)
    assert found.low < 0.25 < found.high
    assert totals.capture_rate(cube(flat(0.0))) is None


def test_hours_of_night_noise_get_no_column() -> None:
    visits, variance = np.zeros((7, 24)), np.full((7, 24), 25.0)
    visits[:, 9:19] = 100
    visits[2, 23] = 20  # four standard deviations: noise among 84 night hours, now and then
    assert totals.hours_shown(visits, variance) == list(range(9, 19))
    visits[5, 20:23] = 80  # a late opening
    assert totals.hours_shown(visits, variance) == list(range(9, 23))


def test_a_capture_rate_of_few_phones_is_withheld() -> None:
    assert totals.capture_rate(cube(flat(1.0))) is None
    unsure = cube(flat(4.0), followable_variance=np.full((1, 7, 24), 12.0))
    assert totals.capture_rate(unsure) is None
