"""Loyalty figures as people read them, in the page's language."""

from dataclasses import dataclass
from datetime import date

from django.utils import formats
from django.utils.translation import gettext as _

from chaland.hub.loyalty.figures import rules
from chaland.hub.loyalty.programmes.words import MINUS

DECIMALS_BELOW = 0.1
"""Shares under ten per cent have one decimal."""
NARROW = 0.03
"""So have the ends of a narrow interval."""


def number(value: float, decimals: int = 0) -> str:
    """Write a number: 1 240 or 1,240."""
    return str(formats.number_format(value, decimals, force_grouping=True))


def percent(share: float | None) -> str:
    """Write a share as a percentage; a dash for none."""
    if share is None:
        return "–"
    decimals = 1 if 0 < share < DECIMALS_BELOW else 0
    return _("%(number)s%%") % {"number": number(100 * share, decimals)}


@dataclass(frozen=True)
class Told:
    """A share as pages say it, never without its sample; ``text`` is empty where that is too small
    to tell it. ``low`` and ``high`` bound it, of a hundred; ``bar`` is its length in per cent."""

    sample: str
    text: str = ""
    low: str = ""
    high: str = ""
    range: str = ""
    bar: str = "0"


def told(some: int, of: int) -> Told:
    """Write so many of a sample."""
    share = rules.share(some, of)
    if share is None:
        return Told(number(of))
    narrow = share.high < DECIMALS_BELOW or share.high - share.low < NARROW
    low, high = (number(100 * end, 1 if narrow else 0) for end in (share.low, share.high))
    return Told(
        sample=number(of),
        text=percent(share.value),
        low=low,
        high=high,
        range=_("%(low)s to %(high)s%%") % {"low": low, "high": high},
        bar=f"{100 * share.value:.1f}",
    )


def hundred(share: float | None) -> str:
    """Write a share as so many of a hundred."""
    return "–" if share is None else number(100 * share)


def euros(cents: float) -> str:
    """Write an amount in whole euro."""
    whole = round(cents / 100)
    return (MINUS if whole < 0 else "") + _("€%(number)s") % {"number": number(abs(whole))}


def rough_euros(cents: float) -> str:
    """Write an estimated amount with two meaningful figures: no more are known."""
    whole = round(cents / 100)
    return euros(100 * round(whole, 2 - len(str(abs(whole)))))


def month_name(month: date) -> str:
    """Write a month: "October 2026"."""
    return formats.date_format(month, "F Y")


def short_month(month: date) -> str:
    """Write a month as a chart's axis needs it."""
    return formats.date_format(month, "M y")


def hour_span(hour: int) -> str:
    """Write an hour of the day: "from 9 to 10"."""
    return _("%(hour)s:00 to %(next)s:00") % {"hour": hour, "next": hour + 1}
