"""Intervals where they are hardest to hold: on days of events, and for the strongest pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates.deviation import departures, shift
from chaland.hub.footfall.estimates.flows import shop_pairs
from chaland.hub.footfall.estimates.zone_flows import zone_pairs
from tests.hub.footfall.estimates.towns import told, town


def test_nine_in_ten_zone_pairs_hold_the_truth_on_event_days():
    """72 pairs of 12 event days; 53 % held while an event day was believed as any other day.

    A day's errors go together; if the pairs were as good as 36 independent ones, an honest 90 %
    would fall to 28 of 36 once in 40 runs of other seeds; these are fixed.
    """
    pairs, member = np.triu_indices(4, 1), np.repeat(np.eye(4), 5, axis=1)
    held = []
    for seed in (1, 2, 3, 4):
        days = town("event", 20, 2000, 29, seed)
        # By the model the last day and each seventh before it are events.
        for at in (14, 21, 28):
            found = zone_pairs([days[at].told], told(days[:at]))
            true = member @ days[at].true @ member.T
            held.append(((found.low <= true) & (true <= found.high))[pairs])
    assert np.mean(held) > 0.8


def test_nine_in_ten_of_the_strongest_pairs_hold_the_truth():
    """The twelve first rows of 18 towns; 78 % held while all pairs shared one usual error.

    A town's rows go together: its share spreads by 11 points, the mean of 18 by 2.6. An honest
    90 % would fall to 85 % in 3 of 100 runs of other seeds; these are fixed.
    """
    pairs = np.triu_indices(15, 1)
    held = []
    for model in ("independent", "adversarial", "clustered"):
        for seed in range(1, 7):
            days = town(model, 15, 2000, 21, seed)
            true = np.sum([day.true for day in days], axis=0)[pairs]
            found = shop_pairs(told(days))
            first = np.argsort(-found.value[pairs])[:12]
            inside = (found.low[pairs] <= true) & (true <= found.high[pairs])
            held.append(inside[first])
            assert found.separable[pairs][first].all(), (model, seed)
    assert np.mean(held) > 0.85


@given(st.lists(st.floats(1, 1e4), min_size=2, max_size=12), st.floats(0.5, 4))
def test_more_people_everywhere_are_no_shift(usual, times):
    places = np.array(usual)
    assert shift(places * times, places) == pytest.approx(0, abs=1e-9)


def test_a_crowd_in_one_place_is_a_shift_and_an_empty_day_still_has_one():
    usual = np.full(6, 100.0)
    crowd = usual.copy()
    crowd[2] = 500.0
    crowded, empty = shift(np.stack([crowd, -usual]), usual)
    assert crowded > 0.5
    assert np.isfinite(empty)


def test_where_visitors_shifted_the_day_is_believed_more_and_told_less_surely():
    rng = np.random.default_rng(3)
    missed, noise = rng.normal(0, 30, 400), np.full(400, 900.0)
    usual, chance = np.full(400, 300.0), np.full(400, 1.0)
    same, sure = departures(missed, noise, usual, chance)
    moved, unsure = departures(missed, noise, usual, chance, np.full(400, 0.7))
    assert (np.abs(moved) > np.abs(same)).all()
    assert np.median(unsure) > 2 * np.median(sure)
    assert (unsure < noise).all(), "the raw figure is never less sure than its noise"
