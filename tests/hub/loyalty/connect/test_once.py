"""The same request by eight connections at once: done once, and all are told the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from chaland.hub.loyalty.connect import people
from chaland.hub.loyalty.models import Account, Receipt, SavedAnswer, Transfer
from tests.hub.loyalty.connect.tills import Till, receipt
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


@pytest.fixture
def many(till: Till, loyalty: Loyalty, tmp_path: Path) -> Iterator[Racers]:
    with racers(AT_ONCE, tmp_path) as there:
        yield there


def test_one_request_by_many_is_done_once(many: Racers, till: Till, loyalty: Loyalty) -> None:
    member = people.handle(loyalty.member.pk, till.shop_id)
    body = json.dumps(receipt(member=member)).encode()
    reward = loyalty.purse.rewards.get().pk
    tills = [Till(till.association_id, till.shop_id, till.token, Client()) for _ in range(AT_ONCE)]
    answers = many.race(lambda n: tills[n].send("receipts", body, "once").content)
    assert len(set(answers)) == 1, answers
    assert json.loads(str(answers[0], "utf-8"))["outcome"] == "new"  # type: ignore[call-overload]
    asked = {"member": member, "reward": reward, "wanted_cents": 10}
    held = many.race(lambda n: tills[n].send("redemptions", asked, "hold").content)
    assert len(set(held)) == 1, held
    hold = json.loads(str(held[0], "utf-8"))["id"]  # type: ignore[call-overload]
    path = f"redemptions/{hold}/confirm"
    spent = many.race(lambda n: tills[n].send(path, {}, "spend").content)
    assert len(set(spent)) == 1, spent
    again = many.race(lambda n: tills[n].send(path, {}, f"other-{n}").json()["code"])
    assert set(again) == {"hold-over"}
    counts = many.alone(
        lambda: (
            Receipt.objects.count(),
            Transfer.objects.filter(kind="redeem").count(),
            SavedAnswer.objects.filter(status__lt=100).count(),
            Account.objects.get(role="member", asset__kind="purse").balance,
        )
    )
    assert counts == (1, 1, 0, 13)


def test_one_receipt_under_many_keys_is_stored_once(many: Racers, till: Till) -> None:
    body = json.dumps(receipt()).encode()
    tills = [Till(till.association_id, till.shop_id, till.token, Client()) for _ in range(AT_ONCE)]
    told = many.race(lambda n: tills[n].send("receipts", body, f"key-{n}").json()["outcome"])
    assert sorted(map(str, told)) == ["new", *["repeated"] * (AT_ONCE - 1)]
    assert many.alone(Receipt.objects.count) == 1
