"""A day's sketches: unbiased, with the noise that is said, and the truth where there is none.

Statistical tests have fixed seeds; their thresholds are 4.5 standard errors of the mean over days,
which chance alone passes once in 100,000.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import sketches as kernel
from chaland.hub.footfall.estimates.covisits import TownDay, close_day, pack, unpack
from chaland.hub.footfall.estimates.flows import shop_pairs
from chaland.simulate.movement import Visits
from chaland.wire.mechanism import DEFAULT_MECHANISM
from tests.hub.footfall.estimates.towns import NOISELESS, SMALL, sketches_of, town, zone_truth

SHOPS = 10
OFF = ~np.eye(SHOPS, dtype=bool)
FALSE_ALARM_SD = 4.5


@pytest.fixture(scope="module")
def days():
    return town("clustered", SHOPS, 500, 40, seed=5)


def directed_truth(visits: Visits) -> np.ndarray:
    last = np.full((int(visits.visitor.max()) + 1, SHOPS), -1.0)
    np.maximum.at(last, (visits.visitor, visits.shop), visits.time_s)
    before, after = (last >= 0) & (last < 14 * 3600), last >= 14 * 3600
    return before.T.astype(float) @ after.astype(float)


def assert_centred(errors: np.ndarray) -> None:
    """Each row holds a day's errors in standard deviations."""
    daily = np.nanmean(errors, axis=1)
    assert abs(daily.mean()) < FALSE_ALARM_SD * daily.std(ddof=1) / np.sqrt(len(daily))
    assert 0.85 < np.nanstd(errors) < 1.15


def test_covisits_are_unbiased_with_the_noise_that_is_said(days):
    assert_centred(
        np.array(
            [
                ((d.told.covisits - d.true) / np.sqrt(np.outer(d.told.noise, d.told.noise)))[OFF]
                for d in days
            ]
        )
    )


def test_visitors_are_unbiased_with_the_noise_that_is_said(days):
    errors = [(d.told.visitors - np.diag(d.true)) / np.sqrt(d.told.variance) for d in days]
    assert_centred(np.array(errors))


def test_before_and_after_are_unbiased_with_the_noise_that_is_said(days):
    assert_centred(
        np.array(
            [
                (
                    (d.told.directed - directed_truth(d.visits))
                    / np.sqrt(np.outer(d.told.noise_before, d.told.noise_after))
                )[OFF]
                for d in days
            ]
        )
    )


def test_different_visitors_of_zones_are_unbiased_with_the_noise_that_is_said(days):
    errors = []
    for day in days:
        both = zone_truth(day)
        union = np.diag(both)[:, None] + np.diag(both)[None, :] - both
        np.fill_diagonal(union, np.diag(both))
        scaled = (day.told.union - union) / np.sqrt(day.told.union_variance)
        errors.append(scaled[np.triu_indices(2)])
    assert_centred(np.array(errors))


def test_small_shops_are_unbiased_too():
    """Six visitors a shop in 3,584 places: all noise, and half of the estimates below 0."""
    days = town("clustered", SHOPS, 25, 60, seed=8, mechanism=DEFAULT_MECHANISM.sketch)
    told = [day.told for day in days]
    shops = [(d.told.visitors - np.diag(d.true)) / np.sqrt(d.told.variance) for d in days]
    pairs = [
        ((d.told.covisits - d.true) / np.sqrt(np.outer(d.told.noise, d.told.noise)))[OFF]
        for d in days
    ]
    assert min(day.visitors.min() for day in told) < 0
    assert_centred(np.array(shops))
    assert_centred(np.array(pairs))
    found = shop_pairs(told)
    true = np.sum([day.true for day in days], axis=0)
    assert ((found.low <= true) & (true <= found.high))[OFF].mean() > 0.8
    assert found.separable[OFF].mean() < 0.1, "a co-visit a day can't be told"


def test_without_noise_and_collisions_the_truth_comes_out():
    (day,) = town("gravity", SHOPS, 300, 1, seed=3, mechanism=NOISELESS)
    # Two of 300 people share one of 600,000 places with probability 7 %; one pair moves a figure
    # by 1. Which kind of place a person falls on is chance: the two kinds are weighed.
    weighed = kernel.covisits(kernel.parts(sketches_of(day.visits, SHOPS, 3, NOISELESS)), 600_000)
    assert np.abs(day.told.visitors - np.diag(day.true)).max() < 0.15 * day.true.max()
    assert np.isfinite(weighed[0][OFF]).all()
    only_bits = replace(NOISELESS, ordered=0)
    told = close_day(sketches_of(day.visits, SHOPS, 3, only_bits))
    assert np.abs(told.visitors - np.diag(day.true)).max() < 1.2
    assert np.abs(told.covisits - day.true)[OFF].max() < 1.2
    assert np.isnan(told.directed).all()
    only_symbols = replace(NOISELESS, bits=0)
    told = close_day(sketches_of(day.visits, SHOPS, 3, only_symbols))
    assert np.abs(told.directed - directed_truth(day.visits))[OFF].max() < 1.2


