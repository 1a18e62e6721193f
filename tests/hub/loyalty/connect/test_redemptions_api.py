"""Quote, reserve, confirm, cancel by the API: once each, within the shop, never below zero."""

from typing import Any

import pytest

from chaland.hub.loyalty.ledger.proof import rebuild
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import Account, Receipt, Transfer
from tests.hub.loyalty.connect.tills import Till, receipt
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def card(till: Till, loyalty: Loyalty) -> str:
    """A member who has 150 points, and 150 cents in the purse."""
    token = cards.token(loyalty.member)
    till.send("receipts", receipt("T-0", 15_000, member=token))
    return token


def balance(kind: str) -> int:
    return int(Account.objects.get(role="member", asset__kind=kind).balance)


def reserve(till: Till, card: str, loyalty: Loyalty, key: str | None = None, **more: Any) -> Any:
    reward = loyalty.points.rewards.get()
    return till.send("redemptions", {"member": card, "reward": reward.pk} | more, key)


def test_a_quote_says_what_a_receipt_then_does(till: Till, card: str) -> None:
    said = receipt("T-1", 2_350, member=card)
    quoted = till.send("quote", {k: said[k] for k in said if k != "external_id"}).json()
    assert Receipt.objects.count() == 1
    taken = till.send("receipts", said).json()
    assert [(e["asset"], e["amount"]) for e in quoted["earned"]] == [
        (e["asset"], e["amount"]) for e in taken["earned"]
    ]


def test_a_voucher_is_bought_once_however_often_it_is_sent(
    till: Till, neighbour: Till, card: str, loyalty: Loyalty
) -> None:
    held = [reserve(till, card, loyalty, "r1") for _ in range(3)]
    assert {answer.content for answer in held} == {held[0].content}
    path = f"redemptions/{held[0].json()['id']}/confirm"
    bought = [till.send(path, {"receipt": "T-0"}, "c1") for _ in range(3)]
    assert {answer.content for answer in bought} == {bought[0].content}
    assert balance("points") == 50
    code = bought[0].json()["voucher_code"]
    assert code
    assert till.send(path, {}).json()["code"] == "hold-over"
    assert neighbour.send("vouchers/use", {"code": code}).status_code == 404
    assert till.send("vouchers/use", {"code": code}, "u1").json()["cents"] == 500
    assert till.send("vouchers/use", {"code": code}, "u1").status_code == 200
    assert till.send("vouchers/use", {"code": code}).json()["code"] == "refused"
    assert not rebuild(till.association_id)


def test_what_is_reserved_cannot_be_had_twice(till: Till, card: str, loyalty: Loyalty) -> None:
    first = reserve(till, card, loyalty).json()["id"]
    answer = reserve(till, card, loyalty)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-enough")
    assert answer.json()["detail"] == "50 available"
    assert till.send(f"redemptions/{first}/cancel", {}).status_code == 200
    assert reserve(till, card, loyalty).status_code == 201
    assert balance("points") == 150


def test_a_part_of_the_purse_comes_off(till: Till, card: str, loyalty: Loyalty) -> None:
    reward = loyalty.purse.rewards.get().pk
    held = till.send("redemptions", {"member": card, "reward": reward, "wanted_cents": 120}).json()
    assert (held["units"], held["cents"]) == (120, 120)
    spent = till.send(f"redemptions/{held['id']}/confirm", {"wanted_cents": 70}).json()
    assert (spent["units"], balance("purse")) == (70, 80)
    assert Transfer.objects.get(kind="redeem").shop_id == till.shop_id


def test_a_neighbour_cannot_touch_a_reservation(
    till: Till, neighbour: Till, card: str, loyalty: Loyalty
) -> None:
    held = reserve(till, card, loyalty).json()["id"]
    for act in ("confirm", "cancel"):
        assert neighbour.send(f"redemptions/{held}/{act}", {}).status_code == 404
    assert neighbour.send("redemptions", {"member": card, "reward": 10**9}).status_code == 404
    assert reserve(neighbour, card, loyalty).status_code == 404  # another shop's reward
    assert till.send(f"redemptions/{held}/confirm", {}).status_code == 200


@pytest.mark.parametrize("number", ["x", "0", "01234567-89ab-7def-8123-456789abcdef"])
def test_a_reservation_that_is_none_is_not_found(till: Till, number: str) -> None:
    for act in ("confirm", "cancel"):
        assert till.send(f"redemptions/{number}/{act}", {}).status_code == 404
