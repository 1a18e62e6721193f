"""What a clearing computes: which figures may be shown, dates of banks, references. No Django."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

MEMBERS_MIN = 10
"""Fewer members behind a figure, and it is shown to nobody."""
NOTICE = timedelta(days=14)
"""Between a statement and its direct debit (the rulebook's pre-notification)."""


def shown(cells: Mapping[int, tuple[int, frozenset[int]]]) -> dict[int, int]:
    """Return the cells of a column that may be shown: (amount, members behind it) by row.

    The column's sum is known to its shop, so what is hidden could be found by subtraction: cells
    are hidden, the smallest first, until what is hidden is several cells with enough members.
    """
    rest = dict(sorted(cells.items(), key=lambda cell: (len(cell[1][1]), cell[0])))
    hidden: list[int] = [row for row, (_, members) in rest.items() if len(members) < MEMBERS_MIN]
    for row in rest:
        behind = frozenset().union(*(cells[each][1] for each in hidden))
        if not hidden or (len(hidden) > 1 and len(behind) >= MEMBERS_MIN):
            break
        if row not in hidden:
            hidden.append(row)
    return {row: amount for row, (amount, _) in cells.items() if row not in hidden}


def month_before(day: date) -> date:
    """Return the first day of the month before a day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_after(month: date) -> date:
    """Return the first day of the next month."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def bank_day(day: date) -> date:
    """Return the first day from ``day`` on that T2, the euro's settlement system, is open."""
    while day.weekday() > 4 or _closed(day):
        day += timedelta(days=1)
    return day


def _closed(day: date) -> bool:
    easter = _easter(day.year)
    return (day.month, day.day) in ((1, 1), (5, 1), (12, 25), (12, 26)) or day in (
        easter - timedelta(days=2),
        easter + timedelta(days=1),
    )


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    lunar = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * lunar) // 451
    month, day = divmod(h + lunar - 7 * m + 114, 31)
    return date(year, month, day + 1)


def reference(number: str) -> str:
    """Return a creditor reference (ISO 11649) for a number of letters and digits."""
    plain = "".join(sign for sign in number.upper() if sign.isascii() and sign.isalnum())
    digits = "".join(str(int(sign, 36)) for sign in f"{plain}RF00")
    return f"RF{98 - int(digits) % 97:02d}{plain}"


def digest(before: str, statements: Sequence[Mapping[str, object]]) -> str:
    """Return the digest of a clearing: of its statements and of the clearing before it."""
    told = json.dumps([before, list(statements)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()
