"""Taking in: once, however often it is sent; conflicts are told; a batch is few statements."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.loyalty.models import Member, RawReceipt, Receipt, ShopCustomer
from chaland.hub.loyalty.receipts import batch
from chaland.hub.loyalty.receipts.services import (
    attach,
    detach,
    refuse_raw,
    store_raw,
    take_in,
)
from chaland.hub.loyalty.receipts.shapes import LineIn, VatIn
from tests.hub.loyalty.receipts.conftest import AT, Town

pytestmark = pytest.mark.django_db


def test_it_earns_once_however_often_it_is_sent(town: Town) -> None:
    """An offline till that sends its queue again doubled the points elsewhere (OCA/pos#185)."""
    first = town.buy()
    again = [take_in([town.said()])[0] for _ in range(3)]

    assert [(a.outcome, a.receipt_id, a.code) for a in again] == [
        ("repeated", first.receipt_id, first.code)
    ] * 3
    assert [a.earned for a in again] == [first.earned] * 3
    assert town.has() == 23
    assert town.has("points") == 23


def test_a_receipt_twice_in_one_batch_is_one_receipt(town: Town) -> None:
    outcomes = [taken.outcome for taken in take_in([town.said(), town.said("2"), town.said()])]

    assert outcomes == ["new", "new", "repeated"]
    assert town.has() == 46


def test_the_same_number_with_other_content_is_told_and_changes_nothing(town: Town) -> None:
    first = town.buy()
    other = take_in([town.said(cents=9_900)])[0]

    assert (other.outcome, other.receipt_id) == ("conflict", first.receipt_id)
    assert Receipt.objects.get().gross_cents == 2_300
    assert town.has() == 23


def test_the_same_number_at_another_shop_or_from_another_source_is_another_receipt(
    town: Town,
) -> None:
    town.buy()
    town.buy(shop_id=town.shops[1])
    town.buy(source="csv")

    assert Receipt.objects.count() == 3
    assert town.has() == 69


def test_a_member_who_is_told_with_the_repetition_gets_the_receipt(town: Town) -> None:
    """An offline sale lost its points elsewhere (odoo#270532)."""
    assert town.buy(member_id=None).earned == ()
    again = take_in([town.said()])[0]

    assert again.outcome == "repeated"
    assert sum(e.amount for e in again.earned if e.asset_id == town.loyalty.purse.asset_id) == 23
    assert town.has() == 23


def test_a_repetition_gives_no_receipt_to_another_member(town: Town) -> None:
    town.buy()
    other = take_in([town.said(member_id=town.members[1].pk)])[0]

    assert (other.outcome, other.error) == ("conflict", "attached")
    assert town.has(member=town.members[1]) == 0


def test_a_late_repetition_does_not_attach_again_what_was_undone(town: Town) -> None:
    """The till's queue may send the sale once more after the seller undid the attaching."""
    first = town.buy()
    assert first.receipt_id
    detach(first.receipt_id, "till:1", AT + timedelta(seconds=5))

    assert take_in([town.said()])[0].outcome == "repeated"
    assert town.has() == 0
    attach(first.receipt_id, town.members[0].pk, "till", "till:1", AT)
    assert town.has() == 23


def test_one_bad_receipt_is_refused_with_its_reason_and_the_others_go_in(town: Town) -> None:
    bad = town.said("2", lines=[LineIn(1, 2_000)])
    taken = take_in([town.said(), bad, town.said("3")])

    assert [t.outcome for t in taken] == ["new", "refused", "new"]
    assert taken[1].error == "sum"
    assert "2000" in taken[1].reason
    assert "2300" in taken[1].reason
    assert town.has() == 46


@pytest.mark.parametrize(
    ("error", "change"),
    [
        ("source", {"source": "telepathy"}),
        ("external-id", {"external_id": ""}),
        ("external-id", {"external_id": "9" * 81}),
        ("external-id", {"external_id": "a\0b"}),
        ("external-id", {"external_id": "\ud800"}),
        ("issued-at", {"issued_at": AT + timedelta(days=4_000)}),
        ("issued-at", {"issued_at": AT.replace(year=1, tzinfo=None)}),
        ("issued-at", {"issued_at": datetime.max.replace(tzinfo=UTC)}),
        ("currency", {"currency": "USD"}),
        ("code", {"code": "00012345-AND-MORE"}),
        ("till_label", {"till_label": "x" * 41}),
        ("gross", {"gross_cents": 10**18}),
        ("line-number", {"lines": [LineIn(1, 1_000), LineIn(1, 1_300)]}),
        ("line-number", {"lines": [LineIn(40_000, 2_300)]}),
        ("line", {"lines": [LineIn(1, 2_300, quantity_milli=0)]}),
        ("line", {"lines": [LineIn(1, 2_300, item_name="a\0b")]}),
        ("line", {"lines": [LineIn(1, 2_300, item_id="x" * 65)]}),
        ("vat", {"lines": [LineIn(1, 2_300, vat_permyriad=-1)]}),
        ("vat", {"vat": [VatIn(2_000, 2_300, 460)]}),
        ("vat", {"vat": [VatIn(2_000, 1_000, 150), VatIn(2_000, 1_000, 150)]}),
    ],
)
def test_what_can_not_be_stored_is_refused_in_words(
    town: Town, error: str, change: dict[str, object]
) -> None:
    taken = take_in([town.said(**change)])[0]

    assert (taken.outcome, taken.error) == ("refused", error)
    assert len(taken.reason) > 20
    assert not Receipt.objects.exists()


def test_a_code_that_is_taken_is_refused(town: Town) -> None:
    """Else who holds one receipt could claim the other."""
    town.buy(code="ABCD-2345-XY")
    taken = take_in([town.said("2", code="abcd2345xy"), town.said("3", code="ABCD2345XZ")])

    assert [(t.outcome, t.error) for t in taken] == [("refused", "code"), ("new", "")]


def test_a_discount_line_earns_nothing_flagged_or_not(town: Town) -> None:
    """odoo#150833: the discount line earned points. Many tills print a bare negative line."""
    flagged = [LineIn(1, 3_000), LineIn(2, -700, discount=True)]
    town.buy("1", 2_300, lines=flagged)
    town.buy("2", 2_300, lines=[LineIn(1, 3_000), LineIn(2, -700)])

    assert town.has() == 46
    assert Receipt.objects.filter(gross_cents__lt=0).count() == 0


def test_a_member_who_is_gone_or_paused_does_not_stop_the_sale(town: Town) -> None:
    Member.objects.filter(pk=town.members[1].pk).update(state=Member.State.PAUSED)
    paused = town.buy("1", member_id=town.members[1].pk)
    gone = town.buy("2", member_id=999_999)

    assert (paused.error, gone.error) == ("paused", "no-such-member")
    assert Receipt.objects.filter(attached_at=None).count() == 2
    assert town.has(member=town.members[1]) == 0


def test_a_merged_member_s_receipts_go_to_the_heir(town: Town) -> None:
    old, heir = town.members[:2]
    Member.objects.filter(pk=old.pk).update(state=Member.State.MERGED, merged_into=heir)
    town.buy()

    assert town.has(member=heir) == 23


def test_a_member_of_another_town_gets_nothing(town: Town) -> None:
    Member.objects.filter(pk=town.members[0].pk).update(association_id=10**6)

    assert town.buy().error == "no-such-member"


def test_a_purchase_makes_a_customer_of_the_shop_and_an_active_member(town: Town) -> None:
    member = town.members[0]
    town.buy(shop_id=town.shops[2])
    town.buy("0", issued_at=AT - timedelta(days=30))
    member.refresh_from_db()

    assert member.last_active_on == date(2026, 5, 5)
    customer = ShopCustomer.objects.get(member=member, shop_id=town.shops[2])
    assert (customer.how, customer.since) == ("bought", AT)
    enrolled = ShopCustomer.objects.get(member=member, shop_id=town.shops[0])
    assert enrolled.how == "enrolled"


def test_tax_is_worked_out_from_the_lines_when_none_was_told(town: Town) -> None:
    lines = [
        LineIn(1, 1_055, vat_permyriad=550),
        LineIn(2, 1_200, vat_permyriad=2_000),
        LineIn(3, 45, vat_permyriad=550),
    ]
    taken = town.buy(lines=lines)
    receipt = Receipt.objects.get(pk=taken.receipt_id)

    tax = receipt.vat.order_by("rate_permyriad")
    assert list(tax.values_list("rate_permyriad", "taxable_cents", "tax_cents")) == [
        (550, 1_043, 57),
        (2_000, 1_000, 200),
    ]
    assert receipt.net_cents == 2_043


def test_what_came_in_is_kept_sealed_and_says_what_became_of_it(town: Town) -> None:
    shop_id, association_id = town.shops[0], town.loyalty.cast.association.pk
    body = '{"customer": "Élodie Martin"}'

    def raw() -> RawReceipt:
        return store_raw(association_id=association_id, shop_id=shop_id, source="api", body=body)

    good, bad = raw(), raw()
    take_in([town.said()], raw_id=good.pk)
    take_in([town.said(currency="USD")], raw_id=bad.pk)

    for stored, state in ((good, "read"), (bad, "refused")):
        stored.refresh_from_db()
        assert stored.state == state
    assert "EUR" in bad.reason
    assert Receipt.objects.get().raw == good
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("SELECT body FROM loyalty_rawreceipt")
        assert all(b"Martin" not in bytes(row[0]) for row in cursor.fetchall())


def test_a_batch_that_fails_leaves_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(batch.whose, "bought", broken)
    with pytest.raises(DatabaseError):
        take_in([town.said(str(i)) for i in range(5)])

    assert not Receipt.objects.exists()
    assert town.has() == 0


def test_five_hundred_cost_no_more_statements_than_fifty_but_for_the_engine_s_limits(
    town: Town,
) -> None:
    """Statements don't grow by the receipt: SQLite takes some 1,000 values in one statement, so
    the rows of 500 receipts are a few dozen inserts there, and not thousands."""

    def statements(first: int, count: int) -> int:
        said = [
            town.said(
                str(first + i), 1_000, member_id=town.members[i % 3].pk,
                lines=[LineIn(1, 600), LineIn(2, 400)],
            )
            for i in range(count)
        ]  # fmt: skip
        with CaptureQueriesContext(connections["loyalty"]) as queries:
            assert {taken.outcome for taken in take_in(said)} == {"new"}
        return len(queries)

    few, many = statements(0, 50), statements(1_000, 500)
    assert few <= 60
    assert many <= 0.5 * 500


def test_an_answer_names_no_one(town: Town) -> None:
    taken = take_in([replace(town.said(), member_id=town.members[1].pk), town.said()])
    assert town.members[1].first_name not in repr(taken)


def test_no_receipt_takes_the_number_of_an_exchanges_return(town: Town) -> None:
    taken = take_in([town.said("X/back", 100)])[0]
    assert (taken.outcome, taken.error) == ("refused", "external-id")
    assert "/back" in taken.reason


def test_what_is_refused_again_and_again_is_kept_once_and_cut(town: Town) -> None:
    for shop_id in (*town.shops[:1] * 3, town.shops[1]):
        raw = store_raw(association_id=1, shop_id=shop_id, source="api", body="é" * 100_000)
        refuse_raw(raw.pk, "unread")
    kept = RawReceipt.objects.all()
    assert [len(raw.body.encode()) for raw in kept] == [64 * 1024] * 2
    assert {raw.shop_id for raw in kept} == set(town.shops[:2])
