"""The word soldes and its periods (L21): dates as the ministry published them, then any year."""

from datetime import date, timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.sales import legal
from chaland.hub.loyalty.sales.legal import Rule

YEARS = range(legal.FIRST_YEAR, legal.FIRST_YEAR + 20)
OWN_DATES = ("54", "55", "57", "88", "2A", "2B", "971", "972", "974", "975", "977", "978")
DEPARTMENTS = ("", "17", "06", "66", "973", "976", *OWN_DATES)
WINTER, SUMMER = 0, 1
OUTSIDE, INSIDE = date(2026, 12, 4), date(2027, 1, 8)


@pytest.mark.parametrize(
    ("department", "which", "first", "last"),
    [
        ("", WINTER, date(2023, 1, 11), date(2023, 2, 7)),
        ("", WINTER, date(2024, 1, 10), date(2024, 2, 6)),
        ("", WINTER, date(2025, 1, 8), date(2025, 2, 4)),
        ("", WINTER, date(2026, 1, 7), date(2026, 2, 3)),  # the second Wednesday is the 14th
        ("", SUMMER, date(2023, 6, 28), date(2023, 7, 25)),
        ("", SUMMER, date(2024, 6, 26), date(2024, 7, 23)),
        ("", SUMMER, date(2025, 6, 25), date(2025, 7, 22)),
        ("57", WINTER, date(2023, 1, 2), date(2023, 1, 29)),
        ("57", SUMMER, date(2023, 6, 28), date(2023, 7, 25)),
        ("06", SUMMER, date(2025, 6, 25), date(2025, 7, 22)),  # no dates of its own since 2023
        ("2A", SUMMER, date(2023, 7, 12), date(2023, 8, 8)),
        ("2B", SUMMER, date(2024, 7, 10), date(2024, 8, 6)),
        ("971", WINTER, date(2023, 1, 7), date(2023, 2, 3)),
        ("971", SUMMER, date(2024, 9, 28), date(2024, 10, 25)),
        ("972", WINTER, date(2023, 1, 11), date(2023, 2, 7)),
        ("972", SUMMER, date(2023, 10, 5), date(2023, 11, 1)),
        ("973", SUMMER, date(2024, 6, 26), date(2024, 7, 23)),
        ("974", WINTER, date(2024, 2, 3), date(2024, 3, 1)),
        ("974", SUMMER, date(2023, 9, 2), date(2023, 9, 29)),
        ("975", WINTER, date(2023, 1, 18), date(2023, 2, 14)),
        ("975", SUMMER, date(2024, 7, 17), date(2024, 8, 13)),
        ("978", WINTER, date(2023, 5, 6), date(2023, 6, 2)),
        ("977", SUMMER, date(2024, 10, 12), date(2024, 11, 8)),
    ],
)
def test_periods_are_the_published_ones(
    department: str, which: int, first: date, last: date
) -> None:
    period = legal.periods(first.year, department)[which]
    assert (period.first, period.last) == (first, last)
    assert first in period
    assert last in period
    assert first - timedelta(1) not in period
    assert last + timedelta(1) not in period


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_any_year_has_two_periods_of_four_weeks_apart(department: str) -> None:
    for year in YEARS:
        one, two = legal.periods(year, department)
        assert [(p.last - p.first).days + 1 for p in (one, two)] == [28, 28]
        assert one.last < two.first
        assert {one.first.year, two.last.year} == {year}
        days = [date(year, 1, 1) + timedelta(n) for n in range(365)]
        assert sum(legal.period_of(day, department) is not None for day in days) == 56
        if department not in OWN_DATES:
            national = legal.periods(year)
            assert (one, two) == national
            assert one.first.weekday() == two.first.weekday() == 2
            assert (6 <= one.first.day <= 12, 22 <= two.first.day <= 28) == (True, True)


def test_the_first_working_day_in_lorraine_is_no_sunday() -> None:
    sundays = [year for year in YEARS if date(year, 1, 2).weekday() == 6]
    assert sundays
    for year in YEARS:
        first = legal.periods(year, "88")[0].first
        assert first == date(year, 1, 3 if year in sundays else 2)


def test_years_that_these_rules_say_nothing_of_are_refused() -> None:
    with pytest.raises(ValueError, match="2023"):
        legal.periods(2022)


