"""Ground truth as people bring it: checked rows, and files read with each bad row named."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from chaland.hub.common.spreadsheets import TableErrorFinal, text_of

LONGEST = timedelta(hours=4)
"""A mean over more than this says too little about any quarter hour of it."""

SHORTEST = timedelta(minutes=5)
PEOPLE_MAX = 5_000
YEARS = range(2000, 2101)
"""Years in which sums with a time can't overflow."""
FILE_BYTES_MAX = 1_000_000
ROWS_MAX = 20_000

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start": ("start", "debut", "début", "from", "de"),
    "end": ("end", "fin", "to", "à", "a"),
    "occupancy": ("occupancy", "present", "présents", "presents", "presence", "présence"),
    "arrivals": ("arrivals", "entered", "entrees", "entrées", "entries", "in"),
}
"""Column names that a file may use, in either language; case and spaces don't matter."""

_TIME_FORMATS = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M")


@dataclass(frozen=True, slots=True)
class CountRow:
    """People counted over [start, end): mean number present, people who came in, or both."""

    start: datetime
    end: datetime
    occupancy: float | None
    arrivals: int | None


class RowErrorFinal(ValueError):
    """A value can't be taken: ``field`` names it, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line of a file that can't be taken; lines count from 1, the heading is line 1."""

    line: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    rows: list[CountRow]
    bad: list[BadRow]


def check(row: CountRow, now: datetime) -> CountRow:
    """Return the row, or raise RowErrorFinal naming the field that can't be."""
    if row.start.year not in YEARS:
        raise RowErrorFinal("start", _("This is not a day of this century: check the date."))
    if row.end <= row.start:
        raise RowErrorFinal("end", _("The end must come after the start."))
    if row.end - row.start > LONGEST:
        raise RowErrorFinal("end", _("Count over four hours at most, better over a quarter hour."))
    if row.end - row.start < SHORTEST:
        raise RowErrorFinal("end", _("Count over five minutes at least."))
    if row.end > now + timedelta(minutes=1):
        raise RowErrorFinal("end", _("This time has not come yet: check date and time zone."))
    if row.occupancy is None and row.arrivals is None:
        raise RowErrorFinal(
            "occupancy", _("Give the people present, the people who came in, or both.")
        )
    for field, value in (("occupancy", row.occupancy), ("arrivals", row.arrivals)):
        if value is not None and not (math.isfinite(value) and 0 <= value <= PEOPLE_MAX):
            raise RowErrorFinal(
                field, _("Give a number from 0 to %(most)s.") % {"most": PEOPLE_MAX}
            )
    return row


def parse(content: bytes, timezone: ZoneInfo, now: datetime) -> Parsed:
    """Read a door counter's CSV: a heading, then a row a period, times local unless they say else.

    Separator, decimal mark and the order of columns are found out. A row that can't be taken is
    named and left out; the others stand. Raises RowErrorFinal, field "file", if none can be read.
    """
    lines = _lines(content)
    heading = next(lines, None)
    if heading is None:
        raise RowErrorFinal("file", _("The file is empty."))
    places = _places(heading[1])
    rows: list[CountRow] = []
    bad: list[BadRow] = []
    for line, cells in lines:
        if line > ROWS_MAX:
            raise RowErrorFinal(
                "file", _("The file has too many lines: send 20,000 at most at once.")
            )
        try:
            rows.append(check(_row(cells, places, timezone), now))
        except RowErrorFinal as error:
            bad.append(BadRow(line, error.field, str(error)))
    bad += _doubles(rows)
    return Parsed(list({row.start: row for row in rows}.values()), bad)


def _doubles(rows: list[CountRow]) -> Iterator[BadRow]:
    seen: set[datetime] = set()
    for row in rows:
        if row.start in seen:
            message = _("%(start)s stands twice: the last of them counts.")
            yield BadRow(0, "start", message % {"start": row.start.isoformat()})
        seen.add(row.start)


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = text_of(content, FILE_BYTES_MAX)
    except TableErrorFinal as error:
        raise RowErrorFinal("file", _unreadable(error.code)) from error
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RowErrorFinal(
            "file", _("Line %(line)s can't be read as CSV.") % {"line": reader.line_num}
        ) from error


def _unreadable(code: str) -> str:
    if code == "too-big":
        return _("The file is larger than 1 MB: send it in parts.")
    if code == "empty":
        return _("The file is empty.")
    return _("This is not a CSV file: export the sheet as CSV (UTF-8) and send that.")


def _places(heading: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in heading]
    places = {
        field: names.index(name)
        for field, given in COLUMNS.items()
        for name in reversed(given)
        if name in names
    }
    missing = [field for field in ("start", "end") if field not in places]
    if missing or not {"occupancy", "arrivals"} & set(places):
        raise RowErrorFinal(
            "file",
            _("The first line must name the columns: start, end, and occupancy or arrivals."),
        )
    return places


def _row(cells: list[str], places: Mapping[str, int], timezone: ZoneInfo) -> CountRow:
    def text(field: str) -> str:
        at = places.get(field, len(cells))
        return cells[at].strip() if at < len(cells) else ""

    arrivals = _number("arrivals", text("arrivals"))
    if arrivals is not None and arrivals != int(arrivals):
        raise RowErrorFinal("arrivals", _("People who came in are a whole number."))
    return CountRow(
        instant("start", text("start"), timezone),
        instant("end", text("end"), timezone),
        _number("occupancy", text("occupancy")),
        None if arrivals is None else int(arrivals),
    )


def _number(field: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace("\u202f", "").replace("\xa0", "").replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = _("“%(text)s” is not a number.") % {"text": text[:40]}
        raise RowErrorFinal(field, message)
    return value


def instant(field: str, text: str, timezone: ZoneInfo) -> datetime:
    """Read a local or zoned time; return it in UTC. An hour that clocks skipped is refused."""
    found = _first(text, [datetime.fromisoformat, *(_reader(form) for form in _TIME_FORMATS)])
    if found is None or found.year not in YEARS:
        raise RowErrorFinal(
            field,
            _("“%(text)s” is not a time: write 2026-03-28 14:15 or 28/03/2026 14:15.")
            % {"text": text[:40]},
        )
    return found.astimezone(UTC) if found.tzinfo else to_utc(field, found, timezone)


def to_utc(field: str, found: datetime, timezone: ZoneInfo) -> datetime:
    """Return a local time of YEARS in UTC. An hour that clocks skipped is refused."""
    utc = found.replace(tzinfo=timezone).astimezone(UTC)
    if utc.astimezone(timezone).replace(tzinfo=None) != found:
        raise RowErrorFinal(field, _("Clocks went forward here: this hour did not exist."))
    return utc


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 (the zone is added after)


def _first(text: str, readers: Iterable[Callable[[str], datetime]]) -> datetime | None:
    for reader in readers:
        try:
            return reader(text)
        except ValueError:
            continue
    return None
