"""Opening hours: read as people write them, checked, copied, stored and joined again."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.association.rules import (
    CLOSED_WEEK,
    HoursErrorFinal,
    HoursReason,
    Opening,
    Week,
    checked_week,
    copy_day_forward,
    format_day,
    join_at_midnight,
    parse_day,
    parse_time,
    split_at_midnight,
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9h-12h30, 14h-19h", "09:00-12:30 14:00-19:00"),
        ("9:30–12:30 / 14:00–19:00", "09:30-12:30 14:00-19:00"),
        ("de 9h à 12h et de 14 h 15 à 19 h", "09:00-12:00 14:15-19:00"),
        ("14h-19h 9h-12h", "09:00-12:00 14:00-19:00"),
        ("9.30 to 17.45", "09:30-17:45"),
        ("9h-12h 14h-19h", "09:00-12:00 14:00-19:00"),
        ("9h-12h 14-19", "09:00-12:00 14:00-19:00"),
        ("9-12 14-19", "09:00-12:00 14:00-19:00"),
        ("9 h 00 - 12 h 30 14 h 00 - 19 h 15", "09:00-12:30 14:00-19:15"),
        ("18h-2h", "18:00-02:00"),
        ("0h-24h", "00:00-00:00"),
        ("Fermé", ""),
        ("", ""),
        (" - ", ""),
    ],
)
def test_hours_as_people_write_them(text: str, said: str) -> None:
    assert format_day(parse_day(text)) == said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("matin", HoursReason.UNREADABLE),
        ("9h-12h sauf vacances", HoursReason.UNREADABLE),
        ("9h-12h-19h", HoursReason.UNREADABLE),
        ("9h", HoursReason.UNREADABLE),
        ("9h-25h", HoursReason.NO_SUCH_TIME),
        ("9h75-12h", HoursReason.NO_SUCH_TIME),
        ("9h-14h 13h-19h", HoursReason.OVERLAP),
        ("19h-9h", HoursReason.TOO_LATE),
        ("20h-2h 22h-23h", HoursReason.OVERLAP),
        ("1h-2h 3h-4h 5h-6h 7h-8h 9h-10h", HoursReason.TOO_MANY),
    ],
)
def test_what_is_not_understood_is_refused_with_its_reason(text: str, reason: HoursReason) -> None:
    with pytest.raises(HoursErrorFinal) as raised:
        parse_day(text)
    assert raised.value.reason == reason


@given(st.text(max_size=60))
def test_any_text_gives_hours_or_a_reason(text: str) -> None:
    try:
        day = parse_day(text)
    except HoursErrorFinal:
        return
    assert parse_day(format_day(day)) == day


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9", time(9)),
        ("930", time(9, 30)),
        ("9h30", time(9, 30)),
        ("0905", time(9, 5)),
        ("24:00", time(0)),
    ],
)
def test_one_time(text: str, expected: time) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "midi", "25", "9:60", "9:3", "12345", "-9"])
def test_no_such_time(text: str) -> None:
    with pytest.raises(HoursErrorFinal):
        parse_time(text)


minutes = st.integers(0, 24 * 60 - 2).map(lambda m: time(m // 60, m % 60))


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Sound weeks, some with nights that run into the next day."""
    days = []
    for _ in range(7):
        times = sorted(draw(st.sets(minutes, max_size=4)))
        days.append(tuple(Opening(a, b) for a, b in zip(times[::2], times[1::2], strict=False)))
    night = draw(st.integers(0, 6))
    if not days[night] and not days[(night + 1) % 7]:
        days[night] = (Opening(time(18), draw(st.sampled_from([time(0), time(2), time(4)]))),)
    return checked_week(days)


def openings_on_the_clock(week: Week) -> set[int]:
    """The minutes of the week in which the shop is open."""
    opened = set()
    for weekday, day in enumerate(week):
        for opening in day:
            start = weekday * 1440 + opening.opens.hour * 60 + opening.opens.minute
            end = weekday * 1440 + opening.closes.hour * 60 + opening.closes.minute
            if opening.closes <= opening.opens:
                end += 1440
            opened |= {minute % (7 * 1440) for minute in range(start, end)}
    return opened


@given(weeks())
def test_storing_at_midnight_loses_nothing(week: Week) -> None:
    stored = split_at_midnight(week)
    assert all(opening.opens < opening.closes for _, opening in stored)
    assert openings_on_the_clock(join_at_midnight(stored)) == openings_on_the_clock(week)


def test_a_day_is_copied_to_the_days_after_it_but_never_to_sunday() -> None:
    monday, sunday = parse_day("10h-12h"), parse_day("9h-13h")
    week: Week = (monday, (), (), parse_day("8h-9h"), (), (), sunday)
    assert copy_day_forward(week, 0) == (*[monday] * 6, sunday)
    assert copy_day_forward(week, 3)[2] == ()
    assert copy_day_forward(CLOSED_WEEK, 2) == CLOSED_WEEK


def test_a_night_that_runs_into_the_next_opening_is_refused() -> None:
    with pytest.raises(HoursErrorFinal):
        checked_week([parse_day("20h-3h"), parse_day("2h-5h"), (), (), (), (), ()])
