"""An invitation as its member reads it: when, where, what is reduced, and a place by one tap.

The code is the proof, and may be in anybody's hand: the page names nobody, and looking at it does
nothing. Wrong codes are counted.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from chaland.hub.association import limits
from chaland.hub.association.models import Association, Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Invitation, PrivateSale, Slot
from chaland.hub.loyalty.sales import codes, services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.web.sales import shown

_State = Invitation.State
_NONE = "loyalty/sales/no_invitation.html"


@cache_control(no_store=True, private=True)
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Show an invitation; POST books a slot, waits for it, gives it back, or declines."""
    try:
        found = codes.invitation_of(code, f"address:{limits.address_of(request)}")
    except SaleErrorFinal as error:
        return _quiet(render(request, _NONE, {"why": error}, status=429))
    if found is None:
        return _quiet(render(request, _NONE, status=404))
    association = Association.objects.get(pk=found.sale.association_id)
    timezone.activate(association.timezone)
    with override(_language(request, found)):
        if request.method == "POST":
            _act(request, found)
            return _quiet(redirect("invitation", codes.code_of(found)))
        return _quiet(render(request, "loyalty/sales/invitation.html", _page(found, association)))


def _quiet(response: HttpResponse) -> HttpResponse:
    """Keep the page out of search engines."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _language(request: HttpRequest, found: Invitation) -> str | None:
    """Return the member's language, unless this browser has chosen one (None)."""
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    return None if chosen or found.member is None else found.member.language


def _act(request: HttpRequest, found: Invitation) -> None:
    doing: Mapping[str, Callable[[], Invitation]] = {
        "book": lambda: services.book(found.pk, _slot_id(request)),
        "give_back": lambda: services.give_back(found.pk),
        "decline": lambda: services.decline(found.pk),
    }
    act = doing.get(request.POST.get("do", ""))
    if act is None:
        return
    try:
        now = act()
    except SaleErrorFinal as error:
        messages.error(request, str(error))
        return
    said = {
        _State.BOOKED: _("Your place is kept."),
        _State.QUEUED: _(
            "You are on the list. A place that is given back becomes yours: look here again."
        ),
        _State.OPEN: _("Your place is given back."),
        _State.DECLINED: _("Noted: you don’t come. You can still change your mind here."),
        _State.ARRIVED: _("You were there already."),
    }
    messages.success(request, said[_State(now.state)])


def _slot_id(request: HttpRequest) -> int | None:
    typed = request.POST.get("slot", "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 18 else None


def _page(found: Invitation, association: Association) -> dict[str, Any]:
    sale, now = found.sale, clock.now()
    agreed = list(sale.shops.exclude(agreed_at=None).values_list("shop_id", flat=True))
    names = dict(Shop.objects.filter(pk__in=agreed).values_list("pk", "name"))
    open_now = sale.state == PrivateSale.State.OPEN and now < sale.ends_at
    return {
        "association_shown": association,
        "invitation": found,
        "sale": sale,
        "dates": shown.dates(sale),
        "open": open_now,
        "cancelled": sale.state == PrivateSale.State.CANCELLED,
        "code": codes.code_of(found),
        "qr": _qr(found) if open_now else "",
        "shops": [
            (names[pk], shown.priced(sale, pk)) for pk in sorted(names, key=names.__getitem__)
        ],
        "slots": [_slot(slot, found, now) for slot in sale.slots.all()],
    }


def _slot(slot: Slot, found: Invitation, now: datetime) -> dict[str, Any]:
    return {
        "slot": slot,
        "mine": found.slot_id == slot.pk,
        "full": slot.taken >= slot.capacity,
        "over": slot.ends_at <= now,
    }


def _qr(invitation: Invitation) -> SafeString:
    svg = segno.make(settings.PUBLIC_ORIGIN + codes.path_of(invitation), error="m").svg_inline(
        scale=6, border=2, dark="#000", light="#fff", svgclass="qr", omitsize=True
    )
    return mark_safe(svg)  # noqa: S308  # our own drawing