def test_other_rows_of_the_same_sketches_give_the_same_figures_in_other_places(days):
    sketches = sketches_of(days[0].visits, SHOPS, 7)
    order = np.random.default_rng(1).permutation(SHOPS)
    moved = close_day(
        replace(
            sketches,
            shops=sketches.shops[order],
            zones=sketches.zones[order],
            bits=sketches.bits[order],
            symbols=sketches.symbols[order],
        )
    )
    still = close_day(sketches)
    np.testing.assert_allclose(moved.covisits, still.covisits[np.ix_(order, order)], atol=1e-6)
    np.testing.assert_allclose(moved.directed, still.directed[np.ix_(order, order)], atol=1e-6)
    np.testing.assert_allclose(moved.union, still.union, atol=1e-6)
    np.testing.assert_array_equal(moved.answers, still.answers)


def test_shops_under_another_key_are_not_compared(days):
    sketches = sketches_of(days[0].visits, SHOPS, 7)
    mixed = close_day(replace(sketches, keys=["k"] * 7 + ["other"] * 3))
    whole = close_day(sketches)
    assert np.isnan(mixed.covisits[:7, 7:]).all()
    np.testing.assert_allclose(mixed.covisits[:7, :7], whole.covisits[:7, :7])
    np.testing.assert_allclose(mixed.visitors, whole.visitors)
    assert np.isnan(mixed.union[1]).all(), "a zone of two keys has no different visitors"
    assert mixed.sampled == 7
    assert mixed.answers.sum() == sketches.bits.shape[1]


def test_late_shops_are_filled_up_and_those_that_counted_too_little_are_left_out(days):
    sketches = sketches_of(days[0].visits, SHOPS, 7)
    counted = np.ones(SHOPS)
    counted[2], counted[3] = 0.8, 0.4
    told, whole = close_day(replace(sketches, counted=counted)), close_day(sketches)
    assert told.shops.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert told.visitors[2] == pytest.approx(whole.visitors[2] / 0.8)
    ratio = np.sqrt(told.noise[2] / whole.noise[2])
    assert ratio == pytest.approx(1.25, rel=0.02), "what is filled up is filled up with noise"
    assert np.isnan(told.union[0, 0])


def test_addresses_barred_by_accident_are_added(days):
    sketches = sketches_of(days[0].visits, SHOPS, 7)
    told, whole = close_day(replace(sketches, excluded=0.2)), close_day(sketches)
    np.testing.assert_allclose(told.visitors, whole.visitors * 1.25)
    np.testing.assert_allclose(told.covisits, whole.covisits * 1.25)
    np.testing.assert_allclose(told.noise, whole.noise * 1.25)


def test_a_full_sketch_is_left_out_and_an_empty_town_has_no_figures():
    crowd = Visits(np.arange(9_000), np.zeros(9_000, np.int64), np.full(9_000, 4e4))
    told = close_day(sketches_of(crowd, 2, 1))
    assert told.shops.tolist() == [1]
    full = Visits(np.arange(9_000), np.arange(9_000) % 1, np.full(9_000, 4e4))
    assert not len(close_day(sketches_of(full, 1, 1)).shops)


@given(st.integers(0, 2**31), st.integers(1, 7))
def test_a_packed_day_comes_back(seed, shops):
    day = close_day(sketches_of(_few(seed, shops), shops, seed))
    again = unpack(pack(day))
    for name in TownDay.__dataclass_fields__:
        np.testing.assert_allclose(getattr(again, name), getattr(day, name), rtol=1e-6)


def _few(seed: int, shops: int) -> Visits:
    rng = np.random.default_rng(seed)
    return Visits(np.arange(40), rng.integers(0, shops, 40), rng.uniform(3e4, 7e4, 40))


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"\x09" + b[1:]])
def test_spoilt_bytes_are_refused(days, spoil):
    with pytest.raises(ValueError, match="estimates of a day"):
        unpack(spoil(pack(days[0].told)))


def test_a_day_of_thirty_shops_is_kept_in_ten_kilobytes():
    (day,) = town("gravity", 30, 300, 1, seed=1)
    assert len(pack(day.told)) < 10_000
    assert SMALL.places == 1280
