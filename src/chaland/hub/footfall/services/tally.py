"""A tally by hand: taps with their times become the mean presence of each quarter hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from chaland.hub.footfall.services.door_rows import SHORTEST, CountRow, RowErrorFinal
from chaland.wire.periods import CELL_S, cell_start

TAPS_MAX = 5_000
LASTS_AT_MOST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Tap:
    """Somebody came in (+1) or went out (-1)."""

    at: datetime
    step: int


def tally_rows(start: datetime, end: datetime, present: int, taps: Sequence[Tap]) -> list[CountRow]:
    """Return a row for each quarter hour of [start, end) that was watched for five minutes or more.

    ``present`` is the number of people there at the start. Mean presence is exact: the time
    integral of the step function of the taps. Raises RowErrorFinal, naming ``present``, where more
    people left than were there.
    """
    if not start < end <= start + LASTS_AT_MOST:
        raise RowErrorFinal("end", _("A tally lasts from five minutes to twelve hours."))
    if len(taps) > TAPS_MAX or any(tap.step not in (-1, 1) for tap in taps):
        raise RowErrorFinal("taps", _("This tally can't be read: start it again."))
    ordered = sorted(taps, key=lambda tap: tap.at)
    if ordered and not (start <= ordered[0].at and ordered[-1].at <= end):
        raise RowErrorFinal("taps", _("A tap lies outside the tally: check the phone's clock."))
    rows = []
    inside = present
    begin = start
    while begin < end:
        finish = min(cell_start(begin) + timedelta(seconds=CELL_S), end)
        here = [tap for tap in ordered if begin <= tap.at < finish]
        mean, inside = _mean_presence(begin, finish, inside, here)
        if finish - begin >= SHORTEST:
            arrivals = sum(tap.step == 1 for tap in here)
            rows.append(CountRow(begin.astimezone(UTC), finish.astimezone(UTC), mean, arrivals))
        begin = finish
    if not rows:
        raise RowErrorFinal("end", _("Count over five minutes at least."))
    return rows


def _mean_presence(
    begin: datetime, finish: datetime, inside: int, taps: Sequence[Tap]
) -> tuple[float, int]:
    person_s = 0.0
    since = begin
    for tap in taps:
        person_s += inside * (tap.at - since).total_seconds()
        inside, since = inside + tap.step, tap.at
        if inside < 0:
            raise RowErrorFinal(
                "present", _("More people left than were there: correct the number at the start.")
            )
    person_s += inside * (finish - since).total_seconds()
    return person_s / (finish - begin).total_seconds(), inside
