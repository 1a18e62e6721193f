"""Newcomers at the till: two fields, unticked boxes, doubles told before anything is saved."""

import json

import pytest

from chaland.hub.loyalty.models import ConsentEvent, LookupHit, Member, SavedAnswer

from .conftest import PHONE, Counter

pytestmark = pytest.mark.django_db


def test_enrolment_in_two_fields_with_nothing_ticked(counter: Counter) -> None:
    made = counter.page.write("enrol", name="Léa", contact="07 11 22 33 44", over_15=True)
    assert made["member"]["name"] == "Léa…"
    assert not ConsentEvent.objects.exists()
    counter.page.attach(1000, member={"ref": made["member"]["ref"]})


def test_enrolment_records_what_was_ticked_under_its_text(counter: Counter) -> None:
    state = counter.page.post("state")
    shop, town = state["controllers"]
    boxes = [
        {"controller": who["id"], "purpose": a["purpose"], "channel": a["channel"],
         "wording": a["wording"]}
        for who in (shop, town) for a in who["asked"] if a["channel"] == "sms"
    ]  # fmt: skip
    made = counter.page.write(
        "enrol", name="Léa Petit", contact="0711223344", over_15=True, consents=boxes[:1]
    )
    card = counter.page.post("member", member=made["member"]["ref"])
    assert [(c["controller"], c["purpose"], c["channel"]) for c in card["consents"] if c["given"]] \
        == [(shop["id"], boxes[0]["purpose"], "sms")]  # fmt: skip
    assert {c["channel"] for c in card["consents"]} == {"sms", "none"}, "no address, no e-mail box"
    counter.page.write(
        "consent", member=made["member"]["ref"], given=False,
        **{name: boxes[0][name] for name in ("controller", "purpose", "channel")},
    )  # fmt: skip
    card = counter.page.post("member", member=made["member"]["ref"])
    assert not any(c["given"] for c in card["consents"])


def test_a_till_records_no_consent_for_another_shop(counter: Counter) -> None:
    other = counter.loyalty.cast.shops[1].pk
    wording = counter.page.post("state")["controllers"][0]["asked"][0]["wording"]
    box = {"controller": other, "purpose": "offers", "channel": "sms", "wording": wording}
    counter.page.write("enrol", 422, name="Léa", contact="0711223344", over_15=True, consents=[box])
    assert not Member.objects.filter(first_name="Léa").exists()


def test_who_is_known_is_said_before_saving_and_the_look_is_on_record(counter: Counter) -> None:
    before = LookupHit.objects.filter(member=counter.member).count()
    answer = counter.page.write("enrol", 409, name="Zoé", contact=PHONE, over_15=True)
    assert answer["code"] == "known"
    assert answer["found"][0]["name"] == "Marie D."
    assert counter.page.post("enrol/check", 409, name="", contact=PHONE)["found"]
    assert LookupHit.objects.filter(member=counter.member).count() == before + 2


def test_the_same_name_is_asked_about_and_may_be_another(counter: Counter) -> None:
    body = {"name": "Marie Dupont", "contact": "marie@example.org", "over_15": True}
    answer = counter.page.write("enrol", 409, **body)
    assert answer["code"] == "possible-duplicates"
    counter.page.write("enrol", anyway=True, **body)
    assert Member.objects.filter(last_name="Dupont").count() == 2


def test_enrolling_asks_for_the_declaration_of_age(counter: Counter) -> None:
    answer = counter.page.write("enrol", 422, name="Léa", contact="0711223344", over_15=False)
    assert answer["field"] == "over_15"


def test_saved_answers_name_nobody(counter: Counter) -> None:
    counter.page.write("enrol", name="Léa Petit", contact="0711223344", over_15=True)
    counter.page.attach(1000)
    kept = json.dumps(list(SavedAnswer.objects.values_list("answer", flat=True)))
    for word in ("Léa", "L\\u00e9a", "Petit", "Marie", "44", "ref"):
        assert word not in kept
