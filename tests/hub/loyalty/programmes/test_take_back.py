"""What returns take back: by line, across shops, in pieces, of what was spent as well."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Account, Entry, Programme, Receipt, Sponsor, Transfer
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.services import (
    Ask,
    award,
    confirm,
    redeem,
    reserve,
    take_back,
    use_voucher,
)
from tests.hub.loyalty.programmes.building import (
    WEDNESDAY,
    add_rule,
    bring_back,
    buy,
    fund,
    has,
    receipt,
)
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db
_PIECES = [{"gross_cents": 1_999, "quantity_milli": 7_000}, {"gross_cents": 501}]


def _ask(town: Loyalty, key: str, shop: int = 0) -> Ask:
    return Ask(town.cast.association.pk, town.cast.shops[shop].pk, key, "till:1 seller:1")


def _reward(programme: Programme) -> int:
    return programme.rewards.get().pk


def test_earn_refund_keep_the_points_repeat(town: Loyalty) -> None:
    """odoo#257854: whoever bought and returned ten times kept ten times the points."""
    for _ in range(10):
        purchase = buy(town, *_PIECES)
        bring_back(town, purchase, {1: 7_000, 2: 1_000})
    assert (has(town, town.points), has(town, town.purse)) == ((0, 0), (0, 0))


def test_piece_by_piece_the_last_return_takes_the_remainder(town: Loyalty) -> None:
    purchase = buy(town, *_PIECES)
    taken = []
    for _ in range(7):
        answers = bring_back(town, purchase, {1: 1_000})
        taken.append(-{e.asset_id: e.amount for e in answers}[town.points.asset_id])
    assert sum(taken) == 20
    assert set(taken) == {2, 3}
    assert has(town, town.points) == (5, 0), "the other line is kept, and what it earned"


def test_a_return_by_line_and_not_pro_rata(town: Loyalty) -> None:
    """The tripled cheese comes back, the wine stays: its share of the bonus is nothing."""
    add_rule(town.points, "multiplier", "fromages", percent=300, groups=["fromages"])
    purchase = buy(
        town,
        {"gross_cents": 1_000, "group": "fromages"},
        {"gross_cents": 3_000, "group": "vins"},
    )
    assert has(town, town.points) == (60, 0)
    bring_back(town, purchase, {1: 1_000})
    assert has(town, town.points) == (30, 0), "pro rata would have left 45"


def test_a_return_at_another_shop_takes_back_where_it_was_earned(town: Loyalty) -> None:
    purchase = buy(town, 10_000)
    bring_back(town, purchase, {1: 1_000}, shop=2)
    assert (has(town, town.points), has(town, town.purse)) == ((0, 0), (0, 0))
    sums: dict[int | None, int] = {}
    for shop_id, amount in Entry.objects.filter(account__role=Account.Role.SHOP).values_list(
        "account__shop_id", "amount"
    ):
        sums[shop_id] = sums.get(shop_id, 0) + amount
    assert set(sums.values()) == {0}, "the shop that paid gets back; the other has nothing to do"


def test_what_was_spent_meanwhile_is_owed_and_shown(town: Loyalty) -> None:
    purchase = buy(town, 10_000)
    redeem(_ask(town, "r1"), _reward(town.purse), town.member.pk, wanted_cents=80)
    answers = bring_back(town, purchase, {1: 1_000})
    assert has(town, town.purse) == (0, 80)
    assert {e.amount for e in answers} == {-100}
    purse = next(e for e in answers if e.asset_id == town.purse.asset_id)
    assert purse.why == "repris\xa0: 1,00\xa0€ (reste dû\xa0: 0,80\xa0€)"
    next_one = receipt(town, [10_000])
    earned = award([next_one])[next_one.pk]
    assert has(town, town.purse) == (20, 0)
    assert "0,80" in earned[0].why, "the debt that was repaid is said"


def test_a_programme_may_take_back_no_more_than_is_there(town: Loyalty) -> None:
    Programme.objects.filter(pk=town.purse.pk).update(returns=Programme.Returns.BALANCE)
    purchase = buy(town, 10_000)
    redeem(_ask(town, "r1"), _reward(town.purse), town.member.pk, wanted_cents=80)
    answers = bring_back(town, purchase, {1: 1_000})
    assert {e.asset_id: e.amount for e in answers}[town.purse.asset_id] == -20
    assert has(town, town.purse) == (0, 0)


def test_a_refund_gives_back_what_was_spent_and_never_charges_it_again(town: Loyalty) -> None:
    """odoo#212922: the refund took the spent points a second time."""
    buy(town, 50_000)
    paid = buy(town, 1_000, 1_000)
    redeem(
        _ask(town, "r1"), _reward(town.purse), town.member.pk, wanted_cents=300,
        receipt_id=paid.pk,
    )  # fmt: skip
    assert has(town, town.purse) == (500 + 20 - 300, 0)
    answers = bring_back(town, paid, {1: 1_000})
    assert {e.amount for e in answers} == {-10, 150}, "half came back: half is taken and given"
    bring_back(town, paid, {2: 1_000})
    assert has(town, town.purse) == (500, 0), "as if it had never been bought"


def test_the_same_return_again_changes_nothing(town: Loyalty) -> None:
    purchase = buy(town, *_PIECES)
    back = receipt(
        town, [{"gross_cents": -1, "quantity_milli": 3_000, "returns_number": 1}], returns=purchase
    )
    assert take_back(back) == take_back(back)
    assert has(town, town.points) == (25 - 8, 0)


