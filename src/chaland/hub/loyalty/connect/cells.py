"""Cells of a spreadsheet's file: amounts, quantities, rates, days and times as people write them.

Each function raises CellErrorFinal with the reason that the page says in words. No Django in here.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum

AHEAD = timedelta(days=1)
"""A till's clock may be a day ahead of ours."""
CENTS_AT_MOST = 1_000_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Reason(StrEnum):
    """Why a file, row or cell can't be taken."""

    EMPTY_FILE = "empty-file"
    TOO_BIG = "too-big"
    TOO_MANY_ROWS = "too-many-rows"
    TOO_MANY_LINES = "too-many-lines"
    SPREADSHEET = "spreadsheet"
    NOT_TEXT = "not-text"
    BROKEN_QUOTES = "broken-quotes"
    MISSING_COLUMN = "missing-column"
    DOUBLE_COLUMN = "double-column"
    EXTRA_CELLS = "extra-cells"
    MISSING_VALUE = "missing-value"
    TOO_LONG = "too-long"
    BAD_AMOUNT = "bad-amount"
    UNCLEAR_AMOUNT = "unclear-amount"
    BAD_QUANTITY = "bad-quantity"
    BAD_RATE = "bad-rate"
    BAD_DAY = "bad-day"
    BAD_TIME = "bad-time"
    OTHER_DATE = "other-date"


class CellErrorFinal(Exception):
    """A cell can't be read. ``value`` is for the page that shows the file to who uploaded it."""

    def __init__(self, reason: Reason, value: str) -> None:
        super().__init__(reason)
        self.reason, self.value = reason, value


class DayOrder(StrEnum):
    """How a file writes days with slashes."""

    ISO = "iso"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


def plain(cell: str) -> str:
    """Strip spaces, no-break ones too, and the quote that keeps a formula from running."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def folded(header: str) -> str:
    """Return what two spellings of a header have in common: ``N° de ticket`` → ``ndeticket``."""
    spelled = unicodedata.normalize("NFKD", header.casefold().replace("°", ""))
    return re.sub(r"[^a-z0-9]+", "", spelled)


def storable(text: str) -> bool:
    """Say whether a database takes this text."""
    return not _UNSTORABLE.search(text)


def cents(text: str) -> int:
    """Read an amount in euro: ``1 234,56 €``, ``1.234,56``, ``12.5``, ``(3,00)``, ``-3``."""
    number = _decimal(text, Reason.BAD_AMOUNT, grouped=True)
    whole = (number * 100).quantize(Decimal(1), ROUND_HALF_UP)
    if abs(number * 100 - whole) > Decimal("0.001") or abs(whole) > CENTS_AT_MOST:
        raise CellErrorFinal(Reason.BAD_AMOUNT, text)
    return int(whole)


def thousandths(text: str) -> int:
    """Read a quantity or a weight: ``2``, ``0,345``; what comes back is counted as positive."""
    milli = (abs(_decimal(text, Reason.BAD_QUANTITY)) * 1000).quantize(Decimal(1), ROUND_HALF_UP)
    if not 1 <= milli <= CENTS_AT_MOST:
        raise CellErrorFinal(Reason.BAD_QUANTITY, text)
    return int(milli)


def permyriad(text: str) -> int:
    """Read a rate of tax: ``5,5``, ``20 %``, ``0.2`` (a fraction) → hundredths of a percent."""
    number = _decimal(text.replace("%", ""), Reason.BAD_RATE)
    rate = number * (10_000 if 0 < number < 1 and "%" not in text else 100)
    if not 0 <= rate <= 10_000 or rate != rate.to_integral_value():
        raise CellErrorFinal(Reason.BAD_RATE, text)
    return int(rate)


def _decimal(text: str, reason: Reason, *, grouped: bool = False) -> Decimal:
    bare = re.sub(r"[\s\u00a0\u202f'’]|€|EUR", "", text)
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1]
    if not re.fullmatch(r"[-+]?\d[\d.,]{0,20}|[-+]?[.,]\d{1,20}", bare, re.ASCII):
        raise CellErrorFinal(reason, text)
    if "," in bare and "." in bare:
        decimal = max(",.", key=bare.rfind)
        bare = bare.replace("," if decimal == "." else ".", "")
    marks = [sign for sign in bare if sign in ",."]
    if len(marks) > 1:  # 1.234.567
        if not re.fullmatch(r"[-+]?\d{1,3}([.,]\d{3})+", bare):
            raise CellErrorFinal(reason, text)
        bare = re.sub("[.,]", "", bare)
    elif marks and grouped and re.fullmatch(r"[-+]?[1-9]\d{0,2}[.,]\d{3}", bare):
        raise CellErrorFinal(Reason.UNCLEAR_AMOUNT, text)  # 1.234: a thousand, or one and a bit?
    try:
        return Decimal(bare.replace(",", "."))
    except InvalidOperation:
        raise CellErrorFinal(reason, text) from None


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:[T ]+(.+))?", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2})[:hH](\d{2})?(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def day_order(texts: Iterable[str]) -> DayOrder:
    """Say how a file writes its days: a number above 12 gives it away; else as in France."""
    order = DayOrder.ISO
    for text in texts:
        match = _SLASHES.fullmatch(text)
        if match is None:
            continue
        if int(match[1]) > 12:
            return DayOrder.DAY_FIRST
        if int(match[2]) > 12:
            order = DayOrder.MONTH_FIRST
        elif order is DayOrder.ISO:
            order = DayOrder.DAY_FIRST
    return order


def day(text: str, order: DayOrder) -> tuple[date, time | None]:
    """Read a day, and the time if the cell holds one: ``14/03/2026 15:09``, ``2026-03-14``."""
    iso, slashes = _ISO.fullmatch(text), _SLASHES.fullmatch(text)
    match = iso or slashes
    if match is None:
        raise CellErrorFinal(Reason.BAD_DAY, text)
    if iso:
        year, month, number = int(match[1]), int(match[2]), int(match[3])
    else:
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        number, month = (second, first) if order is DayOrder.MONTH_FIRST else (first, second)
        year += 2000 if year < 100 else 0
    try:
        return date(year, month, number), time_of_day(match[4]) if match[4] else None
    except ValueError:  # 0000-00-00, 31/02
        raise CellErrorFinal(Reason.BAD_DAY, text) from None


def time_of_day(text: str) -> time:
    """Read a time: ``15:09``, ``15h09``, ``9h``, ``15:09:26``. An offset is not taken: times are
    the shop's."""
    match = _TIME.fullmatch(text.strip())
    if match is None or match[4]:
        raise CellErrorFinal(Reason.BAD_TIME, text)
    try:
        return time(int(match[1]), int(match[2] or 0), int(match[3] or 0))
    except ValueError:
        raise CellErrorFinal(Reason.BAD_TIME, text) from None


def local(text: str) -> datetime:
    """Read a day and time without offset, as ``2026-03-14 15:09:26``."""
    on, at = day(text, DayOrder.ISO)
    if at is None:
        raise CellErrorFinal(Reason.BAD_TIME, text)
    return datetime.combine(on, at)
