"""Who gained from whom: never a cell behind which somebody could be found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.clearing.rules import MEMBERS_MIN, shown
from chaland.hub.loyalty.models import Account
from tests.hub.loyalty.clearing.conftest import Coalition

columns = st.dictionaries(
    st.integers(0, 6),
    st.tuples(st.integers(1, 500), st.frozensets(st.integers(0, 40), min_size=1, max_size=30)),
)


@given(columns)
def test_what_is_hidden_cannot_be_found_by_subtraction(
    cells: dict[int, tuple[int, frozenset[int]]],
) -> None:
    """The shop knows its column's sum: what is missing is the sum of the hidden cells. It is of
    several, with enough members behind them; or of all, as few as they may be."""
    seen = shown(cells)
    assert all(len(cells[row][1]) >= MEMBERS_MIN for row in seen)
    hidden = cells.keys() - seen.keys()
    behind = frozenset().union(*(cells[row][1] for row in hidden))
    assert not hidden or not seen or (len(hidden) > 1 and len(behind) >= MEMBERS_MIN)


@given(columns)
def test_nothing_is_hidden_where_every_cell_has_enough(
    cells: dict[int, tuple[int, frozenset[int]]],
) -> None:
    full = {row: (n, frozenset(range(MEMBERS_MIN))) for row, (n, _) in cells.items()}
    assert shown(full) == {row: n for row, (n, _) in full.items()}


def _shop_of(account: str) -> int | None:
    return Account.objects.get(pk=int(account)).shop_id


@pytest.mark.django_db
def test_a_shop_learns_where_what_is_spent_with_it_was_earned(coalition: Coalition) -> None:
    coalition.everybody(100, at=0)
    coalition.everybody(100, at=1)
    coalition.everybody(0, at=2, spend=150, where=2)
    clearing = coalition.close()
    gained = coalition.statement(clearing, 2).gained
    first, second, _ = coalition.shop_ids
    assert {_shop_of(account): cents for account, cents in gained.items()} == {
        first: 1200,
        second: 600,
    }


@pytest.mark.django_db
def test_nine_members_are_too_few(coalition: Coalition) -> None:
    coalition.purses = coalition.purses[:9]
    coalition.everybody(100, at=0, spend=50, where=1)
    assert coalition.statement(coalition.close(), 1).gained == {}


@pytest.mark.django_db
def test_one_small_cell_takes_a_second_one_with_it(coalition: Coalition) -> None:
    coalition.everybody(100, at=0)
    coalition.purses[0].earn(900, shop=1)
    coalition.everybody(0, at=2, spend=100, where=2)
    coalition.purses[0].redeem(500, shop=2)
    assert coalition.statement(coalition.close(), 2).gained == {}


@pytest.mark.django_db
def test_what_was_given_back_is_taken_off(coalition: Coalition) -> None:
    for purse in coalition.purses:
        purse.earn(100)
        purse.reverse(purse.redeem(80, shop=1), {0: 30})
    assert sum(coalition.statement(coalition.close(), 1).gained.values()) == 600