def test_a_stamp_goes_once_less_than_its_minimum_is_kept(town: Loyalty) -> None:
    purchase = buy(town, 600, 450, shop=1)
    assert has(town, town.stamps) == (1, 0)
    bring_back(town, purchase, {2: 1_000}, shop=1)
    assert has(town, town.stamps) == (1, 0)
    bring_back(town, purchase, {1: 1_000}, shop=1)
    assert has(town, town.stamps) == (0, 0)


def test_a_stamp_is_not_to_be_had_for_a_cent(town: Loyalty) -> None:
    """Buy enough for a stamp, bring back all but the cheapest line: no stamp is kept."""
    purchase = buy(town, 10, 495, shop=1)
    bring_back(town, purchase, {2: 1_000}, shop=1)
    assert has(town, town.stamps) == (0, 0)


def test_a_sponsored_bonus_that_ran_dry_is_taken_back_as_far_as_it_was_paid(town: Loyalty) -> None:
    brand = Sponsor.objects.create(association_id=town.cast.association.pk, name="La Laiterie")
    fund(town, brand, 15)
    add_rule(town.purse, "multiplier", "triple", percent=300, sponsor=brand)
    purchase = buy(town, 1_000, 1_000)
    assert has(town, town.purse) == (20 + 15, 0)
    bring_back(town, purchase, {1: 1_000})
    bring_back(town, purchase, {2: 1_000})
    assert has(town, town.purse) == (0, 0)
    assert Account.objects.get(role="sponsor").balance == 15


def test_an_undone_award_is_not_taken_back_again(town: Loyalty) -> None:
    from chaland.hub.loyalty.ledger import services as ledger
    from chaland.hub.loyalty.ledger.postings import Reversal

    purchase = buy(town, 1_000)
    for earned in Transfer.objects.filter(receipt=purchase):
        ledger.reverse(
            Reversal(
                key=f"undo:{earned.pk}", association_id=purchase.association_id,
                shop_id=purchase.shop_id, occurred_at=WEDNESDAY, actor="till:1",
                transfer_id=earned.pk, amounts=None, undo=True,
            )
        )  # fmt: skip
    assert bring_back(town, purchase, {1: 1_000}) == []
    assert has(town, town.points) == (0, 0)


def test_a_return_of_nothing_known_takes_nothing(town: Loyalty) -> None:
    assert take_back(receipt(town, [-500])) == []


@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_in_whatever_pieces_it_comes_back_nothing_is_left_and_nothing_is_owed(
    town: Loyalty, data: st.DataObject
) -> None:
    cents = data.draw(st.lists(st.integers(1, 9_999), min_size=1, max_size=3))
    pieces = data.draw(st.integers(1, 4))
    purchase: Receipt = buy(
        town, *({"gross_cents": c, "quantity_milli": pieces * 1_000} for c in cents)
    )
    left = [number for number in range(1, len(cents) + 1) for _ in range(pieces)]
    for number in data.draw(st.permutations(left)):
        bring_back(town, purchase, {number: 1_000}, shop=data.draw(st.integers(0, 2)))
    assert (has(town, town.points), has(town, town.purse)) == ((0, 0), (0, 0))


def test_a_return_voids_the_voucher_that_it_gives_units_back_for(town: Loyalty) -> None:
    """Buy, take a voucher on it, return: the points came back and the voucher stayed."""
    buy(town, 10_000)
    paid = buy(town, 100, 100)
    got = redeem(_ask(town, "v"), _reward(town.points), town.member.pk, receipt_id=paid.pk)
    answers = bring_back(town, paid, {1: 1_000})
    assert has(town, town.points) == (1, 0), "half is back: the voucher stands, and is paid for"
    answers = bring_back(town, paid, {2: 1_000})
    assert has(town, town.points) == (100, 0)
    assert 100 in {e.amount for e in answers}
    with pytest.raises(ProgrammeErrorFinal) as refused:
        use_voucher(paid.association_id, paid.shop_id, got.voucher_code, "k")
    assert refused.value.code == "voucher-voided"


def test_a_used_voucher_is_not_paid_back_and_it_is_said(town: Loyalty) -> None:
    buy(town, 10_000)
    paid = buy(town, 100)
    reserved = reserve(_ask(town, "h"), _reward(town.points), town.member.pk)
    got = confirm(_ask(town, "c"), reserved.hold_id, receipt_id=paid.pk)
    use_voucher(paid.association_id, paid.shop_id, got.voucher_code, "k")
    answers = bring_back(town, paid, {1: 1_000})
    assert has(town, town.points) == (0, 0)
    said = [e.why for e in answers if e.asset_id == town.points.asset_id and not e.amount]
    assert said == ["non rendu\xa0: le bon d’achat a servi ou n’est plus valable"]


def test_a_free_article_stays_paid_for_whatever_comes_back(town: Loyalty) -> None:
    for _ in range(10):
        buy(town, 500, shop=1)
    paid = buy(town, 500, shop=1)
    redeem(_ask(town, "s", 1), _reward(town.stamps), town.member.pk, receipt_id=paid.pk)
    bring_back(town, paid, {1: 1_000}, shop=1)
    assert has(town, town.stamps) == (0, 0)
