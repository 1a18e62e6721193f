"""A month's clearing: nets add up to zero plus the float, and nothing is in two months or none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty.clearing import rules, selectors, services, sums
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Correction, Funding, Part
from chaland.hub.loyalty.models import Clearing, Entry, Sponsor, Statement
from tests.hub.loyalty.clearing.conftest import JUNE, MAY, Coalition

pytestmark = pytest.mark.django_db


def test_what_is_earned_here_and_spent_there_is_owed_from_here_to_there(
    coalition: Coalition,
) -> None:
    coalition.everybody(100, at=0, spend=60, where=1)
    clearing = coalition.close()
    here, there = (coalition.statement(clearing, shop) for shop in (0, 1))
    assert (here.earned_cents, here.net_cents) == (1200, -1200)
    assert (there.spent_cents, there.net_cents) == (720, 720)
    assert clearing.float_cents == 480
    assert sum(each.net_cents for each in clearing.statements.all()) == -clearing.float_cents


def test_everything_that_moves_is_in_the_statement_and_all_sums_to_zero(
    coalition: Coalition,
) -> None:
    purse, asset = coalition.purses[0], coalition.loyalty.purse.asset
    sponsor = Sponsor.objects.create(association_id=coalition.town, name="Ville")
    pair = {"asset_id": asset.pk, "sponsor_id": sponsor.pk}
    ledger.fund(Funding(**purse.asked(), **pair, amount=500))
    given_back = purse.earn(100, expires_on=date(2026, 5, 10))
    ledger.earn([replace(purse.award(), parts=[Part(1, 50, sponsor.pk)])])
    spent = purse.redeem(70, shop=1)
    purse.reverse(spent, {0: 20})
    purse.reverse(given_back, {1: 10})
    who = {"asset_id": asset.pk, "member_id": purse.member.pk}
    ledger.adjust(Correction(**purse.asked(shop=2), **who, amount=7))
    coalition.now = MAY + timedelta(days=8)
    ledger.expire_due(coalition.now)
    clearing = coalition.close()
    rows = sums.by_role(asset, 0, clearing.last_entry_id)
    assert sum(rows.values()) == 0
    assert rows["outside"] == -500
    assert rows["member"] + rows.get("debt", 0) == clearing.float_cents
    for statement in clearing.statements.all():
        shop = coalition.shop_ids.index(statement.shop_id)
        assert statement.net_cents == purse.position(shop)
    assert coalition.statement(clearing, 2).adjusted_cents == -7
    assert coalition.statement(clearing, 0).lapsed_cents > 0


moves = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.integers(0, 2),
        st.integers(1, 300),
        st.sampled_from(("earn", "redeem", "back")),
        st.integers(0, 40),
    ),
    max_size=30,
)


@given(moves=moves)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_each_entry_is_in_one_month_whatever_comes_when(
    coalition: Coalition, moves: list[tuple[int, int, int, str, int]]
) -> None:
    """Also what comes after the month's end and before its close, and while nothing happens."""
    with transaction.atomic("loyalty"):
        coalition.now = MAY
        for member, shop, amount, what, days in moves:
            purse = coalition.purses[member]
            coalition.now += timedelta(days=days)
            services.close_due(coalition.now)
            there = purse.earn(amount, shop=shop, at=coalition.now)
            if what == "redeem":
                purse.redeem(amount, shop=shop, at=coalition.now)
            elif what == "back":
                purse.reverse(there)
        services.close_due(coalition.now + timedelta(days=70))
        clearings = list(Clearing.objects.order_by("month"))
        for before, after in pairwise(clearings):
            assert after.first_entry_id == before.last_entry_id + 1
            assert after.month == rules.month_after(before.month)
        for shop, shop_id in enumerate(coalition.shop_ids):
            nets = Statement.objects.filter(shop_id=shop_id).values_list("net_cents", flat=True)
            assert sum(nets) == coalition.purses[0].position(shop)
        if clearings:
            total = sum(Statement.objects.values_list("net_cents", flat=True))
            assert total == -clearings[-1].float_cents
        assert all(selectors.holds(each) for each in clearings)
        transaction.set_rollback(True, using="loyalty")


def test_a_month_closes_two_days_after_its_local_end_and_once(coalition: Coalition) -> None:
    """A month ends at 04:00 of the first, as days do: what is sold at 01:00 belongs to it."""
    coalition.everybody(10, at=0)
    coalition.now = datetime(2026, 6, 1, 1, tzinfo=UTC)
    coalition.purses[0].earn(5, shop=1)
    coalition.now = datetime(2026, 6, 1, 3, tzinfo=UTC)
    coalition.purses[0].earn(7, shop=2)
    assert services.close_due(datetime(2026, 6, 3, 1, 59, tzinfo=UTC)) == 0
    assert services.close_due(datetime(2026, 6, 3, 2, 0, tzinfo=UTC)) == 1
    assert services.close_due(JUNE) == 0
    clearing = Clearing.objects.get()
    assert clearing.month == date(2026, 5, 1)
    assert {each.shop_id for each in clearing.statements.all()} == set(coalition.shop_ids[:2])


def test_nothing_earned_yet_is_nothing_to_close(coalition: Coalition) -> None:
    assert services.close_due(JUNE) == 0


def test_a_changed_statement_is_found(coalition: Coalition) -> None:
    coalition.everybody(10, at=0)
    clearing = coalition.close()
    assert selectors.holds(clearing)
    clearing.statements.update(net_cents=-1)
    assert not selectors.holds(clearing)


def test_settling_moves_the_position_once_and_is_no_part_of_the_next_month(
    coalition: Coalition,
) -> None:
    coalition.everybody(100, at=0)
    clearing = coalition.close()
    statement = coalition.statement(clearing, 0)
    for _ in range(2):
        services.settle(statement.pk, "user:1")
    assert coalition.purses[0].position(0) == 0
    coalition.everybody(1, at=0)
    july = coalition.close(datetime(2026, 7, 4, tzinfo=UTC))
    assert coalition.statement(july, 0).net_cents == -12
    assert Entry.objects.filter(transfer__kind="settle").count() == 2


@pytest.mark.parametrize(
    ("net", "mandate", "way"),
    [(5, True, "credit"), (-5, True, "debit"), (-5, False, "invoice"), (0, True, "none")],
)
def test_how_a_net_sum_is_paid(coalition: Coalition, net: int, mandate: bool, way: str) -> None:
    bank = coalition.mandate(0) if mandate else None
    assert services.way_of(net, bank) == way


def test_a_mandate_that_comes_later_counts_for_what_is_open(coalition: Coalition) -> None:
    coalition.everybody(100, at=0)
    clearing = coalition.close()
    assert coalition.statement(clearing, 0).way == "invoice"
    coalition.mandate(0)
    assert coalition.statement(clearing, 0).way == "debit"
