"""A shop's prices as its till or spreadsheet saves them: an article, a price, the day it began.

Reading never raises on what people upload: it returns the rows that are sound, and a `Problem` for
every cell that isn't. Nothing is written here (`services.take_prices`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chaland.hub.common.signs import on_one_line
from chaland.hub.common.spreadsheets import TableErrorFinal, header_key, rows_of, text_of
from chaland.hub.loyalty.sales.prices import CENTS_AT_MOST, PriceIn

BYTES_AT_MOST = 10 * 1024 * 1024
ROWS_AT_MOST = 100_000
PROBLEMS_AT_MOST = 1_000


class Column(StrEnum):
    """The columns that are read; values are the headers of the example."""

    ITEM = "référence"
    NAME = "désignation"
    PRICE = "prix"
    SINCE = "depuis le"
    GROUP = "famille"


REQUIRED = (Column.ITEM, Column.PRICE, Column.SINCE)
_WORDS: Mapping[Column, str] = {
    Column.ITEM: "reference ref codearticle code sku ean codebarres barcode numero productid "
    "itemid article articlenumber",
    Column.NAME: "designation libelle nom name produit product item description",
    Column.PRICE: "prix prixttc prixdevente montant price saleprice pvttc pv",
    Column.SINCE: "depuisle depuis date debut dateprix datedebut apartirdu since from validfrom "
    "datedeffet dateeffet",
    Column.GROUP: "rayon famille categorie category department group groupe",
}
_COLUMN_OF = {word: column for column, words in _WORDS.items() for word in words.split()}
_LENGTHS = {Column.ITEM: 64, Column.NAME: 120, Column.GROUP: 64}

PROBLEMS: Mapping[str, Promise] = {
    "too-big": _("The file is larger than 10 MB. Split it."),
    "spreadsheet": _("This is a spreadsheet. In Excel or LibreOffice “Save as” CSV."),
    "not-text": _("This is not a text file. Save it as CSV (UTF-8) and try again."),
    "empty": _("The file holds no price: one line each, under the headers."),
    "quotes": _("A quotation mark is opened and never closed. Remove or close it."),
    "too-many-rows": _("More than 100,000 lines. Split the file."),
    "no-column": _("This column is missing. Name it in the first line."),
    "double-column": _("This column is there twice. Keep one of them."),
    "cells": _("More cells than headers: quote a text that holds the separator."),
    "missing": _("This cell is empty. Fill it in."),
    "long": _("This text is too long. Shorten it."),
    "price": _("This is no price. Write 12,90 (more than 0)."),
    "unclear-price": _("Is this a thousand, or one and a bit? Write 1234,00 or 1,23."),
    "date": _("This is no date. Write 31/12/2025."),
    "future": _("This day is in the future: a price counts once it was asked."),
    "two-prices": _("Another price for this article and day is in the file. Keep one of them."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``row`` is the spreadsheet's (1 is the header), 0 the file."""

    row: int
    column: str
    code: str
    value: str = ""

    @property
    def advice(self) -> str:
        return str(PROBLEMS[self.code])


@dataclass(slots=True)
class PriceTable:
    """What a file says: sound prices, what is wrong, and the columns left aside."""

    prices: list[PriceIn] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    """All of them; beyond a thousand they are only counted."""
    bad_rows: int = 0
    ignored_columns: list[str] = field(default_factory=list)

    @property
    def articles(self) -> int:
        return len({price.item_id for price in self.prices})

    def refuse(self, row: int, column: str, code: str, value: str = "") -> None:
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_AT_MOST:
            self.problems.append(Problem(row, column, code, value[:40]))


def read_prices(data: bytes, today: date) -> PriceTable:
    """Read an uploaded file; everything wrong with it is in ``problems``, each with its row."""
    table = PriceTable()
    try:
        rows = rows_of(text_of(data, BYTES_AT_MOST))
        number, header = next(rows, (1, []))
        reader = _Reader(table, _positions(table, number, header), header, today)
        for row, cells in rows if not table.problems else ():
            if row > ROWS_AT_MOST + 1:
                raise TableErrorFinal("too-many-rows", row)
            reader.read(row, cells)
    except TableErrorFinal as error:
        table.prices.clear()
        table.refuse(error.row, "", error.code)
    if not table.prices and not table.problem_count:
        table.refuse(0, "", "empty")
    return table


