"""No promotional message outside of its hours: ten years of them, with DST nights and holidays."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.hours import (
    USUAL,
    next_allowed,
    opens,
    subdivision_of,
)

ZONES = [ZoneInfo(key) for key in ("Europe/Paris", "Indian/Reunion", "America/Martinique")]
PARIS = ZONES[0]
FIRST, LAST = datetime(2024, 1, 1), datetime(2033, 12, 31)  # noqa: DTZ001  # for hypothesis
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@cache
def days_off(year: int, subdivision: str) -> set[date]:
    return set(holidays.country_holidays("FR", subdiv=subdivision or None, years=year))


def is_legal(at: datetime, channel: str, zone: ZoneInfo, subdivision: str = "") -> bool:
    """The law, said apart from the code: 8:00-21:30; SMS on no Sunday and no public holiday."""
    local = at.astimezone(zone)
    free = channel == "sms" and local.date() in days_off(local.year, subdivision)
    return time(8) <= local.time() < time(21, 30) and local.weekday() != 6 and not free


@pytest.mark.parametrize(
    "zone", [PARIS, *(pytest.param(z, marks=pytest.mark.campaign) for z in ZONES[1:])], ids=str
)
def test_every_hour_of_ten_years_leads_to_a_legal_one(zone: ZoneInfo) -> None:
    """Hour by hour, and so over each DST night and holiday; the answer doesn't pass an allowed
    hour, and asked again there says: now."""
    at, end = FIRST.replace(tzinfo=UTC), LAST.replace(tzinfo=UTC)
    subdivision = subdivision_of(zone)
    before = {channel: at for channel in ("sms", "email")}
    while at < end:
        for channel in ("sms", "email"):
            found = next_allowed(at, channel, zone)
            assert found >= max(at, before[channel])
            if found != before[channel]:  # the rest was looked at already
                local = found.astimezone(zone)
                usual = USUAL[channel]
                assert is_legal(found, channel, zone, subdivision), (at, found)
                assert usual.opens <= local.time() < usual.closes
                assert next_allowed(found, channel, zone) == found
                if found != at:
                    assert next_allowed(found - timedelta(seconds=1), channel, zone) == found
            before[channel] = found
        at += timedelta(hours=1)


@settings(max_examples=200, deadline=None)
@given(
    at=moments,
    channel=st.sampled_from(["sms", "email"]),
    zone=st.sampled_from([*ZONES, ZoneInfo("America/Miquelon"), ZoneInfo("Pacific/Noumea")]),
)
def test_no_moment_in_no_place_leads_out_of_the_law(
    at: datetime, channel: str, zone: ZoneInfo
) -> None:
    assert is_legal(next_allowed(at, channel, zone), channel, zone, subdivision_of(zone))


def paris(*when: int) -> datetime:
    return datetime(*when, tzinfo=PARIS)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("asked", "channel", "answer"),
    [
        (paris(2026, 11, 18, 9, 59), "sms", paris(2026, 11, 18, 10)),
        (paris(2026, 11, 18, 19, 59), "sms", paris(2026, 11, 18, 19, 59)),
        (paris(2026, 11, 18, 20), "sms", paris(2026, 11, 19, 10)),
        (paris(2026, 11, 18, 20), "email", paris(2026, 11, 19, 8)),
        (paris(2026, 11, 21, 21), "sms", paris(2026, 11, 23, 10)),  # Saturday evening: Monday
        (paris(2026, 5, 1, 12), "sms", paris(2026, 5, 2, 10)),  # Labour day
        (paris(2026, 5, 1, 12), "email", paris(2026, 5, 1, 12)),
        (paris(2026, 3, 28, 22), "sms", paris(2026, 3, 30, 10)),  # over the night of 29 March
        (paris(2026, 10, 24, 22), "sms", paris(2026, 10, 26, 10)),  # and of 25 October
    ],
)
def test_hours_that_people_know(asked: datetime, channel: str, answer: datetime) -> None:
    assert next_allowed(asked, channel, PARIS) == answer


def test_an_hour_of_the_day_stays_over_the_change_of_clocks() -> None:
    """A fixed offset from UTC would be an hour off for half of the year."""
    saturday, monday = paris(2026, 10, 24, 10), paris(2026, 10, 26, 10)
    assert monday.astimezone(UTC) - saturday.astimezone(UTC) == timedelta(hours=49)
    assert next_allowed(saturday + timedelta(hours=12), "sms", PARIS) == monday


def test_parts_of_france_have_holidays_of_their_own() -> None:
    good_friday = date(2026, 4, 3)
    noon = datetime.combine(good_friday, time(12), PARIS)
    assert next_allowed(noon, "sms", PARIS) == noon
    assert next_allowed(noon, "sms", PARIS, subdivision_of(PARIS, "67")) > noon
    reunion = ZoneInfo("Indian/Reunion")
    assert subdivision_of(reunion) == "974"
    day = holidays.country_holidays("FR", subdiv="974", years=2027)
    own = sorted(set(day) - set(holidays.country_holidays("FR", years=2027)))
    assert own
    noon = datetime.combine(own[0], time(12), reunion)
    assert next_allowed(noon, "sms", reunion) > noon


def test_what_was_asked_for_comes_on_any_day_and_wakes_nobody() -> None:
    sunday = paris(2026, 11, 22, 12)
    assert opens("sms", False, sunday, "Europe/Paris") == sunday
    assert opens("sms", True, sunday, "Europe/Paris") == paris(2026, 11, 23, 10)
    assert opens("sms", False, paris(2026, 11, 22, 3), "Europe/Paris") == paris(2026, 11, 22, 8)
