"""A shop's customer file: each bad row named, consents with evidence only, nobody twice."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.consent import selectors as consents
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import importing
from chaland.hub.loyalty.members.customer_csv import PROBLEMS, Lack, read_customers
from chaland.hub.loyalty.members.importing import Imported
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import (
    ConsentEvent,
    CustomerFile,
    DuplicateProposal,
    Lookup,
    LookupHit,
    Member,
    ShopCustomer,
)
from tests import builders
from tests.hub.loyalty.members.conftest import NOW, SetClock
from tests.loyalty_builders import Loyalty

TODAY = NOW.date()
HEAD = (
    "Nom;Prénom;Téléphone;E-mail;Date de naissance;Accord SMS;Accord e-mail;"
    "Date de l’accord;Texte de l’accord;Source"
)
TEXT = "J’accepte les offres de la librairie par SMS et e-mail."


def table(*lines: str) -> bytes:
    return "\r\n".join((HEAD, *lines)).encode("utf-8-sig")


def test_a_sound_row_is_read_whole_and_the_year_of_birth_is_dropped() -> None:
    found = read_customers(
        table(f"Roux;Anna;06 39 98 00 01;ANNA@Example.org;4/3/1980;oui;non;1/2/2026;{TEXT};carte"),
        TODAY,
    )
    assert found.problems == []
    (row,) = found.rows
    assert (row.last_name, row.phone, row.email) == (
        "Roux",
        "+33639980001",
        "ANNA@Example.org".lower(),
    )
    assert (row.birth_day, row.birth_month) == (4, 3)
    assert "1980" not in repr(row)
    assert row.agreement is not None
    assert (row.agreement.channels, row.agreement.source) == (("sms",), "card")
    assert (row.agreement.on, row.agreement.text) == (date(2026, 2, 1), TEXT)


@pytest.mark.parametrize(
    ("line", "lack"),
    [
        ("Roux;Anna;0639980001;;;;;;;", Lack.NOT_ASKED),
        (f"Roux;Anna;0639980001;;;oui;;;{TEXT};carte", Lack.NO_DATE),
        ("Roux;Anna;0639980001;;;oui;;1/2/2026;;carte", Lack.NO_TEXT),
        (f"Roux;Anna;0639980001;;;oui;;1/2/2026;{TEXT};", Lack.NO_SOURCE),
        (f"Roux;Anna;0639980001;;;oui;;1/2/2022;{TEXT};carte", Lack.TOO_OLD),
    ],
)
def test_a_consent_without_its_evidence_is_none(line: str, lack: Lack) -> None:
    (row,) = read_customers(table(line), TODAY).rows
    assert (row.agreement, row.lack) == (None, lack)
    assert row.lack_in_words


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Roux;Anna;12;;;;;;;", "phone"),
        ("Roux;Anna;;anna@;;;;;;", "email"),
        ("Roux;Anna;;;31/2;;;;;", "birthday"),
        ("Roux;Anna;;;spring;;;;;", "birthday"),
        ("Roux;Anna;;;;maybe;;;;", "yes-no"),
        ("Roux;Anna;;;;oui;;1/2/2099;t;carte", "date"),
        ("Roux;Anna;;;;oui;;soon;t;carte", "date"),
        ("Roux;Anna;;;;oui;;1/2/2026;t;rumour", "source"),
        ("Roux;Anna;;;;oui;;1/2/2026;Anna Roux says yes;carte", "personal-text"),
        (";Anna;;;;;;;;", "no-name"),
        (f"{'x' * 61};;;;;;;;;", "long"),
        ("Roux;Anna;;;;;;;;;more", "cells"),
    ],
)
def test_each_bad_row_is_named_with_what_to_do(line: str, code: str) -> None:
    found = read_customers(table("Bon;Jean;0639980002;;;;;;;", line), TODAY)
    assert [(p.row, p.code) for p in found.problems] == [(3, code)]
    assert found.problems[0].advice
    assert [row.last_name for row in found.rows] == ["Bon"]
    assert found.bad_rows == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (HEAD.encode(), "empty"),
        (b"PK\x03\x04zip", "spreadsheet"),
        (b"nom\0\n", "not-text"),
        (b"couleur\nbleu\n", "no-column"),
        (b"nom;tel;mobile\na;;\n", "double-column"),
        (b'nom\n"Roux\n', "quotes"),
        (b"nom\n" + b"x\n" * 5_001, "too-many-rows"),
        (b"nom\n" + b"x" * 2_100_000, "too-big"),
    ],
)
def test_a_file_that_cant_be_read_says_why(data: bytes, code: str) -> None:
    found = read_customers(data, TODAY)
    assert [p.code for p in found.problems] == [code]
    assert found.rows == []


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda t: (HEAD + "\n" + t).encode()))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    found = read_customers(data, TODAY)
    assert found.rows or found.problems
    assert all(problem.code in PROBLEMS for problem in found.problems)


@pytest.fixture
def shop(loyalty: Loyalty) -> int:
    return loyalty.cast.shop.pk


def bring(loyalty: Loyalty, *lines: str) -> Imported:
    file, _table = importing.keep(
        loyalty.cast.association.pk, loyalty.cast.shop.pk, "clients.csv", table(*lines), "user:7"
    )
    assert file is not None
    return importing.take_in(file.pk, actor="user:7")


@pytest.mark.django_db
def test_new_customers_come_in_with_provable_consents(loyalty: Loyalty, shop: int) -> None:
    report = bring(
        loyalty,
        f"Roux;Anna;0639980001;a@example.org;;oui;oui;1/2/2026;{TEXT};carte",
        f"Blanc;Luc;0639980002;;;oui;oui;1/2/2026;{TEXT};formulaire",
        "Noir;Eve;0639980003;;;oui;;;;",
        "Vert;Max;12;;;;;;;",
    )
    assert (report.new, report.linked, report.contactable, report.bad_rows) == (3, 0, 2, [5])
    anna, luc, eve = Member.objects.order_by("pk")
    told = [
        [consents.permitted(m.pk, shop, "offers", channel) for channel in ("sms", "email")]
        for m in (anna, luc, eve)
    ]
    assert told == [[True, True], [True, False], [False, False]]  # Luc has given no address
    assert not consents.permitted(anna.pk, 0, "offers", "sms")  # the shop's paper, not the town's
    event = ConsentEvent.objects.filter(chain=anna.chain).first()
    assert event is not None
    assert (event.place, event.evidence["row"], event.evidence["paper"]) == ("import", 2, "card")
    assert event.wording is not None
    local = event.occurred_at.astimezone(builders.PARIS)
    assert (event.wording.text, local.date()) == (TEXT, date(2026, 2, 1))
    assert consent.verify_member(anna).sound
    assert anna.over_15_on is None
    assert set(ShopCustomer.objects.values_list("how", flat=True)) == {"imported"}


@pytest.mark.django_db
def test_who_is_known_is_linked_and_sees_it(loyalty: Loyalty, shop: int, member: Member) -> None:
    ShopCustomer.objects.all().delete()
    report = bring(loyalty, "QUETZALCOATL;P.;06 39 98 56 78;;;;;;;")
    assert (report.new, report.linked, Member.objects.count()) == (0, 1, 1)
    assert ShopCustomer.objects.get().member == member
    hit = LookupHit.objects.get(member=member)
    assert (hit.lookup.kind, hit.lookup.actor) == ("file", "user:7")
    member.refresh_from_db()
    assert member.first_name == "Philomène"  # nothing of the member is overwritten


@pytest.mark.django_db
@pytest.mark.parametrize("line", ["Autre;X;0639985678;;;;;;;", ";;0639985678;;;;;;;"])
def test_a_list_of_numbers_tells_nobodys_name(
    loyalty: Loyalty, shop: int, member: Member, line: str
) -> None:
    """Enumeration by file: the number is known, the name doesn't fit; the shop gets no customer."""
    ShopCustomer.objects.all().delete()
    report = bring(loyalty, line)
    assert (report.new, report.linked, report.other_name) == (0, 0, [2])
    assert not ShopCustomer.objects.exists()
    lookup = Lookup.objects.get(kind="file")
    assert (lookup.shown, lookup.missed) == (1, 0)
    assert LookupHit.objects.get(lookup=lookup).member == member  # who was met sees it


