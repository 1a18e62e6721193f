"""What a cashier does all day, and what a browser may not be able to do."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import (
    ApiKey,
    Claim,
    Connection,
    Lookup,
    Member,
    Receipt,
    SavedAnswer,
    Transfer,
)
from chaland.hub.loyalty.receipts import services as receipts
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.loyalty_builders import Loyalty

from .conftest import NOON, PHONE, Counter, enrol, paired

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_before() -> None:
    cache.clear()


def purse_of(member: Member) -> int:
    return sum(b.balance - b.debt for b in balances(member.pk) if b.kind == "purse")


def arrived(
    counter: Counter,
    cents: int,
    lines: list[LineIn] | None = None,
    *,
    source: str = "api",
    at: datetime = NOON,
) -> int:
    """Let the shop's own till send a receipt."""
    said = ReceiptIn(
        association_id=counter.till.association_id,
        shop_id=counter.till.shop_id,
        source=source,
        external_id=str(uuid.uuid4()),
        issued_at=at,
        gross_cents=cents,
        lines=lines or [LineIn(1, cents)],
    )
    [taken] = receipts.take_in([said])
    assert taken.receipt_id is not None
    return taken.receipt_id


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        (PHONE, True), ("+33 6 12 34 56 78", True), ("0612345678", True), ("5678 3", True),
        ("5678 03", True), ("dup", False), ("marie dup", False),
    ],
)  # fmt: skip
def test_one_field_finds_by_whatever_is_typed(counter: Counter, text: str, exact: bool) -> None:
    answer = counter.page.post("find", text=text)
    [row] = answer["found"]
    assert row["name"] == "Marie D."
    assert answer["exact"] is exact
    said = json.dumps(answer)
    assert "Dupont" not in said
    assert "345" not in said.replace(row["ref"], "")


def test_a_card_finds_its_member_and_nothing_else_does(counter: Counter) -> None:
    token = cards.token(counter.member)
    assert counter.page.post("find", text=token)["exact"]
    forged = ("A" if token[-1] != "A" else "B").join((token[:-1], ""))
    assert counter.page.post("find", text=forged)["found"] == []


def test_typing_errors_are_forgiven_when_asked(counter: Counter) -> None:
    assert counter.page.post("find", text="dupond marie")["found"] == []
    assert counter.page.post("find", text="dupond marie", typo=True)["found"]


def test_a_member_is_named_by_no_number_and_on_no_other_till(counter: Counter) -> None:
    ref = counter.page.found()["ref"]
    counter.page.post("member", member=ref)
    _till, other = paired(counter.loyalty)
    other.client.cookies["till"]  # paired, but nobody has given a PIN yet
    counter.page.attach(1000, 410, member={"ref": f"{counter.member.pk}"})
    other.sign_in(counter.seller.pk)
    other.attach(1000, 410, member={"ref": ref})
    counter.page.post("member", 410, member=f"A{ref[1:]}")


