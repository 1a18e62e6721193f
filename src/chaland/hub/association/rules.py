"""Opening hours as plain values: reading them as people write them, checking and copying them.

A week is a tuple of seven days (Monday first), a day a tuple of `Opening` in order of time. An
opening that closes at or before it opens runs past midnight; storage splits it at midnight.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from itertools import pairwise

MIDNIGHT = time(0, 0)
LAST_MINUTE = time(23, 59)
"""A day's end in storage: a time of day can't say 24:00."""
LATEST_CLOSING = time(4, 0)
"""The local day ends here, so no shop stays open past it in one go."""
OPENINGS_PER_DAY = 4


@dataclass(frozen=True, order=True, slots=True)
class Opening:
    """One opening of a day; ``closes <= opens`` means that it runs past midnight."""

    opens: time
    closes: time

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


Day = tuple[Opening, ...]
Week = tuple[Day, Day, Day, Day, Day, Day, Day]
CLOSED_WEEK: Week = ((), (), (), (), (), (), ())


class HoursReason(StrEnum):
    """Why hours can't be taken as they are."""

    UNREADABLE = "unreadable"
    NO_SUCH_TIME = "no-such-time"
    HALF_GIVEN = "half-given"
    OVERLAP = "overlap"
    TOO_MANY = "too-many"
    TOO_LATE = "too-late"


class HoursErrorFinal(ValueError):
    """Hours that must be corrected; ``reason`` says why, ``text`` repeats the part concerned."""

    def __init__(self, reason: HoursReason, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason
        self.text = text


_TO = r"(?:-|–|—|à|a|to)"
# "12h 14h-19h": what follows the first h are not its minutes when an h or a dash follows them.
_OPENS = r"(\d{1,2})\s*(?:[:hH.]\s*(?:(\d{2})(?!\d|\s*[:hH.]))?)?"
_CLOSES = rf"(\d{{1,2}})\s*(?:[:hH.]\s*(?:(\d{{2}})(?!\d|\s*[:hH.]|\s*{_TO}))?)?"
_OPENING = re.compile(rf"{_OPENS}\s*{_TO}\s*{_CLOSES}", re.IGNORECASE)
_ONE_TIME = re.compile(r"(\d{1,2})\s*(?:[:hH.]?\s*(\d{2})|[hH:.])?")
_BETWEEN = re.compile(r"(?:[\s,;/+&|]|et|and|puis|de|from)*", re.IGNORECASE)
_CLOSED = {"", "-", "–", "—", "x", "ferme", "fermé", "fermée", "closed", "non", "no"}


def _time_of(hour: str, minute: str | None, text: str) -> time:
    if int(hour) == 24 and int(minute or 0) == 0:
        return MIDNIGHT
    try:
        return time(int(hour), int(minute or 0))
    except ValueError:
        raise HoursErrorFinal(HoursReason.NO_SUCH_TIME, text) from None


def parse_time(text: str) -> time:
    """Read one time of day as people type it: ``9``, ``930``, ``9h30``, ``24:00``."""
    match = _ONE_TIME.fullmatch(text.strip())
    if match is None:
        raise HoursErrorFinal(HoursReason.NO_SUCH_TIME, text)
    return _time_of(match[1], match[2], text)


def parse_day(text: str) -> Day:
    """Read a day's hours as people write them: ``9h-12h30, 14h-19h``, ``09:00-19:00``, ``fermé``.

    HoursErrorFinal where anything in the text is not understood: nothing is skipped.
    """
    text = text.strip()
    if text.casefold() in _CLOSED:
        return ()
    openings = []
    position = 0
    for match in _OPENING.finditer(text):
        if not _BETWEEN.fullmatch(text, position, match.start()):
            raise HoursErrorFinal(HoursReason.UNREADABLE, text)
        opens = _time_of(match[1], match[2], match[0])
        openings.append(Opening(opens, _time_of(match[3], match[4], match[0])))
        position = match.end()
    if not openings or not _BETWEEN.fullmatch(text, position):
        raise HoursErrorFinal(HoursReason.UNREADABLE, text)
    return checked_day(openings)


def checked_day(openings: Iterable[Opening]) -> Day:
    """Return a day's openings in order; HoursErrorFinal where they overlap or run too late."""
    day = tuple(sorted(openings))
    if len(day) > OPENINGS_PER_DAY:
        raise HoursErrorFinal(HoursReason.TOO_MANY, format_day(day))
    for opening in day:
        if opening.closes <= opening.opens and opening.closes > LATEST_CLOSING:
            raise HoursErrorFinal(HoursReason.TOO_LATE, str(opening))
    for earlier, later in pairwise(day):
        if earlier.closes <= earlier.opens or later.opens < earlier.closes:
            raise HoursErrorFinal(HoursReason.OVERLAP, format_day((earlier, later)))
    return day


def checked_week(days: Sequence[Day]) -> Week:
    """Return the seven days; HoursErrorFinal where a night runs into the next day's opening."""
    if len(days) != 7:
        raise ValueError("a week has seven days")
    for number, day in enumerate(days):
        late = day[-1] if day and day[-1].closes <= day[-1].opens else None
        tomorrow = days[(number + 1) % 7]
        if late and tomorrow and tomorrow[0].opens < late.closes:
            raise HoursErrorFinal(HoursReason.OVERLAP, f"{late}, {tomorrow[0]}")
    return (days[0], days[1], days[2], days[3], days[4], days[5], days[6])


def format_day(day: Day) -> str:
    """Write a day so that `parse_day` reads it back: ``09:00-12:30 14:00-19:00``."""
    return " ".join(map(str, day))


def split_at_midnight(week: Week) -> list[tuple[int, Opening]]:
    """Return (weekday, opening) pairs for storage, where each closes later than it opens."""
    stored = []
    for weekday, day in enumerate(week):
        for opening in day:
            if opening.closes > opening.opens:
                stored.append((weekday, opening))
                continue
            stored.append((weekday, Opening(opening.opens, LAST_MINUTE)))
            if opening.closes > MIDNIGHT:
                stored.append(((weekday + 1) % 7, Opening(MIDNIGHT, opening.closes)))
    return sorted(stored)


def join_at_midnight(stored: Iterable[tuple[int, Opening]]) -> Week:
    """Undo `split_at_midnight`: what runs past midnight becomes one opening again."""
    days: list[list[Opening]] = [[] for _ in range(7)]
    for weekday, opening in sorted(stored):
        days[weekday].append(opening)
    for weekday, day in enumerate(days):
        if not (day and day[-1].closes == LAST_MINUTE):
            continue
        tomorrow = days[(weekday + 1) % 7]
        closes = MIDNIGHT
        if tomorrow and tomorrow[0].opens == MIDNIGHT and tomorrow[0].closes <= LATEST_CLOSING:
            closes = tomorrow.pop(0).closes
        day[-1] = Opening(day[-1].opens, closes)
    return checked_week([tuple(day) for day in days])


def copy_day_forward(week: Week, weekday: int) -> Week:
    """Copy a day's hours to the days after it, up to Saturday; a Sunday is never filled by copy."""
    days = [week[weekday] if weekday < number <= 5 else day for number, day in enumerate(week)]
    return (days[0], days[1], days[2], days[3], days[4], days[5], days[6])
