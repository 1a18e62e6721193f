"""The page of sensors: who listens, who is silent, and how a new box gets in."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from chaland.hub.association.access import director_required, required_role, visible_shops
from chaland.hub.common import clock
from chaland.hub.footfall import charters, keeping, selectors
from chaland.hub.footfall.figures.opening import covered_lately
from chaland.hub.footfall.models import Measurement, Sensor
from chaland.hub.footfall.services import election, objections
from chaland.hub.footfall.services.enrolment import CODE_LIVES, create_enrolment_code, revoke
from chaland.hub.footfall.web.forms import CodeForm
from chaland.hub.footfall.web.standing import standing
from chaland.wire.periods import local_day


@director_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List the sensors, and the codes that wait for a box."""
    return _page(request, None)


def _page(request: HttpRequest, form: CodeForm | None, code: str = "") -> HttpResponse:
    now = clock.now()
    role = required_role(request)
    shops = visible_shops(role)
    by_id = {shop.pk: shop for shop in shops}
    timezone = ZoneInfo(role.association.timezone)
    covered = covered_lately(list(by_id), timezone, now)
    today = local_day(now, timezone)
    charter = charters.current(role.association.pk)
    allowed = list(charters.taking_part(charter, today).values())
    listed = {each.sensor for each in charter.sensors} if charter else set()
    rows: list[dict[str, Any]] = [
        {
            "shop": by_id[row.sensor.shop_id],
            "sensor": row.sensor,
            "listening": selectors.Listening(row.state, row.sensor.last_seen_at),
            "coverage": covered[row.sensor.shop_id],
            "listed": row.sensor.identifier in listed,
        }
        for row in selectors.sensor_rows(list(by_id), now)
    ]
    rows.sort(key=lambda row: (row["listening"].state == "ok", row["shop"].name))
    context = {
        "rows": rows,
        "listening": sum(row["listening"].state == "ok" for row in rows),
        "waiting": [
            {"shop": by_id[waiting.shop_id], "code": waiting}
            for waiting in selectors.open_codes(list(by_id), now)
        ],
        "without": [shop for shop in shops if shop.pk not in {row["shop"].pk for row in rows}],
        "form": form or CodeForm(shops=shops, initial={"shop": request.GET.get("shop")}),
        "code": code,
        "code_hours": int(CODE_LIVES.total_seconds() // 3600),
        "spread": election.spread(role.association.pk, today, allowed, now),
        "objections": objections.fill(role.association.pk, today),
        "objection_days": keeping.OBJECTIONS.days,
        "standing": standing(charter, today),
        "town_key": _town_key(role.association.pk),
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
    }
    refused = form is not None and not code
    return render(request, "footfall/sensors.html", context, status=422 if refused else 200)


def _town_key(association_id: int) -> str:
    """Return the fingerprint that a new box is told to trust, "" while none is recorded."""
    said = Measurement.objects.filter(association_id=association_id)
    return said.values_list("town_key", flat=True).first() or ""


@director_required
@require_POST
def new_code(request: HttpRequest) -> HttpResponse:
    """Make a code for a new box, shown this once."""
    form = CodeForm(request.POST, shops=visible_shops(required_role(request)))
    if not form.is_valid():
        return _page(request, form)
    given = form.cleaned_data
    return _page(
        request, form, create_enrolment_code(given["shop"].pk, given["label"], clock.now())
    )


@director_required
@require_POST
def clear_objections(request: HttpRequest) -> HttpResponse:
    """Empty the objection filter: after an attack on it, all are counted until they ask anew."""
    objections.clear(required_role(request).association.pk, clock.now())
    messages.success(request, _("The objection list is empty. Whoever objects must ask anew."))
    return redirect("sensors")


@director_required
@require_POST
def revoke_sensor(request: HttpRequest, identifier: str) -> HttpResponse:
    """Refuse whatever a sensor of the association sends from now on."""
    ids = [shop.pk for shop in visible_shops(required_role(request))]
    sensor = Sensor.objects.filter(identifier=identifier, shop_id__in=ids).first()
    if sensor is None:
        raise Http404
    revoke(sensor, clock.now())
    messages.success(request, _("Revoked: what this sensor sends is refused from now on."))
    return redirect("sensors")
