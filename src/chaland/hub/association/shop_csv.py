"""A town's shops as one CSV file, as spreadsheets in France and elsewhere write it.

Reads UTF-8 (with or without mark), UTF-16 with mark, or Windows-1252; ``;``, ``,`` or tab between
cells; French or English headers in any order. Reading never raises on what people upload: it
returns the rows that are sound and a `Problem` for every cell that is not.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chaland.hub.association.rules import (
    CLOSED_WEEK,
    Day,
    HoursErrorFinal,
    HoursReason,
    Week,
    checked_week,
    format_day,
    parse_day,
)
from chaland.hub.common.signs import on_one_line
from chaland.hub.common.spreadsheets import TableErrorFinal, text_of

BYTES_AT_MOST = 512 * 1024
ROWS_AT_MOST = 1000
CELL_AT_MOST = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Column(StrEnum):
    """The columns that the file may have; values are the headers that we write."""

    NAME = "nom"
    ZONE = "zone"
    TRADE = "activité"
    MONDAY = "lundi"
    TUESDAY = "mardi"
    WEDNESDAY = "mercredi"
    THURSDAY = "jeudi"
    FRIDAY = "vendredi"
    SATURDAY = "samedi"
    SUNDAY = "dimanche"
    EMAIL = "e-mail"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"


WEEKDAYS = (
    Column.MONDAY,
    Column.TUESDAY,
    Column.WEDNESDAY,
    Column.THURSDAY,
    Column.FRIDAY,
    Column.SATURDAY,
    Column.SUNDAY,
)
REQUIRED = (Column.NAME, Column.ZONE)
_LENGTHS = {Column.NAME: 120, Column.ZONE: 80, Column.TRADE: 80}
_SYNONYMS = {
    Column.NAME: "nom name commerce shop magasin boutique enseigne nomducommerce shopname",
    Column.ZONE: "zone quartier secteur rue area district",
    Column.TRADE: "activite activity metier trade categorie category type",
    Column.MONDAY: "lundi monday lun mon",
    Column.TUESDAY: "mardi tuesday mar tue",
    Column.WEDNESDAY: "mercredi wednesday mer wed",
    Column.THURSDAY: "jeudi thursday jeu thu",
    Column.FRIDAY: "vendredi friday ven fri",
    Column.SATURDAY: "samedi saturday sam sat",
    Column.SUNDAY: "dimanche sunday dim sun",
    Column.EMAIL: "email mail courriel emailducommercant contact emailaddress adresseemail",
    Column.LATITUDE: "latitude lat",
    Column.LONGITUDE: "longitude lon lng long",
}
_COLUMN_OF = {word: column for column, words in _SYNONYMS.items() for word in words.split()}


class Reason(StrEnum):
    """Why a file, row or cell can't be taken; the page says each in words, with what to do."""

    EMPTY_FILE = "empty-file"
    TOO_BIG = "too-big"
    TOO_MANY_ROWS = "too-many-rows"
    SPREADSHEET = "spreadsheet"
    NOT_TEXT = "not-text"
    BROKEN_QUOTES = "broken-quotes"
    MISSING_COLUMN = "missing-column"
    DOUBLE_COLUMN = "double-column"
    EXTRA_CELLS = "extra-cells"
    MISSING_VALUE = "missing-value"
    TOO_LONG = "too-long"
    DOUBLE_SHOP = "double-shop"
    BAD_NAME = "bad-name"
    BAD_EMAIL = "bad-email"
    BAD_NUMBER = "bad-number"
    HALF_PLACE = "half-place"
    HOURS_UNREADABLE = "hours-unreadable"
    HOURS_NO_SUCH_TIME = "hours-no-such-time"
    HOURS_OVERLAP = "hours-overlap"
    HOURS_TOO_MANY = "hours-too-many"
    HOURS_TOO_LATE = "hours-too-late"


