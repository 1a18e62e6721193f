"""Receipts by the API: exactly once, within the key's shop, each fault with its place."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import keys, people
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import RawReceipt, Receipt, SavedAnswer, Transfer
from tests.hub.loyalty.connect.tills import Till, receipt
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


def test_a_receipt_goes_in_and_earns_for_its_member(till: Till, loyalty: Loyalty) -> None:
    handle = people.handle(loyalty.member.pk, till.shop_id)
    answer = till.send("receipts", receipt(member=handle))
    assert answer.status_code == 201, answer.content
    said = answer.json()
    stored = Receipt.objects.get(pk=said["id"])
    assert (stored.gross_cents, stored.shop_id, stored.source) == (2350, till.shop_id, "api")
    assert stored.member_id == loyalty.member.pk
    assert stored.code == said["code"]
    assert {e["amount"] for e in said["earned"]} == {23}
    assert all(e["why"] for e in said["earned"])
    assert RawReceipt.objects.get().state == "read"


def test_the_card_that_was_scanned_names_the_member(till: Till, loyalty: Loyalty) -> None:
    answer = till.send("receipts", receipt(member=cards.token(loyalty.member)))
    assert Receipt.objects.get(pk=answer.json()["id"]).member_id == loyalty.member.pk


def test_a_card_of_nobody_keeps_no_purchase_out(till: Till, loyalty: Loyalty) -> None:
    stranger = people.handle(loyalty.member.pk, till.shop_id + 1)  # another shop's handle
    for number, member in enumerate((stranger, "A" * 24, "m1.aaaaaaaaaaaaaaaa", "Marie")):
        said = till.send("receipts", receipt(f"T-{number}", member=member)).json()
        assert (said["outcome"], said["error"]) == ("new", "no-such-member"), member
    assert not Receipt.objects.exclude(member=None).exists()


def test_the_same_key_and_body_get_the_same_answer(till: Till, loyalty: Loyalty) -> None:
    body = json.dumps(receipt(member=people.handle(loyalty.member.pk, till.shop_id))).encode()
    first = till.send("receipts", body, "once")
    again = till.send("receipts", body, "once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert Receipt.objects.count() == 1
    assert Transfer.objects.count() == 2  # purse and points, once


def test_the_same_key_with_another_body_is_refused(till: Till) -> None:
    till.send("receipts", receipt("T-1"), "once")
    answer = till.send("receipts", receipt("T-2"), "once")
    assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    assert Receipt.objects.count() == 1


def test_the_same_key_at_another_address_is_another_request(till: Till) -> None:
    body = json.dumps(receipt()).encode()
    made = till.send("receipts", body, "once").json()
    assert till.send(f"receipts/{made['id']}/returns", body, "once").json()["code"] == "key-reused"


def test_a_new_key_for_the_same_receipt_is_repeated_or_a_conflict(till: Till) -> None:
    said = receipt()
    assert till.send("receipts", said).status_code == 201
    answer = till.send("receipts", said)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "repeated")
    answer = till.send("receipts", receipt(cents=99) | {"issued_at": said["issued_at"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Receipt.objects.get().gross_cents == 2350


def test_keys_of_two_shops_do_not_meet(till: Till, neighbour: Till) -> None:
    body = json.dumps(receipt()).encode()
    assert till.send("receipts", body, "k").status_code == 201
    assert neighbour.send("receipts", body, "k").status_code == 201
    assert Receipt.objects.count() == 2


def test_a_batch_tells_each_outcome(till: Till) -> None:
    known = receipt("T-0")
    till.send("receipts", known)
    wrong = receipt("T-2") | {"lines": [{"gross_cents": 1}]}  # doesn't add up
    answer = till.send("receipts/batch", {"receipts": [known, receipt("T-1"), wrong]})
    assert answer.status_code == 200
    assert [r["outcome"] for r in answer.json()["receipts"]] == ["repeated", "new", "refused"]
    assert answer.json()["receipts"][2]["reason"]


def test_faults_are_all_named_and_nothing_is_half_written(till: Till) -> None:
    bad = receipt("T-1") | {"gross_cents": "12", "spelling": 1}
    worse = receipt("") | {"issued_at": "2026-03-14T10:00:00", "lines": [{"quantity_milli": 0}]}
    answer = till.send("receipts/batch", {"receipts": [receipt("T-0"), bad, worse]})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert {e["field"] for e in answer.json()["errors"]} == {
        "receipts[1].gross_cents", "receipts[1].spelling", "receipts[2].external_id",
        "receipts[2].issued_at", "receipts[2].lines[0].quantity_milli",
        "receipts[2].lines[0].gross_cents",
    }  # fmt: skip
    assert not Receipt.objects.exists()
    raw = RawReceipt.objects.get()  # kept all the same, with its reason
    assert (raw.state, raw.reason) == ("refused", "invalid")
    assert not SavedAnswer.objects.exists()  # put right, it may be sent under the same key


@pytest.mark.parametrize(
    "body",
    [
        b" ", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"external_id": NaN}', b"[" * 100_000,
        b'{"external_id":"\\ud800","issued_at":"2026-01-01T00:00:00Z","gross_cents":1}',
        b'{"external_id":"a\\u0000","issued_at":"2026-01-01T00:00:00Z","gross_cents":1}',
        b'{"external_id":"a","issued_at":"0001-01-01T00:00:00+14:00","gross_cents":1}',
        b'{"external_id":"a","issued_at":"2026-02-31T00:00:00Z","gross_cents":1}',
        b'{"external_id":"a","issued_at":"2026-01-01T00:00:00Z","gross_cents":1e400}',
        b'{"external_id":"a","issued_at":"2026-01-01T00:00:00Z","gross_cents":' + b"9" * 5000,
    ],
)  # fmt: skip
def test_junk_is_refused_in_words(till: Till, body: bytes) -> None:
    answer = till.send("receipts", body)
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["code"] in ("not-json", "invalid")
    assert not Receipt.objects.exists()


def test_more_than_500_or_2_mb_is_too_much(till: Till) -> None:
    answer = till.send("receipts/batch", {"receipts": [receipt(str(i)) for i in range(501)]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = till.send("receipts", b" " * (2 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_return_takes_back_what_was_earned(till: Till, loyalty: Loyalty) -> None:
    handle = people.handle(loyalty.member.pk, till.shop_id)
    bought = till.send("receipts", receipt(member=handle)).json()
    back = receipt("R-1", -1000) | {"lines": [{"gross_cents": -1000, "returns_number": 1,
                                               "quantity_milli": 400}]}  # fmt: skip
    answer = till.send(f"receipts/{bought['id']}/returns", back)
    assert answer.status_code == 201, answer.content
    assert all(e["amount"] < 0 for e in answer.json()["earned"])
    assert Receipt.objects.get(external_id="R-1").returns_id == bought["id"]


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 30, "%00", "1e3"])
def test_a_return_of_nothing_is_not_found(till: Till, number: str) -> None:
    answer = till.send(f"receipts/{number}/returns", receipt("R", -5))
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_return_of_a_neighbours_receipt_is_not_found(till: Till, neighbour: Till) -> None:
    theirs = neighbour.send("receipts", receipt()).json()["id"]
    answer = till.send(f"receipts/{theirs}/returns", receipt("R", -5))
    assert answer.json()["code"] == "not-found"


def test_writes_need_an_idempotency_key(till: Till) -> None:
    for key in ("", " ", "k" * 81, "clé"):
        answer = till.send("receipts", receipt(), key)
        assert (answer.status_code, answer.json()["code"]) == (400, "key-missing"), key


def test_a_later_answer_attaches_the_member(till: Till, loyalty: Loyalty) -> None:
    said = receipt()
    till.send("receipts", said)
    answer = till.send(
        "receipts", said | {"member": people.handle(loyalty.member.pk, till.shop_id)}
    )
    assert answer.json()["outcome"] == "repeated"
    assert Receipt.objects.get().member_id == loyalty.member.pk


def test_a_key_opens_nothing_once_revoked_or_out_of_date(till: Till) -> None:
    [key] = keys.valid_keys(till.shop_id, clock.now())
    key.expires_at = clock.now() - timedelta(seconds=1)
    key.save()
    assert till.send("receipts", receipt()).status_code == 401
    key.expires_at = None
    key.save()
    assert till.send("receipts", receipt()).status_code == 201
    keys.revoke(key, clock.now())
    answer: Any = till.send("receipts", receipt())
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
