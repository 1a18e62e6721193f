"""The list of private sales, and the page of each: live while it runs, its debrief afterwards."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Invitation, PrivateSale
from chaland.hub.loyalty.sales import price_csv, selectors
from chaland.hub.loyalty.web.outreach.scope import Scope, campaigns_of, scope_of
from chaland.hub.loyalty.web.sales import debriefs, planning, shown
from chaland.hub.loyalty.web.sales.offer_rows import OfferRow, posted

_AHEAD, _BEHIND = timedelta(days=92), timedelta(days=366)
_STATE = PrivateSale.State


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list; ``open``: its page is there for who looks; ``asked``: and waits for an
    answer; ``own``: it is the shop's, or the association's, that looks."""

    planned: selectors.Planned
    shops: list[str]
    open: bool
    asked: bool
    own: bool


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
    visible = selectors.visible(scope.association.pk, scope.shop_id)
    openable = dict(visible.values_list("pk", "shop_id"))
    asked = {sale.pk for sale in asked_of(scope)}
    found = selectors.calendar(scope.association.pk, now - _BEHIND, now + _AHEAD, scope.shop_id)
    rows = [
        Row(
            each,
            [names[pk] for pk in each.shop_ids if pk in names],
            each.sale_id in openable,
            asked=each.sale_id in asked,
            own=openable.get(each.sale_id, 0) == scope.shop_id,
        )
        for each in found
    ]
    live = [row for row in rows if row.planned.state == _STATE.OPEN]
    context = {
        "scope": scope,
        "draft": [row for row in rows if row.planned.state == _STATE.DRAFT],
        "running": [row for row in live if row.planned.starts_at <= now < row.planned.ends_at],
        "coming": [row for row in live if row.planned.starts_at > now],
        "over": [row for row in reversed(rows) if row.planned.ends_at <= now and row.open],
    }
    return render(request, "loyalty/sales/index.html", context)


def asked_of(scope: Scope) -> list[PrivateSale]:
    """List the association's sales that wait for this shop's answer."""
    if scope.shop_id is None:
        return []
    return selectors.unanswered(scope.association.pk, scope.shop_id, clock.now())


@staff_required
@require_safe
def page(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Show a sale; asked by htmx, its live part alone."""
    scope = scope_of(request)
    sale = visible_sale(scope, sale_id)
    if request.headers.get("HX-Request"):
        return render(request, "loyalty/sales/live.html", _live(scope, sale))
    return render(request, "loyalty/sales/sale.html", _page(scope, sale))


def typed_wrong(request: HttpRequest, scope: Scope, sale_id: int) -> HttpResponse:
    """Show a sale's page with the offer as it was typed."""
    context = _page(scope, visible_sale(scope, sale_id)) | {"row": posted(request.POST)[0]}
    return render(request, "loyalty/sales/sale.html", context, status=422)


def _live(scope: Scope, sale: PrivateSale) -> dict[str, Any]:
    """Return what moves while a sale runs; a page asks for it every 15 seconds."""
    there = sale.shops.filter(shop_id=scope.shop_id or 0).first()
    counts, part = selectors.counts(sale), None
    if scope.shop_id is None or sale.shop_id != scope.shop_id:
        if there is not None and there.agreed_at is not None:
            part = selectors.counts(sale, scope.shop_id)
        counts = selectors.told(counts, part)
    return {
        "scope": scope,
        "sale": sale,
        "changeable": sale.state in (_STATE.DRAFT, _STATE.OPEN) and sale.ends_at > clock.now(),
        "there": there,
        "counted": scope.shop_id is None or sale.shop_id == scope.shop_id or part is not None,
        "counts": counts,
        "part": part,
        "slots": _slots(sale) if sale.shop_id == scope.shop_id else [],
        "debrief": bool(sale.debrief),
    }


def _page(scope: Scope, sale: PrivateSale) -> dict[str, Any]:
    now, live = clock.now(), _live(scope, sale)
    names = dict(Shop.objects.filter(association=scope.association).values_list("pk", "name"))
    offers = sale.offers.order_by("shop_id", "pk")
    if scope.shop_id is not None:
        offers = offers.filter(shop_id=scope.shop_id)
    shops = [(names.get(s.shop_id, "–"), s) for s in sale.shops.all()]
    asked = live["there"] is not None and sale.shop_id is None
    return {
        **live,
        "own": sale.shop_id == scope.shop_id,
        "dates": shown.dates(sale),
        "runs": sale.state == _STATE.OPEN and sale.starts_at <= now < sale.ends_at,
        "offers": [(names.get(r.offer.shop_id, "–"), r) for r in shown.reduced(offers)],
        "row": OfferRow(),
        "shops": sorted(shops, key=lambda each: each[0]),
        "campaigns": campaigns_of(scope).filter(sale=sale).order_by("pk"),
        "what": planning.choices(scope) if asked else [],
        "debrief": debriefs.shown_to(sale, scope, names, now) if live["counted"] else None,
        "cost": "" if sale.cost_cents is None else price_csv.typed(sale.cost_cents),
    }


def _slots(sale: PrivateSale) -> list[dict[str, Any]]:
    waiting = Invitation.objects.filter(sale=sale, state=Invitation.State.QUEUED)
    queue = list(waiting.values_list("slot_id", flat=True))
    return [{"slot": slot, "queued": queue.count(slot.pk)} for slot in sale.slots.all()]