def test_a_reference_opens_for_minutes_and_attaches_for_a_month(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    ref = counter.page.found()["ref"]
    noon.shift(timedelta(minutes=16))
    counter.page.post("member", 410, member=ref)
    counter.page.attach(1000, member={"ref": ref})


def test_attaching_says_what_was_earned_and_why(counter: Counter) -> None:
    answer = counter.page.attach(2350)
    kinds = {row["kind"]: row for row in answer["earned"]}
    assert kinds["purse"]["amount"] == 23
    assert kinds["points"]["amount"] == 23
    assert "23" in kinds["points"]["why"]
    assert {b["kind"] for b in answer["card"]["balances"]} == {"purse", "points"}
    receipt = Receipt.objects.get()
    assert receipt.member_id == counter.member.pk
    assert receipt.attached_by == f"till:{counter.till.pk} seller:{counter.seller.pk}"


def test_the_same_key_again_is_the_same_receipt_and_other_content_none(counter: Counter) -> None:
    body = {"key": str(uuid.uuid4()), "member": {"ref": counter.page.found()["ref"]}}
    first = counter.page.attach(2350, **body)
    again = counter.page.attach(2350, **body)
    assert first["earned"] == again["earned"]
    assert counter.page.attach(9900, 422, **body)["code"] == "key-reused"
    assert Receipt.objects.count() == 1
    assert purse_of(counter.member) == 23


def test_a_number_is_attached_once_a_day(counter: Counter, noon: time_machine.Traveller) -> None:
    counter.page.attach(2350, number="0042")
    assert counter.page.attach(2350, 409, number="0042")["code"] == "number-taken"
    noon.shift(timedelta(days=1))
    counter.page.sign_in(counter.seller.pk)
    counter.page.attach(2350, number="0042", issued_at=(NOON + timedelta(days=1)).isoformat())
    assert purse_of(counter.member) == 46


def test_what_is_refused_leaves_nothing_and_may_be_sent_again(counter: Counter) -> None:
    body: dict[str, Any] = {"key": str(uuid.uuid4()), "contact": "07 98 76 54 32"}
    assert counter.page.attach(2350, 422, **body)["code"] == "nobody"
    assert not Receipt.objects.exists()
    assert not SavedAnswer.objects.exists()
    missed = Lookup.objects.filter(kind="phone", shown=0).count()
    assert missed == 1, "a try that finds nobody counts, though the write is undone"
    enrol(counter.loyalty, "0798765432", "Paul", "Roux")
    counter.page.attach(2350, **body)


def test_a_receipt_typed_without_a_network_finds_its_member(counter: Counter) -> None:
    counter.page.post("leave")  # it is sent when nobody stands there any more
    for contact in (PHONE, "5678 3", cards.token(counter.member)):
        counter.page.attach(1000, contact=contact)
    assert purse_of(counter.member) == 30
    assert set(Receipt.objects.values_list("attached_by", flat=True)) == {
        f"till:{counter.till.pk} seller:{counter.seller.pk}"
    }


def test_a_name_is_nobody_in_particular(counter: Counter) -> None:
    assert counter.page.attach(1000, 422, contact="dupont")["code"] == "several"


def test_members_are_not_to_be_guessed_by_receipts(counter: Counter) -> None:
    statuses = [
        counter.page.client.post(
            "/till/receipts",
            {"key": f"guess-{i:04}", "contact": f"06000{i:05}", "amount_cents": 1,
             "issued_at": NOON.isoformat(), "shift": counter.page.shift},
            content_type="application/json", headers={"X-Till": "1"},
        ).status_code
        for i in range(80)
    ]  # fmt: skip
    assert statuses.count(429) >= 15


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 0}, {"amount_cents": -5}, {"amount_cents": 10**12},
        {"amount_cents": "23.50"}, {"issued_at": "yesterday"}, {"issued_at": "2026-06-02T10:00"},
        {"issued_at": "2030-01-01T00:00:00Z"}, {"issued_at": "1970-01-01T00:00:00Z"},
        {"seller": 999}, {"shift": "x"}, {"extra": 1}, {"amount_cents": 1_000_001},
        {"member": None}, {"contact": "", "member": None},
        {"number": "\x00"},
        {"key": "short"}, {"key": "x" * 100},
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_not_repeated(counter: Counter, change: dict[str, Any]) -> None:
    body = {
        "key": str(uuid.uuid4()), "amount_cents": 100, "issued_at": NOON.isoformat(),
        "shift": counter.page.shift, "member": {"ref": counter.page.found()["ref"]}, **change,
    }  # fmt: skip
    answer = counter.page.client.post(
        "/till/receipts", json.dumps(body), content_type="application/json",
        headers={"X-Till": "1"},
    )  # fmt: skip
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["text"]
    assert not Receipt.objects.exists()


