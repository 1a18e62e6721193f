"""Pages that bring ground truth in, and say what error the counting makes."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chaland.hub.association.access import required_role, staff_required, visible_shops
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.footfall import estimates, rules, selectors, services
from chaland.hub.footfall.services import CountRow, RowErrorFinal
from chaland.hub.footfall.services.door_rows import YEARS, parse
from chaland.hub.footfall.web.forms import CountForm, FileForm, TallyForm

PREVIEW_ROWS = 8
PREVIEW_LIVES_S = 3600
_SALT = "chaland.door-counts"


@staff_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the shops with their calibration; with one shop, go to it."""
    shops = visible_shops(required_role(request))
    if len(shops) == 1:
        return redirect("calibration_shop", shops[0].slug)
    ids = [shop.pk for shop in shops]
    calibrations = selectors.current_calibrations(ids)
    counted = selectors.counted_hours(ids)
    rows = [
        {"shop": shop, "calibration": calibrations.get(shop.pk), "hours": counted.get(shop.pk, 0.0)}
        for shop in shops
    ]
    # Where counting helps most comes first: no calibration, then the largest error.
    rows.sort(key=lambda row: -_worth(row["calibration"]))
    context = {"rows": rows, "error_max": rules.ERROR_SHOWN_MAX}
    return render(request, "footfall/calibrations.html", context)


def _worth(calibration: Any) -> float:
    if calibration is None:
        return 9.0
    if calibration.stay is None:
        return 1.0 + float(calibration.held_out_error)
    return float(calibration.visits_error)


