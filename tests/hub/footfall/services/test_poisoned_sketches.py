"""No sketch, however it was made, spoils the others' estimates, or stops the day's."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.footfall.estimates.covisits import TownDay, close_day, pack, unpack
from chaland.hub.footfall.estimates.distinct import town_visitors
from chaland.hub.footfall.estimates.flows import shop_pairs
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.hub.footfall.estimates.zone_flows import (
    shop_zones,
    zone_order,
    zone_pairs,
    zone_visitors,
)
from chaland.simulate.movement import MODELS, zones_of_five
from chaland.wire.mechanism import DEFAULT_MECHANISM
from tests.hub.footfall.estimates.towns import sketches_of

OURS = DEFAULT_MECHANISM.sketch
HONEST = 10
EXTREMES = list(product((0, 1), (0, 1, 2)))
"""Every bit, and every symbol, of a hostile sketch."""


def town(hostile: list[tuple[int, int]], honest: int = HONEST, seed: int = 3) -> Sketches:
    """Honest shops, and behind them hostile ones, in zones of five."""
    rng = np.random.default_rng(seed)
    visits = next(iter(MODELS["clustered"](zones_of_five(HONEST), 300, 1, rng)))
    made = sketches_of(visits, HONEST, seed, OURS)
    shops = honest + len(hostile)
    bits = [np.full((1, OURS.bits), bit, np.uint8) for bit, _ in hostile]
    symbols = [np.full((1, OURS.ordered), symbol, np.uint8) for _, symbol in hostile]
    return Sketches(
        np.arange(shops, dtype=np.int64),
        zones_of_five(shops),
        ["k"] * shops,
        np.vstack([made.bits[:honest], *bits]),
        np.vstack([made.symbols[:honest], *symbols]),
        made.epsilon,
        np.ones(shops),
    )  # fmt: skip


def read_as_pages_do(day: TownDay) -> None:
    """Whatever is shown of a few such days; a NumPy warning is an error in these tests."""
    kept = unpack(pack(day))
    for days in ([kept], [kept] * 3):
        shop_pairs(days)
        zone_pairs(days)
        zone_visitors(days)
        shop_zones(days)
        zone_order(days)
        town_visitors(days[0], days[1:])


def honest_of(day: TownDay) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = day.shops < HONEST
    pairs = np.ix_(own, own)
    return day.visitors[own], day.variance[own], day.covisits[pairs]


@pytest.mark.parametrize("extreme", EXTREMES, ids=str)
def test_one_extreme_sketch_changes_no_other_shop(extreme: tuple[int, int]) -> None:
    """Visitors stay to the digit; co-visits within their own noise: kinds are weighed together."""
    plain, spoilt = close_day(town([])), close_day(town([extreme]))
    before, after = honest_of(plain), honest_of(spoilt)
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])
    off = ~np.eye(HONEST, dtype=bool)
    assert np.isfinite(after[2][off]).all()
    sd = np.sqrt(np.outer(plain.noise, plain.noise))[off]
    assert (np.abs(after[2] - before[2])[off] < sd).all()
    assert np.isfinite(spoilt.visitors).all()
    assert (spoilt.variance > 0).all()
    read_as_pages_do(spoilt)


@pytest.mark.parametrize("extreme", EXTREMES, ids=str)
@pytest.mark.parametrize("shops", [1, 2, 6])
def test_a_town_of_nothing_else(extreme: tuple[int, int], shops: int) -> None:
    read_as_pages_do(close_day(town([extreme] * shops, honest=0)))


@settings(max_examples=25, deadline=None)
@given(hostile=st.lists(st.sampled_from(EXTREMES), min_size=1, max_size=8), seed=st.integers(0, 9))
def test_any_mixture(hostile: list[tuple[int, int]], seed: int) -> None:
    spoilt = close_day(town(hostile, seed=seed))
    assert np.isfinite(honest_of(spoilt)[0]).all()
    read_as_pages_do(spoilt)
