"""The ledger's services, against what users of others complain of (LOYALTY.md names each)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chaland.hub.loyalty.ledger import proof, services
from chaland.hub.loyalty.ledger.postings import (
    Correction,
    Funding,
    KeyReusedErrorFinal,
    LedgerErrorFinal,
    NotEnoughErrorFinal,
    Part,
    Settlement,
    TooMuchErrorFinal,
)
from chaland.hub.loyalty.models import Account, Entry, Sponsor, Transfer
from tests.hub.loyalty.ledger.building import NOW, Purse, days
from tests.hub.loyalty.ledger.conftest import Time

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _it_holds(purse: Purse) -> object:
    """After each of these tests money is conserved, the cache equals the entries, chains verify."""
    yield
    assert proof.verify_all(purse.asset.association_id) == []
    assert proof.rebuild(purse.asset.association_id) == []


def test_what_is_earned_is_spent_anywhere_in_the_coalition(purse: Purse) -> None:
    purse.earn(100)
    purse.redeem(70, shop=1)
    assert purse.has == (30, 0, 0)
    assert (purse.position(0), purse.position(1)) == (-100, 70)


def test_a_shops_points_are_no_other_shops(points: Purse) -> None:
    """erpnext#59050: earn on one kind of document, spend on another."""
    with pytest.raises(LedgerErrorFinal, match="another shop"):
        points.earn(10, shop=1)
    points.earn(10)
    with pytest.raises(LedgerErrorFinal, match="another shop"):
        points.redeem(5, shop=1)
    assert points.has == (10, 0, 0)


def test_the_same_request_again_is_the_same_transfer(purse: Purse) -> None:
    """OCA/pos#185: an offline till sends its queue again, later, by another seller."""
    first = purse.earn(100, key="receipt-1")
    again = services.earn([purse.award(100, key="receipt-1", at=NOW + timedelta(days=2))] * 3)
    assert [each.pk for each in again] == [first.pk] * 3
    spent = purse.redeem(40, key="spend-1")
    assert purse.redeem(40, key="spend-1").pk == spent.pk
    back = purse.reverse(spent, key="back-1")
    assert purse.reverse(spent, key="back-1").pk == back.pk
    assert purse.has == (100, 0, 0)


def test_a_key_serves_one_request_for_good(purse: Purse, points: Purse) -> None:
    purse.earn(100, key="k")
    for other in (
        lambda: purse.earn(101, key="k"),
        lambda: points.earn(100, key="k"),
        lambda: purse.redeem(100, key="k"),
        lambda: purse.earn(60, 40, key="k"),
    ):
        with pytest.raises(KeyReusedErrorFinal):
            other()
    assert purse.has == (100, 0, 0)


def test_a_batch_is_all_or_none(purse: Purse) -> None:
    lost = replace(purse.award(5), member_id=10**9)
    with pytest.raises(LedgerErrorFinal, match="no member"):
        services.earn([purse.award(5), lost])
    assert not Transfer.objects.exists()


def test_more_than_there_is_is_refused_and_says_how_much_there_is(purse: Purse) -> None:
    purse.earn(100)
    with pytest.raises(NotEnoughErrorFinal) as caught:
        purse.redeem(101)
    assert caught.value.available == 100
    with pytest.raises(LedgerErrorFinal, match="above zero"):
        purse.redeem(-5)


def test_earn_return_and_the_points_are_gone(purse: Purse) -> None:
    """odoo#257854: earn, refund, keep the points, repeat."""
    for _ in range(3):
        purse.reverse(purse.earn(100))
    assert purse.has == (0, 0, 0)
    assert purse.position() == 0


def test_a_return_of_what_was_spent_is_a_debt_that_the_next_earning_repays(purse: Purse) -> None:
    earned = purse.earn(100)
    purse.redeem(80)
    owing = purse.reverse(earned)
    assert purse.has == (0, 0, 80)
    assert owing.why == {"owed": 80}
    with pytest.raises(NotEnoughErrorFinal):
        purse.redeem(1)
    assert purse.earn(50).why["repaid"] == 50
    assert purse.has == (0, 0, 30)
    assert purse.earn(50).why["repaid"] == 30
    assert purse.has == (20, 0, 0)