@staff_required
@require_GET
def shop(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one shop's calibration and every way to count."""
    return _shop_page(request, _visible(request, slug), None)


def _shop_page(
    request: HttpRequest, place: Shop, form: CountForm | None, secret: str = ""
) -> HttpResponse:
    timezone = ZoneInfo(place.association.timezone)
    context = {
        "shop": place,
        "calibration": selectors.current_calibrations([place.pk]).get(place.pk),
        "error_max": rules.ERROR_SHOWN_MAX,
        "hours": selectors.counted_hours([place.pk]).get(place.pk, 0.0),
        "days": selectors.counted_days(place.pk, timezone),
        "form": form or CountForm(timezone=timezone, now=clock.now()),
        "file_form": FileForm(),
        "tokens": selectors.door_tokens(place.pk),
        "secret": secret,
        "api_url": request.build_absolute_uri("/api/v1/door-counts"),
    }
    return render(request, "footfall/calibration.html", context, status=422 if form else 200)


def _visible(request: HttpRequest, slug: str) -> Shop:
    for place in visible_shops(required_role(request)):
        if place.slug == slug:
            return place
    raise Http404(_("There is no such place, or it is not yours to see."))


@staff_required
@require_POST
def count(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one count from the form."""
    place = _visible(request, slug)
    form = CountForm(request.POST, timezone=ZoneInfo(place.association.timezone), now=clock.now())
    if not form.is_valid():
        return _shop_page(request, place, form)
    _record(request, place, [form.cleaned_data["row"]], "tally")
    return redirect("calibration_shop", slug)


@staff_required
@require_http_methods(["GET", "POST"])
def file(request: HttpRequest, slug: str) -> HttpResponse:
    """Read a file and show what would be taken and each row that can't be; store nothing yet.

    A reload or a kept link comes without the file: it leads to where a file is sent.
    """
    place = _visible(request, slug)
    if request.method == "GET":
        return redirect("calibration_shop", slug)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        for error in form.errors.get("file", []):
            messages.error(request, str(error))
        return redirect("calibration_shop", slug)
    timezone = ZoneInfo(place.association.timezone)
    try:
        parsed = parse(form.cleaned_data["file"].read(), timezone, clock.now())
    except RowErrorFinal as error:
        messages.error(request, str(error))
        return redirect("calibration_shop", slug)
    rows = [
        [row.start.timestamp(), row.end.timestamp(), row.occupancy, row.arrivals]
        for row in parsed.rows
    ]
    context = {
        "shop": place,
        "file_name": form.cleaned_data["file"].name,
        "rows": parsed.rows,
        "shown": parsed.rows[:PREVIEW_ROWS],
        "bad": parsed.bad,
        "signed": signing.dumps([place.pk, rows], salt=_SALT, compress=True),
    }
    return render(request, "footfall/calibration_file.html", context)


@staff_required
@require_POST
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Store the rows of a previewed file."""
    place = _visible(request, slug)
    try:
        shop_id, rows = signing.loads(
            request.POST.get("rows", ""), salt=_SALT, max_age=PREVIEW_LIVES_S
        )
    except signing.BadSignature:
        messages.error(request, _("The preview is too old: send the file again."))
        return redirect("calibration_shop", slug)
    if shop_id != place.pk:
        raise Http404
    taken = [
        CountRow(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), *numbers)
        for start, end, *numbers in rows
    ]
    _record(request, place, taken, "door")
    return redirect("calibration_shop", slug)


@staff_required
@require_http_methods(["GET", "POST"])
def tally(request: HttpRequest, slug: str) -> HttpResponse:
    """Count by hand on a phone, a tap a person; the page's script sends the taps and reads JSON."""
    place = _visible(request, slug)
    if request.method == "POST":
        form = TallyForm(request.POST)
        try:
            if not form.is_valid():
                raise RowErrorFinal("taps", _("This tally can't be read: start it again."))
            _record(request, place, form.rows(clock.now()), "tally")
        except RowErrorFinal as error:
            return JsonResponse({"problem": str(error)}, status=422)
        return JsonResponse({"next": reverse("calibration_shop", args=[slug])})
    return render(request, "footfall/tally.html", {"shop": place})


def _record(request: HttpRequest, place: Shop, rows: list[CountRow], source: str) -> None:
    made = services.record_door_counts(place.pk, rows, source)
    messages.success(
        request,
        ngettext(
            "%(added)s count added, %(replaced)s replaced, %(unchanged)s known already.",
            "%(added)s counts added, %(replaced)s replaced, %(unchanged)s known already.",
            made.added,
        )
        % {"added": made.added, "replaced": made.replaced, "unchanged": made.unchanged},
    )


@staff_required
@require_POST
def fit(request: HttpRequest, slug: str) -> HttpResponse:
    """Calibrate the shop with all that was counted, and rebuild its figures."""
    place = _visible(request, slug)
    try:
        services.fit_calibration(place.pk, clock.now())
    except estimates.CalibrationFinal as error:
        messages.error(request, _refusal(error.reason))
    else:
        messages.success(request, _("Calibrated. All of the shop’s figures were made anew."))
    return redirect("calibration_shop", slug)


def _refusal(reason: estimates.Refusal) -> str:
    return {
        estimates.Refusal.TOO_FEW_CELLS: _(
            "Not enough yet: count for three hours in all, best on several days, while the sensor"
            " listens."
        ),
        estimates.Refusal.NOBODY_COUNTED: _(
            "The counts hold nobody: count at hours when people come."
        ),
        estimates.Refusal.NOTHING_HEARD: _(
            "The sensor heard nothing clear of its noise while you counted: check that it stands"
            " where people are."
        ),
    }[reason]


@staff_required
@require_POST
def forget_day(request: HttpRequest, slug: str, day: str) -> HttpResponse:
    """Take back a day's counts."""
    place = _visible(request, slug)
    try:
        chosen = date.fromisoformat(day)
    except ValueError as error:
        raise Http404 from error
    if chosen.year not in YEARS:
        raise Http404
    gone = services.delete_door_counts(place.pk, chosen, ZoneInfo(place.association.timezone))
    messages.success(
        request,
        ngettext("%(count)s count taken back.", "%(count)s counts taken back.", gone)
        % {"count": gone},
    )
    return redirect("calibration_shop", slug)


@staff_required
@require_POST
def new_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a door counter's token, shown this once."""
    place = _visible(request, slug)
    secret = services.create_door_token(place.pk, request.POST.get("label", "")[:80].strip())
    return _shop_page(request, place, None, secret)


@staff_required
@require_POST
def revoke_token(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Revoke one of the shop's tokens."""
    place = _visible(request, slug)
    if not services.revoke_door_token(place.pk, pk, clock.now()):
        raise Http404
    messages.success(request, _("Revoked: this token can send nothing any more."))
    return redirect("calibration_shop", slug)
