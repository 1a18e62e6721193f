"""A till that sends again what it did for somebody who has been erased since."""

import json

import pytest

from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.models import Member, Receipt, SavedAnswer
from tests.hub.loyalty.till.conftest import Counter

pytestmark = pytest.mark.django_db


def test_what_was_kept_of_it_names_nobody_and_it_is_not_done_again(counter: Counter) -> None:
    joins = {"name": "Jean Petit", "contact": "06 55 55 55 55", "over_15": True, "key": "join-000"}
    counter.page.post("enrol", **joins)
    attached = {"contact": "06 55 55 55 55", "key": "buys-000"}
    first = counter.page.attach(5_000, **attached)
    assert counter.page.attach(5_000, **attached)["earned"] == first["earned"]
    joined = Member.objects.get(first_name="Jean")
    assert set(SavedAnswer.objects.filter(member=joined).values_list("key", flat=True)) == {
        "join-000", "buys-000",
    }  # fmt: skip
    erasure.erase(joined.pk, actor="member")
    told = [json.loads(answer) for answer in SavedAnswer.objects.values_list("answer", flat=True)]
    assert all(body.get("member_id") is None for body in told)
    again = (
        counter.page.post("enrol", 410, **joins),
        counter.page.attach(5_000, 410, **attached),
    )
    assert [(said["code"], bool(said["text"])) for said in again] == [("closed", True)] * 2
    assert not Member.objects.filter(first_name="Jean").exists()
    assert Receipt.objects.count() == 1