def test_a_return_within_the_balance_takes_no_more_than_is_there(purse: Purse) -> None:
    earned = purse.earn(60, 40)
    purse.redeem(80)
    purse.reverse(earned, within_balance=True)
    assert purse.has == (0, 0, 0)
    assert purse.position() == -100 + 80 + 20


def test_lines_come_back_each_once(purse: Purse) -> None:
    earned = purse.earn(60, 40)
    purse.reverse(earned, {1: 20})
    with pytest.raises(TooMuchErrorFinal, match="line 1: 40 left"):
        purse.reverse(earned, {1: 41})
    with pytest.raises(TooMuchErrorFinal):
        purse.reverse(earned, {3: 1})
    purse.reverse(earned, {1: 40, 2: 10})
    assert purse.has == (30, 0, 0)
    purse.reverse(earned)
    assert purse.reverse(earned) is None
    assert purse.has == (0, 0, 0)


def test_only_earning_and_spending_are_taken_back(purse: Purse) -> None:
    undone = purse.reverse(purse.earn(10))
    with pytest.raises(LedgerErrorFinal, match="can't be reversed"):
        purse.reverse(undone)


def test_spent_points_come_back_with_the_return_into_their_lot(purse: Purse) -> None:
    """odoo#212922: a refund charges the spent points again."""
    purse.earn(100, expires_on=days(10))
    purse.earn(100, expires_on=days(90))
    spent = purse.redeem(150)
    purse.reverse(spent, {0: 70})
    assert purse.now.next_lapse == (days(10), 20)
    purse.reverse(spent)
    assert purse.has == (200, 0, 0)
    assert purse.now.next_lapse == (days(10), 100)


def test_what_comes_back_after_its_date_lasts_thirty_days(purse: Purse, time: Time) -> None:
    purse.earn(100, expires_on=days(10))
    spent = purse.redeem(60)
    time.now = NOW + timedelta(days=20)
    services.expire_due(time.now)
    purse.reverse(spent, {0: 25})
    purse.reverse(spent)
    assert purse.now.next_lapse == (days(50), 60)
    time.now = NOW + timedelta(days=50)
    services.expire_due(time.now)
    assert purse.has == (0, 0, 0)
    assert purse.position() == 0, "who paid for the first lot is paid back"


def test_a_return_repays_a_debt_before_it_fills_lots(purse: Purse) -> None:
    earned = purse.earn(100)
    spent = purse.redeem(100)
    purse.reverse(earned)
    purse.reverse(spent)
    assert purse.has == (0, 0, 0)


def test_the_oldest_lapse_first_and_go_back_to_who_paid(purse: Purse, time: Time) -> None:
    """ecommerce-laravel#1056: points under another label never expire."""
    purse.earn(100, shop=0, expires_on=days(10))
    purse.earn(100, shop=1, expires_on=days(20))
    purse.earn(100, shop=2)
    purse.redeem(30, shop=2)
    time.now = NOW + timedelta(days=10)
    assert services.expire_due(time.now) == 1
    assert services.expire_due(time.now) == 0
    assert purse.has == (200, 0, 0)
    assert [purse.position(shop) for shop in range(3)] == [-30, -100, -70]


def test_what_has_lapsed_is_not_spent_although_the_sweep_has_not_come(
    purse: Purse, time: Time
) -> None:
    purse.earn(100, expires_on=days(1))
    time.now = NOW + timedelta(days=1)
    with pytest.raises(NotEnoughErrorFinal):
        purse.redeem(1)


def test_what_lapsed_is_not_taken_back_again(purse: Purse, time: Time) -> None:
    earned = purse.earn(100, expires_on=days(1))
    purse.redeem(60, shop=1)
    time.now = NOW + timedelta(days=1)
    services.expire_due(time.now)
    purse.reverse(earned)
    assert purse.has == (0, 0, 60)
    assert purse.position() == 0