_UNREADABLE = {
    "too-big": Reason.TOO_BIG,
    "spreadsheet": Reason.SPREADSHEET,
    "not-text": Reason.NOT_TEXT,
    "empty": Reason.EMPTY_FILE,
}
_HOURS_REASON = {
    HoursReason.UNREADABLE: Reason.HOURS_UNREADABLE,
    HoursReason.HALF_GIVEN: Reason.HOURS_UNREADABLE,
    HoursReason.NO_SUCH_TIME: Reason.HOURS_NO_SUCH_TIME,
    HoursReason.OVERLAP: Reason.HOURS_OVERLAP,
    HoursReason.TOO_MANY: Reason.HOURS_TOO_MANY,
    HoursReason.TOO_LATE: Reason.HOURS_TOO_LATE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``row`` is the spreadsheet's (1 is the header), 0 the file."""

    row: int
    column: str
    reason: Reason
    value: str = ""


@dataclass(frozen=True, slots=True)
class ShopRow:
    """One shop of the file; ``week`` is None where the file has no column of days."""

    row: int
    name: str
    slug: str
    zone: str
    trade: str = ""
    email: str = ""
    week: Week | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(slots=True)
class ShopFile:
    """What a file says: its shops, what is wrong with it, and what was left aside."""

    rows: list[ShopRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    blank_rows: int = 0
    positions: dict[Column, int] = field(default_factory=dict)
    width: int = 0
    slugs: set[str] = field(default_factory=set)


def slug_of(name: str) -> str:
    """Return what two spellings of a name have in common: ``Café 2`` → ``cafe-2``."""
    whole = name.casefold().replace("œ", "oe").replace("æ", "ae")
    plain = "".join(c for c in unicodedata.normalize("NFKD", whole) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _rows_of(text: str) -> Iterable[tuple[int, list[str]]]:
    """Yield (row, cells); the separator is the commonest of ``;``, ``,`` and tab in the header."""
    header = text.lstrip().splitlines()[0]
    delimiter = max(";,\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, cells in enumerate(reader, start=1):  # as a spreadsheet numbers its rows
        yield number, [_plain_cell(cell) for cell in cells]


def _plain_cell(cell: str) -> str:
    """Strip spaces, no-break ones too, and the quote that `safe_cell` puts before a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def read_shops(data: bytes) -> ShopFile:
    """Read an uploaded file; everything wrong with it is in ``problems``, each with its row."""
    try:
        text = text_of(data, BYTES_AT_MOST)
    except TableErrorFinal as error:
        return ShopFile(problems=[Problem(0, "", _UNREADABLE[error.code])])
    file = ShopFile()
    row = 0
    try:
        for row, cells in _rows_of(text):
            if not any(cells):
                file.blank_rows += 1
            elif not file.width:
                _read_header(file, row, cells)
                if file.problems:
                    break
            elif row > ROWS_AT_MOST:
                file.problems.append(Problem(row, "", Reason.TOO_MANY_ROWS))
                break
            else:
                _read_row(file, row, cells)
    except csv.Error:
        file.problems.append(Problem(row + 1, "", Reason.BROKEN_QUOTES))
    if not file.rows and not file.problems:
        file.problems.append(Problem(0, "", Reason.EMPTY_FILE))
    return file


def _read_header(file: ShopFile, row: int, cells: Sequence[str]) -> None:
    file.width = len(cells)
    for position, cell in enumerate(cells):
        column = _COLUMN_OF.get(slug_of(cell).replace("-", ""))
        if column is None:
            if cell:
                file.ignored_columns.append(cell)
        elif column in file.positions:
            file.problems.append(Problem(row, cell, Reason.DOUBLE_COLUMN))
        else:
            file.positions[column] = position
    for column in REQUIRED:
        if column not in file.positions:
            file.problems.append(Problem(row, column, Reason.MISSING_COLUMN))


@dataclass(slots=True)
class _Row:
    """One row while it is read; what is wrong with it is collected on the way."""

    number: int
    positions: dict[Column, int]
    cells: Sequence[str]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, column: str, reason: Reason, value: str = "") -> None:
        self.problems.append(Problem(self.number, column, reason, value))

    def text(self, column: Column) -> str:
        at = self.positions.get(column, len(self.cells))
        value = self.cells[at] if at < len(self.cells) else ""
        if len(value) > _LENGTHS.get(column, CELL_AT_MOST):
            value = value[: _LENGTHS.get(column, CELL_AT_MOST)]
            self.refuse(column, Reason.TOO_LONG, value[:40] + "…")
        return value

    def name(self, column: Column) -> str:
        value = on_one_line(self.text(column))
        if not value:
            self.refuse(column, Reason.MISSING_VALUE)
        elif not slug_of(value):
            self.refuse(column, Reason.BAD_NAME, value)
        return value

    def email(self) -> str:
        value = self.text(Column.EMAIL)
        if value and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+", value):
            self.refuse(Column.EMAIL, Reason.BAD_EMAIL, value)
        return value.lower()

    def degrees(self, column: Column, limit: float) -> float | None:
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = float("nan")
        if not abs(value) <= limit:
            self.refuse(column, Reason.BAD_NUMBER, text)
            return None
        return value

    def week(self) -> Week | None:
        """The week's hours, or None where the file says nothing about days."""
        if not any(day in self.positions for day in WEEKDAYS):
            return None
        days: list[Day] = []
        for column in WEEKDAYS:
            try:
                days.append(parse_day(self.text(column)))
            except HoursErrorFinal as error:
                self.refuse(column, _HOURS_REASON[error.reason], error.text)
                days.append(())
        try:
            return checked_week(days)
        except HoursErrorFinal as error:
            self.refuse("", _HOURS_REASON[error.reason], error.text)
            return None


def _read_row(file: ShopFile, number: int, cells: Sequence[str]) -> None:
    """Add the row's shop where the row is sound, else its problems."""
    row = _Row(number, file.positions, cells)
    if any(cells[file.width :]):
        row.refuse("", Reason.EXTRA_CELLS, " ".join(cells[file.width :])[:40])
    name = row.name(Column.NAME)
    slug = slug_of(name)
    if slug and slug in file.slugs:
        row.refuse(Column.NAME, Reason.DOUBLE_SHOP, name)
    file.slugs.add(slug)
    latitude = row.degrees(Column.LATITUDE, 90)
    longitude = row.degrees(Column.LONGITUDE, 180)
    shop = ShopRow(
        row=number,
        name=name,
        slug=slug,
        zone=row.name(Column.ZONE),
        trade=row.text(Column.TRADE),
        email=row.email(),
        week=row.week(),
        latitude=latitude,
        longitude=longitude,
    )
    if bool(row.text(Column.LATITUDE)) != bool(row.text(Column.LONGITUDE)):
        row.refuse(Column.LATITUDE, Reason.HALF_PLACE)
    file.problems += row.problems
    if not row.problems:
        file.rows.append(shop)


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from running a cell as a formula: a quote goes before ``= + - @``."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_shops(shops: Iterable[ShopRow]) -> str:
    """Write shops as a file that `read_shops` reads back; ``;`` and a mark for French Excel."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.value for column in Column])
    for shop in shops:
        week = shop.week or CLOSED_WEEK
        place = [_decimal(shop.latitude), _decimal(shop.longitude)]
        cells = [shop.name, shop.zone, shop.trade, *map(format_day, week), shop.email]
        writer.writerow([safe_cell(cell) for cell in cells] + place)
    return "\ufeff" + out.getvalue()


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
