"""The list of private sales, and the page of each: live while it runs, its debrief afterwards."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Invitation, PrivateSale
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.sales import selectors, services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.web.outreach.scope import Scope, campaigns_of, scope_of
from chaland.hub.loyalty.web.sales import debriefs, planning, plans, shown

_AHEAD, _BEHIND = timedelta(days=92), timedelta(days=366)
_STATE = PrivateSale.State


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list; ``open``: its page is there for who looks."""

    planned: selectors.Planned
    shops: list[str]
    open: bool


def visible_sale(scope: Scope, sale_id: int) -> PrivateSale:
    """Return a sale of the shop's own or that asked it, or of the association's; Http404 for any
    other. A director opens shops' sales too, with what may leave them."""
    sale = selectors.sale_of(scope.association.pk, sale_id, scope.shop_id)
    if sale is None:
        raise Http404
    return sale


def own_sale(scope: Scope, sale_id: int) -> PrivateSale:
    """Return a sale that the scope may change; Http404 for any other."""
    sale = visible_sale(scope, sale_id)
    if sale.shop_id != scope.shop_id:
        raise Http404
    return sale


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List what runs, comes and is over: one's own, and what the town has announced."""
    scope, now = scope_of(request), clock.now()
    names = dict(Shop.objects.filter(association=scope.association).values_list("pk", "name"))
    openable = set(
        selectors.visible(scope.association.pk, scope.shop_id).values_list("pk", flat=True)
    )
    found = selectors.calendar(scope.association.pk, now - _BEHIND, now + _AHEAD, scope.shop_id)
    rows = [
        Row(each, [names[pk] for pk in each.shop_ids if pk in names], each.sale_id in openable)
        for each in found
    ]
    live = [row for row in rows if row.planned.state == _STATE.OPEN]
    context = {
        "scope": scope,
        "draft": [row for row in rows if row.planned.state == _STATE.DRAFT],
        "running": [row for row in live if row.planned.starts_at <= now < row.planned.ends_at],
        "coming": [row for row in live if row.planned.starts_at > now],
        "over": [row for row in reversed(rows) if row.planned.ends_at <= now and row.open],
        "asked": _asked(scope),
    }
    return render(request, "loyalty/sales/index.html", context)


def _asked(scope: Scope) -> list[PrivateSale]:
    """List the association's sales that wait for this shop's answer."""
    if scope.shop_id is None:
        return []
    return list(
        selectors.visible(scope.association.pk, scope.shop_id)
        .filter(
            shop_id__isnull=True, state__in=(_STATE.DRAFT, _STATE.OPEN),
            shops__shop_id=scope.shop_id, shops__agreed_at__isnull=True, ends_at__gt=clock.now(),
        )
    )  # fmt: skip


@staff_required
@require_safe
def page(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Show a sale; asked by htmx, its live part alone."""
    scope = scope_of(request)
    sale = visible_sale(scope, sale_id)
    context = _page(scope, sale)
    live = request.headers.get("HX-Request")
    template = "loyalty/sales/live.html" if live else "loyalty/sales/sale.html"
    return render(request, template, context)


def _page(scope: Scope, sale: PrivateSale) -> dict[str, Any]:
    now = clock.now()
    own = sale.shop_id == scope.shop_id
    exact = own or sale.shop_id is None
    counts = selectors.counts(sale)
    part = selectors.counts(sale, scope.shop_id) if scope.shop_id and sale.shop_id is None else None
    there = sale.shops.filter(shop_id=scope.shop_id or 0).first()
    names = dict(Shop.objects.filter(association=scope.association).values_list("pk", "name"))
    offers = sale.offers.order_by("shop_id", "pk")
    if scope.shop_id is not None:
        offers = offers.filter(shop_id=scope.shop_id)
    shops = [(names.get(s.shop_id, "–"), s) for s in sale.shops.all()]
    return {
        "scope": scope,
        "sale": sale,
        "own": own,
        "dates": shown.dates(sale),
        "runs": sale.state == _STATE.OPEN and sale.starts_at <= now < sale.ends_at,
        "changeable": sale.state in (_STATE.DRAFT, _STATE.OPEN) and sale.ends_at > now,
        "counts": counts if own or (exact and scope.shop is None) else selectors.told(counts),
        "part": part,
        "slots": _slots(sale) if own else [],
        "offers": [(names.get(r.offer.shop_id, "–"), r) for r in shown.reduced(offers)],
        "shops": sorted(shops, key=lambda each: each[0]),
        "there": there,
        "campaigns": campaigns_of(scope).filter(sale=sale).order_by("pk"),
        "what": planning.choices(scope) if there and sale.shop_id is None else [],
        "debrief": debriefs.shown_to(sale, scope, names, now),
    }


def _slots(sale: PrivateSale) -> list[dict[str, Any]]:
    waiting = Invitation.objects.filter(sale=sale, state=Invitation.State.QUEUED)
    queue = list(waiting.values_list("slot_id", flat=True))
    return [{"slot": slot, "queued": queue.count(slot.pk)} for slot in sale.slots.all()]


@staff_required
@require_POST
def act(request: HttpRequest, sale_id: int, what: str) -> HttpResponse:
    """Cancel a sale, change a slot's places, agree to take part or not, add or remove an offer."""
    scope = scope_of(request)
    doing: dict[str, Callable[[HttpRequest, Scope, int], str]] = {
        "cancel": _cancel,
        "places": _places,
        "agree": _agree,
        "refuse": _refuse,
        "offer": _offer,
        "drop": _drop,
    }
    if what not in doing:
        raise Http404
    try:
        said = doing[what](request, scope, sale_id)
    except (SaleErrorFinal, ValueError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("sales") if what == "refuse" else redirect("sale", sale_id)


def _cancel(_request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = own_sale(scope, sale_id)
    services.cancel_sale(sale.pk)
    for campaign in campaigns_of(scope).filter(sale=sale):
        with suppress(CampaignErrorFinal):  # sent already: the page it leads to says so
            campaigns.cancel(campaign.pk, clock.now())
    return _("Cancelled: no further invitation leaves, and the invitations say so.")


def _number(request: HttpRequest, name: str) -> int:
    typed = request.POST.get(name, "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 18):
        raise Http404
    return int(typed)


def _places(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = own_sale(scope, sale_id)
    slot = get_object_or_404(sale.slots, pk=_number(request, "slot"))
    typed = request.POST.get("capacity", "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 9):
        raise SaleErrorFinal("capacity")
    services.set_slot(sale.pk, slot.starts_at, slot.ends_at, int(typed), slot.pk)
    return _("Saved. Who waited moves up.")


def _agree(_request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.agree(sale.pk, scope.shop_id or 0, scope.actor)
    return _("Your shop takes part.")


def _refuse(_request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.remove_shop(sale.pk, scope.shop_id or 0)
    return _("Noted: your shop doesn’t take part.")


def _offer(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    faults: list[str] = []
    planning.set_offers(scope, sale.pk, plans.rows_posted(request.POST), faults)
    if faults:
        raise ValueError(" ".join(faults))
    return _("Saved.")


def _drop(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.remove_offer(sale.pk, scope.shop_id or 0, _number(request, "offer"))
    return _("Removed.")
