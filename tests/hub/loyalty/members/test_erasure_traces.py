"""What names a member where no column does: bodies sent again, answers kept, who acted."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.connect.keys import make_key
from chaland.hub.loyalty.models import Member, RawReceipt, Receipt, SavedAnswer, Transfer
from chaland.hub.loyalty.receipts.services import store_raw, take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.hub.loyalty.connect.tills import Till, receipt
from tests.hub.loyalty.members.test_erasure import traces
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(loyalty: Loyalty) -> Till:
    cache.clear()
    town, shop = loyalty.cast.association.pk, loyalty.cast.shop.pk
    return Till(town, shop, make_key(town, shop, "Caisse", clock.now()))


def said(loyalty: Loyalty, number: str, member: Member | None, cents: int = 2_300) -> ReceiptIn:
    return ReceiptIn(
        loyalty.cast.association.pk, loyalty.cast.shop.pk, "api", number, clock.now(), cents,
        [LineIn(1, cents, "CANARY", "Canary")], member_id=member.pk if member else None,
        attached_how="till", actor="key:1",
    )  # fmt: skip


def bring(loyalty: Loyalty, *receipts: ReceiptIn, name: str = "") -> list[str]:
    raw = store_raw(
        association_id=loyalty.cast.association.pk, shop_id=loyalty.cast.shop.pk, source="api",
        body=json.dumps({"customer": name, "numbers": [r.external_id for r in receipts]}),
    )  # fmt: skip
    return [one.outcome for one in take_in(list(receipts), raw_id=raw.pk)] if receipts else []


def test_no_body_that_was_sent_again_is_left(loyalty: Loyalty, member: Member) -> None:
    """Deliveries repeated alone and among others, in conflict, refused, and never read."""
    theirs = said(loyalty, "1", member)
    others = [said(loyalty, str(n), None) for n in range(2, 5)]
    assert bring(loyalty, theirs, name="Quetzalcoatl") == ["new"]
    assert bring(loyalty, theirs, name="Quetzalcoatl") == ["repeated"]
    assert RawReceipt.objects.count() == 1, "what brings nothing new isn't kept"
    assert bring(loyalty, theirs, others[0], name="Quetzalcoatl") == ["repeated", "new"]
    assert bring(loyalty, said(loyalty, "1", member, 5), name="Quetzalcoatl") == ["conflict"]
    wrong = replace(said(loyalty, "9", member), currency="USD")
    assert bring(loyalty, wrong, name="Quetzalcoatl") == ["refused"]
    assert bring(loyalty, wrong, others[1], name="Quetzalcoatl") == ["refused", "new"]
    bring(loyalty, name="Quetzalcoatl")  # the program stopped before it was read
    assert bring(loyalty, others[2], name="Somebody") == ["new"]
    erasure.erase(member.pk, actor="member")
    assert traces(("quetzal", "639985678")) == set()
    assert RawReceipt.objects.get(receipts__external_id="4").body, "another's stays"
    assert Receipt.objects.count() == 4


def test_no_kept_answer_names_the_member_or_is_given_again(
    api: Till, loyalty: Loyalty, member: Member
) -> None:
    joins = {"last_name": "Canary", "phone": "06 39 98 11 22", "over_15": True}
    handle = api.send("members", joins, "enrol").json()["member"]
    assert api.send("members", joins, "enrol").json()["member"], "sent again"
    joined = Member.objects.get(last_name="Canary")
    api.send("receipts", receipt("T-1", member=handle), "buys")
    assert handle not in "".join(SavedAnswer.objects.values_list("answer", flat=True))
    assert SavedAnswer.objects.get(key="enrol").member == joined
    erasure.erase(joined.pk, actor="member")
    assert traces(("canary", "639981122", handle, f"member:{joined.pk}")) == set()
    assert SavedAnswer.objects.get(key="enrol").member is None
    told = [json.loads(answer) for answer in SavedAnswer.objects.values_list("answer", flat=True)]
    assert {body.get("member_id") for body in told} == {None}
    again = api.send("members", joins, "enrol")
    assert (again.status_code, again.json()["code"]) == (422, "member-unknown")
    assert not Member.objects.filter(last_name="Canary").exists(), "nor is it done again"
    assert api.send("receipts", receipt("T-1", member=handle), "buys").status_code == 201


def test_the_ledger_keeps_no_number_of_who_claimed_or_left(
    loyalty: Loyalty, member: Member
) -> None:
    (taken,) = take_in([replace(said(loyalty, "1", None), issued_at=clock.now() - timedelta(1))])
    phone = Client()
    phone.post(links.account_link(member.pk, "till:1"))
    phone.post("/me/claim/", {"code": taken.code})
    assert Receipt.objects.get().member == member
    phone.post("/me/leave/")
    erasure.erase(member.pk, actor="member")
    assert set(Transfer.objects.values_list("actor", flat=True)) == {"member"}
    assert traces((f"member:{member.pk}",)) == set()


def test_it_is_seen_where_somebody_is_named_as_who_acted(loyalty: Loyalty, member: Member) -> None:
    """Erased as the account once did it, with the member's number for good in the ledger."""
    actor = f"member:{member.pk}"
    Member.objects.filter(pk=member.pk).update(enrolled_by=actor)
    assert "loyalty_member.enrolled_by" in erasure._named([member.pk])
    take_in([said(loyalty, "1", member, 10_000)])
    with pytest.raises(erasure.ErasureErrorFinal, match=r"loyalty_transfer\.actor"):
        erasure.erase(member.pk, actor=actor)
