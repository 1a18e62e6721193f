"""A shop that the association asks to take part in a sale: what waits for its answer, and the offer
that it types, with its proof."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.loyalty.models import PrivateSale
from chaland.hub.loyalty.sales import offers, town
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.web.outreach.scope import Scope, scope_of
from chaland.hub.loyalty.web.sales import offer_rows, planning, shown
from chaland.hub.loyalty.web.sales.pages import visible_sale


@staff_required
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """Show what waits for the shop's answer, if anything: a part of its other pages."""
    return render(request, "loyalty/sales/asked.html")


@staff_required
@require_POST
def look(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Show the proof of the offer that is being typed; nothing is kept."""
    scope = scope_of(request)
    sale = visible_sale(scope, sale_id)
    faults: list[str] = []
    told = planning.read_offers(scope, offer_rows.posted(request.POST), faults)
    found = [offers.made(each, scope.shop_id or 0) for each in told]
    for offer in found:
        offers.check(offer, sale)
    context = {"scope": scope, "faults": faults, "offers": shown.reduced(found)}
    return render(request, "loyalty/sales/proof.html", context)


def typed(request: HttpRequest, scope: Scope, sale: PrivateSale) -> list[OfferIn]:
    """Return the offers that were sent, their prices looked at before the sale is locked.
    ValueError, in words, where one can't be read."""
    faults: list[str] = []
    told = planning.read_offers(scope, offer_rows.posted(request.POST), faults)
    if faults:
        raise ValueError(" ".join(faults))
    found = [offers.made(each, scope.shop_id or 0) for each in told]
    planning.look_ahead(found, town.days_of(sale)[0])
    return told