@pytest.mark.django_db
def test_members_of_other_shops_in_files_are_limited(
    loyalty: Loyalty, shop: int, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STRANGERS_A_DAY", 0)
    ShopCustomer.objects.all().delete()
    lines = ("Autre;X;0639985678;;;;;;;", "Roux;A;0639980001;;;;;;;")
    with pytest.raises(MemberErrorFinal) as error:
        bring(loyalty, *lines)
    assert error.value.code == "strangers"
    assert Member.objects.count() == 1
    lookup = Lookup.objects.get(kind="file")  # on record though nothing was taken in
    assert (lookup.shown, lookup.missed) == (1, 1)
    ShopCustomer.objects.create(member=member, shop_id=shop, since=NOW, how="bought")
    assert bring(loyalty, *lines).new == 1


@pytest.mark.django_db
def test_rows_of_a_day_are_limited(
    loyalty: Loyalty, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_A_DAY", 3)
    bring(loyalty, *(f"N{i};;;;;;;;;" for i in range(3)))
    with pytest.raises(MemberErrorFinal):
        bring(loyalty, "Un;;;;;;;;;")


@pytest.mark.django_db
def test_the_same_file_again_changes_nothing(loyalty: Loyalty, shop: int) -> None:
    lines = [f"Roux{i};Anna;06399800{i:02};;;oui;;1/2/2026;{TEXT};carte" for i in range(20)]
    assert bring(loyalty, *lines).new == 20
    events = ConsentEvent.objects.count()
    again = bring(loyalty, *lines)
    assert (again.new, again.linked, again.proposed) == (0, 20, 0)
    assert (Member.objects.count(), ConsentEvent.objects.count()) == (20, events)


@pytest.mark.django_db
def test_one_number_twice_in_a_file_is_one_member(loyalty: Loyalty, shop: int) -> None:
    report = bring(loyalty, "Roux;Anna;0639980001;;;;;;;", "Roux;A;+33639980001;;;;;;;")
    assert (report.new, report.linked, Member.objects.count()) == (1, 0, 1)
    assert (report.double_rows, report.bad_rows) == ([3], [])


def test_the_same_customer_twice_is_one_and_the_second_line_is_named() -> None:
    found = read_customers(
        table(
            "Roux;Anna;0639980001;a@example.org;;;;;;",
            "ROUX;Anna;+33 6 39 98 00 01;;;;;;;",
            "Petit;Zoé;0639980001;;;;;;;",
            "roux;;;A@example.org;;;;;;",
        ),
        TODAY,
    )
    assert [row.row for row in found.rows] == [2, 4], "another name's is for the import to judge"
    assert [(p.row, p.code) for p in found.problems] == [(3, "double"), (5, "double")]
    assert found.problems[0].value == "2"
    assert "2" in found.problems[0].advice


@pytest.mark.django_db
def test_names_alike_are_proposed_and_not_merged(
    loyalty: Loyalty, shop: int, member: Member
) -> None:
    report = bring(loyalty, "Quetzalcoatl;Philomène;0639980001;;;;;;;", "Zz;Zz;0639980002;;;;;;;")
    assert (report.new, report.proposed) == (2, 1)
    pair = DuplicateProposal.objects.get()
    assert (pair.member, pair.shop_id, pair.state) == (member, shop, "open")


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["1/2/2026", "20/11/2026"])
def test_a_paper_of_that_day_or_before_doesnt_undo_a_no(
    loyalty: Loyalty, shop: int, member: Member, day: str
) -> None:
    text = wordings.current(member.association_id, "fr")[0]
    yes = Decision(shop, "offers", "sms", given=True, wording_id=text.pk)
    no = Decision(shop, "offers", "sms", given=False)
    consent.record(member, [yes], place="till", occurred_at=NOW)
    consent.record(member, [no], place="stop", occurred_at=NOW)
    report = bring(loyalty, f"Quetzalcoatl;P;0639985678;;;oui;;{day};{TEXT};carte")
    assert (report.linked, report.contactable) == (1, 0)
    assert not consents.permitted(member.pk, shop, "offers", "sms")


@pytest.mark.django_db
def test_a_file_is_taken_once_and_its_content_goes(
    loyalty: Loyalty, shop: int, set_clock: SetClock
) -> None:
    bring(loyalty, "Roux;Anna;0639980001;;;;;;;")
    file = CustomerFile.objects.get()
    assert (file.content, file.report["new"]) == (None, 1)
    with pytest.raises(MemberErrorFinal):
        importing.take_in(file.pk, actor="user:7")
    assert Member.objects.count() == 1


@pytest.mark.django_db
def test_many_customers_take_few_queries(
    loyalty: Loyalty, shop: int, django_assert_max_num_queries: object
) -> None:
    lines = [f"Nom{i};Anna;06{39980000 + i};;;oui;;1/2/2026;{TEXT};carte" for i in range(600)]
    file, _table = importing.keep(
        loyalty.cast.association.pk, shop, "clients.csv", table(*lines), "user:7"
    )
    assert file is not None
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        assert importing.take_in(file.pk, actor="user:7").new == 600
