"""The scope's campaigns with what became of them, and the calendar that all shops share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign, Delivery
from chaland.hub.loyalty.outreach import campaigns, pressure
from chaland.hub.loyalty.outreach.transitions import LEFT
from chaland.hub.loyalty.web.outreach import checks
from chaland.hub.loyalty.web.outreach.scope import (
    Scope,
    campaigns_of,
    scope_of,
    tells_of_people,
)

SHOWN = 50
AHEAD, BEHIND = timedelta(days=28), timedelta(days=3)
_State = Campaign.State
LIVE = (_State.SCHEDULED, _State.RUNNING)


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign with how many messages it has, of them sent, delivered, unknown."""

    campaign: Campaign
    all: int | str
    sent: int | str
    delivered: int | str
    unknown: int


def said(people: int, *, shut: bool) -> int | str:
    """Return a number of people as a page says it: exactly, or where that is shut, in fives."""
    if not shut or not people:
        return people
    told = few.told(people)
    return _("fewer than 10") if told is None else told


def rows_of(scope: Scope, found: Sequence[Campaign]) -> list[Row]:
    """Count several campaigns' deliveries in one read."""
    counts: dict[tuple[int, str], int] = {
        (campaign_id, state): n
        for campaign_id, state, n in Delivery.objects.filter(campaign__in=found)
        .values_list("campaign_id", "state")
        .annotate(n=Count("pk"))
        .order_by()
    }

    def count(campaign: Campaign, *states: str) -> int:
        return sum(counts.get((campaign.pk, state), 0) for state in states)

    return [
        Row(
            each,
            said(count(each, *Delivery.State.values), shut=shut),
            said(count(each, *LEFT), shut=shut),
            said(count(each, Delivery.State.DELIVERED), shut=shut),
            count(each, Delivery.State.UNKNOWN),
        )
        for each in found
        for shut in [tells_of_people(scope, each)]
    ]


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the campaigns; asked by htmx, the table alone."""
    scope, now = scope_of(request), clock.now()
    given_up = Q(state=_State.CANCELLED, send_at=None)
    found = campaigns_of(scope).filter(~given_up, automatic="").order_by("-created_at")[:SHOWN]
    rows = rows_of(scope, list(found))
    context = {"scope": scope, "rows": rows, "live": any(r.campaign.state in LIVE for r in rows)}
    if request.headers.get("HX-Request"):
        return render(request, "loyalty/outreach/rows.html", context)
    planned = pressure.planned(scope.association.pk, now - BEHIND, now + AHEAD)
    context["days"] = _days(checks.shown(scope, planned))
    context["left"] = _left(pressure.members_left(scope.association.pk, now))
    return render(request, "loyalty/outreach/index.html", context)


def _days(others: Sequence[checks.Other]) -> list[tuple[datetime, list[checks.Other]]]:
    """Group the calendar by local day."""
    by_day = groupby(others, key=lambda each: timezone.localtime(each.at).date())
    return [(listed[0].at, listed) for _day, rows in by_day for listed in [list(rows)]]


def _left(members_left: dict[int, int | None]) -> list[tuple[int, int | None]]:
    return sorted(members_left.items(), reverse=True)


@staff_required
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Begin a campaign with what most want, and go to its page."""
    scope, now = scope_of(request), clock.now()
    told = {"day": date_format(timezone.localtime(now), "j F")}
    campaign = campaigns.create(
        scope.association.pk,
        scope.controller,
        name=_("Campaign of %(day)s") % told,
        created_by=scope.actor,
        now=now,
        channels=["email", "sms"],
    )
    return redirect("campaign_edit", campaign.pk)
