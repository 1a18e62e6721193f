"""Enrolment: nobody twice, warned before saving, an age declared, no year of birth (L4, L17)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chaland.hub.loyalty.consent import selectors as consents
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import services
from chaland.hub.loyalty.members.rules import (
    KnownErrorFinal,
    MemberErrorFinal,
    PossibleDuplicatesErrorFinal,
)
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import (
    ConsentEvent,
    DuplicateProposal,
    Lookup,
    LookupHit,
    Member,
    ShopCustomer,
    Surname,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOWN, SHOP = 1, 5
ANNA = Enrolment(
    association_id=TOWN,
    shop_id=SHOP,
    actor="till:3 seller:5",
    occurred_at=NOW,
    first_name="Anna",
    last_name="Lefèvre",
    phone="06 12 34 56 78",
    over_15=True,
)


def test_two_fields_and_a_declaration_are_enough() -> None:
    member = enrol(replace(ANNA, last_name=""))
    assert (member.phone, member.over_15_on) == ("+33612345678", NOW.date())
    assert ShopCustomer.objects.get().shop_id == SHOP
    assert not ConsentEvent.objects.exists()


def test_contacts_are_sealed_in_the_database() -> None:
    from django.db import connections

    enrol(replace(ANNA, email="anna@example.org"))
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("SELECT phone, email, phone_index, email_index FROM loyalty_member")
        raw = b"".join(bytes(value) for value in cursor.fetchone())
    for clear in (b"612345678", b"anna", b"example"):
        assert clear not in raw


@pytest.mark.parametrize(
    "spelled", ["+33 6 12 34 56 78", "0033612345678", "06.12.34.56.78", "+33 (0)6 12 34 56 78"]
)
def test_the_same_phone_never_registers_twice(spelled: str) -> None:
    """Open Loyalty's changelog: the same phone registers twice."""
    first = enrol(ANNA)
    with pytest.raises(KnownErrorFinal) as error:
        enrol(replace(ANNA, first_name="Béa", last_name="Morin", phone=spelled))
    assert error.value.found is not None
    assert error.value.found.member_id == first.pk
    assert "Lefèvre" not in error.value.found.name
    assert Member.objects.count() == 1
    assert LookupHit.objects.filter(member=first).count() == 1  # what was shown is on record


def test_the_same_address_in_capitals_is_the_same() -> None:
    enrol(replace(ANNA, email="Anna.L@Example.org"))
    with pytest.raises(KnownErrorFinal) as error:
        enrol(replace(ANNA, phone="", email="anna.l@EXAMPLE.ORG"))
    assert error.value.field == "email"


def test_another_town_knows_nothing_of_ours() -> None:
    enrol(ANNA)
    enrol(replace(ANNA, association_id=2))
    assert Member.objects.count() == 2
    assert Member.objects.values("phone_index").distinct().count() == 2


def test_a_name_alike_warns_before_anything_is_saved() -> None:
    first = enrol(ANNA)
    again = replace(ANNA, first_name="ANNA", last_name="Lefevre", phone="06 98 76 54 32")
    with pytest.raises(PossibleDuplicatesErrorFinal) as error:
        enrol(again)
    assert [f.member_id for f in error.value.found] == [first.pk]
    assert Member.objects.count() == 1
    second = enrol(again, despite_duplicates=True)
    proposal = DuplicateProposal.objects.get()
    assert (proposal.member_id, proposal.other_id) == (first.pk, second.pk)


def test_another_birthday_is_another_person() -> None:
    enrol(replace(ANNA, birth_day=1, birth_month=2))
    enrol(replace(ANNA, phone="06 98 76 54 32", birth_day=3, birth_month=2))
    assert not DuplicateProposal.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"over_15": False}, "over-15"),
        ({"phone": "12"}, "phone"),
        ({"phone": "anna"}, "phone"),
        ({"email": "anna@"}, "email"),
        ({"email": "a b@example.org"}, "email"),
        ({"email": "a@" + "x" * 260 + ".fr"}, "email"),
        ({"phone": "", "last_name": ""}, "nothing-to-find-by"),
        ({"first_name": "x" * 61}, "name"),
        ({"birth_day": 31, "birth_month": 2}, "birthday"),
        ({"birth_day": 3}, "birthday"),
        ({"birth_month": 13, "birth_day": 1}, "birthday"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_written(change: dict[str, object], code: str) -> None:
    with pytest.raises(MemberErrorFinal) as error:
        enrol(replace(ANNA, **change))  # type: ignore[arg-type]
    assert (error.value.code, bool(error.value.field)) == (code, True)
    assert not Member.objects.exists()
    assert not Surname.objects.exists()


def test_the_29th_of_february_is_a_birthday() -> None:
    assert enrol(replace(ANNA, birth_day=29, birth_month=2)).birth_day == 29


def test_there_is_no_year_of_birth_in_the_schema() -> None:
    columns = {field.name for field in Member._meta.get_fields()}
    assert not [name for name in columns if "year" in name or name in ("birth_date", "age")]


def test_a_bad_consent_leaves_no_member_behind() -> None:
    from chaland.hub.loyalty.consent.rules import ConsentErrorFinal

    bad = replace(ANNA, decisions=[Decision(SHOP, "offers", "sms", given=True)])
    with pytest.raises(ConsentErrorFinal):
        enrol(bad)
    assert not Member.objects.exists()


def test_boxes_ticked_at_the_till_are_provable_consents() -> None:
    sms = wordings.current(TOWN, "fr")[0]
    boxes = [
        Decision(SHOP, "offers", "sms", given=True, wording_id=sms.pk),
        Decision(0, "offers", "email", given=False),
    ]
    member = enrol(replace(ANNA, decisions=boxes, evidence={"till": 3, "seller": 5}))
    assert consents.permitted(member.pk, SHOP, "offers", "sms")
    event = ConsentEvent.objects.get()
    assert (event.place, event.evidence, event.wording) == ("till", {"till": 3, "seller": 5}, sms)
    assert event.occurred_at == NOW


def test_many_are_enrolled_as_one_is() -> None:
    two = replace(ANNA, phone="06 98 76 54 32", last_name="Morin")
    made = services.enrol_many([ANNA, two, replace(ANNA, phone="0612345678", last_name="X")])
    assert [m is not None for m in made] == [True, True, False]
    assert Member.objects.count() == 2
    assert set(Surname.objects.values_list("key", flat=True)) == {"LEFEVRE", "MORIN"}


def test_a_paused_account_is_told_of_and_not_shown() -> None:
    services.pause(enrol(ANNA))
    with pytest.raises(KnownErrorFinal) as error:
        enrol(ANNA)
    assert (error.value.code, error.value.found) == ("known-paused", None)
    assert Lookup.objects.latest("pk").shown == 0


def test_a_new_number_takes_the_old_ones_consents_away() -> None:
    sms, mail = wordings.current(TOWN, "fr")[:2]
    boxes = [
        Decision(SHOP, "offers", "sms", given=True, wording_id=sms.pk),
        Decision(SHOP, "offers", "email", given=True, wording_id=mail.pk),
    ]
    member = enrol(replace(ANNA, email="anna@example.org", decisions=boxes))
    services.correct(
        member, phone="06 39 98 00 11", email="anna@example.org", birthday=(None, None)
    )
    assert not consents.permitted(member.pk, SHOP, "offers", "sms")
    assert consents.permitted(member.pk, SHOP, "offers", "email")
    other = enrol(replace(ANNA, first_name="Zoé"))
    with pytest.raises(KnownErrorFinal):
        services.correct(other, phone="0639980011", email="", birthday=(None, None))
