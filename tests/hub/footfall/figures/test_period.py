"""Comparison days: the same weekday, always; never a day of the period itself."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.figures.period import Against, Period, Preset, preset_period

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
lengths = st.integers(1, 728)


@given(days, lengths, st.sampled_from(Against))
def test_each_day_is_compared_with_the_same_weekday(
    first: date, length: int, against: Against
) -> None:
    period = Period(first, first + timedelta(days=length - 1))
    other = period.compared(against)
    assert other.days == period.days
    assert [d.weekday() for d in other.dates()] == [d.weekday() for d in period.dates()]
    assert other.last < period.first


@given(days, lengths)
def test_the_previous_period_is_the_nearest_whole_weeks_away(first: date, length: int) -> None:
    period = Period(first, first + timedelta(days=length - 1))
    gap = (period.first - period.compared(Against.PREVIOUS).first).days
    assert gap % 7 == 0
    assert gap - 7 < length <= gap


@given(days, st.integers(1, 364))
def test_last_year_lies_within_two_days_of_the_same_dates(first: date, length: int) -> None:
    other = Period(first, first + timedelta(days=length - 1)).compared(Against.YEAR)
    assert (first - other.first).days == 364


@given(days, st.sampled_from([p for p in Preset if p is not Preset.CUSTOM]))
def test_presets_end_today_at_the_latest(today: date, preset: Preset) -> None:
    period = preset_period(preset, today)
    assert period.first <= period.last <= today


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.WEEK, date(2026, 3, 24), date(2026, 3, 30)),
        (Preset.LAST_MONTH, date(2026, 2, 1), date(2026, 2, 28)),
        (Preset.MONTH, date(2026, 3, 1), date(2026, 3, 31)),
        (Preset.YEAR, date(2025, 4, 1), date(2026, 3, 30)),
    ],
)
def test_presets_by_example(preset: Preset, first: date, last: date) -> None:
    assert preset_period(preset, date(2026, 3, 31)) == Period(first, last)
