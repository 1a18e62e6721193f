"""The period that a page is about, and the days it is compared with, weekday by weekday."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

WEEK = 7
YEAR = 52 * WEEK
"""Last year is 52 weeks ago: the same weekdays, within two days of the same dates."""

DAYS_MAX = 2 * YEAR


class Preset(StrEnum):
    """Periods to pick; a calendar month may be running."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "7d"
    FOUR_WEEKS = "28d"
    MONTH = "month"
    LAST_MONTH = "last-month"
    YEAR = "52w"
    CUSTOM = "custom"


class Span(StrEnum):
    """Calendar periods of flows: a local day, an ISO week (Monday to Sunday), month, quarter."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Against(StrEnum):
    """What a period is compared with."""

    PREVIOUS = "previous"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def shifted(self, days: int) -> "Period":
        return Period(self.first + timedelta(days=days), self.last + timedelta(days=days))

    def dates(self) -> list[date]:
        return [self.first + timedelta(days=i) for i in range(self.days)]

    def compared(self, against: Against) -> "Period":
        """Return the earlier period whose n-th day has the weekday of this one's n-th day.

        The previous period starts as few whole weeks earlier as keep the two apart.
        """
        weeks = -(-self.days // WEEK) * WEEK
        return self.shifted(-max(weeks, YEAR) if against is Against.YEAR else -weeks)

    def before(self, weeks: int) -> "Period":
        """Return the ``weeks`` whole weeks that end the day before this period."""
        return Period(self.first - timedelta(days=weeks * WEEK), self.first - timedelta(days=1))


def preset_period(preset: Preset, today: date) -> Period:
    """Return a preset's days. Weeks end with the last whole day, so that no morning looks weak."""
    yesterday = today - timedelta(days=1)
    month = today.replace(day=1)
    month_end = month - timedelta(days=1)
    periods = {
        Preset.TODAY: Period(today, today),
        Preset.YESTERDAY: Period(yesterday, yesterday),
        Preset.WEEK: Period(today - timedelta(days=WEEK), yesterday),
        Preset.FOUR_WEEKS: Period(today - timedelta(days=4 * WEEK), yesterday),
        Preset.MONTH: Period(month, today),
        Preset.LAST_MONTH: Period(month_end.replace(day=1), month_end),
        Preset.YEAR: Period(today - timedelta(days=YEAR), yesterday),
    }
    return periods.get(preset, periods[Preset.WEEK])


def span_period(span: Span, day: date) -> Period:
    """Return the day, week, month or quarter that holds ``day``."""
    if span is Span.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=WEEK - 1))
    if span in (Span.MONTH, Span.QUARTER):
        months = 3 if span is Span.QUARTER else 1
        first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
        after = (first + timedelta(days=31 * months)).replace(day=1)
        return Period(first, after - timedelta(days=1))
    return Period(day, day)
