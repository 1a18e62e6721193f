"""Head counts from a CSV of change points, averaged over quarter hours."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from chaland.wire.periods import CELL_S, cell_start

COLUMNS = ["time_local", "people"]
PEOPLE_DIGITS_MAX = 5
YEARS = range(1970, 2101)
SPAN_MAX = timedelta(days=400)
"""Longer, one of the dates is a slip: each quarter hour between them would be made."""


class PeopleFileErrorFinal(ValueError):
    """A head-count file can't be read: the message names file, row and field."""


@dataclass(frozen=True, slots=True)
class QuarterHour:
    """The mean number of people over one cell that was watched from end to end."""

    start: datetime
    people: float


def read_people(path: Path, timezone: ZoneInfo) -> list[QuarterHour]:
    """Read change points (local time) and average them over the cells that they cover.

    Raises PeopleFileErrorFinal. Quarter hours before the first and after the last row, or cut by
    them, are left out: nobody watched them whole. Where the clocks go back, a local time means the
    second of its two hours if the first would be earlier than the row before.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            points = list(_points(path, csv.reader(file), timezone))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PeopleFileErrorFinal(f"{path}: can't be read as CSV in UTF-8 ({error}).") from None
    return list(_quarter_hours(points))


def _points(
    path: Path, rows: Iterator[list[str]], timezone: ZoneInfo
) -> Iterator[tuple[datetime, float]]:
    header = next(rows, [])
    if header != COLUMNS:
        raise PeopleFileErrorFinal(
            f"{path}, row 1: the columns must be {','.join(COLUMNS)}; found {','.join(header)}."
        )
    first = last = None
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != len(COLUMNS):
            raise PeopleFileErrorFinal(
                f"{path}, row {number}: {len(row)} values, {len(COLUMNS)} needed."
            )
        try:
            instant, people = _instant(row[0], timezone, last), _people(row[1])
        except _FieldError as error:
            raise PeopleFileErrorFinal(f"{path}, row {number}, {error}") from None
        first, last = first or instant, instant
        if last - first > SPAN_MAX:
            raise PeopleFileErrorFinal(
                f"{path}, row {number}, time_local: {row[0]!r} is more than {SPAN_MAX.days} days "
                "after the first row; correct the date, or split the file."
            )
        yield instant, people


class _FieldError(ValueError):
    """What is wrong with a field, beginning with its name."""


def _instant(text: str, timezone: ZoneInfo, last: datetime | None) -> datetime:
    """Return the instant (UTC) of a local time that is not earlier than ``last``."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise _FieldError(
            f"time_local: {text!r} is no time; write it as 2026-03-14 10:15:00."
        ) from None
    if local.year not in YEARS:
        raise _FieldError(f"time_local: {text!r} has a year that no capture is of.")
    if local.tzinfo is None:
        local = local.replace(tzinfo=timezone)
    for fold in (0, 1):  # the hour that the clocks' going back repeats: its first, its second
        instant = local.replace(fold=fold).astimezone(UTC)
        if last is None or instant >= last:
            return instant
    raise _FieldError("time_local: earlier than the row before; sort the rows.")


def _people(text: str) -> float:
    if not text.isascii() or not text.isdigit() or len(text) > PEOPLE_DIGITS_MAX:
        raise _FieldError(f"people: {text!r} is no number of people.")
    return float(text)


def _quarter_hours(points: list[tuple[datetime, float]]) -> Iterator[QuarterHour]:
    if not points:
        return
    cell = timedelta(seconds=CELL_S)
    first, last = points[0][0], points[-1][0]
    start = cell_start(first - timedelta(microseconds=1)) + cell
    spans = list(pairwise(points))
    at = 0
    while start + cell <= last:
        person_s = 0.0
        while at < len(spans) and spans[at][1][0] <= start:
            at += 1
        look = at
        while look < len(spans) and spans[look][0][0] < start + cell:
            (begin, people), (end, _) = spans[look]
            person_s += people * (min(end, start + cell) - max(begin, start)).total_seconds()
            look += 1
        yield QuarterHour(start, person_s / CELL_S)
        start += cell