def test_undo_gives_all_back_for_ten_seconds(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    slow = (NOON - timedelta(seconds=40)).isoformat()  # the tablet's clock; the hub's counts
    ref = counter.page.attach(2350, issued_at=slow)["undo"]
    counter.page.write("undo", undo=ref)
    assert purse_of(counter.member) == 0
    key = str(uuid.uuid4())
    member = {"ref": counter.page.found()["ref"]}
    later = counter.page.attach(2350, key=key, member=member)["undo"]
    noon.shift(timedelta(seconds=16))
    again = counter.page.attach(2350, key=key, member=member)["undo"]
    for ref in (later, again):  # asking for the answer again makes it no longer
        assert counter.page.write("undo", 409, undo=ref)["code"] == "too-late"
    assert purse_of(counter.member) == 23


def test_a_numbered_receipt_undone_goes_to_the_right_customer(counter: Counter) -> None:
    other = enrol(counter.loyalty, "06 99 88 77 66", "Luc", "Morel")
    wrong = counter.page.attach(2500, number="17")
    counter.page.write("undo", undo=wrong["undo"])
    ref = counter.page.found("06 99 88 77 66")["ref"]
    counter.page.attach(2590, number="17", member={"ref": ref})  # the amount put right as well
    assert (purse_of(counter.member), purse_of(other)) == (0, 25)
    assert counter.page.attach(2590, 409, number="17")["code"] == "number-taken"
    at = NOON + timedelta(minutes=1)
    with pytest.raises(ReceiptErrorFinal):  # else one purchase earned twice
        receipts.claim_by_code(
            counter.till.association_id, wrong["code"], counter.member.pk, "member:1", at
        )


def test_another_tills_receipt_is_not_undone(counter: Counter) -> None:
    ref = counter.page.attach(2350)["undo"]
    _till, other = paired(counter.loyalty, shop=1)
    other.write("undo", 410, undo=ref)


def test_a_paused_member_earns_nothing(counter: Counter) -> None:
    ref = counter.page.found()["ref"]
    members.pause(counter.member)
    assert counter.page.attach(1000, 410, member={"ref": ref})["code"] == "closed"
    assert not Receipt.objects.exists()


def test_a_part_of_the_purse_is_reserved_confirmed_and_undone(counter: Counter) -> None:
    counter.page.attach(100_000)
    ref = counter.page.found()["ref"]
    [reward] = [
        r for r in counter.page.post("member", member=ref)["rewards"] if r["kind"] == "amount"
    ]
    assert reward["most"] == 1000
    hold = counter.page.write("reserve", member=ref, reward=reward["id"], wanted_cents=350)
    assert hold["cents"] == 350
    done = counter.page.write("confirm", hold=hold["hold"])
    assert done["cents"] == 350
    assert purse_of(counter.member) == 650
    counter.page.write("undo", undo=done["undo"])
    assert purse_of(counter.member) == 1000
    counter.page.write("confirm", 409, hold=hold["hold"])
    again = counter.page.write("reserve", member=ref, reward=reward["id"], wanted_cents=350)
    counter.page.write("cancel", hold=again["hold"])
    assert purse_of(counter.member) == 1000
    counter.page.write("reserve", 409, member=ref, reward=reward["id"], wanted_cents=1001)


def test_points_buy_a_voucher_that_is_used_once(counter: Counter) -> None:
    counter.page.attach(10_000)
    ref = counter.page.found()["ref"]
    card = counter.page.post("member", member=ref)
    [reward] = [r for r in card["rewards"] if r["kind"] == "voucher"]
    hold = counter.page.write("reserve", member=ref, reward=reward["id"])
    code = counter.page.write("confirm", hold=hold["hold"])["voucher_code"]
    [voucher] = counter.page.post("member", member=ref)["vouchers"]
    assert voucher["code"] == code
    key = str(uuid.uuid4())
    used = counter.page.write("voucher", voucher=code, key=key)
    assert used["cents"] == 500
    assert counter.page.write("voucher", voucher=code, key=key) == used
    counter.page.write("voucher", 409, voucher=code)


def test_another_shops_points_are_not_shown(counter: Counter) -> None:
    counter.page.attach(2350)
    _till, other = paired(counter.loyalty, shop=1)
    answer = other.attach(2350)
    assert {b["kind"] for b in answer["card"]["balances"]} == {"purse", "stamps"}
    [stamps] = [b for b in answer["card"]["balances"] if b["kind"] == "stamps"]
    assert (stamps["balance"], stamps["goal"]) == (1, 10)


def test_a_return_by_amount_takes_back_what_it_earned(counter: Counter) -> None:
    code = counter.page.attach(10_000)["code"]
    found = counter.page.post("return/find", code=f" {code[:4].lower()}-{code[4:]} ")
    assert (found["gross_cents"], found["left_cents"]) == (10_000, 10_000)
    back = counter.page.write("return", code=code, amount_cents=4000)
    assert {row["kind"]: row["amount"] for row in back["earned"]} == {"purse": -40, "points": -40}
    assert purse_of(counter.member) == 60
    assert counter.page.post("return/find", code=code)["left_cents"] == 6000
    counter.page.write("return", 409, code=code, amount_cents=6001)


def test_a_return_by_line_and_at_another_shop(counter: Counter) -> None:
    receipt = arrived(counter, 5000, [LineIn(1, 3000, item_name="Pull"), LineIn(2, 2000)])
    ref = counter.page.found()["ref"]
    [offered] = counter.page.post("member", member=ref)["arrived"]
    code = counter.page.write("attach", member=ref, receipt=offered["receipt"])["code"]
    assert Receipt.objects.get(pk=receipt).member_id == counter.member.pk
    _till, other = paired(counter.loyalty, shop=1)
    lines = other.post("return/find", code=code)["lines"]
    assert [line["name"] for line in lines] == ["Pull", ""]
    back = other.write("return", code=code, lines=[{"number": 1, "quantity_milli": 1000}])
    assert back["returned_cents"] == 3000
    assert purse_of(counter.member) == 20
    other.write("return", 409, code=code, lines=[{"number": 1, "quantity_milli": 1000}])


def test_codes_are_not_to_be_tried_through(counter: Counter) -> None:
    counter.page.attach(1000)
    for i in range(20):
        counter.page.post("return/find", 404, code=f"AAAA{i:04}")
    counter.page.post("return/find", 429, code="AAAA9999")


def test_where_the_own_till_sends_receipts_typing_one_is_a_claim(counter: Counter) -> None:
    Connection.objects.create(
        association_id=counter.till.association_id, shop_id=counter.till.shop_id, source="sumup"
    )
    arrived(counter, 999, source="sumup")
    answer = counter.page.attach(2350)
    assert answer["claimed"]
    assert answer["receipt"] == ""
    assert Claim.objects.get().amount_cents == 2350
    assert not Transfer.objects.exists()
    counter.page.write("undo", undo=answer["undo"])
    assert Claim.objects.get().state == Claim.State.DROPPED


@pytest.mark.parametrize("source", ["api", "sumup"])
def test_what_never_brought_a_receipt_is_no_connected_till(counter: Counter, source: str) -> None:
    """A key that only looks customers up; a connection that was never finished."""
    shop = {"association_id": counter.till.association_id, "shop_id": counter.till.shop_id}
    if source == "api":
        ApiKey.objects.create(**shop, key_hash="x", made_at=NOON, last_used_at=NOON)
    else:
        Connection.objects.create(**shop, source=source)
    assert not counter.page.attach(2350)["claimed"]
    arrived(counter, 999, source=source, at=NOON - timedelta(days=31))
    assert not counter.page.attach(2350)["claimed"]
    arrived(counter, 999, source=source)
    assert counter.page.attach(2350)["claimed"]


def test_the_state_names_no_member(counter: Counter, loyalty: Loyalty) -> None:
    said = json.dumps(counter.page.post("state"))
    for word in ("Dupont", "Marie", "Martin", "5678"):
        assert word not in said
    assert counter.page.post("state")["programmes"]


def test_an_e_receipt_is_a_link_that_asks_for_nothing(counter: Counter) -> None:
    ref = counter.page.attach(2350)["receipt"]
    answer = counter.page.post("e-receipt", receipt=ref)
    assert answer["svg"].startswith("<svg")
    path = answer["address"].removeprefix("http://testserver")
    assert counter.page.client.get(path).status_code == 200


def test_nothing_personal_in_an_address_or_a_log(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    counter.page.found()
    counter.page.attach(1000)
    counter.page.write("enrol", name="Léa Petit", contact="0711223344", over_15=True)
    counter.page.write("enrol", 409, name="Zoé", contact=PHONE, over_15=True)
    said = caplog.text
    for word in ("Marie", "Dupont", "5678", "Petit", "0711223344", "11223344"):
        assert word not in said
