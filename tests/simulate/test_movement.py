"""Movement models and the sampler of sketches: what a benchmark takes for the truth."""

from dataclasses import replace

import numpy as np
import pytest

from chaland.simulate.movement import HELD_OUT, LAWS, MODELS, zones_of_five
from chaland.simulate.sketches import randomised, sample
from chaland.wire.mechanism import SketchMechanism

EVERY = {**MODELS, **HELD_OUT, **LAWS}
FALSE_ALARM_SD = 4.5
"""Chance alone passes this once in 150,000."""


@pytest.mark.parametrize("name", EVERY)
def test_a_day_has_its_visitors_their_shops_and_their_hours(name):
    (*_, day) = EVERY[name](zones_of_five(12), 800, 2, np.random.default_rng(1))
    each = np.bincount(day.visitor)
    assert len(each) == (1200 if name == "event" else 800)
    assert each.min() == (2 if name == "everybody two" else 1)
    mean = 2.0 if name == "everybody two" else 2.5
    assert mean - 0.2 < each.mean() < mean + 0.2, "rarely cut off by 12 shops"
    assert day.matrix(12).sum() == len(day.shop), "different shops"
    assert ((day.time_s >= 9 * 3600) & (day.time_s <= 20 * 3600)).all()


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_gives_the_same_town(name):
    days = [list(EVERY[name](zones_of_five(10), 50, 2, np.random.default_rng(4))) for _ in "ab"]
    for one, other in zip(*days, strict=True):
        np.testing.assert_array_equal(one.shop, other.shop)


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("1 + Poisson", np.exp(-1.5)),
        ("geometric", 0.4),
        ("half see one", 0.5),
        ("everybody two", 0),
    ],
)
def test_a_law_says_how_many_see_one_shop(name, one):
    (day,) = LAWS[name](zones_of_five(30), 10_000, 1, np.random.default_rng(1))
    share = (np.bincount(day.visitor) == 1).mean()
    assert abs(share - one) <= FALSE_ALARM_SD * np.sqrt(one * (1 - one) / 10_000)


@pytest.mark.parametrize("kinds", [2, 3])
def test_a_response_is_true_as_often_as_epsilon_says(kinds):
    rng = np.random.default_rng(7)
    for epsilon in (0.5, 2.0):
        for truth in range(kinds):
            told = randomised(np.full((100, 2000), truth, np.uint8), kinds, epsilon, rng)
            for symbol in range(kinds):
                weight = np.exp(epsilon) if symbol == truth else 1.0
                chance = weight / (np.exp(epsilon) + kinds - 1)
                seen = (told == symbol).mean()
                assert abs(seen - chance) < FALSE_ALARM_SD * np.sqrt(chance * (1 - chance) / 2e5)


def test_without_noise_a_sketch_holds_each_visitor_at_one_place_in_all_shops():
    mechanism = replace(SketchMechanism(), epsilon="60", bits=50_000, ordered=50_000)
    visitor = np.repeat(np.arange(200), 3)
    shop = np.tile([0, 1, 1], 200)
    after = np.tile([False, False, True], 200)
    bits, symbols = sample(visitor, shop, after, 3, np.random.default_rng(1), mechanism=mechanism)
    np.testing.assert_array_equal(bits[0], bits[1])
    assert not bits[2].any()
    assert set(np.unique(symbols[0])) == {0, 1}
    np.testing.assert_array_equal(symbols[1] == 2, symbols[0] == 1)
    placed = int(bits[0].sum() + (symbols[0] > 0).sum())
    assert 195 <= placed <= 200, "but for a collision or two"
