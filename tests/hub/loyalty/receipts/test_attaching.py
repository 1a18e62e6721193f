"""Attaching late, undoing, claiming by a code, and forgetting whose a receipt was."""

from datetime import timedelta

import pytest
from django.db import connections

from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Spending
from chaland.hub.loyalty.models import (
    Member,
    RawReceipt,
    Receipt,
    ReceiptLine,
    ReceiptLink,
    ShopCustomer,
)
from chaland.hub.loyalty.receipts import links
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.services import (
    attach,
    claim_by_code,
    detach,
    forget_member,
    prune,
    store_raw,
    take_in,
)
from chaland.hub.loyalty.receipts.shapes import LineIn
from tests.hub.loyalty.receipts.conftest import AT, Town

pytestmark = pytest.mark.django_db
SOON = AT + timedelta(seconds=5)


def unattached(town: Town, number: str = "1") -> Receipt:
    return Receipt.objects.get(pk=town.buy(number, member_id=None).receipt_id)


def refused(code: str) -> pytest.RaisesExc[ReceiptErrorFinal]:
    return pytest.raises(ReceiptErrorFinal, check=lambda error: error.code == code)


def test_attaching_twice_is_harmless(town: Town) -> None:
    receipt, member = unattached(town), town.members[0]
    outcomes = [attach(receipt.pk, member.pk, "late", "user:1", SOON).outcome for _ in range(2)]

    assert outcomes == ["new", "repeated"]
    assert town.has() == 23


def test_a_receipt_belongs_to_one_member(town: Town) -> None:
    receipt = unattached(town)
    attach(receipt.pk, town.members[0].pk, "late", "user:1", SOON)
    with refused("attached"):
        attach(receipt.pk, town.members[1].pk, "late", "user:1", SOON)
    assert town.has(member=town.members[1]) == 0


def test_undoing_takes_all_back_and_it_can_be_done_again(town: Town) -> None:
    receipt = unattached(town)
    for member in (town.members[1], town.members[0], town.members[0]):
        attach(receipt.pk, member.pk, "till", "till:1", SOON)
        assert town.has(member=member) == 23
        detach(receipt.pk, "till:1", SOON)
        assert town.has(member=member) == 0
    receipt.refresh_from_db()
    assert (receipt.member, receipt.attached_at, receipt.attached_by) == (None, None, "")


def test_the_wrong_person_attached_is_no_customer_after_the_undo(town: Town) -> None:
    """Else the shop would read the purchases of somebody who never bought there."""
    receipt = unattached(town)
    Receipt.objects.filter(pk=receipt.pk).update(shop_id=town.shops[2])
    attach(receipt.pk, town.members[1].pk, "till", "till:1", SOON)
    detach(receipt.pk, "till:1", SOON)

    assert not ShopCustomer.objects.filter(shop_id=town.shops[2]).exists()
    assert ShopCustomer.objects.filter(member=town.members[1], how="enrolled").exists()


def test_what_was_spent_or_came_back_can_not_be_undone_unseen(town: Town) -> None:
    bought = town.buy("p")
    town.give_back("r", -300, returns_id=bought.receipt_id)
    with refused("returned"):
        detach(bought.receipt_id or 0, "till:1", SOON)

    second = town.buy("s")
    ledger.redeem(
        Spending(
            key="s", association_id=town.loyalty.cast.association.pk, shop_id=town.shops[0],
            occurred_at=AT, actor="till:1", asset_id=town.loyalty.purse.asset_id,
            member_id=town.members[0].pk, amount=5, receipt_id=second.receipt_id,
        )
    )  # fmt: skip
    with refused("spent"):
        detach(second.receipt_id or 0, "till:1", SOON)


def test_a_customer_claims_a_receipt_by_its_code_as_it_is_read(town: Town) -> None:
    receipt, member = unattached(town), town.members[0]
    Receipt.objects.filter(pk=receipt.pk).update(code="01AB2CD3")
    typed = " oiab-2cd3"  # O for 0, I for 1: as it is misread
    claim_by_code(receipt.association_id, typed, member.pk, f"member:{member.pk}", SOON)

    assert town.has() == 23
    receipt.refresh_from_db()
    assert receipt.attached_how == "late"