def cents_of(text: str) -> int | None:
    """Read a price in euro, in cents: ``12,90``, ``12.9 €``, ``1 234,50``, ``1.234,50``; None where
    it isn't one. ValueError: ``1.234`` may be two things."""
    bare = re.sub(r"[\s\u00a0\u202f'’]|€|EUR", "", text)
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", bare, re.ASCII):
        raise ValueError("unclear")
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(,\d{3})+\.\d{1,2}", bare, re.ASCII):
        bare = bare.replace("." if bare[-3:].count(",") else ",", "")
    if not re.fullmatch(r"\d{1,9}(?:[.,]\d{1,2})?", bare, re.ASCII):
        return None
    cents = int(Decimal(bare.replace(",", ".")) * 100)
    return cents if 0 < cents <= CENTS_AT_MOST else None


def typed(cents: int) -> str:
    """Write a price as one types it, and `cents_of` reads it: ``12.90``."""
    return f"{cents // 100}.{cents % 100:02d}"


def _positions(table: PriceTable, number: int, cells: Sequence[str]) -> dict[Column, int]:
    positions: dict[Column, int] = {}
    for position, cell in enumerate(cells):
        column = _COLUMN_OF.get(header_key(cell))
        if column is None:
            table.ignored_columns += [cell] if cell else []
        elif column in positions:
            table.refuse(number, cell, "double-column")
        else:
            positions[column] = position
    for column in REQUIRED:
        if column not in positions:
            table.refuse(number, column, "no-column")
    return positions


class _Reader:
    """Reads rows into a table; what is wrong with a row spoils that row alone."""

    def __init__(
        self,
        table: PriceTable,
        positions: Mapping[Column, int],
        header: Sequence[str],
        today: date,
    ) -> None:
        self.table, self.positions, self.header, self.today = table, positions, header, today
        self.seen: dict[tuple[str, date], PriceIn] = {}

    def read(self, number: int, cells: Sequence[str]) -> None:
        before = self.table.problem_count
        if any(cells[len(self.header) :]):
            self.table.refuse(number, "", "cells", " ".join(cells[len(self.header) :]))
        item = self._text(number, cells, Column.ITEM)
        name = self._text(number, cells, Column.NAME) or item
        group = self._text(number, cells, Column.GROUP)
        cents, since = self._cents(number, cells), self._day(number, cells)
        if self.table.problem_count > before or cents is None or since is None:
            self.table.bad_rows += 1
            return
        price = PriceIn(item, name, cents, since, group)
        other = self.seen.setdefault((item, since), price)
        if other.cents != cents:
            self.table.refuse(number, self._named(Column.PRICE), "two-prices", item)
            self.table.bad_rows += 1
        elif other is price:
            self.table.prices.append(price)

    def _cents(self, number: int, cells: Sequence[str]) -> int | None:
        text = self._text(number, cells, Column.PRICE)
        try:
            cents = cents_of(text) if text else None
        except ValueError:
            self.table.refuse(number, self._named(Column.PRICE), "unclear-price", text)
            return None
        if text and cents is None:
            self.table.refuse(number, self._named(Column.PRICE), "price", text)
        return cents

    def _day(self, number: int, cells: Sequence[str]) -> date | None:
        text = self._text(number, cells, Column.SINCE)
        if not text:
            return None
        day = _day_of(text)
        if day is None or day.year < 2000:
            self.table.refuse(number, self._named(Column.SINCE), "date", text)
            return None
        if day > self.today:
            self.table.refuse(number, self._named(Column.SINCE), "future", text)
            return None
        return day

    def _text(self, number: int, cells: Sequence[str], column: Column) -> str:
        at = self.positions.get(column, len(cells))
        value = on_one_line(cells[at]) if at < len(cells) else ""
        value = value[1:] if value[:1] == "'" and value[1:2] in "=+-@" else value
        if len(value) > _LENGTHS.get(column, 40):
            self.table.refuse(number, self._named(column), "long", value)
        elif not value and column in REQUIRED:
            self.table.refuse(number, self._named(column), "missing")
        return value

    def _named(self, column: Column) -> str:
        """The header as the file spells it."""
        return self.header[self.positions[column]] if column in self.positions else column


def _day_of(text: str) -> date | None:
    """Read ``31/12/2025`` (also with a time behind it) or ``2025-12-31``."""
    told = re.match(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:[ T].*)?\Z", text, re.ASCII)
    turned = re.match(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T].*)?\Z", text, re.ASCII)
    try:
        if turned:
            return date(int(turned[1]), int(turned[2]), int(turned[3]))
        if told:
            year = int(told[3])
            return date(year + 2000 if year < 100 else year, int(told[2]), int(told[1]))
    except ValueError:  # 31/02
        return None
    return None
