"""Purchases per hundred visits: the interval is the visits', turned over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.rules import Estimate
from chaland.hub.insight.rules import conversion


def test_the_uncertainty_is_the_visits() -> None:
    found = conversion(30, Estimate(100.0, 80.0, 120.0))
    assert found is not None
    assert (found.value, found.low, found.high) == (30, 25, 37.5)


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
    few, many = conversion(20, visits), conversion(40, visits)
    assert few is not None
    assert many is not None
    assert many.against(few) == 1
    assert few.against(many) == -1
