"""French law on sale periods ("soldes") and private sales (L21). Pure: no Django.

Sources: Code de commerce L310-3 (what soldes are; the word and its derivatives are forbidden for
anything else; since 2019 a minister's order sets the dates, which D310-15-2 and D310-15-3 did
before), the order of 27 May 2019 with its annex of departments, and the order of 21 April 2023
which ended the one of the Alpes-Maritimes. Four weeks each, from 8 in the morning of the first day.
An order for a single year (as in 2020 to 2022) goes into ``_ORDERED``.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

FIRST_YEAR = 2023
"""Of which these rules speak; before it other departments had dates of their own."""
LENGTH = timedelta(weeks=4)
SALE_DAYS_AT_MOST = 7
"""House rule: a private sale longer than a week is not a short one."""
YEAR_DAYS_AT_MOST = 42
"""House rule: days of private sales of one shop in twelve months. The law gives no number; a price
that is reduced too often is no longer a reduction, and deceives (Code de la consommation L121-2,
2° c). Six weeks is the longest that L310-3 allows one period of soldes."""
_JANUARY, _FEBRUARY, _MAY, _JUNE, _JULY, _SEPTEMBER, _OCTOBER = 1, 2, 5, 6, 7, 9, 10
_WEDNESDAY, _THURSDAY, _SATURDAY, _SUNDAY = 2, 3, 5, 6


class Rule(StrEnum):
    """What a text or a sale runs against."""

    WORD = "soldes-word"  # the word outside the periods: refused
    LONG = "long"  # the others only warn
    OFTEN = "often"
    IN_SOLDES = "in-soldes"


@dataclass(frozen=True, slots=True)
class Period:
    """One of a year's two periods: from 8 in the morning of ``first`` to the end of ``last``."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a text: the word as it stands there, and where (``start``, ``end``)."""

    rule: Rule
    word: str
    start: int
    end: int


_ORDERED: Mapping[tuple[int, int, str], date] = {}
"""First days by order for one year: (year, 0 or 1 for which period, department or "" for all)."""


def periods(year: int, department: str = "") -> tuple[Period, Period]:
    """Return a year's two periods, the earlier one first.

    ``department`` is the INSEE code (``57``, ``2A``, ``971``); empty, or one without dates of its
    own: the national ones. ValueError before ``FIRST_YEAR``.
    """
    if year < FIRST_YEAR:
        raise ValueError(f"no sale periods are known before {FIRST_YEAR}")
    code = department.strip().upper()
    found = []
    for number, first in enumerate(_first_days(year, code)):
        ordered = _ORDERED.get((year, number, code), _ORDERED.get((year, number, "")))
        found.append(Period(ordered or first, (ordered or first) + LENGTH - timedelta(days=1)))
    return found[0], found[1]


def period_of(day: date, department: str = "") -> Period | None:
    """Return the period of soldes that a day is in."""
    return next((p for p in periods(day.year, department) if day in p), None)


def complaints(
    text: str, first: date, department: str = "", last: date | None = None
) -> list[Complaint]:
    """Find the word soldes, its inflections and its disguises in a text about a sale of the days
    ``first`` to ``last``; nothing to complain of where all of them are soldes.

    An account's balance ("votre solde de points") is none of it.
    """
    days = ((last or first) - first).days + 1
    if all(period_of(first + timedelta(days=n), department) for n in range(days)):
        return []
    return list(_words(text))


