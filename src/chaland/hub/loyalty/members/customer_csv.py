"""A shop's own customer file, as its spreadsheet or old programme saves it.

Reading never raises on what people upload: it returns the rows that are sound, and a `Problem` for
everything that isn't. Years of birth are dropped where they are read (L17).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chaland.hub.common.signs import on_one_line
from chaland.hub.common.spreadsheets import TableErrorFinal, header_key, rows_of, text_of
from chaland.hub.loyalty.members.contacts import email_of, phone_of
from chaland.hub.loyalty.members.rules import (
    MemberErrorFinal,
    checked_birthday,
    spelling,
    surname_key,
)

BYTES_AT_MOST = 2 * 1024 * 1024
ROWS_AT_MOST = 5_000
TEXTS_AT_MOST = 5
"""Different wordings in one file: a shop had a form or two, not one a customer."""
_NAME_AT_MOST = 60
_TEXT_AT_MOST = 1_000
_CONSENT_YEARS = 3


class Column(StrEnum):
    """The columns that are read; values are the headers of the example."""

    LAST_NAME = "nom"
    FIRST_NAME = "prénom"
    PHONE = "téléphone"
    EMAIL = "e-mail"
    BIRTHDAY = "anniversaire"
    SMS = "accord sms"
    MAIL = "accord e-mail"
    AGREED_ON = "date de l’accord"
    TEXT = "texte de l’accord"
    SOURCE = "source de l’accord"


_WORDS: Mapping[Column, str] = {
    Column.LAST_NAME: "nom nomdefamille name lastname surname familyname client",
    Column.FIRST_NAME: "prenom firstname givenname",
    Column.PHONE: "telephone tel mobile portable phone numero gsm telephonemobile",
    Column.EMAIL: "email mail courriel adresseemail emailaddress",
    Column.BIRTHDAY: "anniversaire datedenaissance naissance birthday birthdate dateofbirth",
    Column.SMS: "accordsms consentementsms optinsms smsoptin smsconsent",
    Column.MAIL: "accordemail accordmail consentementemail optinemail emailoptin emailconsent",
    Column.AGREED_ON: "datedelaccord dateaccord dateduconsentement consentdate optindate",
    Column.TEXT: "textedelaccord texteaccord wording consenttext texteduconsentement",
    Column.SOURCE: "sourcedelaccord sourceaccord source consentsource",
}
_COLUMN_OF = {word: column for column, words in _WORDS.items() for word in words.split()}
_YES = frozenset(("oui", "o", "yes", "y", "1", "x", "vrai", "true"))
_NO = frozenset(("", "non", "n", "no", "0", "faux", "false"))
_SOURCES = {
    "formulaire": "form", "form": "form", "papier": "form", "paper": "form", "carte": "card",
    "card": "card", "site": "web", "web": "web", "internet": "web", "caisse": "till",
    "till": "till",
}  # fmt: skip


class Lack(StrEnum):
    """Why a consent of the file isn't taken over: its customer is then not contactable."""

    NOT_ASKED = "not-asked"
    NO_DATE = "no-date"
    NO_TEXT = "no-text"
    NO_SOURCE = "no-source"
    TOO_OLD = "too-old"


