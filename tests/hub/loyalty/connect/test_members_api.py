"""Members by the API: masked, counted, on record; enrolled once; balances within the shop."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from chaland.hub.common import clock
from chaland.hub.loyalty.account import leaving
from chaland.hub.loyalty.connect import people
from chaland.hub.loyalty.members import cards, onrecord
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Lookup, LookupHit, Member, Permission, SavedAnswer
from tests.hub.loyalty.connect.tills import Till, receipt
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db
MARIE = {
    "first_name": "Marie", "last_name": "Dupont", "phone": "06 12 34 56 47", "over_15": True,
    "birth_day": 3, "birth_month": 5,
}  # fmt: skip


def enrol(till: Till, **more: Any) -> str:
    answer = till.send("members", MARIE | more)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["member"])


def test_a_member_is_enrolled_found_masked_and_served(till: Till, loyalty: Loyalty) -> None:
    shown = till.get("texts/fr").json()
    boxes = [
        {"wording": shown["consents"][0]["wording"], "controller": controller}
        for controller in ("shop", "association")
    ]
    handle = enrol(till, consents=boxes)
    member = Member.objects.get(phone_index__isnull=False, last_name="Dupont")
    assert set(Permission.objects.values_list("controller", "given")) == {
        (till.shop_id, True), (0, True),
    }  # fmt: skip
    for asked in (
        {"phone": "+33612345647"}, {"name": "dupo"}, {"typo": "Marie Dupond"},
        {"card": cards.token(member)}, {"digits": "5647", "birth_month": 5},
    ):  # fmt: skip
        [found] = till.send("members/find", asked).json()["found"]
        known = found.pop("member")
        assert found == {"name": "Marie D.", "hint": "•• 47", "own": True}, asked
        assert people.members_of([known, handle], till.association_id, till.shop_id) == {
            known: member.pk, handle: member.pk,
        }  # fmt: skip
    assert LookupHit.objects.filter(member=member).count() == 5
    assert Lookup.objects.filter(actor__startswith="key:").count() == 6, "the enrolment asked, too"


def test_a_double_is_refused_told_and_on_record(till: Till) -> None:
    enrol(till)
    for _ in range(2):
        answer = till.send("members", MARIE | {"first_name": "M"})
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert Member.objects.count() == 1
    # The refusal undid its writes, but not the record that a number was tried.
    assert Lookup.objects.filter(kind="phone", shown=1).count() == 3


def test_numbers_cannot_be_tried_through_by_enrolling(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onrecord, "ASKED_AN_HOUR", 5)
    enrol(till)
    seen = [till.send("members", MARIE | {"first_name": f"M{n}"}).status_code for n in range(8)]
    assert seen == [409] * 4 + [429] * 4


def test_what_is_kept_for_good_names_nobody(till: Till) -> None:
    enrol(till)
    till.send("members", MARIE)
    kept = " ".join(SavedAnswer.objects.values_list("answer", flat=True))
    assert "Marie" not in kept
    assert "5647" not in kept


@pytest.mark.parametrize(
    "body",
    [
        {}, {"phone": "1", "name": "x"}, {"digits": "1234"}, {"birth_month": 3}, {"phone": "x"},
        {"name": "ab"}, {"name": 5}, {"other": "x"}, {"digits": "12a4", "birth_month": 2},
    ],
)  # fmt: skip
def test_a_bad_question_is_told_what_is_wrong(till: Till, body: dict[str, Any]) -> None:
    answer = till.send("members/find", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"]


def test_enrolment_needs_the_declaration_and_known_texts(till: Till) -> None:
    answer = till.send("members", MARIE | {"over_15": False})
    assert answer.json()["errors"][0]["field"] == "over_15"
    answer = till.send("members", MARIE | {"consents": [{"wording": 999, "controller": "shop"}]})
    assert answer.json()["errors"][0]["field"] == "consents[0].wording"
    assert not Member.objects.exists()


def test_a_handle_opens_its_own_shop_only(till: Till, neighbour: Till, loyalty: Loyalty) -> None:
    mine = people.handle(loyalty.member.pk, till.shop_id)
    assert till.send("members/standing", {"member": mine}).status_code == 200
    answer = neighbour.send("members/standing", {"member": mine})
    assert (answer.status_code, answer.json()["code"]) == (422, "member-unknown")


def test_a_name_earns_by_its_handle_and_spends_nothing(till: Till, loyalty: Loyalty) -> None:
    reward = loyalty.purse.rewards.get().pk
    by_name = till.send("members/find", {"name": loyalty.member.last_name}).json()["found"]
    named = next(
        row["member"] for row in by_name
        if people.members_of([row["member"]], till.association_id, till.shop_id)
        == {row["member"]: loyalty.member.pk}
    )  # fmt: skip
    assert till.send("receipts", receipt(cents=100_000, member=named)).status_code == 201
    want = {"member": named, "reward": reward, "wanted_cents": 100}
    answer = till.send("redemptions", want)
    assert (answer.status_code, answer.json()["code"]) == (403, "name-only")
    [found] = till.send("members/find", {"card": cards.token(loyalty.member)}).json()["found"]
    assert till.send("redemptions", want | {"member": found["member"]}).status_code == 201
    points = loyalty.points.rewards.get().pk
    held = till.send("redemptions", {"member": found["member"], "reward": points}).json()
    code = till.send(f"redemptions/{held['id']}/confirm", {}).json()["voucher_code"]
    shown = [till.send("members/standing", {"member": m}).json()["vouchers"][0]["code"]
             for m in (named, found["member"])]  # fmt: skip
    assert shown == ["", code]


def test_a_handle_ends_after_half_a_day_and_with_the_card(till: Till, loyalty: Loyalty) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        old = people.handle(loyalty.member.pk, till.shop_id)
        traveller.shift(timedelta(hours=12, minutes=1))
        assert till.send("members/standing", {"member": old}).json()["code"] == "member-unknown"
    handle = people.handle(loyalty.member.pk, till.shop_id)
    assert till.send("members/standing", {"member": handle}).status_code == 200
    members.new_card(loyalty.member)
    assert till.send("members/standing", {"member": handle}).json()["code"] == "member-unknown"


def test_who_has_left_is_closed_and_what_was_reserved_given_up(
    till: Till, loyalty: Loyalty
) -> None:
    card = cards.token(loyalty.member)
    till.send("receipts", receipt(cents=100_000, member=card))
    want = {"member": card, "reward": loyalty.purse.rewards.get().pk, "wanted_cents": 100}
    held = till.send("redemptions", want).json()["id"]
    leaving.leave(loyalty.member)
    handle = people.handle(loyalty.member.pk, till.shop_id)
    for answer in (
        till.send(f"redemptions/{held}/confirm", {}), till.send("redemptions", want),
        till.send("members/standing", {"member": handle}),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (410, "member-closed")


def test_a_shop_sees_its_own_assets_and_the_towns(
    till: Till, neighbour: Till, loyalty: Loyalty
) -> None:
    card = cards.token(loyalty.member)
    till.send("receipts", receipt(cents=15_000, member=card))
    mine = till.send("members/standing", {"member": card}).json()["balances"]
    theirs = neighbour.send("members/standing", {"member": card}).json()["balances"]
    assert {b["kind"] for b in mine} == {"purse", "points"}
    assert {b["kind"] for b in theirs} == {"purse"}
    assert Lookup.objects.filter(kind="opened").count() == 2