@pytest.mark.parametrize(
    "word",
    [
        "soldes", "Soldes", "SOLDES", "solde", "soldé", "soldée", "soldés", "soldées", "solder",
        "soldeur", "solderie", "soldant", "soldait", "présoldes", "pré-soldes", "S.O.L.D.E.S",
        "s o l d e s", "s-o-l-d-e-s", "SOLD€S", "$oldes", "s0ldes", "sol\u00addes", "so\u200bldes",
        "ｓｏｌｄｅｓ", "sóldes", "#soldesprivés", "minisoldes", "soldées-privées",
    ],
)  # fmt: skip
def test_the_word_is_found_in_its_inflections_and_disguises(word: str) -> None:
    text = f"Venez à nos {word} vendredi !"
    (complaint,) = legal.complaints(text, OUTSIDE)
    assert complaint.rule == Rule.WORD
    assert text[complaint.start : complaint.end] == complaint.word
    assert complaint.word.casefold()[-4:] in word.casefold()
    assert legal.complaints(text, INSIDE) == []


@pytest.mark.parametrize(
    "text",
    [
        "Vente privée : -30 % sur les manteaux", "Soldats de plomb", "Tristan et Isolde",
        "Votre solde de points : 120", "Il vous reste un solde de 12 € sur votre cagnotte",
        "Consultez votre solde fidélité", "Carte : solde 12 points",
        "consolider, solidaire, sold out", "les os, ol et des s", "",
    ],
)  # fmt: skip
def test_other_words_and_an_accounts_balance_are_no_complaint(text: str) -> None:
    assert legal.complaints(text, OUTSIDE) == []


@pytest.mark.parametrize(
    "text",
    [
        "Manteaux en solde avec votre carte", "Soldes : doublez vos points",
        "Carte. Le solde d’été", "Points doublés ! Le solde demain", "Grand solde : points doublés",
    ],
)  # fmt: skip
def test_an_accounts_word_nearby_is_no_excuse_for_the_sales(text: str) -> None:
    assert legal.complaints(text, OUTSIDE)


def test_all_days_of_a_sale_must_be_in_the_period() -> None:
    last = legal.periods(2027)[0].last
    assert legal.complaints("Soldes", last, "", last) == []
    assert legal.complaints("Soldes", last, "", last + timedelta(1))
    assert legal.complaints("Soldes", date(2027, 1, 4), "57") == []
    assert legal.complaints("Soldes", date(2027, 1, 4), "17")


@given(st.text(), st.sampled_from(["soldes", "soldées", "SOLDER"]), st.text())
def test_wherever_it_stands_it_is_found_where_it_stands(a: str, word: str, b: str) -> None:
    text = f"{a} {word} {b}"
    found = legal.complaints(text, OUTSIDE)
    assert any(c.start <= len(a) + 1 and c.end >= len(a) + 1 + len(word) for c in found)
    assert all(text[c.start : c.end] == c.word for c in found)


@given(st.text(alphabet="abcdefghijkmnopqrstuvwxyzéè 1.!"))
def test_without_its_letters_there_is_no_complaint(text: str) -> None:
    assert legal.complaints(text, OUTSIDE) == []


def test_a_long_text_takes_no_time() -> None:
    began = process_time()
    for sign in ("a", "sold", "s o l d ", "solde "):
        legal.complaints((sign * 20_000)[:20_000], OUTSIDE)
    assert process_time() - began < 5


def test_private_sales_are_short_and_occasional() -> None:
    day = date(2026, 10, 5)
    week = (day, day + timedelta(6))
    assert legal.warnings(*week, []) == []
    assert legal.warnings(day, day + timedelta(7), []) == [Rule.LONG]
    others = [(day - timedelta(30 * n), day - timedelta(30 * n - 6)) for n in range(1, 6)]
    assert legal.warnings(*week, others) == []  # 42 days
    one_more = (day - timedelta(180), day - timedelta(180))
    assert legal.warnings(*week, [*others, one_more]) == [Rule.OFTEN]
    assert legal.warnings(*week, [*others, others[0]]) == []  # two sales on the same days
    year_ago = (day - timedelta(400), day - timedelta(390))
    assert legal.warnings(*week, [*others, year_ago]) == []
    assert legal.warnings(INSIDE, INSIDE, []) == [Rule.IN_SOLDES]
