"""Zones and shops: lists and forms."""

from django.contrib import messages
from django.db.models import Count, ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chaland.hub.association import selectors, services
from chaland.hub.association.access import director_required, required_role
from chaland.hub.association.models import Shop, Zone
from chaland.hub.association.web.forms import ShopForm, ZoneForm
from chaland.hub.association.web.steps import render_step


@director_required
def zones(request: HttpRequest) -> HttpResponse:
    """List the zones, and add one."""
    association = required_role(request).association
    form = ZoneForm(request.POST or None, instance=Zone(association=association))
    if form.is_valid():
        services.save_zone(form.save(commit=False))
        messages.success(request, _("Zone “%s” added.") % form.instance.name)
        return redirect("association:zones")
    listed = association.zones.annotate(shop_count=Count("shops"))
    context = {"form": form, "zones": listed}
    return render_step(request, "zones", "zones", context, 422 if form.errors else 200)


@director_required
def zone(request: HttpRequest, zone_id: int) -> HttpResponse:
    """Rename a zone."""
    found = get_object_or_404(Zone, pk=zone_id, association=required_role(request).association)
    form = ZoneForm(request.POST or None, instance=found)
    if form.is_valid():
        services.save_zone(form.save(commit=False))
        messages.success(request, _("Saved."))
        return redirect("association:zones")
    context = {"form": form, "zone": found}
    return render_step(request, "zones", "zone", context, 422 if form.errors else 200)


@require_POST
@director_required
def delete_zone(request: HttpRequest, zone_id: int) -> HttpResponse:
    """Delete a zone that has no shops."""
    found = get_object_or_404(Zone, pk=zone_id, association=required_role(request).association)
    try:
        found.delete()
    except ProtectedError:
        messages.error(
            request, _("“%s” still has shops: move them to another zone first.") % found.name
        )
    else:
        messages.success(request, _("Zone “%s” deleted.") % found.name)
    return redirect("association:zones")


@director_required
def shops(request: HttpRequest) -> HttpResponse:
    """List the shops."""
    association = required_role(request).association
    listed = list(association.shops.select_related("zone").order_by("zone__name", "name"))
    context = {
        "shops": [(shop, week) for shop, week in _with_weeks(listed)],
        "has_zones": association.zones.exists(),
    }
    return render_step(request, "shops", "shops", context)


def _with_weeks(listed: list[Shop]) -> list[tuple[Shop, bool]]:
    weeks = selectors.weeks_of(listed)
    return [(shop, any(weeks[shop.pk])) for shop in listed]


@director_required
def new_shop(request: HttpRequest) -> HttpResponse:
    """Add a shop."""
    association = required_role(request).association
    if not association.zones.exists():
        messages.info(request, _("Add a first zone: every shop belongs to one."))
        return redirect("association:zones")
    return _shop_form(request, Shop(association=association))


@director_required
def shop(request: HttpRequest, shop_id: int) -> HttpResponse:
    """Change a shop."""
    association = required_role(request).association
    return _shop_form(request, get_object_or_404(Shop, pk=shop_id, association=association))


def _shop_form(request: HttpRequest, edited: Shop) -> HttpResponse:
    is_new = edited.pk is None
    form = ShopForm(request.POST or None, instance=edited)
    if form.is_valid():
        services.save_shop(form.save(commit=False))
        messages.success(request, _("Shop “%s” saved.") % edited.name)
        if "another" in request.POST:
            return redirect("association:new_shop")
        return (
            redirect("association:hours_of", edited.pk) if is_new else redirect("association:shops")
        )
    context = {"form": form, "shop": None if is_new else edited}
    return render_step(request, "shops", "shop", context, 422 if form.errors else 200)


@require_POST
@director_required
def delete_shop(request: HttpRequest, shop_id: int) -> HttpResponse:
    """Delete a shop, its hours and its staff's roles."""
    found = get_object_or_404(Shop, pk=shop_id, association=required_role(request).association)
    found.delete()
    messages.success(request, _("Shop “%s” deleted.") % found.name)
    return redirect("association:shops")
