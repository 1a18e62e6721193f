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
PEOPLE_MAX = 100_000


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
    them, are left out: nobody watched them whole.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            points = list(_points(path, csv.reader(file), timezone))
    except (OSError, UnicodeDecodeError) as error:
        raise PeopleFileErrorFinal(f"{path}: can't be read as UTF-8 text ({error}).") from None
    return list(_quarter_hours(points))


def _points(
    path: Path, rows: Iterator[list[str]], timezone: ZoneInfo
) -> Iterator[tuple[datetime, float]]:
    header = next(rows, [])
    if header != COLUMNS:
        raise PeopleFileErrorFinal(
            f"{path}, row 1: the columns must be {','.join(COLUMNS)}; found {','.join(header)}."
        )
    last = None
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != len(COLUMNS):
            raise PeopleFileErrorFinal(
                f"{path}, row {number}: {len(row)} values, {len(COLUMNS)} needed."
            )
        try:
            instant = datetime.fromisoformat(row[0])
        except ValueError:
            raise PeopleFileErrorFinal(
                f"{path}, row {number}, time_local: {row[0]!r} is no time; write it as "
                "2026-03-14 10:15:00."
            ) from None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=timezone)
        instant = instant.astimezone(UTC)
        if not row[1].isascii() or not row[1].isdigit() or int(row[1]) > PEOPLE_MAX:
            raise PeopleFileErrorFinal(
                f"{path}, row {number}, people: {row[1]!r} is no number of people."
            )
        if last is not None and instant < last:
            raise PeopleFileErrorFinal(
                f"{path}, row {number}, time_local: earlier than the row before; sort the rows."
            )
        last = instant
        yield instant, float(row[1])


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
