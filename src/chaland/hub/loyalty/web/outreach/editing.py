"""One page from the idea to the button: whom, by which way, what it says, when."""

import json
from datetime import datetime
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel
from chaland.hub.loyalty.outreach import automatic_texts, campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.web.outreach import checks, criteria, drafts, samples
from chaland.hub.loyalty.web.outreach.drafts import Draft
from chaland.hub.loyalty.web.outreach.scope import Scope, campaign_of, scope_of

framed = csp(
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "frame-ancestors": [SELF],
        "form-action": [NONE],
        "base-uri": [NONE],
        "sandbox": True,
    }
)
"""Of a mail shown in a frame: its own styles, and nothing else: no script, no address, no form."""


@staff_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show the page; keep what is sent (htmx sends it at each pause in typing), and with
    ``do=send`` announce it."""
    scope, now = scope_of(request), clock.now()
    campaign = campaign_of(scope, campaign_id)
    if campaign.state != Campaign.State.DRAFT:
        return _elsewhere(request, campaign)
    if request.method == "GET":
        return _page(request, scope, campaign, drafts.of(campaign, scope.zone, now), [])
    draft = drafts.posted(request.POST)
    with transaction.atomic(using="loyalty"):  # an older save can't come in between
        faults = drafts.save(campaign, draft)
        if request.POST.get("do") == "send" and not faults:
            faults = _announced(campaign, draft.send_at(scope.zone, now), now)
    if request.headers.get("HX-Request"):
        context = _checked(scope, campaign, draft, faults)
        return render(request, "loyalty/outreach/checks.html", context)
    if faults:
        return _page(request, scope, campaign, draft, faults)
    if request.POST.get("do") == "send":
        messages.success(request, _said(campaign))
        return redirect("campaign", campaign.pk)
    messages.success(request, _("Saved."))
    return redirect("campaign_edit", campaign.pk)


def _elsewhere(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Lead to a campaign that was announced, maybe in another window."""
    answer = redirect("campaign", campaign.pk)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": answer["Location"]})
    return answer


def _announced(campaign: Campaign, send_at: datetime, now: datetime) -> list[str]:
    try:
        campaigns.schedule(campaign.pk, send_at, now)
    except CampaignErrorFinal as error:
        return list(error.reasons)
    return []


def _said(campaign: Campaign) -> str:
    if campaign.automatic:
        return _("Switched on. It goes to who chose it, when its moment comes.")
    return _("Announced. Until its audience is drawn you can take it back.")


def _page(
    request: HttpRequest, scope: Scope, campaign: Campaign, draft: Draft, faults: list[str]
) -> HttpResponse:
    context = {
        **_checked(scope, campaign, draft, faults),
        "draft": draft,
        "ways": [(way, _way(way)) for way in drafts.WAYS],
        "holdouts": [str(n) for n in drafts.HOLDOUTS],
        "choices": list(
            criteria.choices(scope, campaign.criteria if draft.criteria is None else draft.criteria)
        ),
        "texts": [_text(campaign, draft, *pair) for pair in drafts.pairs()],
        "greeted": campaign.automatic in automatic_texts.GREETED,
        "greetings": [(each, draft.greetings.get(each, "")) for each in LANGUAGES],
        "greeting_most": automatic_texts.GREETING_MOST,
        "placeholders": samples.placeholders(),
        "cases": samples.cases(campaign),
    }
    return render(request, "loyalty/outreach/edit.html", context, status=422 if faults else 200)


def _checked(scope: Scope, campaign: Campaign, draft: Draft, faults: list[str]) -> dict[str, Any]:
    now = clock.now()
    return {
        "scope": scope,
        "campaign": campaign,
        "checks": checks.look(scope, campaign, draft.looked_at(scope.zone, now), now),
        "faults": faults,
        "later": draft.at is not None,
    }


def _way(way: str) -> str:
    return {
        "email,sms": _("e-mail, SMS to who has no e-mail"),
        "sms,email": _("SMS, e-mail to who has no mobile"),
        "email": _("e-mail only"),
        "sms": _("SMS only"),
    }[way]


def _text(campaign: Campaign, draft: Draft, channel: str, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "channel": channel,
        "language": language,
        "label": _("French") if language == "fr" else _("English"),
        "words": draft.words.get((channel, language), drafts.Words()),
    }
    if channel == Channel.SMS:
        frame = samples.sms_frame(campaign, language)
        found["frame"] = {
            "stop": frame.stop,
            "cheap": frame.cheap,
            "cents": frame.segment_microcents / 1_000_000,
            "values": json.dumps(frame.values, ensure_ascii=False),
        }
    return found


@staff_required
@require_POST
def discard(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Give up a campaign in preparation."""
    campaign = campaign_of(scope_of(request), campaign_id)
    try:
        campaigns.cancel(campaign.pk, clock.now())
    except CampaignErrorFinal as error:
        messages.error(request, str(error))
        return redirect("campaign", campaign.pk)
    messages.success(request, _("Cancelled: nothing more is sent."))
    return redirect("outreach")


@framed
@xframe_options_sameorigin
@staff_required
@require_safe
def preview(request: HttpRequest, campaign_id: int, language: str) -> HttpResponse:
    """Show a mail as an invented reader gets it (``case``), alone in a page that can do nothing."""
    campaign = campaign_of(scope_of(request), campaign_id)
    if language not in LANGUAGES:
        raise Http404
    text = get_object_or_404(
        CampaignText, campaign=campaign, channel=Channel.EMAIL, language=language
    )
    return HttpResponse(samples.mail(text, campaign, request.GET.get("case", "")).html)
