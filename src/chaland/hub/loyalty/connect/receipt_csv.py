"""Receipts in a CSV file, as tills and spreadsheets in France and elsewhere write them.

A row is a line of a receipt; rows of one number and day are one receipt. Reading never raises on
what people upload: it returns the receipts that are sound, and a `Problem` for every cell that is
not. A bad row spoils its receipt: without it the total would be wrong. No Django in here.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from chaland.hub.common import spreadsheets
from chaland.hub.common.spreadsheets import TableErrorFinal
from chaland.hub.loyalty.connect import cells
from chaland.hub.loyalty.connect.cells import CellErrorFinal, DayOrder, Reason
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

BYTES_AT_MOST = 10 * 1024 * 1024
ROWS_AT_MOST = 200_000
LINES_AT_MOST = 500
PROBLEMS_AT_MOST = 1_000


class Column(StrEnum):
    """What a file may say; its own names for it are in a column map."""

    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    AMOUNT = "amount"
    ITEM = "item"
    ITEM_NUMBER = "item_number"
    GROUP = "group"
    QUANTITY = "quantity"
    VAT = "vat"
    TILL = "till"
    SELLER = "seller"
    CARD = "card"


REQUIRED = (Column.NUMBER, Column.DAY, Column.AMOUNT)
_SYNONYMS = {
    Column.NUMBER: "numero noticket ticket numeroticket nticket ndeticket numerodeticket receipt "
    "receiptnumber receiptid number id facture vente saleid basketid",
    Column.DAY: "date jour day datedevente dateticket dateheure datetime horodatage saledate",
    Column.TIME: "heure time heuredevente",
    Column.AMOUNT: "montant montantttc ttc totalttc total amount prix prixttc price gross "
    "salesvalue totalligne",
    Column.ITEM: "article libelle designation produit product item description nom",
    Column.ITEM_NUMBER: "reference ref codearticle sku ean codebarres barcode productid itemid",
    Column.GROUP: "famille rayon categorie category department group groupe",
    Column.QUANTITY: "quantite qte qty quantity",
    Column.VAT: "tva tauxtva vat vatrate tauxdetva",
    Column.TILL: "caisse till register terminal",
    Column.SELLER: "vendeur vendeuse seller cashier caissier employe",
    Column.CARD: "carte cartefidelite card membercard fidelite client",
}
_COLUMN_OF = {word: column for column, words in _SYNONYMS.items() for word in words.split()}

_UNREADABLE = {
    "too-big": Reason.TOO_BIG,
    "spreadsheet": Reason.SPREADSHEET,
    "not-text": Reason.NOT_TEXT,
    "empty": Reason.EMPTY_FILE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``row`` is the spreadsheet's (1 is the header), 0 the file."""

    row: int
    column: str
    reason: Reason
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A receipt of the file: its first row, and the card that it was bought with."""

    row: int
    receipt: ReceiptIn
    card: str


@dataclass(slots=True)
class ReceiptTable:
    """What a file says."""

    headers: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    spoiled: int = 0
    """Receipts that are left out because of a row."""
    blank_rows: int = 0
    lines: int = 0
    day_order: DayOrder = DayOrder.ISO

    def refuse(self, row: int, column: str, reason: Reason, value: str = "") -> None:
        """Note a problem; beyond a thousand they are only counted."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_AT_MOST:
            self.problems.append(Problem(row, column, reason, value[:60]))


@dataclass(frozen=True, slots=True)
class Whose:
    """What the file doesn't say: the shop, its time zone, who uploads, and now."""

    association_id: int
    shop_id: int
    timezone: ZoneInfo
    actor: str
    now: datetime


def text_of(data: bytes) -> str | Reason:
    """Return a file's text: UTF-8, UTF-16 with mark, or Windows-1252."""
    try:
        return spreadsheets.text_of(data, BYTES_AT_MOST)
    except TableErrorFinal as error:
        return _UNREADABLE[error.code]


def headers_of(text: str) -> list[str]:
    """Return the names in the first row that has any."""
    try:
        return next((row for _number, row in _rows(text) if any(row)), [])
    except csv.Error:
        return []


