"""The threshold, and what must be hidden with what is small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from chaland.hub.loyalty.figures import rules

CELLS = st.lists(st.integers(0, 40), max_size=12)


@given(CELLS)
def test_no_small_cell_is_told(members: list[int]) -> None:
    for n, shown in zip(members, rules.told(members), strict=True):
        assert not shown or n == 0 or n >= rules.MEMBERS_MIN


@given(CELLS)
def test_the_total_less_what_is_told_stands_on_enough_members(members: list[int]) -> None:
    """Unless the whole is too small for any of it to be told."""
    shown = rules.told(members)
    hidden = [n for n, tell in zip(members, shown, strict=True) if not tell]
    if hidden and any(n >= rules.MEMBERS_MIN for n in members):
        assert len(hidden) >= 2
        assert max(hidden) >= rules.MEMBERS_MIN


@given(CELLS)
def test_no_more_is_hidden_than_that(members: list[int]) -> None:
    shown = rules.told(members)
    small = sum(0 < n < rules.MEMBERS_MIN for n in members)
    assert shown.count(False) <= small + bool(small)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_part_is_told_only_where_the_rest_could_be(some: int, rest: int) -> None:
    found = rules.part(some, some + rest)
    if found is None:
        return
    assert some == 0 or some >= rules.MEMBERS_MIN
    assert rest == 0 or rest >= rules.MEMBERS_MIN
    assert found[0] % 5 == found[1] % 5 == 0
    assert found[0] <= some


def test_people_who_differ_by_one_are_told_alike() -> None:
    told = [rules.fives(n) for n in range(100, 105)]
    assert set(told) == {100}


@given(st.integers(0, 5_000), st.integers(rules.SAMPLE_MIN, 5_000))
def test_the_interval_is_wilson_s(some: int, of: int) -> None:
    some = min(some, of)
    share = rules.share(some, of)
    assert share is not None
    expected = binomtest(some, of).proportion_ci(0.95, "wilson")
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert not share.clearly_apart(share)


def test_a_small_sample_has_no_share() -> None:
    assert rules.share(29, 29) is None
    wide = rules.share(15, 30)
    assert wide is not None
    assert wide.high - wide.low > 0.3


def test_shares_are_apart_beyond_chance_only() -> None:
    few, more = rules.share(40, 100), rules.share(50, 100)
    assert few is not None
    assert more is not None
    assert not few.clearly_apart(more)
    many, others = rules.share(4_000, 10_000), rules.share(5_000, 10_000)
    assert many is not None
    assert others is not None
    assert many.clearly_apart(others)
    assert others.clearly_apart(many)
