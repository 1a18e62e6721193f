"""The first page: the shop's till pages and its sellers. A director sees how far each shop is."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from chaland.hub.association.access import (
    is_director,
    required_role,
    staff_required,
    visible_shops,
)
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.connect import connections, keys
from chaland.hub.loyalty.models import Seller, Till
from chaland.hub.loyalty.till import devices, sellers
from chaland.hub.loyalty.web.connections.forms import NameForm, PinForm, SellerForm


def own_shop(request: HttpRequest) -> Shop:
    """Return the shopkeeper's shop. A director has none, and makes no key: keys show persons."""
    shop = required_role(request).shop
    if shop is None:
        raise PermissionDenied
    return shop


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show a shopkeeper tills and sellers, a director what each shop has connected."""
    role = required_role(request)
    if is_director(role):
        return _director(request, visible_shops(role))
    return _page(request)


def _director(request: HttpRequest, shops: list[Shop]) -> HttpResponse:
    now = clock.now()
    rows = [
        {
            "shop": shop,
            "tills": devices.tills_of(shop.pk).filter(revoked_at=None, paired_at__isnull=False),
            "keys": len(keys.valid_keys(shop.pk, now)),
            "connections": list(connections.connections_of(shop.pk)),
        }
        for shop in shops
    ]
    return render(request, "loyalty/connections/town.html", {"rows": rows})


def _page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    shop = own_shop(request)
    context = {
        "shop": shop,
        "now": clock.now(),
        "tills": devices.tills_of(shop.pk).filter(revoked_at=None),
        "sellers": sellers.sellers_of(shop.pk),
        "locked": sellers.locked_at(shop.pk, clock.now()),
        "till_form": NameForm(prefix="till"),
        "seller_form": SellerForm(prefix="seller"),
        "till_url": request.build_absolute_uri("/till/"),
    } | more
    return render(request, "loyalty/connections/tills.html", context, status=status)


@staff_required
@require_POST
def add_till(request: HttpRequest) -> HttpResponse:
    """Make a till, and show the code that pairs a device, this once."""
    shop = own_shop(request)
    form = NameForm(request.POST, prefix="till")
    if not form.is_valid():
        return _page(request, 422, till_form=form)
    till, code = devices.add_till(
        association_id=shop.association_id, shop_id=shop.pk, name=form.cleaned_data["name"]
    )
    return _page(request, code=code, coded=till)


@staff_required
@require_POST
def new_code(request: HttpRequest, pk: int) -> HttpResponse:
    """Show another code for a till: its device was lost, or replaced."""
    till = _till(request, pk)
    try:
        code = devices.new_code(till)
    except devices.PairingErrorFinal:
        raise Http404 from None
    return _page(request, code=code, coded=till)


@staff_required
@require_POST
def revoke_till(request: HttpRequest, pk: int) -> HttpResponse:
    """Shut a device out."""
    devices.revoke(_till(request, pk))
    messages.success(request, _("This device is shut out from its next touch on."))
    return redirect("connections")


def _till(request: HttpRequest, pk: int) -> Till:
    till = devices.tills_of(own_shop(request).pk).filter(pk=pk).first()
    if till is None:
        raise Http404
    return till


@staff_required
@require_POST
def add_seller(request: HttpRequest) -> HttpResponse:
    """Add a seller."""
    shop = own_shop(request)
    form = SellerForm(request.POST, prefix="seller")
    if form.is_valid():
        try:
            sellers.add_seller(
                association_id=shop.association_id,
                shop_id=shop.pk,
                name=form.cleaned_data["name"],
                pin=form.cleaned_data["pin"],
            )
        except sellers.WeakPinErrorFinal:
            form.add_error("pin", _("This PIN is guessed at once: choose another."))
        else:
            messages.success(request, _("The seller can serve now."))
            return redirect("connections")
    return _page(request, 422, seller_form=form)


@staff_required
def set_pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a seller another PIN; this also ends a lock."""
    seller = _seller(request, pk)
    form = PinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            sellers.set_pin(seller, form.cleaned_data["pin"])
        except sellers.WeakPinErrorFinal:
            form.add_error("pin", _("This PIN is guessed at once: choose another."))
        else:
            messages.success(request, _("The new PIN holds from now on."))
            return redirect("connections")
    context = {"seller": seller, "form": form}
    status = 422 if form.errors else 200
    return render(request, "loyalty/connections/pin.html", context, status=status)


@staff_required
@require_POST
def close_seller(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a seller serve no more."""
    sellers.close_seller(_seller(request, pk))
    messages.success(request, _("This seller can serve no more."))
    return redirect("connections")


def _seller(request: HttpRequest, pk: int) -> Seller:
    seller = sellers.sellers_of(own_shop(request).pk).filter(pk=pk).first()
    if seller is None:
        raise Http404
    return seller
