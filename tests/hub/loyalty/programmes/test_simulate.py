"""A rule is tried on past receipts: what it says is what it would have given, and of nobody."""

from datetime import timedelta

import pytest

from chaland.hub.loyalty.models import Entry, Transfer
from chaland.hub.loyalty.programmes import simulate
from chaland.hub.loyalty.programmes.rules import EarningRule
from tests.builders import build_cast
from tests.hub.loyalty.programmes.building import TUESDAY, WEDNESDAY, buy, receipt
from tests.loyalty_builders import Loyalty, build_loyalty

pytestmark = pytest.mark.django_db
SINCE, UNTIL = TUESDAY - timedelta(days=7), WEDNESDAY + timedelta(days=1)
DOUBLE_TUESDAY = EarningRule(0, "multiplier", {"percent": 200, "weekdays": [1]}, "mardi")


@pytest.fixture
def big(db: None) -> Loyalty:
    return build_loyalty(build_cast(3), members=12)


def test_what_is_simulated_is_what_it_would_have_cost(big: Loyalty) -> None:
    for n, member in enumerate(big.members[:11]):
        receipt(big, [1_000 + 10 * n], member=member, at=TUESDAY)
        receipt(big, [5_000], member=member, at=WEDNESDAY)
    receipt(big, [9_900], member=big.members[0], at=TUESDAY, shop=1)
    found = simulate.run(big.points, DOUBLE_TUESDAY, SINCE, UNTIL)
    assert not found.hidden
    assert (found.receipts, found.touched, found.members) == (22, 11, 11)
    assert (found.now, found.extra) == (660, 120)
    town_wide = simulate.run(big.purse, DOUBLE_TUESDAY, SINCE, UNTIL)
    assert (town_wide.receipts, town_wide.touched, town_wide.extra) == (23, 12, 220)


def test_fewer_than_ten_members_are_not_shown(big: Loyalty) -> None:
    for member in big.members[:9]:
        receipt(big, [1_000], member=member, at=TUESDAY)
    assert simulate.run(big.points, DOUBLE_TUESDAY, SINCE, UNTIL) == simulate.Simulation(
        hidden=True
    )


def test_a_rule_that_changes_nothing_tells_no_single_purchase_either(big: Loyalty) -> None:
    """A draft for articles that nobody sells touches nobody: else it would tell one receipt."""
    nothing = EarningRule(0, "multiplier", {"percent": 200, "groups": ["no such"]}, "draft")
    for member in big.members[:9]:
        receipt(big, [77_700], member=member, at=TUESDAY)
    receipt(big, [1_000], member=big.members[0], at=WEDNESDAY)
    hidden = simulate.Simulation(hidden=True)
    assert simulate.run(big.points, nothing, SINCE, UNTIL) == hidden
    receipt(big, [1_000], member=big.members[9], at=TUESDAY)
    assert simulate.run(big.points, nothing, SINCE, UNTIL).members == 0


def test_a_rule_that_changes_nothing_says_so(big: Loyalty) -> None:
    for member in big.members:
        receipt(big, [1_000], member=member, at=WEDNESDAY)
    found = simulate.run(big.points, DOUBLE_TUESDAY, SINCE, UNTIL)
    assert (found.hidden, found.members, found.extra, found.now) == (False, 0, 0, 120)


def test_a_rule_in_anothers_place_counts_the_difference(big: Loyalty) -> None:
    for member in big.members:
        receipt(big, [1_000], member=member, at=WEDNESDAY)
    rule = big.points.rules.get()
    draft = EarningRule(0, "spend", {"units": 1, "per_cents": 200})
    found = simulate.run(big.points, draft, SINCE, UNTIL, replaces=rule.pk)
    assert (found.now, found.extra) == (120, -60)


def test_the_first_purchase_of_the_past_is_the_earliest(big: Loyalty) -> None:
    for member in big.members:
        receipt(big, [4_000], member=member, at=WEDNESDAY)
        receipt(big, [1_000], member=member, at=TUESDAY)
    receipt(big, [1_000], member=big.members[0], at=TUESDAY - timedelta(days=300))
    draft = EarningRule(0, "multiplier", {"percent": 200, "first_purchase": True})
    assert simulate.run(big.points, draft, SINCE, UNTIL).extra == 110


def test_nothing_is_booked_and_returns_are_left_out(big: Loyalty) -> None:
    for member in big.members:
        bought = buy(big, 1_000, member=member, at=TUESDAY)
        receipt(big, [-1_000], member=member, at=TUESDAY, returns=bought)
    before = Transfer.objects.count(), Entry.objects.count()
    assert simulate.run(big.points, DOUBLE_TUESDAY, SINCE, UNTIL).receipts == 12
    assert (Transfer.objects.count(), Entry.objects.count()) == before


def test_of_too_many_receipts_one_member_in_so_many_is_looked_at(
    big: Loyalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "RECEIPTS_MAX", 6)
    monkeypatch.setattr(simulate, "MEMBERS_MIN", 3)
    for member in big.members:
        receipt(big, [1_000], member=member, at=TUESDAY)
    found = simulate.run(big.points, DOUBLE_TUESDAY, SINCE, UNTIL)
    assert (found.one_in, found.receipts, found.members, found.extra) == (2, 12, 12, 120)


@pytest.mark.parametrize(
    ("number", "shown"), [(0, 0), (7, 7), (99, 99), (1_234, 1_200), (-987, -990)]
)
def test_figures_have_two_meaningful_digits(number: int, shown: int) -> None:
    assert simulate.rounded(number) == shown