def guessed_map(headers: Sequence[str]) -> dict[str, str]:
    """Return a column map for names that are usual: our field → the file's header."""
    found: dict[str, str] = {}
    for header in headers:
        column = _COLUMN_OF.get(cells.folded(header))
        if column is not None and column not in found:
            found[column] = header
    return found


def read_receipts(text: str, columns: Mapping[str, str], whose: Whose) -> ReceiptTable:
    """Read a file's receipts by a column map; everything wrong with it is in ``problems``."""
    table = ReceiptTable()
    try:
        body = _body(table, text)
    except csv.Error:
        table.refuse(0, "", Reason.BROKEN_QUOTES)
        return table
    places = _places(table, columns)
    if table.problem_count:
        return table
    days = [row[places[Column.DAY]] for _, row in body if len(row) > places[Column.DAY]]
    table.day_order = cells.day_order(days)
    reader = _Reader(table, places, whose)
    for number, row in body:
        reader.read(number, row)
    reader.finish()
    if not table.rows and not table.problem_count:
        table.refuse(0, "", Reason.EMPTY_FILE)
    return table


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    head = text.lstrip().splitlines()[0] if text.strip() else ""
    delimiter = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, row in enumerate(reader, start=1):
        yield number, [cells.plain(cell) for cell in row]


def _body(table: ReceiptTable, text: str) -> list[tuple[int, list[str]]]:
    body: list[tuple[int, list[str]]] = []
    for number, row in _rows(text):
        if not any(row):
            table.blank_rows += 1
        elif not table.headers:
            table.headers = row
        elif len(body) >= ROWS_AT_MOST:
            table.refuse(number, "", Reason.TOO_MANY_ROWS)
            break
        else:
            body.append((number, row))
    return body


def _places(table: ReceiptTable, columns: Mapping[str, str]) -> dict[Column, int]:
    places: dict[Column, int] = {}
    for column in Column:
        header = columns.get(column, "")
        if header and table.headers.count(header) > 1:
            table.refuse(1, header, Reason.DOUBLE_COLUMN)
        elif header in table.headers:
            places[column] = table.headers.index(header)
        elif column in REQUIRED:
            table.refuse(1, header or column, Reason.MISSING_COLUMN)
    return places