def test_a_wrong_code_and_one_that_is_too_old_answer_alike(town: Town) -> None:
    receipt, member = unattached(town), town.members[0]
    late = AT + timedelta(days=31)
    for code, association_id, at in (
        ("ZZZZZZZZ", receipt.association_id, SOON),
        ("no code", receipt.association_id, SOON),
        (receipt.code, receipt.association_id + 1, SOON),
        (receipt.code, receipt.association_id, late),
    ):
        with refused("no-such-code"):
            claim_by_code(association_id, code, member.pk, "member:1", at)


def test_codes_are_not_to_be_guessed(town: Town) -> None:
    """A till's running number as the code would give the neighbour's points to who counts on."""
    assert take_in([town.said(code="0001234")])[0].error == "code"
    codes = {town.buy(str(i)).code for i in range(20)}
    assert len(codes) == 20
    assert all(len(code) == 8 for code in codes)


def test_a_paused_member_gets_nothing(town: Town) -> None:
    receipt = unattached(town)
    Member.objects.filter(pk=town.members[0].pk).update(state=Member.State.PAUSED)
    with refused("paused"):
        attach(receipt.pk, town.members[0].pk, "late", "user:1", SOON)


def test_a_link_shows_the_receipt_until_its_time_is_over(town: Town) -> None:
    receipt = unattached(town)
    link, token = links.make(receipt.pk, AT)

    assert links.receipt_of(token, SOON) == receipt
    assert links.receipt_of(token + "x", SOON) is None
    assert links.receipt_of(token, AT + links.LIVES) is None
    assert token not in str(ReceiptLink.objects.filter(pk=link.pk).values())


def test_a_contact_given_for_the_e_receipt_serves_nothing_else(town: Town) -> None:
    """L5: it makes no member, no consent, no index to be found by; and it is gone once sent."""
    members = Member.objects.count()
    link, _ = links.make(unattached(town).pk, AT, contact="+33612345678")

    assert Member.objects.count() == members
    assert not Member.objects.exclude(phone_index=None).exists()
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("SELECT contact FROM loyalty_receiptlink")
        assert b"612345678" not in bytes(cursor.fetchone()[0])
    assert ReceiptLink.objects.get(pk=link.pk).contact == "+33612345678"
    links.sent(link.pk)
    assert ReceiptLink.objects.get(pk=link.pk).contact is None


def test_what_is_over_goes(town: Town) -> None:
    kept = unattached(town)
    links.make(kept.pk, AT, contact="a@example.org")
    raw = store_raw(
        association_id=kept.association_id, shop_id=kept.shop_id, source="api", body="?"
    )
    RawReceipt.objects.filter(pk=raw.pk).update(received_at=AT, state="refused")

    assert prune(AT + timedelta(days=8)) == 1
    assert ReceiptLink.objects.get().contact is None
    assert prune(AT + timedelta(days=100)) == 2
    assert not RawReceipt.objects.exists()
    assert Receipt.objects.filter(pk=kept.pk).exists()


def test_after_erasure_the_amounts_stay_and_nobody_can_claim_them(town: Town) -> None:
    """The naive way (member empty = free) lets anybody take a leaver's receipts once more."""
    member = town.members[0]
    raw = store_raw(
        association_id=town.loyalty.cast.association.pk, shop_id=town.shops[0], source="api",
        body="Anna",
    )  # fmt: skip
    said = town.said(lines=[LineIn(1, 2_300, item_id="x", item_name="Test de grossesse")])
    taken = take_in([said], raw_id=raw.pk)[0]
    links.make(taken.receipt_id or 0, AT)
    forget_member(member.pk)

    receipt = Receipt.objects.get()
    assert (receipt.member, receipt.gross_cents, receipt.raw) == (None, 2_300, None)
    assert not RawReceipt.objects.exists()
    assert not ReceiptLink.objects.exists()
    assert list(ReceiptLine.objects.values_list("item_name", "item_id")) == [("", "")]
    with refused("attached"):
        claim_by_code(receipt.association_id, receipt.code, town.members[1].pk, "member:2", SOON)