def test_a_return_never_pays_whose_lots_were_filled_again_and_lapsed(
    purse: Purse, time: Time
) -> None:
    earned = purse.earn(50, 50, expires_on=days(10))
    spent = purse.redeem(100)
    purse.earn(100, expires_on=days(400))
    purse.reverse(earned, {1: 50})  # taken from the second lot: the first is spent
    purse.reverse(spent)  # 50 into the first one, which has no more left, and 50 into the second
    time.now = NOW + timedelta(days=11)
    services.expire_due(time.now)
    assert purse.reverse(earned, {2: 50}) is None
    assert purse.has == (100, 0, 0), "as if the return had come last"


def test_who_gave_all_back_owes_nothing_though_another_return_took_the_lot(
    purse: Purse, time: Time
) -> None:
    """B's return took A's lot, for B's was spent; what came back filled B's, which then lapsed."""
    kept = purse.earn(100, expires_on=days(400), shop=0)
    returned = purse.earn(100, expires_on=days(10), shop=1)
    spent = purse.redeem(100, shop=2)
    purse.reverse(returned)
    purse.reverse(spent)
    time.now = NOW + timedelta(days=11)
    services.expire_due(time.now)
    assert purse.position(1) == 0, "it is paid back once"
    assert purse.has == (100, 0, 0)
    purse.reverse(kept)
    assert purse.has == (0, 0, 0)
    assert [purse.position(shop) for shop in range(3)] == [0, 0, 0]


def test_what_repaid_a_debt_comes_back_as_its_own_lot(purse: Purse, time: Time) -> None:
    returned = purse.earn(100, expires_on=days(10), shop=1)
    spent = purse.redeem(100, shop=2)
    purse.reverse(returned)  # 100 owed
    repaid = purse.earn(100, expires_on=days(10), shop=0)
    purse.reverse(spent)
    assert purse.has == (100, 0, 0)
    time.now = NOW + timedelta(days=60)
    services.expire_due(time.now)
    assert [purse.position(shop) for shop in range(3)] == [0, 0, 0]
    assert purse.reverse(repaid) is None
    assert purse.has == (0, 0, 0)


def test_what_lapsed_after_two_renewals_is_not_taken_back_again(purse: Purse, time: Time) -> None:
    earned = purse.earn(100, expires_on=days(10))
    for day in (11, 60):
        spent = purse.redeem(100)
        time.now = NOW + timedelta(days=day)
        purse.reverse(spent)
    time.now = NOW + timedelta(days=120)
    services.expire_due(time.now)
    assert purse.reverse(earned) is None
    assert purse.has == (0, 0, 0)


def _sponsor(purse: Purse, budget: int) -> tuple[Sponsor, Account]:
    sponsor = Sponsor.objects.create(association_id=purse.asset.association_id, name="Ville")
    asked = purse.asked()
    services.fund(Funding(**asked, asset_id=purse.asset.pk, sponsor_id=sponsor.pk, amount=budget))
    return sponsor, Account.objects.get(sponsor=sponsor)


def test_a_sponsor_pays_until_its_budget_is_gone_and_it_is_said(purse: Purse) -> None:
    sponsor, account = _sponsor(purse, 50)
    assert purse.earn(30, sponsor=sponsor.pk).why == {}
    earned = purse.earn(15, 15, sponsor=sponsor.pk)
    assert earned.why["unfunded"] == 10
    assert purse.has == (50, 0, 0)
    purse.reverse(earned)
    account.refresh_from_db()
    assert account.balance == 20
    pair = {"asset_id": purse.asset.pk, "sponsor_id": sponsor.pk}
    with pytest.raises(NotEnoughErrorFinal):
        services.fund(Funding(**purse.asked(), **pair, amount=-21))


def test_a_line_that_two_paid_comes_back_to_both_exactly(purse: Purse) -> None:
    sponsor, account = _sponsor(purse, 100)
    parts = [Part(1, 7), Part(1, 3, sponsor.pk)]
    (earned,) = services.earn([replace(purse.award(7), parts=parts)])
    for _ in range(10):
        purse.reverse(earned, {1: 1})
    account.refresh_from_db()
    assert (purse.position(), account.balance, purse.has) == (0, 100, (0, 0, 0))


