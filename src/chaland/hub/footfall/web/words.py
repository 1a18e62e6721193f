"""Figures as words: numbers that their interval leaves meaning, intervals as people say them."""

from datetime import date

from django.utils import formats
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from chaland.hub.footfall import rules
from chaland.hub.footfall.figures.totals import Change
from chaland.hub.footfall.rules import Estimate


def number(value: float, decimals: int = 0) -> str:
    """Write a number as the language does: 1 240 or 1,240."""
    return str(formats.number_format(value, decimals, force_grouping=True))


def amount(found: Estimate) -> str:
    """The rounded value: "1 240"."""
    return number(rules.rounded(found).value)


def between(found: Estimate) -> str:
    """The interval: "between 180 and 240"."""
    ends = rules.rounded(found)
    return _("between %(low)s and %(high)s") % {"low": number(ends.low), "high": number(ends.high)}


def percent(share: float | None) -> str:
    """A share as a percentage: "18 %"."""
    if share is None:
        return "–"
    return _("%(number)s%%") % {"number": number(100 * share)}


def percent_between(found: Estimate) -> str:
    """A share's interval: "between 24 and 31 %"."""
    low, high = number(100 * found.low), number(100 * found.high)
    if low == high:
        return _("%(number)s%%") % {"number": low}
    return _("between %(low)s and %(high)s%%") % {"low": low, "high": high}


def signed(value: float) -> str:
    """A change with its sign: "+12", "−5"."""
    return ("+" if round(value) > 0 else "−" if round(value) < 0 else "") + number(abs(value))


def change_words(change: Change) -> str:
    """The change in short: "+12 %"."""
    return _("%(number)s%%") % {"number": signed(change.percent.value)}


def change_between(change: Change) -> str:
    """The change's interval: "between +5 and +19 %"."""
    ends = change.percent
    return _("between %(low)s and %(high)s%%") % {
        "low": signed(ends.low) or "0",
        "high": signed(ends.high) or "0",
    }


def direction(change: Change) -> str:
    """Which way a change goes, if its interval leaves no doubt: up, down, flat."""
    if not change.clear:
        return "flat"
    return "up" if change.percent.value > 0 else "down"


def hour_label(hour: int) -> str:
    """A clock hour as a column's heading: "9 h"."""
    return _("%(hour)sh") % {"hour": hour}


def hour_span(hour: int) -> str:
    """A clock hour from end to end: "15 h–16 h"."""
    return f"{hour_label(hour)}–{hour_label((hour + 1) % 24)}"


def weekday_name(weekday: int) -> str:
    return str(WEEKDAYS[weekday])


def weekday_short(weekday: int) -> str:
    return str(WEEKDAYS_ABBR[weekday])


def period_words(period: object) -> str:
    """A period: "from 14 to 20 November 2026", or one date."""
    first, last = period.first, period.last  # type: ignore[attr-defined]
    if first == last:
        return full_date(first)
    begin = formats.date_format(first, "j") if same_month(first, last) else full_date(first)
    return _("from %(first)s to %(last)s") % {"first": begin, "last": full_date(last)}


def same_month(first: date, last: date) -> bool:
    """Tell whether two days share month and year."""
    return (first.year, first.month) == (last.year, last.month)


def full_date(day: date) -> str:
    return str(formats.date_format(day, "DATE_FORMAT"))