class _Reader:
    """Gathers rows into receipts."""

    def __init__(self, table: ReceiptTable, places: dict[Column, int], whose: Whose) -> None:
        self.table, self.places, self.whose = table, places, whose
        self.width = len(table.headers)
        self.open: dict[str, _Open] = {}
        self.bad: set[str] = set()

    def read(self, number: int, row: Sequence[str]) -> None:
        before = self.table.problem_count
        if any(row[self.width :]):
            self.table.refuse(number, "", Reason.EXTRA_CELLS, " ".join(row[self.width :]))
        ticket = self._required(number, row, Column.NUMBER, 70)
        issued = self._issued(number, row)
        line = self._line(number, row)
        receipt = self.open.get(ticket)
        if receipt is None:
            receipt = self.open[ticket] = _Open(number, issued)
        elif issued and receipt.issued and issued != receipt.issued:
            column = self._header(Column.DAY)
            self.table.refuse(number, column, Reason.OTHER_DATE, ticket)
        for name in (Column.TILL, Column.SELLER, Column.CARD):
            receipt.say(name, self._text(number, row, name, 40))
        if len(receipt.lines) >= LINES_AT_MOST:
            self.table.refuse(number, "", Reason.TOO_MANY_LINES, ticket)
        if self.table.problem_count > before:
            self.bad.add(ticket)
        elif line is not None:
            self.table.lines += 1
            receipt.lines.append(line)

    def finish(self) -> None:
        """Make the receipts; those with a bad row are left out, and counted."""
        self.table.spoiled = len(self.bad - {""})
        for ticket, receipt in self.open.items():
            if ticket in self.bad or receipt.issued is None:
                continue
            self.table.rows.append(
                Row(
                    receipt.row,
                    self._made(ticket, receipt, receipt.issued),
                    receipt.said.get(Column.CARD, ""),
                )
            )

    def _made(self, ticket: str, receipt: "_Open", issued: datetime) -> ReceiptIn:
        lines = [
            LineIn(
                number=number,
                gross_cents=line.gross_cents,
                item_id=line.item_id,
                item_name=line.item_name,
                group=line.group,
                quantity_milli=line.quantity_milli,
                vat_permyriad=line.vat_permyriad,
            )
            for number, line in enumerate(receipt.lines, start=1)
        ]
        return ReceiptIn(
            association_id=self.whose.association_id,
            shop_id=self.whose.shop_id,
            source="csv",
            external_id=ticket,
            issued_at=issued,
            gross_cents=sum(line.gross_cents for line in lines),
            lines=lines,
            till_label=receipt.said.get(Column.TILL, ""),
            seller_label=receipt.said.get(Column.SELLER, ""),
            actor=self.whose.actor,
        )

    def _line(self, number: int, row: Sequence[str]) -> LineIn | None:
        try:
            amount = self._required(number, row, Column.AMOUNT, 40)
            cents = cells.cents(amount) if amount else 0
            quantity = self._cell(row, Column.QUANTITY)
            milli = cells.thousandths(quantity) if quantity else 1000
            vat = self._cell(row, Column.VAT)
            rate = cells.permyriad(vat) if vat else None
        except CellErrorFinal as error:
            column = self._header_of(row, error.value)
            self.table.refuse(number, column, error.reason, error.value)
            return None
        return LineIn(
            number=1,
            gross_cents=cents,
            item_id=self._text(number, row, Column.ITEM_NUMBER, 64),
            item_name=self._text(number, row, Column.ITEM, 120),
            group=self._text(number, row, Column.GROUP, 64),
            quantity_milli=milli,
            vat_permyriad=rate,
        )

    def _issued(self, number: int, row: Sequence[str]) -> datetime | None:
        text = self._required(number, row, Column.DAY, 40)
        if not text:
            return None
        try:
            day, clock = cells.day(text, self.table.day_order)
            said = self._cell(row, Column.TIME)
            clock = cells.time_of_day(said) if said else clock
            return self._instant(text, day, clock)
        except CellErrorFinal as error:
            self.table.refuse(number, self._header(Column.DAY), error.reason, error.value)
            return None

    def _instant(self, text: str, day: date, clock: time | None) -> datetime:
        # A file without times: noon, so that the day is right in every time zone's summer.
        issued = datetime.combine(day, clock or time(12), self.whose.timezone)
        if day.year < 2000 or issued > self.whose.now + cells.AHEAD:
            raise CellErrorFinal(Reason.BAD_DAY, text)
        return issued

    def _header(self, column: Column) -> str:
        return self.table.headers[self.places[column]]

    def _header_of(self, row: Sequence[str], value: str) -> str:
        at = row.index(value) if value in row else -1
        return self.table.headers[at] if 0 <= at < self.width else ""

    def _cell(self, row: Sequence[str], column: Column) -> str:
        at = self.places.get(column, len(row))
        return row[at] if at < len(row) else ""

    def _required(self, number: int, row: Sequence[str], column: Column, at_most: int) -> str:
        text = self._text(number, row, column, at_most)
        if not text:
            self.table.refuse(number, self._header(column), Reason.MISSING_VALUE)
        return text

    def _text(self, number: int, row: Sequence[str], column: Column, at_most: int) -> str:
        text = self._cell(row, column)
        if len(text) > at_most or not cells.storable(text):
            reason = Reason.TOO_LONG if len(text) > at_most else Reason.NOT_TEXT
            self.table.refuse(number, self._header(column), reason, text)
        return text[:at_most]


@dataclass(slots=True)
class _Open:
    """A receipt whose rows are still coming."""

    row: int
    issued: datetime | None
    lines: list[LineIn] = field(default_factory=list)
    said: dict[Column, str] = field(default_factory=dict)

    def say(self, column: Column, text: str) -> None:
        if text:
            self.said.setdefault(column, text)
