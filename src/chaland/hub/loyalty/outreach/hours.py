"""When a message may go out, in the recipient's own time (L6). Pure.

They lie within the law's (promotional SMS: the operators' charter, AF2M 2026, 8:00-21:30, no
Sunday, no public holiday), and no setting changes them. Providers shift what comes outside
of their own hours; keeping the strictest calendar here, nothing is left for them to shift.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

SMS, EMAIL = "sms", "email"
_SEARCHED_DAYS = 30
"""No run of Sundays and holidays is as long."""
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a day, from ``opens`` until before ``closes``, and the days on which they hold."""

    opens: time
    closes: time
    sundays: bool = False
    holidays: bool = False


ASKED_FOR = Hours(time(8), time(21, 30), sundays=True, holidays=True)
"""Of what a member asked for (a receipt by link): any day, and nobody is woken."""
USUAL = {
    SMS: Hours(time(10), time(20)),
    EMAIL: Hours(time(8), time(20), holidays=True),
}
"""Of promotional messages, by channel."""
_OWN_HOLIDAYS = {"57": "57", "67": "6AE", "68": "6AE"} | {
    overseas: overseas for overseas in ("971", "972", "973", "974", "976")
}
_OVERSEAS = {
    "America/Guadeloupe": "971",
    "America/Marigot": "MF",
    "America/St_Barthelemy": "BL",
    "America/Martinique": "972",
    "America/Cayenne": "973",
    "America/Miquelon": "PM",
    "Indian/Reunion": "974",
    "Indian/Mayotte": "976",
    "Pacific/Noumea": "NC",
    "Pacific/Tahiti": "PF",
    "Pacific/Wallis": "WF",
}


def next_allowed(
    at: datetime,
    channel: str,
    zone: ZoneInfo,
    subdivision: str = "",
    *,
    asked_for: bool = False,
) -> datetime:
    """Return the first instant from ``at`` on (UTC, aware) at which a message may go; ``at`` itself
    if it may.

    ``zone`` is the town's; ``subdivision`` adds the holidays of a part of France
    (`subdivision_of`). ``asked_for``: a receipt, no promotion.
    """
    held = ASKED_FOR if asked_for else USUAL[channel]
    local = at.astimezone(zone)
    for days in range(_SEARCHED_DAYS):
        day = local.date() + timedelta(days=days)
        if not _open(day, held, subdivision or subdivision_of(zone)):
            continue
        opens, closes = (
            datetime.combine(day, clock, zone).astimezone(UTC)
            for clock in (held.opens, held.closes)
        )
        if at < closes:
            return max(at.astimezone(UTC), opens)
    raise ValueError(f"no day within {_SEARCHED_DAYS} on which a message may go")


def subdivision_of(zone: ZoneInfo, department: str = "") -> str:
    """Return the part of France that has holidays of its own, as a department (INSEE code) or a
    time zone says it; empty for all the rest."""
    return _OWN_HOLIDAYS.get(department) or _OVERSEAS.get(zone.key, "")


def _open(day: date, hours: Hours, subdivision: str) -> bool:
    if day.weekday() == _SUNDAY and not hours.sundays:
        return False
    return hours.holidays or day not in _holidays(day.year, subdivision)


@cache
def _holidays(year: int, subdivision: str) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", subdiv=subdivision or None, years=year))


def opens(
    channel: str, promotional: bool, now: datetime, timezone: str, subdivision: str = ""
) -> datetime:
    """Return ``now`` where a message may go, else when it may; as the queue asks it."""
    return next_allowed(now, channel, ZoneInfo(timezone), subdivision, asked_for=not promotional)
