"""What a curious or dishonest cashier, a thief of a tablet, or a stranger tries at a till."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client

from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account import leaving
from chaland.hub.loyalty.account.links import account_link, member_of, open_link
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Lookup, LookupHit, Member, Permission, Receipt
from chaland.hub.loyalty.till import sellers

from .conftest import NOON, PHONE, Counter, enrol, paired

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_before() -> None:
    cache.clear()


def receipt(counter: Counter, **more: Any) -> tuple[int, dict[str, Any]]:
    """Send a typed receipt just as it is said; return status and answer."""
    body = {"key": str(uuid.uuid4()), "amount_cents": 100, "issued_at": NOON.isoformat(),
            "contact": PHONE, **more}  # fmt: skip
    answer = counter.page.client.post(
        "/till/receipts", json.dumps(body), content_type="application/json",
        headers={"X-Till": "1"},
    )  # fmt: skip
    return answer.status_code, answer.json()


# The customer's own account ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["dupont", PHONE, "5678 3"])
def test_the_account_of_whom_one_has_only_looked_up_opens_for_nobody(
    counter: Counter, text: str
) -> None:
    ref = counter.page.found(text)["ref"]
    opened = Lookup.objects.filter(kind="opened").count()
    assert counter.page.post("account", 409, member=ref)["code"] == "no-card"
    assert Lookup.objects.filter(kind="opened").count() == opened + 1


def test_the_account_opens_by_the_card_for_ten_minutes(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    ref = counter.page.found(cards.token(counter.member))["ref"]
    answer = counter.page.post("account", member=ref)
    assert answer["svg"].startswith("<svg")
    assert answer["address"].startswith("http://testserver/me/")
    noon.shift(timedelta(minutes=11))
    counter.page.post("account", 409, member=ref)


def test_the_account_opens_for_who_has_just_joined_here(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    body = {"key": str(uuid.uuid4()), "name": "Léa", "contact": "0711223344", "over_15": True}
    made = counter.page.write("enrol", **body)["member"]
    assert counter.page.post("account", member=made["ref"])["svg"]
    noon.shift(timedelta(minutes=16))
    again = counter.page.write("enrol", **body)["member"]  # sent again, it is no newer
    counter.page.post("account", 410, member=again["ref"])


def test_where_the_hub_has_mail_the_link_goes_to_the_member_alone(
    counter: Counter, settings: Any
) -> None:
    settings.EMAIL_CONFIGURED = True
    members.set_contacts(counter.member, "+33612345678", "marie@example.org")
    counter.member.save()
    ref = counter.page.found()["ref"]
    answer = counter.page.post("account", member=ref)
    assert set(answer) == {"text"}
    [sent] = mail.outbox
    assert sent.to == ["marie@example.org"]
    path = sent.body.split("http://testserver", 1)[1].split()[0]
    assert Client().post(path).status_code == 302
    for _more in range(2):
        counter.page.post("account", member=ref)
    assert counter.page.post("account", 429, member=ref)["code"] == "mails"


# Spending ----------------------------------------------------------------------------------------


def test_a_name_earns_and_spends_nothing_until_the_number_is_given(counter: Counter) -> None:
    row = counter.page.found("dupont")
    assert row["sure"] is False
    counter.page.attach(100_000, member={"ref": row["ref"]})
    [purse] = [r for r in counter.page.post("member", member=row["ref"])["rewards"]
               if r["kind"] == "amount"]  # fmt: skip
    want = {"reward": purse["id"], "wanted_cents": 100}
    assert counter.page.write("reserve", 409, member=row["ref"], **want)["code"] == "name-only"
    enrol(counter.loyalty, "0611111111", "Paul", "Martin")
    for other in ("0611111111", "0600000000", "dupont"):
        counter.page.post("identify", 422, member=row["ref"], text=other)
    for right in (PHONE, "5678 3", cards.token(counter.member)):
        known = counter.page.post("identify", member=row["ref"], text=right)["member"]
        assert known["sure"]
        assert counter.page.write("reserve", member=known["ref"], **want)["cents"] == 100


def test_a_name_shows_no_code_of_a_voucher(counter: Counter) -> None:
    counter.page.attach(10_000)
    ref = counter.page.found()["ref"]
    [reward] = [r for r in counter.page.post("member", member=ref)["rewards"]
                if r["kind"] == "voucher"]  # fmt: skip
    hold = counter.page.write("reserve", member=ref, reward=reward["id"])
    code = counter.page.write("confirm", hold=hold["hold"])["voucher_code"]
    by_name = counter.page.post("member", member=counter.page.found("dupont")["ref"])
    assert code not in json.dumps(by_name)


def test_a_new_card_ends_what_the_old_one_opened(counter: Counter) -> None:
    ref = counter.page.found(cards.token(counter.member))["ref"]
    session = open_link(account_link(counter.member.pk, "x").rstrip("/").split("/")[-1])
    assert session
    members.new_card(counter.member)
    assert counter.page.post("member", 410, member=ref)["code"] == "stale"
    assert member_of(session) is None


# Shifts ------------------------------------------------------------------------------------------


def test_without_the_pins_token_nothing_is_written_or_looked_up(counter: Counter) -> None:
    counter.page.post("leave")
    before = Lookup.objects.count()
    for more in ({}, {"shift": "forged"}, {"contact": "0600000000"}, {"seller": counter.seller.pk}):
        assert receipt(counter, **more)[0] in (400, 422), more
    counter.page.sign_in(counter.seller.pk)
    assert receipt(counter)[1]["code"] == "shift", "not of an unlocked till either"
    assert Lookup.objects.count() == before
    assert not Receipt.objects.exists()


def test_a_shift_covers_its_fourteen_hours_and_no_other_till(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    shift = counter.page.shift
    noon.shift(timedelta(hours=20))
    for hours, status in ((-1, 422), (0, 200), (13, 200), (15, 422), (21, 422)):
        made_at = (NOON + timedelta(hours=hours)).isoformat()
        assert receipt(counter, shift=shift, issued_at=made_at)[0] == status, hours
    assert counter.page.post("find", 403, text="dupont")["code"] == "locked", "the shift is over"
    assert counter.page.post("state")["seller"] is None
    _till, other = paired(counter.loyalty)
    assert other.attach(100, 422, contact=PHONE, shift=shift)["code"] == "shift"


def test_who_has_ceased_to_serve_types_nothing_more_but_what_waited_counts(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    shift = counter.page.shift
    noon.shift(timedelta(hours=2))
    sellers.close_seller(counter.seller)
    sellers.add_seller(
        association_id=counter.till.association_id, shop_id=counter.till.shop_id, name="L",
        pin="7391",
    )  # fmt: skip
    noon.shift(timedelta(hours=1))
    made_at = NOON + timedelta(hours=1)
    assert receipt(counter, shift=shift, issued_at=made_at.isoformat())[0] == 200
    made_at += timedelta(hours=2)
    assert receipt(counter, shift=shift, issued_at=made_at.isoformat())[1]["code"] == "shift"
    actor = f"till:{counter.till.pk} seller:{counter.seller.pk}"
    assert set(Receipt.objects.values_list("attached_by", flat=True)) == {actor}


def test_a_typed_receipt_is_of_ten_thousand_euros_at_most(counter: Counter) -> None:
    counter.page.attach(1_000_000)
    assert counter.page.attach(1_000_001, 422)["code"] == "amount"


# Who has left ------------------------------------------------------------------------------------


def test_who_has_left_is_closed_by_whatever_door(counter: Counter) -> None:
    counter.page.attach(100_000)
    ref = counter.page.found()["ref"]
    rewards = counter.page.post("member", member=ref)["rewards"]
    [purse] = [r for r in rewards if r["kind"] == "amount"]
    hold = counter.page.write("reserve", member=ref, reward=purse["id"], wanted_cents=100)["hold"]
    leaving.leave(counter.member)
    assert [b.held for b in balances(counter.member.pk) if b.kind == "purse"] == [0]
    text = {"code": "closed", "text": "Ce compte est fermé."}
    page = counter.page
    assert page.post("member", 410, member=ref) == text
    assert page.post("account", 410, member=ref) == text
    assert page.post("find", 410, text=cards.token(counter.member)) == text
    assert page.write("confirm", 410, hold=hold) == text
    assert page.attach(100, 410, member={"ref": ref}) == text
    box = page.post("state")["controllers"][0]["asked"][0]
    consent = {"controller": counter.till.shop_id, "purpose": box["purpose"],
               "channel": box["channel"], "wording": box["wording"]}  # fmt: skip
    assert page.write("consent", 410, member=ref, given=True, **consent) == text
    assert not Permission.objects.filter(member=counter.member, given=True).exists()


# Answers that were a 500 -------------------------------------------------------------------------


def test_a_wrong_text_of_consent_is_refused_and_the_question_on_record(counter: Counter) -> None:
    """It told known numbers from unknown ones, and left nothing: no member, no look-up."""
    box = {"controller": counter.till.shop_id, "purpose": "portrait", "channel": "sms",
           "wording": 1}  # fmt: skip
    body = {"name": "Zoé Quelconque", "over_15": True, "consents": [box]}
    counter.page.write("enrol", 409, contact=PHONE, **body)
    assert counter.page.write("enrol", 422, contact="0611112200", **body)["code"] == "consent"
    assert LookupHit.objects.filter(member=counter.member).exists()
    assert Lookup.objects.filter(shown=0, kind="phone").exists()
    assert not Member.objects.filter(first_name="Zoé").exists()
    ref = counter.page.found()["ref"]
    for wrong in ({"purpose": "x"}, {"channel": "y"}, {"purpose": "x" * 500}, {"wording": 2**53}):
        counter.page.write("consent", 422, member=ref, given=True, **{**box, **wrong})
    counter.page.write("consent", 400, member=ref, given=True, **{**box, "wording": 10**30})


def test_numbers_tried_by_enrolling_come_to_the_quota_known_or_not(counter: Counter) -> None:
    box = {"controller": counter.till.shop_id, "purpose": "portrait", "channel": "sms",
           "wording": 1}  # fmt: skip
    statuses = []
    for number in [*(f"06111122{n:02}" for n in range(75)), "0611119999", PHONE]:
        answer = counter.page.client.post(
            "/till/enrol",
            json.dumps({"key": str(uuid.uuid4()), "name": "Zoé", "contact": number,
                        "over_15": True, "consents": [box]}),
            content_type="application/json", headers={"X-Till": "1"},
        )  # fmt: skip
        statuses.append(answer.status_code)
    assert statuses[0] == 422
    assert statuses[-2:] == [429, 429], "past the quota, known and unknown look alike"


def test_an_enrolment_sent_again_after_the_erasure_makes_nobody(counter: Counter) -> None:
    body = {"key": str(uuid.uuid4()), "name": "Jean Petit", "contact": "0655555555",
            "over_15": True}  # fmt: skip
    counter.page.write("enrol", **body)
    erasure.erase(Member.objects.get(first_name="Jean").pk, actor="member:1")
    assert counter.page.write("enrol", 410, **body)["code"] == "closed"
    assert not Member.objects.filter(first_name="Jean").exists()
