"""BG/NBD on histories drawn from the model, and the hold-out that hides a model that fails."""

import numpy as np
import pytest
from numpy.typing import NDArray

from chaland.hub.loyalty.figures import lifetime

Ints = NDArray[np.int64]


def drawn(seed: int, members: int = 1500, days: int = 546) -> tuple[Ints, Ints]:
    """Purchases of members from the model: r 0.8, alpha 6 weeks, a 0.9, b 4."""
    rng = np.random.default_rng(seed)
    who, when = [], []
    for member in range(members):
        day = float(rng.integers(0, days // 2))
        rate, leaves = rng.gamma(0.8, 1 / 6) / 7, rng.beta(0.9, 4)
        while day < days:
            who.append(member)
            when.append(int(day))
            if rng.random() < leaves and len(who) > 1 and who[-2] == member:
                break
            day += rng.exponential(1 / rate)
    return np.array(who), np.array(when)


def test_parameters_are_found_again() -> None:
    """With 1,500 members the fit's own error is some 10 %; the seed is fixed."""
    known = lifetime.Histories.of(*drawn(1), 545)
    found = lifetime.fit(known)
    assert found.r == pytest.approx(0.8, rel=0.25)
    assert found.alpha == pytest.approx(6, rel=0.3)
    assert found.a / (found.a + found.b) == pytest.approx(0.9 / 4.9, rel=0.35)


def test_what_is_expected_is_near_what_comes() -> None:
    who, day = drawn(2)
    known = lifetime.Histories.of(who, day, 364)
    expected = lifetime.fit(known).expected(known, 26).sum()
    assert expected == pytest.approx(lifetime.later(who, day, 364), rel=0.1)


def test_an_outlook_has_a_range_that_is_no_narrower_than_its_error() -> None:
    who, day = drawn(3)
    found = lifetime.outlook(who, day, np.full(len(who), 1000), 545)
    assert found.error <= lifetime.HOLD_OUT_ERROR_MAX
    assert found.low_cents <= found.cents * (1 - found.error) + 1
    assert found.high_cents >= found.cents * (1 + found.error) - 1
    assert found.counted > 0


def test_a_shop_that_everybody_left_gets_no_outlook() -> None:
    """The model knows no closing: it fails its hold-out, and is hidden."""
    who, day = drawn(4)
    kept = day < 330
    with pytest.raises(lifetime.NoModelFinal, match="hold-out"):
        lifetime.outlook(who[kept], day[kept], np.full(kept.sum(), 1000), 545)


def test_few_members_get_none() -> None:
    who, day = drawn(5, members=60)
    with pytest.raises(lifetime.NoModelFinal):
        lifetime.outlook(who, day, np.full(len(who), 1000), 545)


def test_two_purchases_of_a_day_are_one() -> None:
    who, day = np.array([1, 1, 1, 2]), np.array([0, 0, 7, 3])
    found = lifetime.Histories.of(who, day, 14)
    assert found.repeats.tolist() == [1, 0]
    assert found.last.tolist() == [1, 0]
    assert found.age.tolist() == [2, pytest.approx(11 / 7)]