def warnings(
    first: date, last: date, others: Iterable[tuple[date, date]], department: str = ""
) -> list[Rule]:
    """Say what of a private sale isn't short, occasional and outside the periods.

    ``others`` are the first and last days of the shop's other private sales; of the twelve months
    that end with this one, days with several sales count once.
    """
    found = []
    if (last - first).days + 1 > SALE_DAYS_AT_MOST:
        found.append(Rule.LONG)
    since = last - timedelta(days=365)
    days = {day for a, b in [*others, (first, last)] for day in _days(a, b) if since < day <= last}
    if len(days) > YEAR_DAYS_AT_MOST:
        found.append(Rule.OFTEN)
    if any(period_of(day, department) for day in _days(first, last)):
        found.append(Rule.IN_SOLDES)
    return found


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _first_days(year: int, code: str) -> tuple[date, date]:
    first, second = _winter(year), _summer(year)
    match code:
        case "54" | "55" | "57" | "88":  # against Luxembourg: the first working day of January
            first = date(year, _JANUARY, 2)
            first += timedelta(days=first.weekday() == _SUNDAY)
        case "2A" | "2B":
            second = _nth(year, _JULY, _WEDNESDAY, 2)
        case "971":
            first = _nth(year, _JANUARY, _SATURDAY, 1)
            second = _last(year, _SEPTEMBER, _SATURDAY)
        case "972":
            second = _nth(year, _OCTOBER, _THURSDAY, 1)
        case "974":  # its summer is our winter
            first = _nth(year, _FEBRUARY, _SATURDAY, 1)
            second = _nth(year, _SEPTEMBER, _SATURDAY, 1)
        case "975":
            first = _after(date(year, _JANUARY, 15), _WEDNESDAY)
            second = _after(date(year, _JULY, 14), _WEDNESDAY)
        case "977" | "978":
            first = _nth(year, _MAY, _SATURDAY, 1)
            second = _nth(year, _OCTOBER, _SATURDAY, 2)
    return first, second


def _winter(year: int) -> date:
    second = _nth(year, _JANUARY, _WEDNESDAY, 2)
    return second if second.day <= 12 else second - timedelta(weeks=1)


def _summer(year: int) -> date:
    last = _last(year, _JUNE, _WEDNESDAY)
    return last if last.day <= 28 else last - timedelta(weeks=1)


def _after(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday() - 1) % 7 + 1)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    before = date(year, month, 1) - timedelta(days=1)
    return _after(before, weekday) + timedelta(weeks=number - 1)


def _last(year: int, month: int, weekday: int) -> date:
    return _nth(year, month + 1, weekday, 1) - timedelta(weeks=1)


# The word ------------------------------------------------------------------------------------

_DISGUISES = str.maketrans({"€": "e", "$": "s", "0": "o", "3": "e", "@": "a", "|": "l"})
_STEM = re.compile(r"sold(?:e[a-z]*|ai[a-z]*|ants?|ons|ions|iez)(?![a-z])")
_SPACED = re.compile(r"(?<![a-z])s([\s.\-_*·]{1,3})o\1l\1d\1e(?:\1?s)?(?![a-z])")
_ACCOUNT = frozenset((
    "point", "points", "cagnotte", "cagnottes", "compte", "comptes", "carte", "tampon", "tampons",
    "fidelite", "avoir", "avoirs", "bon", "bons", "crediteur", "debiteur", "restant",
))  # fmt: skip
_NEAR = 5
"""Words around "solde" in which an account's word makes it a balance."""
_NO_BALANCE = frozenset(("en", "grand", "gros", "super", "mega"))
"""Before "solde": articles en solde, grand solde."""
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")


def _words(text: str) -> Iterator[Complaint]:
    plain, places = _plain(text)
    for match in (*_STEM.finditer(plain), *_SPACED.finditer(plain)):
        begin = match.start()
        while begin and plain[begin - 1].isalpha():
            begin -= 1
        word = plain[begin : match.end()]
        if word == "isolde" or (word == "solde" and _is_balance(plain, begin, match.end())):
            continue
        start, end = places[begin], places[match.end() - 1] + 1
        yield Complaint(Rule.WORD, text[start:end], start, end)


def _is_balance(plain: str, start: int, end: int) -> bool:
    before = re.findall(r"[a-z]+", _SENTENCE_END.split(plain[max(0, start - 200) : start])[-1])
    after = re.findall(r"[a-z]+", _SENTENCE_END.split(plain[end : end + 200])[0])
    if before and before[-1] in _NO_BALANCE:
        return False
    return bool(_ACCOUNT & {*before[-_NEAR:], *after[:_NEAR]})


def _plain(text: str) -> tuple[str, list[int]]:
    """Return a text in small letters without accents, disguises and signs that nobody sees, and
    for each of its signs the place in the text."""
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        folded = unicodedata.normalize("NFKD", sign).casefold().translate(_DISGUISES)
        for each in folded:
            if unicodedata.category(each) not in ("Mn", "Cf"):
                signs.append(each)
                places.append(place)
    return "".join(signs), places