LACKS: Mapping[str, Promise] = {
    Lack.NOT_ASKED: _("no consent in the file"),
    Lack.NO_DATE: _("consent without its date"),
    Lack.NO_TEXT: _("consent without the text that was agreed to"),
    Lack.NO_SOURCE: _("consent without its source (form, card, web or till)"),
    Lack.TOO_OLD: _("consent older than three years"),
}
PROBLEMS: Mapping[str, Promise] = {
    "too-big": _("The file is larger than 2 MB. Split it."),
    "spreadsheet": _("This is a spreadsheet. In Excel or LibreOffice “Save as” CSV."),
    "not-text": _("This is not a text file. Save it as CSV (UTF-8) and try again."),
    "empty": _("The file holds no customer: one line each, under the headers."),
    "quotes": _("A quotation mark is opened and never closed. Remove or close it."),
    "too-many-rows": _("More than 5,000 lines. Split the file."),
    "no-column": _("No column says a name, a number or an address. Name it in the first line."),
    "double-column": _("This column is there twice. Keep one of them."),
    "cells": _("More cells than headers: quote a text that holds the separator."),
    "double": _("This customer stands in line %(line)s already: the first line counts."),
    "no-name": _("Neither name, number nor address: nobody could find this customer."),
    "long": _("This text is too long. Shorten it."),
    "phone": _("This is no telephone number. Correct it, or leave the cell empty."),
    "email": _("This is no e-mail address. Correct it, or leave the cell empty."),
    "birthday": _("This is no day of a year. Write 31/12, or leave the cell empty."),
    "yes-no": _("Write oui or non."),
    "date": _("This is no date in the past. Write 31/12/2025."),
    "source": _("Write formulaire, carte, site or caisse."),
    "personal-text": _("The text agreed to names this customer. Give the form’s printed text."),
    "many-texts": _("More than five different texts in the file. Give the form’s printed text."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``row`` is the spreadsheet's (1 is the header), 0 the file."""

    row: int
    column: str
    code: str
    value: str = ""

    @property
    def advice(self) -> str:
        told = str(PROBLEMS[self.code])
        return told % {"line": self.value} if self.code == "double" else told


@dataclass(frozen=True, slots=True)
class Agreement:
    """A consent with its evidence: the channels, when, to which text, and where."""

    channels: tuple[str, ...]
    on: date
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One sound row. ``lack`` says why there is no ``agreement``."""

    row: int
    first_name: str
    last_name: str
    phone: str
    email: str
    birth_day: int | None
    birth_month: int | None
    agreement: Agreement | None
    lack: Lack | None

    @property
    def lack_in_words(self) -> str:
        return str(LACKS[self.lack]) if self.lack else ""


@dataclass(slots=True)
class CustomerTable:
    """What a file says: sound rows, what is wrong, and the columns left aside."""

    rows: list[CustomerRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)

    @property
    def bad_rows(self) -> int:
        """Rows that are left out."""
        return len({problem.row for problem in self.problems if problem.row > 1})


def read_customers(data: bytes, today: date) -> CustomerTable:
    """Read an uploaded file; everything wrong with it is in ``problems``, each with its row."""
    table = CustomerTable()
    try:
        rows = rows_of(text_of(data, BYTES_AT_MOST))
        number, header = next(rows, (1, []))  # a file of nothing names no column
        positions = _header(table, number, header)
        known = _Known()
        for row, cells in rows if not table.problems else ():
            if row > ROWS_AT_MOST + 1:
                raise TableErrorFinal("too-many-rows", row)
            _read_row(table, _Row(row, positions, cells, today, len(header)), known)
    except TableErrorFinal as error:
        table.rows.clear()
        table.problems.append(Problem(error.row, "", error.code))
    if not table.rows and not table.problems:
        table.problems.append(Problem(0, "", "empty"))
    return table


def _header(table: CustomerTable, number: int, cells: Sequence[str]) -> dict[Column, int]:
    positions: dict[Column, int] = {}
    for position, cell in enumerate(cells):
        column = _COLUMN_OF.get(header_key(cell))
        if column is None:
            table.ignored_columns += [cell] if cell else []
        elif column in positions:
            table.problems.append(Problem(number, cell, "double-column"))
        else:
            positions[column] = position
    if not {Column.LAST_NAME, Column.PHONE, Column.EMAIL} & set(positions):
        table.problems.append(Problem(number, "", "no-column"))
    return positions


@dataclass(slots=True)
class _Row:
    """One row while it is read; what is wrong with it is collected on the way."""

    number: int
    positions: Mapping[Column, int]
    cells: Sequence[str]
    today: date
    width: int
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, column: str, code: str, value: str = "") -> None:
        self.problems.append(Problem(self.number, column, code, value[:40]))

    def text(self, column: Column, at_most: int = _NAME_AT_MOST) -> str:
        at = self.positions.get(column, len(self.cells))
        value = on_one_line(self.cells[at]) if at < len(self.cells) else ""
        value = value[1:] if value[:1] == "'" and value[1:2] in "=+-@" else value
        if len(value) > at_most:
            self.refuse(column, "long", value)
        return value[:at_most]

    def contact(self, column: Column, read: Callable[[str], str], code: str) -> str:
        value = self.text(column, 254)
        if value:
            try:
                return read(value)
            except MemberErrorFinal:
                self.refuse(column, code, value)
        return ""

    def birthday(self) -> tuple[int | None, int | None]:
        """Read 31/12, 31/12/1980 or 1980-12-31; the year is not kept."""
        value = self.text(Column.BIRTHDAY)
        if not value:
            return None, None
        told = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})(?:[/.-]\d{2,4})?", value)
        turned = re.fullmatch(r"\d{4}-(\d{1,2})-(\d{1,2})", value)
        try:
            if turned:
                return checked_birthday(int(turned[2]), int(turned[1]))
            if told:
                return checked_birthday(int(told[1]), int(told[2]))
        except MemberErrorFinal:
            pass  # named below, as what can't be read at all
        self.refuse(Column.BIRTHDAY, "birthday", value)
        return None, None

    def yes(self, column: Column) -> bool:
        value = self.text(column)
        word = header_key(value)
        if word not in _YES | _NO:
            self.refuse(column, "yes-no", value)
        return word in _YES

    def day(self) -> date | None:
        value = self.text(Column.AGREED_ON)
        told = re.match(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", value)
        turned = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", value)
        if not value:
            return None
        try:
            if turned:
                day = date(int(turned[1]), int(turned[2]), int(turned[3]))
            else:
                day = date(int(told[3]), int(told[2]), int(told[1])) if told else date.max
        except ValueError:
            day = date.max
        if day > self.today:
            self.refuse(Column.AGREED_ON, "date", value)
            return None
        return day

    def source(self) -> str:
        value = self.text(Column.SOURCE)
        source = _SOURCES.get(header_key(value), "")
        if value and not source:
            self.refuse(Column.SOURCE, "source", value)
        return source


@dataclass(slots=True)
class _Known:
    """What the rows before have said: texts agreed to, and whose contact stood in which row."""

    texts: set[str] = field(default_factory=set)
    holders: dict[str, CustomerRow] = field(default_factory=dict)

    def first_of(self, made: CustomerRow) -> CustomerRow | None:
        """Return the row in which the same customer stood: the contact equal, and the surname (of
        another surname it is another person's contact, which the import names)."""
        key = surname_key(made.first_name, made.last_name)
        for contact in filter(None, (made.phone, made.email)):
            first = self.holders.get(contact)
            if first and surname_key(first.first_name, first.last_name) == key:
                return first
        return None


def _read_row(table: CustomerTable, row: _Row, known: _Known) -> None:
    """Add the row's customer where the row is sound, else its problems."""
    if any(row.cells[row.width :]):
        row.refuse("", "cells", " ".join(row.cells[row.width :]))
    first, last = row.text(Column.FIRST_NAME), row.text(Column.LAST_NAME)
    phone = row.contact(Column.PHONE, phone_of, "phone")
    email = row.contact(Column.EMAIL, email_of, "email")
    day, month = row.birthday()
    agreement, lack = _agreement(row)
    if not (last or phone or email) and not row.problems:
        row.refuse("", "no-name")
    made = CustomerRow(row.number, first, last, phone, email, day, month, agreement, lack)
    if agreement is not None:
        if _names(agreement.text, made):
            row.refuse(Column.TEXT, "personal-text")
        elif len(known.texts | {agreement.text}) > TEXTS_AT_MOST:
            row.refuse(Column.TEXT, "many-texts")
        else:
            known.texts.add(agreement.text)
    if first_row := known.first_of(made):
        row.refuse("", "double", str(first_row.row))
    table.problems += row.problems
    if not row.problems:
        table.rows.append(made)
        known.holders |= {contact: made for contact in (phone, email) if contact}


def _agreement(row: _Row) -> tuple[Agreement | None, Lack | None]:
    """Return a consent that has all its evidence, or what it lacks."""
    boxes = (("sms", row.yes(Column.SMS)), ("email", row.yes(Column.MAIL)))
    channels = tuple(channel for channel, ticked in boxes if ticked)
    on, text, source = row.day(), row.text(Column.TEXT, _TEXT_AT_MOST), row.source()
    if not channels:
        return None, Lack.NOT_ASKED
    if on is None:
        return None, Lack.NO_DATE
    if not text:
        return None, Lack.NO_TEXT
    if not source:
        return None, Lack.NO_SOURCE
    if (row.today - on).days > 365.25 * _CONSENT_YEARS:
        return None, Lack.TOO_OLD
    return Agreement(channels, on, text, source), None


def _names(text: str, row: CustomerRow) -> bool:
    """Say whether a text holds the customer's own name or contact: it is kept for good."""
    words, plain = set(spelling(text).split()), "".join(text.split())
    whole_name = set(spelling(f"{row.first_name} {row.last_name}").split())
    named = bool(row.first_name and row.last_name) and whole_name <= words
    return named or "@" in text or bool(row.phone and row.phone[-9:] in plain)
