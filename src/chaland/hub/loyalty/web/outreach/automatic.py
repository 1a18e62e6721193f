"""Messages that go by themselves: one of a kind, with its text, switched on and off."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.web.outreach.listing import rows_of
from chaland.hub.loyalty.web.outreach.scope import campaigns_of, scope_of

_Kind, _State = Campaign.Automatic, Campaign.State
KINDS = (_Kind.POINTS, _Kind.STAMPS, _Kind.BIRTHDAY, _Kind.RECEIPT)


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the kinds, on or off."""
    scope = scope_of(request)
    found = campaigns_of(scope).exclude(automatic="")
    rows = {row.campaign.automatic: row for row in rows_of(scope, list(found))}
    context = {"scope": scope, "kinds": [_shown(kind, rows.get(kind)) for kind in KINDS]}
    return render(request, "loyalty/outreach/automatic.html", context)


def _shown(kind: Campaign.Automatic, row: Any) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "label": kind.label,
        "about": _about(kind),
        "row": row,
        "on": row is not None and row.campaign.state in (_State.RUNNING, _State.SCHEDULED),
    }


def _about(kind: str) -> str:
    return {
        _Kind.POINTS: _("Once a month, three weeks before points or a purse lapse."),
        _Kind.STAMPS: _("Once a quarter, when at most two stamps are missing."),
        _Kind.BIRTHDAY: _("Once a year, in the month of the birthday."),
        _Kind.RECEIPT: _("After each purchase; no promotion in it, and it counts under no cap."),
    }[Campaign.Automatic(kind)]


@staff_required
@require_POST
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """Prepare a kind with a text to begin with, and go to its page."""
    scope = scope_of(request)
    if kind not in KINDS:
        raise Http404
    there = campaigns_of(scope).filter(automatic=kind).first()
    if there is not None:
        return _opened(there)
    campaign = campaigns.create(
        scope.association.pk,
        scope.controller,
        name=str(_Kind(kind).label).capitalize(),
        created_by=scope.actor,
        now=clock.now(),
        automatic=kind,
        holdout_percent=0,
        channels=["email", "sms"],
    )
    campaigns.write_automatic(campaign.pk, {})
    return redirect("campaign_edit", campaign.pk)


def _opened(campaign: Campaign) -> HttpResponse:
    if campaign.state == _State.DRAFT:
        return redirect("campaign_edit", campaign.pk)
    return redirect("campaign", campaign.pk)


@staff_required
@require_POST
def switch_off(request: HttpRequest, kind: str) -> HttpResponse:
    """Switch a kind off: it goes back into preparation, its text stays."""
    campaign = campaigns_of(scope_of(request)).filter(automatic=kind).exclude(automatic="").first()
    if campaign is None:
        raise Http404
    try:
        if campaign.state == _State.RUNNING:
            campaigns.pause(campaign.pk)
        campaigns.take_back(campaign.pk)
    except CampaignErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Switched off: it goes to nobody any more."))
    return redirect("automatic")
