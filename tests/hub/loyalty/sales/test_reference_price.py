"""The lowest price of thirty days (L20), against a count day by day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.sales import reference_price as rp
from chaland.hub.loyalty.sales.reference_price import Price

DAY = date(2026, 12, 4)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def price(ago: int, cents: int, recorded: int = 0) -> Price:
    """A price that began ``ago`` days before the sale."""
    return Price(DAY - timedelta(ago), cents, AT + timedelta(hours=recorded), "user:1", recorded)


rows = st.lists(
    st.builds(price, st.integers(-3, 70), st.integers(1, 40), st.integers(0, 5)), max_size=12
)


@given(rows, st.integers(1, 40))
def test_it_is_the_least_of_what_held_on_each_day(told: list[Price], days: int) -> None:
    held = rp.history(told)
    by_day = {}
    for ago in range(1, days + 1):
        day = DAY - timedelta(ago)
        known = [p for p in told if p.since <= day]
        newest = max((p.since for p in known), default=None)
        same_day = [p for p in known if p.since == newest]
        if same_day:
            by_day[day] = max(same_day, key=lambda p: (p.recorded_at, p.number)).cents
    found = rp.lowest_before(held, DAY, days)
    assert (found.first, found.last) == (DAY - timedelta(days), DAY - timedelta(1))
    if not by_day:
        assert found.price is None
        assert not found.complete
        assert found.missing == (found.first, found.last)
        return
    assert found.price is not None
    equal_recordings = len({(p.since, p.recorded_at, p.number) for p in told}) < len(told)
    if not equal_recordings:
        assert found.price.cents == min(by_day.values())
    assert found.complete == (len(by_day) == days)
    if not found.complete:
        assert found.missing == (found.first, min(by_day) - timedelta(1))


def test_the_price_in_force_when_the_thirty_days_begin_counts() -> None:
    held = rp.history([price(200, 5_000), price(29, 8_000)])
    assert rp.lowest_before(held, DAY).price == price(200, 5_000)
    held = rp.history([price(200, 5_000), price(30, 8_000)])
    assert rp.lowest_before(held, DAY).price == price(30, 8_000)  # it ended the day before


def test_a_price_of_the_sales_own_day_does_not_count() -> None:
    held = rp.history([price(200, 5_000), price(0, 1_000)])
    assert rp.lowest_before(held, DAY).price == price(200, 5_000)


def test_of_two_prices_for_one_day_the_last_recorded_holds() -> None:
    held = rp.history([price(90, 100, recorded=2), price(90, 5_000, recorded=1)])
    assert rp.lowest_before(held, DAY).price == price(90, 100, recorded=2)


def test_reductions_without_a_break_count_from_before_the_first() -> None:
    steps = [price(200, 10_000), price(20, 8_000), price(6, 7_000)]
    began = rp.first_reduction(rp.history(steps), DAY)
    assert began == DAY - timedelta(20)
    found = rp.lowest_before(rp.history(steps), began)
    assert found.complete
    assert found.price == steps[0]


@pytest.mark.parametrize(
    ("steps", "began"),
    [
        ([(200, 10_000)], 0),
        ([(200, 10_000), (40, 8_000)], 0),  # stood for thirty days: the ordinary price
        ([(200, 10_000), (60, 8_000), (20, 7_000)], 20),
        ([(200, 10_000), (40, 8_000), (20, 7_000)], 40),
        ([(200, 10_000), (20, 8_000), (10, 9_000), (5, 7_000)], 5),  # a rise is a break
        ([(200, 10_000), (20, 8_000), (10, 8_000)], 0),  # the same again is no reduction
        ([], 0),
    ],
)
def test_where_successive_reductions_begin(steps: list[tuple[int, int]], began: int) -> None:
    held = rp.history(price(ago, cents) for ago, cents in steps)
    assert rp.first_reduction(held, DAY) == DAY - timedelta(began)


@given(rows)
def test_a_first_reduction_is_never_after_the_sale(told: list[Price]) -> None:
    assert rp.first_reduction(rp.history(told), DAY) <= DAY


@given(st.integers(1, 10**8), st.integers(1, 99))
def test_a_percentage_takes_off_what_it_promises(cents: int, percent: int) -> None:
    member = rp.reduced(cents, percent)
    assert (cents - member) * 100 >= cents * percent
    assert (cents - member - 1) * 100 < cents * percent


@pytest.mark.parametrize(
    "steps",
    [
        None, "x", {}, [], [[]], [[1]], [[1, 51]], [[0, 10]], [[1, 0]], [[2, 10], [1, 20]],
        [[1, 20], [2, 10]], [[1, 10], [1, 20]], [[1, 10, 5]], [[1.5, 10]], [[True, 10]],
        [["1", 10]], [[1, 10], "x"], [[n, n] for n in range(1, 12)], [[1, None]],
    ],
)  # fmt: skip
def test_what_is_no_ladder(steps: object) -> None:
    assert not rp.is_ladder(steps)


def test_a_ladder_gives_the_highest_step_reached() -> None:
    ladder = [[2, 20], [3, 30], [5, 50]]
    assert rp.is_ladder(ladder)
    assert [rp.step_of(ladder, n) for n in range(8)] == [0, 0, 20, 30, 30, 50, 50, 50]
