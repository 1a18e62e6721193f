"""Returns: by line, by quantity, across shops, before or after the purchase; never twice."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Spending
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts import returning
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.services import attach, take_in, take_return
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.hub.loyalty.receipts.conftest import AT, Town

pytestmark = pytest.mark.django_db

BASKET = [
    LineIn(1, 5_000, item_id="coat", quantity_milli=1_000),
    LineIn(2, 3_000, item_id="sock", quantity_milli=3_000),
]


def basket(town: Town, **more: object) -> int:
    receipt_id = town.buy("p", 8_000, lines=BASKET, **more).receipt_id
    assert receipt_id
    return receipt_id


def socks(count: int, cents: int = -1_000) -> list[LineIn]:
    return [LineIn(1, cents * count, returns_number=2, quantity_milli=1_000 * count)]


def test_earn_refund_and_keep_the_points_does_not_work(town: Town) -> None:
    """odoo#257854: earn, refund, keep the points, repeat."""
    for i in range(3):
        bought = town.buy(f"p{i}")
        back = town.give_back(f"r{i}", returns_id=bought.receipt_id)
        assert back.outcome == "new"
        assert {e.amount for e in back.earned} == {-23}

    assert town.has() == 0
    assert town.has("points") == 0


def test_a_line_takes_back_what_it_earned_and_no_more(town: Town) -> None:
    purchase = basket(town)
    town.give_back("r", -1_000, lines=socks(1), returns_id=purchase)
    assert town.has() == 70

    coat = [LineIn(1, -5_000, item_id="coat")]
    town.give_back("r2", -5_000, lines=coat, returns_id=purchase)
    assert town.has() == 20


def test_what_came_back_can_not_come_back_again(town: Town) -> None:
    purchase = basket(town)
    town.give_back("r1", -2_000, lines=socks(2), returns_id=purchase)
    again = town.give_back("r2", -2_000, lines=socks(2), returns_id=purchase)

    assert (again.outcome, again.error) == ("refused", "returned-already")
    assert town.has() == 60
    assert town.give_back("r3", -1_000, lines=socks(1), returns_id=purchase).outcome == "new"
    assert town.has() == 50


def test_a_return_sent_twice_is_one_return(town: Town) -> None:
    purchase = basket(town)
    back = [town.give_back("r", -1_000, lines=socks(1), returns_id=purchase) for _ in range(2)]

    assert [b.outcome for b in back] == ["new", "repeated"]
    assert back[0].earned == back[1].earned
    assert town.has() == 70


def test_a_return_at_another_shop_takes_back_the_first_shop_s_points(town: Town) -> None:
    purchase = basket(town)
    code = Receipt.objects.get(pk=purchase).code
    back = town.give_back(
        "r", -5_000, lines=[LineIn(1, -5_000, item_id="coat")], returns_code=code,
        shop_id=town.shops[2],
    )  # fmt: skip

    assert back.outcome == "new"
    assert town.has() == 30
    assert town.has("points") == 30


def test_another_town_s_purchase_can_not_be_returned(town: Town) -> None:
    purchase = basket(town)
    Receipt.objects.filter(pk=purchase).update(association_id=10**6)
    back = town.give_back("r", -1_000, lines=socks(1), returns_id=purchase)

    assert (back.outcome, back.error) == ("refused", "no-such-purchase")


def test_a_return_after_spending_leaves_a_debt_that_is_shown(town: Town) -> None:
    """What was spent already is owed, never forgotten; the next purchase repays it first."""
    purchase = basket(town)
    ledger.redeem(
        Spending(
            key="s", association_id=town.loyalty.cast.association.pk, shop_id=town.shops[1],
            occurred_at=AT, actor="till:1", asset_id=town.loyalty.purse.asset_id,
            member_id=town.members[0].pk, amount=80,
        )
    )  # fmt: skip
    town.give_back("r", -8_000, lines=BASKET_BACK, returns_id=purchase)

    (own,) = [b for b in balances(town.members[0].pk) if b.asset_id == town.loyalty.purse.asset_id]
    assert (own.balance, own.debt) == (0, 80)
    town.buy("next", 10_000)
    assert town.has() == 20


