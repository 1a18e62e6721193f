"""Figures as words: numbers that their interval leaves meaning, intervals as people say them."""

from datetime import date, datetime, timedelta

from django.utils import formats
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chaland.hub.common import clock
from chaland.hub.footfall import rules
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.figures.totals import Change
from chaland.hub.footfall.rules import Estimate

NARROW = 1.5
"""An interval narrower than this is written with one decimal."""


def number(value: float, decimals: int = 0) -> str:
    """Write a number as the language does: 1 240 or 1,240."""
    return str(formats.number_format(value, decimals, force_grouping=True))


def shown(found: Estimate) -> tuple[Estimate, int]:
    """An estimate as page and file write it, and its decimals: one where the interval is narrow."""
    narrow = found.value > 0 and found.high - found.low < NARROW
    ends = rules.rounded(found, 0.1 if narrow else 1.0)
    return (ends, 1) if narrow else (ends, 0)


def percent_shown(found: Estimate) -> tuple[Estimate, int]:
    """A percentage as page and file write it: whole, unless that would hide the interval."""
    decimals = 1 if round(found.low) == round(found.high) and found.low < found.high else 0
    ends = (round(side, decimals) + 0.0 for side in (found.value, found.low, found.high))
    return Estimate(*ends), decimals


def _hundredfold(share: Estimate) -> Estimate:
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high)


def amount(found: Estimate) -> str:
    """The rounded value: "1 240"."""
    ends, decimals = shown(found)
    return number(ends.value, decimals)


def about(found: Estimate) -> int:
    """The rounded value as a whole number, to choose singular or plural by."""
    return round(shown(found)[0].value)


def between(found: Estimate) -> str:
    """The interval: "between 180 and 240"."""
    ends, decimals = shown(found)
    low, high = number(ends.low, decimals), number(ends.high, decimals)
    return _("between %(low)s and %(high)s") % {"low": low, "high": high}


def percent(share: float | None) -> str:
    """A share as a percentage: "18 %"."""
    if share is None:
        return "–"
    return _("%(number)s%%") % {"number": number(100 * share)}


def percent_amount(found: Estimate) -> str:
    """A share's value as a percentage, with the decimals of its interval."""
    ends, decimals = percent_shown(_hundredfold(found))
    return _("%(number)s%%") % {"number": number(ends.value, decimals)}


def percent_between(found: Estimate) -> str:
    """A share's interval: "between 24 and 31 %"."""
    ends, decimals = percent_shown(_hundredfold(found))
    low, high = number(ends.low, decimals), number(ends.high, decimals)
    if low == high:
        return _("%(number)s%%") % {"number": low}
    return _("between %(low)s and %(high)s%%") % {"low": low, "high": high}


def hundred(share: Estimate) -> str:
    """A share as so many of a hundred: "42"."""
    ends, decimals = percent_shown(_hundredfold(share))
    return number(ends.value, decimals)


def hundred_between(share: Estimate) -> str:
    """Its interval, as so many of a hundred: "between 38 and 46"."""
    ends, decimals = percent_shown(_hundredfold(share))
    low, high = number(ends.low, decimals), number(ends.high, decimals)
    return _("between %(low)s and %(high)s") % {"low": low, "high": high}


def untold(found: Estimate) -> str:
    """What is known of a number that isn't told: "at most 14", or "between 40 and 190"."""
    ends, decimals = shown(found)
    if ends.low > 0:
        return between(found)
    return _("at most %(number)s") % {"number": number(ends.high, decimals)}


def unclear(found: Estimate) -> str:
    """Why a number is not clear enough to be told, by its interval as it is written."""
    ends, _decimals = shown(found)
    return _("could be none") if ends.low <= 0 else _("too uncertain")


def bar(share: Estimate) -> str:
    """A share as the length of a bar out of 100, in SVG's spelling."""
    return f"{100 * min(share.value, 1.0):.1f}"


def minutes(stay: Estimate) -> str:
    """A stay in seconds as minutes: "22 min"."""
    return _("%(number)s min") % {"number": number(stay.value / 60)}


