"""Keys for tills of others, and connections to makers: made, shown once, ended."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.connect import connections, keys
from chaland.hub.loyalty.models import Connection
from chaland.hub.loyalty.web.connections.forms import MakerForm, NameForm
from chaland.hub.loyalty.web.connections.pages import own_shop


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List the shop's keys and connections."""
    return _page(request)


def _page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    shop = own_shop(request)
    valid = list(keys.valid_keys(shop.pk, clock.now()))
    context = {
        "shop": shop,
        "keys": valid,
        "may_add": len(valid) < keys.VALID_AT_MOST,
        "connections": connections.connections_of(shop.pk),
        "key_form": NameForm(prefix="key"),
        "maker_form": MakerForm(prefix="maker"),
        "api_url": request.build_absolute_uri("/api/v1/loyalty/"),
    } | more
    response = render(request, "loyalty/connections/machines.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@staff_required
@require_POST
def new_key(request: HttpRequest) -> HttpResponse:
    """Make a key, shown this once."""
    shop = own_shop(request)
    form = NameForm(request.POST, prefix="key")
    if not form.is_valid():
        return _page(request, 422, key_form=form)
    try:
        key = keys.make_key(shop.association_id, shop.pk, form.cleaned_data["name"], clock.now())
    except keys.TooManyKeysErrorFinal:
        form.add_error(None, _("Two keys are valid already: revoke one of them first."))
        return _page(request, 422, key_form=form)
    return _page(request, new_key=key)


@staff_required
@require_POST
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse a key from now on."""
    now = clock.now()
    key = keys.valid_keys(own_shop(request).pk, now).filter(pk=pk).first()
    if key is None:
        raise Http404
    keys.revoke(key, now)
    messages.success(request, _("This key opens nothing any more."))
    return redirect("machines")


@staff_required
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a maker's till; the address that it posts to is shown this once."""
    shop = own_shop(request)
    form = MakerForm(request.POST, prefix="maker")
    if not form.is_valid():
        return _page(request, 422, maker_form=form)
    given = form.cleaned_data
    made = connections.connect(
        shop.association_id,
        shop.pk,
        given["source"],
        secret=form.secrets,
        settings={"location": given["location"]} if given["location"] else {},
    )
    if not made.address:
        messages.success(request, _("Connected: it is asked within a minute."))
        return redirect("machines")
    address = request.build_absolute_uri(f"/api/v1/loyalty/hooks/{made.address}")
    return _page(request, address=address, made=made.connection)


@staff_required
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a connection; its receipts stay."""
    shop = own_shop(request)
    connection: Connection | None = connections.connections_of(shop.pk).filter(pk=pk).first()
    if connection is None:
        raise Http404
    connections.end(connection)
    messages.success(request, _("Disconnected. The receipts that came stay."))
    return redirect("machines")
