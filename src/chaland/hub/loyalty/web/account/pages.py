"""The member's account: what there is, what is known, and all that a member may do with it."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chaland.hub.association import limits
from chaland.hub.common import clock
from chaland.hub.loyalty.account import leaving, links, portable
from chaland.hub.loyalty.consent.services import Decision, record
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.programmes.selectors import open_vouchers
from chaland.hub.loyalty.programmes.words import money
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.services import claim_by_code
from chaland.hub.loyalty.web.account import shown
from chaland.hub.loyalty.web.account.guard import Holder, cookie_name, member_required, remember

CLAIMS_AN_HOUR = 10


@cache_control(no_store=True, private=True)
@require_http_methods(["GET", "POST"])
def open_account(request: HttpRequest, token: str) -> HttpResponse:
    """Open the account by its link. Only the button opens: a link's preview uses nothing up."""
    if request.method == "GET":
        return render(request, "loyalty/account/open.html")
    session = links.open_link(token)
    if session is None:
        return render(request, "loyalty/account/closed.html", {"over": True}, status=403)
    response = redirect("account")
    remember(response, session)
    return response


@member_required
@require_GET
def home(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Show all on one page."""
    names = portable.shop_names(holder.association.pk)
    today = clock.now().astimezone(ZoneInfo(holder.association.timezone)).date()
    vouchers = [
        {"code": v.code, "name": v.name, "worth": money(v.cents) if v.cents else "",
         "shop": names.get(v.shop_id or 0, _("in all shops")), "expires_on": v.expires_on}
        for v in open_vouchers(holder.member.pk, today)
    ]  # fmt: skip
    context = {
        "member": holder.member,
        "association": holder.association,
        "departure": leaving.departure_of(holder.member),
        "paused": holder.member.state == Member.State.PAUSED,
        "places": shown.places(holder.member),
        "holdings": shown.holdings(holder.member, names),
        "vouchers": vouchers,
        "purchases": shown.bought(holder.member, names),
        "consents": shown.consents(holder.member, holder.association, names),
        "looks": shown.looks(holder.member, names),
        "known": shown.known(holder.member, names),
        "all_purchases": shown.PURCHASES,
        "all_looks": shown.LOOKUPS,
    }
    return render(request, "loyalty/account/home.html", context)


@member_required
@require_GET
def purchases(request: HttpRequest, holder: Holder) -> HttpResponse:
    """List all receipts, and all look-ups."""
    names = portable.shop_names(holder.association.pk)
    context = {
        "association": holder.association,
        "purchases": shown.bought(holder.member, names, None),
        "looks": shown.looks(holder.member, names, 1_000),
    }
    return render(request, "loyalty/account/all.html", context)


@member_required
@require_POST
def decide(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Turn one consent on or off; off is as easy as on."""
    given = request.POST.get("given") == "1"
    names = portable.shop_names(holder.association.pk)
    for group in shown.consents(holder.member, holder.association, names):
        for switch in group.switches:
            key = f"{switch.controller}.{switch.purpose}.{switch.channel}"
            if key != request.POST.get("consent"):
                continue
            if given and str(switch.wording_id) != request.POST.get("wording"):
                messages.warning(request, _("The text has changed: read it again, then decide."))
                return redirect("account")
            record(
                holder.member,
                [
                    Decision(
                        switch.controller, switch.purpose, switch.channel, given,
                        switch.wording_id if given else None,
                    )
                ],
                place="member",
                evidence={"link": "account"},
                occurred_at=clock.now(),
            )  # fmt: skip
            text = _("Agreed: %(what)s.") if given else _("Stopped: %(what)s.")
            messages.success(request, text % {"what": f"{switch.title}, {group.name}"})
            return redirect("account")
    messages.error(request, _("There is no such choice any more."))
    return redirect("account")


@member_required
@require_POST
def claim(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Attach a receipt by the code printed on it; ten tries an hour."""
    name = f"account-claims:{holder.member.pk}"
    if not limits.count(name, CLAIMS_AN_HOUR, timedelta(hours=1)):
        messages.error(request, _("Too many tries: wait for an hour, or ask the shop."))
        return redirect("account")
    try:
        taken = claim_by_code(
            holder.association.pk,
            request.POST.get("code", ""),
            holder.member.pk,
            "member",  # no number: the ledger keeps it for good
            clock.now(),
        )
    except ReceiptErrorFinal as error:
        messages.error(request, str(error))
        return redirect("account")
    why = "; ".join(earned.why for earned in taken.earned)
    messages.success(request, _("The receipt is yours. %(why)s") % {"why": why})
    return redirect("account")


@member_required
@require_POST
def pause(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Let the account rest, or take it up again."""
    if request.POST.get("resume") and leaving.departure_of(holder.member) is None:
        members.resume(holder.member)
        messages.success(request, _("Your account is active again."))
    else:
        members.pause(holder.member)
        messages.success(request, _("Your account rests: nothing is earned, sent or shown."))
    return redirect("account")


@member_required
@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Say what leaving does; then leave. Two clicks, and a week to undo it."""
    if request.method == "GET":
        names = portable.shop_names(holder.association.pk)
        context = {
            "association": holder.association,
            "places": shown.places(holder.member),
            "holdings": shown.holdings(holder.member, names),
            "days": leaving.UNDO_FOR.days,
        }
        return render(request, "loyalty/account/leave.html", context)
    leaving.leave(holder.member)
    return redirect("account")


@member_required
@require_POST
def stay(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Undo leaving."""
    leaving.stay(holder.member)
    messages.success(request, _("You are still a member: all is as it was."))
    return redirect("account")


@member_required
@require_GET
def card(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Show the card, to be printed or kept on the phone's screen."""
    qr = segno.make(cards.token(holder.member), error="m").svg_inline(
        scale=6, border=2, dark="#000", light="#fff", svgclass="qr", omitsize=True
    )
    context = {"association": holder.association, "member": holder.member, "qr": mark_safe(qr)}  # noqa: S308
    return render(request, "loyalty/account/card.html", context)


@member_required
@require_GET
def export_json(_request: HttpRequest, holder: Holder) -> HttpResponse:
    """Send all that is known, as JSON."""
    text = json.dumps(portable.everything(holder.member), ensure_ascii=False, indent=2)
    return _file(text, "application/json", "json")


@member_required
@require_GET
def export_csv(_request: HttpRequest, holder: Holder) -> HttpResponse:
    """Send the purchases, as CSV with a byte order mark, which spreadsheets look for."""
    text = portable.purchases_csv(holder.member, timezone.get_current_timezone())
    return _file("\ufeff" + text, "text/csv", "csv")


def _file(text: str, kind: str, ending: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    name = f"chaland-{timezone.localdate():%Y-%m-%d}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@member_required
@require_POST
def sign_out(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Close the account on all devices."""
    links.close(holder.member.pk)
    response = render(request, "loyalty/account/closed.html", {"signed_out": True})
    response.delete_cookie(cookie_name())
    return response
