"""The member's messages: how many at most, which come by themselves, what came and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery
from chaland.hub.loyalty.outreach import choices, pressure, selectors, values
from chaland.hub.loyalty.outreach.audience import segment_words
from chaland.hub.loyalty.outreach.choices import ChoiceErrorFinal
from chaland.hub.loyalty.outreach.pressure_rules import USUAL
from chaland.hub.loyalty.outreach.transitions import LEFT
from chaland.hub.loyalty.web.account.guard import Holder, member_required

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Message:
    """One message, sent or not, in words."""

    at: datetime
    who: str
    channel: str
    state: str
    reason: str
    sent: bool
    why: Sequence[str]


@member_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Show and change what the member wants to get."""
    if request.method == "POST":
        return _chosen(request, holder)
    context = {
        "association": holder.association,
        "left": pressure.left(holder.member.pk, clock.now()),
        **asked_of(holder.member.pk),
        "messages_of": _messages(holder),
    }
    return render(request, "loyalty/account/messages.html", context)


def asked_of(member_id: int) -> dict[str, Any]:
    """Return what the form of a member's message choices shows."""
    choice = choices.choice_of(member_id)
    return {
        "caps": [
            ("per_week", _("In any week, at most"), _steps(choice.per_week, USUAL.week)),
            ("per_month", _("In any month, at most"), _steps(choice.per_month, USUAL.month)),
        ],
        "automatic": [
            (kind, Campaign.Automatic(kind).label, kind in choice.automatic)
            for kind in choices.AUTOMATIC
        ],
    }


def keep(member_id: int, data: QueryDict) -> None:
    """Keep what the form says. ChoiceErrorFinal where a number is none: what was chosen stays."""

    def cap(name: str, most: int) -> int | None:
        text = data.get(name, "")
        if text not in map(str, range(most + 1)):
            raise ChoiceErrorFinal(_("Choose a number from 0 to %(most)d.") % {"most": most})
        return int(text) if int(text) != most else None

    choices.choose(
        member_id,
        per_week=cap("per_week", USUAL.week),
        per_month=cap("per_month", USUAL.month),
        automatic=data.getlist("automatic"),
    )


def _steps(chosen: int | None, most: int) -> list[tuple[int, bool]]:
    held = most if chosen is None else chosen
    return [(number, number == held) for number in range(most + 1)]


def _messages(holder: Holder) -> list[Message]:
    rows = selectors.messages_of(holder.member, _SHOWN)
    for row in rows:
        row.member = holder.member
    names = values.names_of(holder.association.pk, {row.campaign.controller for row in rows})
    return [_message(row, names.get(row.campaign.controller, "")) for row in rows]


def _message(row: Delivery, who: str) -> Message:
    return Message(
        row.sending_at or row.changed_at,
        who,
        str(row.get_channel_display()),
        str(row.get_state_display()),
        str(row.get_reason_display()) if row.reason else "",
        row.state in LEFT,
        segment_words.why(row),
    )


def _chosen(request: HttpRequest, holder: Holder) -> HttpResponse:
    try:
        keep(holder.member.pk, request.POST)
    except ChoiceErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Kept: your messages follow your choice from now on."))
    return redirect("account_messages")
