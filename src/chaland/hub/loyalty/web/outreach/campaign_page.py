"""One campaign as it goes: live, stopped and taken up again, and what became of each message."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Delivery
from chaland.hub.loyalty.outreach import campaigns, selectors, waiting
from chaland.hub.loyalty.outreach.audience import drawing, segment_words
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.outreach.transitions import LEFT, UNDER_WAY
from chaland.hub.loyalty.web.outreach.listing import said
from chaland.hub.loyalty.web.outreach.scope import (
    Scope,
    campaign_of,
    scope_of,
    tells_of_people,
)

ON_A_PAGE = 50
_State, _Was = Campaign.State, Delivery.State
_LIVE = (_State.SCHEDULED, _State.RUNNING)
_TONES = {
    _Was.DELIVERED: "is-ok", _Was.ACCEPTED: "is-ok", _Was.UNKNOWN: "is-warn",
    _Was.BOUNCED: "is-bad", _Was.FAILED: "is-bad", _Was.HELD: "is-info",
}  # fmt: skip
_WHICH: Mapping[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "": (lambda: _("all"), tuple(_Was.values)),
    "sent": (lambda: _("sent"), LEFT),
    "delivered": (lambda: _("delivered"), (_Was.DELIVERED,)),
    "waiting": (lambda: _("waiting"), UNDER_WAY),
    "failed": (lambda: _("did not arrive"), (_Was.BOUNCED, _Was.FAILED)),
    "not_sent": (lambda: _("not sent"), (_Was.NOT_SENT,)),
    "unknown": (lambda: _("unknown"), (_Was.UNKNOWN,)),
}
_WENT_WRONG = ("failed", "unknown")


@staff_required
@require_safe
def page(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show a campaign; asked by htmx, what moves alone."""
    scope = scope_of(request)
    campaign = campaign_of(scope, campaign_id)
    if campaign.state == _State.DRAFT:
        return redirect("campaign_edit", campaign.pk)
    context = _progress(scope, campaign)
    if request.headers.get("HX-Request"):
        return render(request, "loyalty/outreach/progress.html", context)
    context["texts"] = CampaignText.objects.filter(
        campaign=campaign, channel__in=campaign.channels
    ).order_by("channel", "-language")
    context["criteria"] = segment_words.sentences(campaign)
    return render(request, "loyalty/outreach/campaign.html", context)


def _progress(scope: Scope, campaign: Campaign) -> dict[str, Any]:
    found = selectors.progress(campaign)
    shut = tells_of_people(scope, campaign)
    waits = sum(found.states.get(state, 0) for state in UNDER_WAY)
    why = waiting.why_waits(campaign, clock.now()) if found.waiting else {}
    held_out = found.reasons.get(Delivery.Reason.HELD_OUT, 0)
    return {
        "scope": scope,
        "campaign": campaign,
        "live": campaign.state in _LIVE,
        "can_resume": campaign.state == _State.PAUSED,
        "can_end": campaign.state in (*_LIVE, _State.PAUSED),
        "can_take_back": campaign.state in (_State.SCHEDULED, _State.PAUSED)
        and (campaign.frozen_at is None or bool(campaign.automatic)),
        "shut": shut,
        "due": campaign.send_at is not None and campaign.send_at <= clock.now(),
        "all": said(found.all - held_out, shut=shut),
        "waits": said(waits, shut=shut),
        "done": said(found.all - held_out - waits, shut=shut),
        "bar": (few.fives(found.all - held_out - waits), few.fives(found.all - held_out))
        if shut
        else (found.all - held_out - waits, found.all - held_out),
        "unknown": found.states.get(_Was.UNKNOWN, 0),
        "states": [
            (str(_Was(state).label), said(n, shut=shut), _TONES.get(_Was(state), ""))
            for state in _Was.values
            if (n := found.states.get(state, 0) - (held_out if state == _Was.NOT_SENT else 0))
        ],
        "reasons": [
            (str(Delivery.Reason(reason).label), said(n, shut=shut))
            for reason, n in sorted(found.reasons.items())
        ],
        "waiting": [
            (
                str(Channel(channel).label),
                said(n, shut=shut),
                str(Delivery.Reason(why[channel]).label),
            )
            for channel, n in sorted(found.waiting.items())
            if channel in why
        ],
        "segments": said(found.segments, shut=shut),
        "cost_cents": 0 if shut else -(-found.cost_microcents // 1_000_000),
        "left_out": _left_out(campaign),
    }


def _left_out(campaign: Campaign) -> list[tuple[str, int | None]]:
    """Tell who was left out at the drawing."""
    if campaign.frozen_at is None or campaign.automatic:
        return []
    return [
        (str(reason.label), few.told(campaign.counted.get(str(reason), 0)))
        for reason in drawing.LEFT_OUT
    ]


@staff_required
@require_safe
def people(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """List each person of a campaign: sent, delivered, not sent and why; names masked. Where being
    chosen tells of a person, what went wrong alone, without names."""
    scope = scope_of(request)
    campaign = campaign_of(scope, campaign_id)
    shut = tells_of_people(scope, campaign)
    offered = {name: _WHICH[name] for name in _WENT_WRONG} if shut else _WHICH
    which = request.GET.get("which", "")
    which = which if which in offered else next(iter(offered))
    rows = selectors.people(campaign, scope.shop_id).filter(state__in=_WHICH[which][1])
    listed = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    why = waiting.why_waits(campaign, clock.now())
    context = {
        "scope": scope,
        "campaign": campaign,
        "shut": shut,
        "which": which,
        "whiches": [(name, label()) for name, (label, _states) in offered.items()],
        "page": listed,
        "people": [
            (selectors.told(row, why), _TONES.get(_Was(row.state), ""))
            for row in listed.object_list
        ],
    }
    return render(request, "loyalty/outreach/people.html", context)


@staff_required
@require_POST
def act(request: HttpRequest, campaign_id: int, what: str) -> HttpResponse:
    """Pause, resume, cancel or take back; all of them may be pressed twice."""
    campaign = campaign_of(scope_of(request), campaign_id)
    if what not in _ACTS:
        raise Http404
    try:
        said = _ACTS[what](campaign.pk, clock.now())
    except CampaignErrorFinal as error:
        messages.error(request, str(error))
        return redirect("campaign", campaign.pk)
    messages.success(request, said)
    return redirect("campaign", campaign.pk)


def _paused(campaign_id: int, _now: datetime) -> str:
    campaigns.pause(campaign_id)
    return _("Paused: nothing leaves until you resume.")


def _resumed(campaign_id: int, now: datetime) -> str:
    campaigns.resume(campaign_id, now)
    return _("It goes on with what was not sent; nobody is written to twice.")


def _cancelled(campaign_id: int, now: datetime) -> str:
    campaigns.cancel(campaign_id, now)
    return _("Cancelled: nothing more is sent.")


def _taken_back(campaign_id: int, _now: datetime) -> str:
    campaigns.take_back(campaign_id)
    return _("Taken back: change it, then announce it again.")


_ACTS: Mapping[str, Callable[[int, datetime], str]] = {
    "pause": _paused,
    "resume": _resumed,
    "cancel": _cancelled,
    "take-back": _taken_back,
}
