"""What leaves the house: PDF, and bank files that a bank takes."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepaxml.validation import ValidationError, try_valid_xml
from stdnum import iso11649

from chaland.hub.loyalty.clearing import bank_files, paper, rules, selectors, services
from chaland.hub.loyalty.clearing.bank_files import DEBIT, TRANSFER, BankFileErrorFinal
from chaland.hub.loyalty.models import Clearing
from tests.hub.loyalty.clearing.conftest import JUNE, Coalition

CREDITOR = "FR72ZZZ123456"


@pytest.fixture
def closed(coalition: Coalition) -> Clearing:
    coalition.everybody(100, at=0, spend=60, where=1)
    return coalition.close()


def _amounts(file: bytes, schema: str) -> list[str]:
    try_valid_xml(file, schema)
    root = ET.fromstring(file)
    return [each.text or "" for each in root.iter(f"{{{root.tag[1:].split('}')[0]}}}InstdAmt")]


@pytest.mark.django_db
def test_creditors_are_paid_by_a_file_of_the_schema(coalition: Coalition, closed: Clearing) -> None:
    own = coalition.bank(None)
    coalition.bank(1)
    payments, missing = selectors.to_pay(closed, "credit", "Cagnotte mai 2026")
    file = bank_files.transfers(own, payments, JUNE)
    assert _amounts(file, TRANSFER) == ["7.20"]
    assert missing == []
    assert file == bank_files.transfers(own, payments, JUNE), "a bank refuses it the second time"
    assert b"<Dt>2026-06-05</Dt>" in file


@pytest.mark.django_db
def test_debtors_with_a_mandate_are_debited_two_weeks_after_they_were_told(
    coalition: Coalition, closed: Clearing
) -> None:
    own = coalition.bank(None, creditor_id=CREDITOR)
    coalition.mandate(0)
    payments, _missing = selectors.to_pay(closed, "debit", "Cagnotte mai 2026")
    file = bank_files.debits(own, payments, JUNE)
    assert _amounts(file, DEBIT) == ["12.00"]
    assert b"<ReqdColltnDt>2026-06-18</ReqdColltnDt>" in file
    assert CREDITOR.encode() in file


@pytest.mark.django_db
def test_who_has_no_bank_details_is_named_and_in_no_file(
    coalition: Coalition, closed: Clearing
) -> None:
    payments, missing = selectors.to_pay(closed, "credit", "x")
    assert payments == []
    assert [each.shop_id for each in missing] == [coalition.shop_ids[1]]


@pytest.mark.django_db
def test_what_is_missing_for_a_file_is_said(coalition: Coalition, closed: Clearing) -> None:
    coalition.mandate(0)
    payments, _missing = selectors.to_pay(closed, "debit", "x")
    for own, asked, code in (
        (None, payments, "no-bank"),
        (coalition.bank(None), [], "nothing"),
        (selectors.bank_of(coalition.town, None), payments, "no-creditor"),
    ):
        with pytest.raises(BankFileErrorFinal) as caught:
            bank_files.debits(own, asked, JUNE)
        assert caught.value.code == code


@pytest.mark.django_db
def test_a_file_against_the_schema_is_never_handed_out(
    coalition: Coalition, closed: Clearing
) -> None:
    own = coalition.bank(None)
    bank = coalition.bank(1)
    type(bank).objects.filter(pk=bank.pk).update(bic="not a bic")
    payments, _missing = selectors.to_pay(closed, "credit", "x")
    with pytest.raises(BankFileErrorFinal, match="schema"):
        bank_files.transfers(own, payments, JUNE)
    with pytest.raises(ValidationError):
        try_valid_xml(b"<Document/>", TRANSFER)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_statement_in_print(coalition: Coalition, closed: Clearing, language: str) -> None:
    statement = coalition.statement(closed, 0)
    assert paper.pdf(statement, language).startswith(b"%PDF-")
    told = paper.document(statement, language)
    assert "12" in told["sum"][1]
    assert told["title"] == ("Facture" if language == "fr" else "Invoice")
    for shop in (0, 1):
        assert paper.pdf(coalition.statement(closed, shop), language)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21))
def test_references_have_right_check_digits(number: str) -> None:
    assert iso11649.is_valid(rules.reference(number))


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (date(2026, 4, 3), date(2026, 4, 7)),  # Good Friday to the Tuesday after Easter
        (date(2027, 3, 26), date(2027, 3, 30)),
        (date(2026, 5, 1), date(2026, 5, 4)),
        (date(2026, 12, 25), date(2026, 12, 28)),
        (date(2026, 6, 4), date(2026, 6, 4)),
    ],
)
def test_banks_are_closed_on_holidays_of_t2(day: date, opens: date) -> None:
    assert rules.bank_day(day) == opens


def test_months_follow_each_other_over_the_year() -> None:
    assert rules.month_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert rules.month_before(datetime(2026, 1, 15, tzinfo=UTC).date()) == date(2025, 12, 1)


@pytest.mark.django_db
def test_a_later_file_of_one_clearing_has_a_number_of_its_own(coalition: Coalition) -> None:
    coalition.everybody(100, at=0, spend=30, where=1)
    for purse in coalition.purses:
        purse.redeem(20, shop=2, at=coalition.now)
    closed, own = coalition.close(), coalition.bank(None)

    def numbers() -> list[bytes]:
        pay, _missing = selectors.to_pay(closed, "credit", "w")
        file = bank_files.transfers(own, pay, JUNE)
        return re.findall(rb"<(?:MsgId|PmtInfId)>(.*?)</", file)

    coalition.bank(1)
    first = numbers()
    assert first == numbers()
    for each in selectors.to_pay(closed, "credit", "w")[0]:
        services.settle(each.statement.pk, "user:1")
    coalition.bank(2)  # tells its account later
    assert not set(numbers()) & set(first)
