"""The page of a private sale's hours: for the shop's keeper, and shop by shop for the director."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chaland.hub.association.access import is_director, required_role, staff_required
from chaland.hub.common import clock
from chaland.hub.footfall.figures.beside import WEEKS, Why
from chaland.hub.insight.rules import Interval
from chaland.hub.insight.sale import ShopHours, Side, shop_hours
from chaland.hub.loyalty.figures import sales


@staff_required
@require_safe
def sale(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Show a sale's visits beside its receipts; 404 where the sale isn't the viewer's to see."""
    role = required_role(request)
    director = is_director(role)
    if not director and role.shop is None:
        raise PermissionDenied
    shop_id = None if director or role.shop is None else role.shop.pk
    places = sales.places(role.association.pk, sale_id, shop_id)
    if not places:
        raise Http404
    names = dict(role.association.shops.values_list("pk", "name"))
    timezone, now = ZoneInfo(role.association.timezone), clock.now()
    context = {
        "place": places[0],
        "shops": [
            _shop(shop_hours(place, timezone, now), names.get(place.shop_id, ""), now)
            for place in places
        ],
        "director": director,
        "weeks": WEEKS,
    }
    return render(request, "insight/sale.html", context)


def _shop(found: ShopHours, name: str, now: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "why": _why(found, now),
        "during": _side(found.during),
        "before": _side(found.before),
        "change": _change(found),
        "rows": [
            {
                "start": seen.start,
                "visits": _range(seen.visits) if seen.visits else "",
                "receipts": _number(receipts),
            }
            for seen, receipts in found.rows
        ],
        "cut": found.cut,
    }


def _why(found: ShopHours, now: datetime) -> str:
    """Say why nothing can be read, if so."""
    if now < found.place.starts_at:
        return _("the sale is still to come")
    if found.why is Why.NO_SENSOR:
        return _("no sensor counts here")
    if found.why is Why.INDEX:
        return _(
            "the shop isn’t calibrated well enough to count people: only an index is published"
        )
    if not found.during.hours:
        return _("no whole hour of the sale has enough people to show")
    if found.during.receipts is None:
        runs = now < found.place.ends_at
        alone = _("the shop alone sees its purchases while the sale runs")
        return alone if runs else _("too few members to show")
    return "" if found.during.conversion else _("the number of visits is too uncertain")


def _side(side: Side) -> dict[str, Any]:
    rate = side.conversion
    return {
        "hours": side.hours,
        "visits": _range(side.visits.total) if side.visits.total else "",
        "receipts": "" if side.receipts is None else _number(side.receipts),
        "rate": _number(rate.value) if rate else "",
        "range": _range(rate) if rate else "",
    }


def _change(found: ShopHours) -> str:
    words = {
        1: _("clearly more purchases per visit than usual"),
        0: _("no clear difference from usual"),
        -1: _("clearly fewer purchases per visit than usual"),
    }
    return "" if found.change is None else words[found.change]


def _range(found: Interval) -> str:
    return _("%(low)s to %(high)s") % {"low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> str:
    return str(number_format(round(value), force_grouping=True))
