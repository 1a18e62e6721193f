"""What the association sees of all shops: who writes how much, and whose messages tire people."""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chaland.hub.association.access import director_required, required_role
from chaland.hub.common import clock
from chaland.hub.loyalty.figures import selectors as figures
from chaland.hub.loyalty.models.figures import THE_TOWN
from chaland.hub.loyalty.outreach import selectors, values
from chaland.hub.loyalty.outreach.selectors import Tiring
from chaland.hub.loyalty.web.figures import words

PERIODS = (30, 90, 365)
MONTHS = 12
SPAM_PERMILLE = 1.0
"""From so many complaints a thousand on, mail providers begin to refuse (bulk senders’ rules)."""
STOPS_PERCENT = 2.0
"""From so many stops a hundred messages on, a row is marked; our own choice."""
_ENOUGH = 50
"""Fewer messages say nothing of a shop."""


@dataclass(frozen=True, slots=True)
class Row:
    """A shop's line; rates are None where too few messages were sent to say anything."""

    name: str
    of: Tiring
    stops_percent: float | None
    spam_permille: float | None

    @property
    def tires(self) -> bool:
        return (self.stops_percent or 0) >= STOPS_PERCENT or (
            self.spam_permille or 0
        ) >= SPAM_PERMILLE


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the whole town, as its figures are released: what was sent, who joined, and the
    share of purchases that found their member."""

    month: date
    messages: int
    joined: int | None
    attach: words.Told


def _months(association_id: int, zone: ZoneInfo) -> list[Month]:
    """Return the newest released months, the newest first."""
    told = figures.released_months(association_id)[:MONTHS]
    if not told:
        return []
    sent = selectors.sent_by_month(association_id, zone, told[-1], told[0])
    content = figures.released(association_id, THE_TOWN, told[-1], told[0])
    return [
        Month(
            month,
            sent.get(month, 0),
            content[month].get("joined"),
            words.told(content[month]["attach"]["attached"], content[month]["attach"]["receipts"]),
        )
        for month in told
        if content.get(month)
    ]


@director_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show a period's messages, by shop."""
    town, now = required_role(request).association_id, clock.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else PERIODS[0]
    first = now - timedelta(days=days)
    found = selectors.tiring(town, first, now)
    names = values.names_of(town, {each.controller for each in found})
    members = selectors.per_member(town, first, now)
    context = {
        "periods": PERIODS,
        "days": days,
        "rows": [_row(each, names.get(each.controller, "–")) for each in found],
        "members": members,
        "mean": members.messages / members.members if members.members else None,
        "months": _months(town, ZoneInfo(required_role(request).association.timezone)),
        "spam_from": SPAM_PERMILLE,
        "stops_from": STOPS_PERCENT,
    }
    return render(request, "loyalty/outreach/overview.html", context)


def _row(of: Tiring, name: str) -> Row:
    if of.sent < _ENOUGH:
        return Row(name, of, None, None)
    return Row(name, of, 100 * of.stops / of.sent, 1000 * of.complaints / of.sent)