def minutes_between(stay: Estimate) -> str:
    """Its interval: "between 18 and 26 min"."""
    low, high = number(stay.low // 60), number(-(-stay.high // 60))
    return _("between %(low)s and %(high)s min") % {"low": low, "high": high}


def signed(value: float, decimals: int = 0) -> str:
    """A change with its sign: "+12", "−5"."""
    value = round(value, decimals)
    return ("+" if value > 0 else "−" if value < 0 else "") + number(abs(value), decimals)


def change_words(change: Change) -> str:
    """The change in short: "+12 %"."""
    ends, decimals = percent_shown(change.percent)
    return _("%(number)s%%") % {"number": signed(ends.value, decimals)}


def change_between(change: Change) -> str:
    """The change's interval: "between +5 and +19 %"."""
    ends, decimals = percent_shown(change.percent)
    low, high = signed(ends.low, decimals), signed(ends.high, decimals)
    return _("between %(low)s and %(high)s%%") % {"low": low, "high": high}


def direction(change: Change) -> str:
    """Which way a change goes, if its interval leaves no doubt: up, down, flat."""
    if not change.clear:
        return "flat"
    return "up" if change.percent.value > 0 else "down"


def since_then(moment: datetime | None) -> str:
    """How long ago by the hub's own clock (the demo's town has its own): "3 hours"."""
    if moment is None:
        return "–"
    if clock.now() - moment < timedelta(minutes=1):
        return _("less than a minute")
    return str(timesince(moment, clock.now(), depth=1))


def until_then(moment: datetime) -> str:
    """How far ahead by the hub's own clock: "3 hours"."""
    return str(timeuntil(moment, clock.now(), depth=1))


def hour_label(hour: int) -> str:
    """A clock hour as a column's heading: "9 h"."""
    return _("%(hour)sh") % {"hour": hour}


def hour_span(hour: int) -> str:
    """A clock hour from end to end: "15 h–16 h"."""
    return f"{hour_label(hour)}–{hour_label((hour + 1) % 24)}"


def hour_between(hour: int) -> str:
    """The same in a sentence: "between 15 h and 16 h"."""
    ends = {"low": hour_label(hour), "high": hour_label((hour + 1) % 24)}
    return _("between %(low)s and %(high)s") % ends


def weekday_name(weekday: int) -> str:
    return str(WEEKDAYS[weekday])


def weekday_short(weekday: int) -> str:
    return str(WEEKDAYS_ABBR[weekday])


def period_words(period: Period) -> str:
    """A period in full: "14–20 November 2026", in French "du 14 au 20 ...", or one date."""
    if period.first == period.last:
        return full_date(period.first)
    if same_month(period.first, period.last):
        ends = {"first": day_number(period.first), "last": full_date(period.last)}
        return pgettext("days of a month", "%(first)s–%(last)s") % ends
    return pgettext("dates", "%(first)s – %(last)s") % _ends(period)


def period_after(period: Period) -> str:
    """The same after "compared with", which French must word for a day and for a period."""
    if period.first == period.last:
        return pgettext("compared with", "%(day)s") % {"day": full_date(period.first)}
    return pgettext("compared with", "%(period)s") % {"period": period_words(period)}


def _ends(period: Period) -> dict[str, str]:
    first, last = period.first, period.last
    begin = day_and_month(first) if first.year == last.year else full_date(first)
    return {"first": begin, "last": full_date(last)}


def day_and_month(day: date) -> str:
    """A date without its year: "14 November"."""
    return f"{day_number(day)} {formats.date_format(day, 'F')}"


def day_number(day: date) -> str:
    """The day of the month: "14"; French writes the first as "1er"."""
    first = pgettext("the first day of a month", "1")
    return first if day.day == 1 else str(day.day)


def same_month(first: date, last: date) -> bool:
    """Tell whether two days share month and year."""
    return (first.year, first.month) == (last.year, last.month)


def full_date(day: date) -> str:
    """A date in full: "14 November 2026"."""
    return f"{day_and_month(day)} {day.year}"