def test_staff_correct_at_the_shops_expense(purse: Purse) -> None:
    def correction(amount: int) -> Correction:
        asked = purse.asked()
        return Correction(
            **asked, asset_id=purse.asset.pk, member_id=purse.member.pk, amount=amount
        )

    services.adjust(correction(30))
    services.adjust(correction(-10))
    with pytest.raises(NotEnoughErrorFinal):
        services.adjust(correction(-21))
    assert purse.has == (20, 0, 0)
    assert purse.position() == -20


def test_a_settled_statement_moves_the_shops_position(purse: Purse) -> None:
    purse.earn(100)
    settlement = Settlement(**purse.asked(key="s"), asset_id=purse.asset.pk, amount=100)
    assert services.settle(settlement).pk == services.settle(settlement).pk
    assert purse.position() == 0


def test_merging_takes_balance_debt_holds_and_dates_along(purse: Purse, points: Purse) -> None:
    double = Purse(purse.asset, _other(purse), purse.shops)
    earned = double.earn(100, expires_on=days(10))
    spent = double.redeem(30)
    hold = double.reserve(20)
    purse.earn(5)
    into = {"occurred_at": NOW, "actor": "user:7"}
    services.merge(double.member.pk, purse.member.pk, **into)
    assert services.merge(double.member.pk, purse.member.pk, **into) == []
    double.member.merged_into = purse.member
    double.member.save()
    assert double.has == (0, 0, 0)
    assert purse.has == (75, 20, 0)
    purse.confirm(hold)
    purse.reverse(spent)
    assert purse.now.next_lapse == (days(10), 80)
    purse.reverse(earned)
    assert purse.has == (0, 0, 15)


def test_what_a_double_earned_after_its_merging_is_paid_back_once(purse: Purse, time: Time) -> None:
    """A till attaches a receipt to the double late, and it is returned before the merge is made
    again: its own lots go back, not others', or they would go back once more when they lapse."""
    double = Purse(purse.asset, _other(purse), purse.shops)
    into = {"occurred_at": NOW, "actor": "user:7"}
    services.merge(double.member.pk, purse.member.pk, **into)
    double.member.merged_into = purse.member
    double.member.save()
    purse.earn(100, shop=1)
    late = double.earn(100, expires_on=days(10))
    purse.reverse(late)
    assert double.has == (0, 0, 0)
    assert purse.has == (100, 0, 0)
    assert purse.position(0) == 0
    time.now += timedelta(days=11)
    services.expire_due(time.now)
    services.merge(double.member.pk, purse.member.pk, **into)
    assert purse.has == (100, 0, 0)
    assert (purse.position(0), purse.position(1)) == (0, -100)


def _other(purse: Purse) -> object:
    members = type(purse.member).objects
    return members.exclude(pk=purse.member.pk).get(last_name="Martin1")


def test_who_leaves_takes_nothing_along_and_the_sums_stay(purse: Purse) -> None:
    earned = purse.earn(100)
    spent = purse.redeem(30, shop=1)
    purse.reserve(20)
    before = _entries()
    services.close(purse.member.pk, occurred_at=NOW, actor="member:1")
    purse.member.delete()
    assert _entries()[: len(before)] == before
    account = Account.objects.get(role="member", asset=purse.asset)
    assert (account.member_id, account.balance, account.held, account.chain_salt) == (
        None,
        0,
        0,
        None,
    )
    assert (purse.position(0), purse.position(1)) == (-30, 30)
    assert purse.reverse(earned) is None
    assert purse.reverse(spent) is None
    with pytest.raises(LedgerErrorFinal, match="no member"):
        purse.earn(5)


def test_a_debt_of_who_leaves_is_borne_by_the_association(purse: Purse) -> None:
    earned = purse.earn(100)
    purse.redeem(100, shop=1)
    purse.reverse(earned)
    services.close(purse.member.pk, occurred_at=NOW, actor="member:1")
    house = Entry.objects.get(account__role="house")
    assert house.amount == -100
    assert purse.position(1) == 100


def _entries() -> list[tuple[int, int]]:
    return list(Entry.objects.order_by("pk").values_list("pk", "amount"))
