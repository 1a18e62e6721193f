"""What the page of a private sale does: cancel, copy, places, taking part or not, offers, cost."""

from collections.abc import Callable
from contextlib import suppress

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.sales import price_csv, services, town
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.web.outreach.scope import Scope, campaigns_of, scope_of
from chaland.hub.loyalty.web.sales import copying, guest, pages, planning
from chaland.hub.loyalty.web.sales.pages import own_sale, visible_sale


@staff_required
@require_POST
def act(request: HttpRequest, sale_id: int, what: str) -> HttpResponse:
    """Do what a button of the sale's page says, and say what was done; a line that can't be read
    stays as it was typed."""
    scope = scope_of(request)
    if what == "copy":
        return _copy(request, scope, sale_id)
    doing: dict[str, Callable[[HttpRequest, Scope, int], str]] = {
        "cancel": _cancel,
        "places": _places,
        "agree": _agree,
        "refuse": _refuse,
        "withdraw": _withdraw,
        "offer": _offer,
        "drop": _drop,
        "cost": _cost,
    }
    if what not in doing:
        raise Http404
    try:
        said = doing[what](request, scope, sale_id)
    except (SaleErrorFinal, ValueError) as error:
        messages.error(request, str(error))
        if what in ("agree", "offer"):
            return pages.typed_wrong(request, scope, sale_id)
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


def _copy(request: HttpRequest, scope: Scope, sale_id: int) -> HttpResponse:
    try:
        made = copying.copied(scope, own_sale(scope, sale_id))
    except (SaleErrorFinal, ValueError) as error:
        messages.error(request, str(error))
        return redirect("sale", sale_id)
    messages.success(request, _("Copied, with nobody invited: look over the day and the texts."))
    return redirect("sale_prepare", made.pk)


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


def _agree(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    told = guest.typed(request, scope, sale)
    planning.look_ahead(sale.offers.filter(shop_id=scope.shop_id or 0), town.days_of(sale)[0])
    with transaction.atomic(using="loyalty"):
        planning.set_offers(scope, sale, told)
        services.agree(sale.pk, scope.shop_id or 0, scope.actor)
    return _("Your shop takes part.")


def _withdraw(_request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.withdraw(sale.pk, scope.shop_id or 0)
    return _("Your shop no longer takes part; the association’s question stands.")


def _refuse(_request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.remove_shop(sale.pk, scope.shop_id or 0)
    return _("Noted: your shop doesn’t take part.")


def _offer(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    told = guest.typed(request, scope, sale)
    if not told:
        raise ValueError(_("Choose what is reduced."))
    planning.set_offers(scope, sale, told)
    return _("Saved.")


def _drop(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = visible_sale(scope, sale_id)
    services.remove_offer(sale.pk, scope.shop_id or 0, _number(request, "offer"))
    return _("Removed.")


def _cost(request: HttpRequest, scope: Scope, sale_id: int) -> str:
    sale = own_sale(scope, sale_id)
    typed = request.POST.get("cost", "").strip()
    try:
        cents = price_csv.cents_of(typed) if typed else None
    except ValueError:
        raise SaleErrorFinal("cost") from None
    if typed and cents is None:
        raise SaleErrorFinal("cost")
    services.set_cost(sale.pk, cents)
    return _("Saved.")