BASKET_BACK = [
    LineIn(1, -5_000, returns_number=1),
    LineIn(2, -3_000, returns_number=2, quantity_milli=3_000),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_delivery_leads_to_the_same_balance(
    town: Town, order: tuple[int, ...]
) -> None:
    """A till that comes back online sends its queue in any order; a return may come first."""
    later = AT + timedelta(hours=1)
    whole = {"source": "api", "returns_external_id": "p", "member_id": None, "issued_at": later}
    said = [
        town.said("p", 8_000, lines=BASKET),
        town.said("r1", -1_000, lines=[LineIn(1, -1_000, item_id="sock")], **whole),
        town.said("r2", -2_000, lines=[LineIn(1, -2_000, item_id="sock", quantity_milli=2_000)],
                  **whole),
    ]  # fmt: skip
    for i in order:
        assert take_in([said[i]])[0].outcome == "new"

    assert town.has() == 50
    assert take_in(said)[0].outcome == "repeated"
    assert town.has() == 50
    assert not Receipt.objects.filter(gross_cents__lt=0, returns=None).exists()


def test_returned_first_and_attached_later_earns_for_what_was_kept(town: Town) -> None:
    """The naive way earns for the whole receipt: buy without a card, return, claim the code."""
    purchase = basket(town, member_id=None)
    town.give_back("r", -5_000, lines=[LineIn(1, -5_000, item_id="coat")], returns_id=purchase)
    assert town.has() == 0

    taken = attach(purchase, town.members[0].pk, "late", "member:1", AT + timedelta(days=2))
    assert town.has() == 30
    assert sum(e.amount for e in taken.earned) == 60  # purse and points: 80 - 50 each
    assert Receipt.objects.filter(member=town.members[0]).count() == 2


def test_a_part_of_the_amount_comes_back_where_there_is_one_line(town: Town) -> None:
    """A card terminal tells amounts only. Thirds add up to the whole, to the last cent."""
    purchase = town.buy("p", 10_000).receipt_id
    for i, (cents, left) in enumerate([(-3_333, 67), (-3_333, 34), (-3_334, 0)]):
        assert town.give_back(f"r{i}", cents, returns_id=purchase).outcome == "new"
        assert abs(town.has() - left) <= 1
    assert town.has() == 0
    assert town.give_back("r9", -1, returns_id=purchase).error == "returned-already"


def test_an_amount_alone_of_several_lines_is_asked_about(town: Town) -> None:
    purchase = basket(town)
    part = town.give_back("r1", -1_700, returns_id=purchase)
    assert (part.outcome, part.error) == ("refused", "which-line")
    assert town.give_back("r2", -8_000, returns_id=purchase).outcome == "new"
    assert town.has() == 0


def test_an_exchange_is_a_purchase_and_a_return(town: Town) -> None:
    purchase = basket(town)
    lines = [LineIn(1, -5_000, item_id="coat", returns_number=1), LineIn(2, 7_000, item_id="cape")]
    taken = take_in([town.said("x", 2_000, lines=lines, returns_id=purchase)])[0]

    assert taken.outcome == "new"
    assert sorted(e.amount for e in taken.earned) == [-50, -50, 70, 70]
    assert town.has() == 80 - 50 + 70
    assert take_in([town.said("x", 2_000, lines=lines, returns_id=purchase)])[0].outcome == (
        "repeated"
    )
    kinds = Receipt.objects.filter(external_id__startswith="x").values_list(
        "gross_cents", "returns"
    )
    assert sorted(kinds, key=lambda k: k[0]) == [(-5_000, purchase), (7_000, None)]


def test_a_refused_exchange_leaves_nothing(town: Town) -> None:
    purchase = basket(town)
    lines = [LineIn(1, -9_000, returns_number=7), LineIn(2, 9_500)]
    taken = take_in([town.said("x", 500, lines=lines, returns_id=purchase)])[0]

    assert (taken.outcome, taken.error) == ("refused", "no-such-line")
    assert not Receipt.objects.filter(external_id__startswith="x").exists()
    assert town.has() == 80


def test_a_return_of_nothing_known_is_kept_and_listed_until_it_is_joined(town: Town) -> None:
    purchase = basket(town)
    blind = town.give_back("r", -1_000, lines=[LineIn(1, -1_000, item_id="sock")])
    assert blind.outcome == "new"
    assert town.has() == 80

    returning.join(blind.receipt_id or 0, purchase)
    assert town.has() == 70
    with pytest.raises(ReceiptErrorFinal):
        returning.join(blind.receipt_id or 0, purchase)


def test_the_same_article_bought_on_two_lines_comes_back_from_both(town: Town) -> None:
    twice = [LineIn(1, 1_000, item_id="sock"), LineIn(2, 1_000, item_id="sock")]
    purchase = town.buy("p", 2_000, lines=twice).receipt_id
    both = [LineIn(1, -2_000, item_id="sock", quantity_milli=2_000)]

    assert town.give_back("r", -2_000, lines=both, returns_id=purchase).outcome == "new"
    assert town.has() == 0


def test_a_refund_is_priced_as_it_was_paid(town: Town) -> None:
    """Three for 10 € less 1 €: each third is refunded, and all of them give 9 €."""
    lines = [LineIn(1, 1_000, quantity_milli=3_000), LineIn(2, -100, discount=True)]
    purchase = town.buy("p", 900, lines=lines).receipt_id or 0

    def one(number: str) -> int:
        taken = take_return(
            purchase, {1: 1_000}, shop_id=town.shops[1], external_id=number, actor="user:1", at=AT
        )
        return Receipt.objects.get(pk=taken.receipt_id).gross_cents

    assert [one("a"), one("b"), one("b"), one("c")] == [-300, -300, -300, -300]
    assert Receipt.objects.filter(returns=purchase).count() == 3
    assert town.has() == 0
    with pytest.raises(ReceiptErrorFinal, match="1"):
        one("d")


def test_a_return_can_not_be_returned_or_attached(town: Town) -> None:
    purchase = town.buy("p").receipt_id
    back = town.give_back("r", returns_id=purchase)
    assert town.give_back("rr", returns_id=back.receipt_id).error == "no-such-purchase"
    with pytest.raises(ReceiptErrorFinal) as refusal:
        attach(back.receipt_id or 0, town.members[1].pk, "late", "user:1", AT)
    assert refusal.value.code in ("attached", "a-return")


def test_a_source_s_return_of_a_purchase_that_never_comes_stays_waiting(town: Town) -> None:
    back: ReceiptIn = town.said("r", -500, returns_external_id="never", member_id=None)
    assert take_in([back])[0].outcome == "new"
    town.buy("other")
    assert Receipt.objects.get(external_id="r").returns is None


def test_all_the_money_for_a_thousandth_takes_back_all(town: Town) -> None:
    purchase = town.buy("p", 100_000).receipt_id
    line = LineIn(1, -100_000, returns_number=1, quantity_milli=1)
    assert town.give_back("r", -100_000, lines=[line], returns_id=purchase).outcome == "new"
    assert town.has() == 0

    again = town.give_back("r2", -900_000, lines=[LineIn(1, -900_000, returns_number=1)],
                           returns_id=purchase)  # fmt: skip
    assert (again.outcome, again.error) == ("refused", "returned-already")


def test_a_quantity_left_out_is_that_of_the_money(town: Town) -> None:
    bought = [LineIn(1, 30_000, item_id="X", quantity_milli=3_000)]
    purchase = town.buy("p", 30_000, lines=bought).receipt_id
    town.give_back("r", -30_000, lines=[LineIn(1, -30_000, item_id="X")], returns_id=purchase)
    assert town.has() == 0


def test_no_more_money_comes_back_than_was_paid(town: Town) -> None:
    purchase = basket(town)
    town.give_back("r1", -900, lines=socks(1, -900), returns_id=purchase)
    more = town.give_back("r2", -2_101, lines=socks(1, -2_101), returns_id=purchase)
    assert (more.outcome, more.error) == ("refused", "more-money")
    assert "1" in more.reason
    assert (
        town.give_back("r3", -2_100, lines=socks(1, -2_100), returns_id=purchase).outcome == "new"
    )


def test_a_discount_taken_back_too_is_off_the_money(town: Town) -> None:
    bought = [LineIn(1, 10_000), LineIn(2, -5_000, discount=True)]
    purchase = town.buy("p", 5_000, lines=bought).receipt_id
    back = [LineIn(1, -10_000, returns_number=1), LineIn(2, 5_000, discount=True)]
    assert town.give_back("r", -5_000, lines=back, returns_id=purchase).outcome == "new"
    assert town.has() == 0


def test_codes_are_not_tried_through(town: Town) -> None:
    code = town.buy("p").code
    back = {"issued_at": AT, "member_id": None, "actor": "key:7"}
    wrong = [town.said(f"w{i}", -1, returns_code=f"{i:08d}", **back) for i in range(25)]
    errors = [each.error for each in take_in(wrong)]
    assert errors == ["no-such-purchase"] * 20 + ["codes"] * 5
    right = town.said("r", -2_300, returns_code=code, **back)
    assert take_in([right])[0].error == "codes"
    assert take_in([replace(right, actor="key:8")])[0].outcome == "new"
