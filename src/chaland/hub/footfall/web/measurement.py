"""The measurement page: what is said, who agreed, and the charter that lets sensors listen."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chaland.hub.association.access import (
    director_required,
    required_role,
    staff_required,
    visible_shops,
)
from chaland.hub.association.models import Association, Shop
from chaland.hub.association.shop_csv import slug_of
from chaland.hub.common import clock, glyphs
from chaland.hub.footfall.models import Agreement, Measurement
from chaland.hub.footfall.services import agreements, charter
from chaland.hub.footfall.services.agreements import AgreementErrorFinal
from chaland.hub.footfall.services.charter import CharterErrorFinal
from chaland.hub.footfall.web.measurement_forms import (
    AgreementForm,
    CharterForm,
    DayForm,
    MeasurementForm,
)
from chaland.hub.footfall.web.standing import Warnings
from chaland.wire import charter as wire


@staff_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show the measurement to a director, and take its texts; a shopkeeper sees the own shop's."""
    role = required_role(request)
    measurement = Measurement.objects.filter(association_id=role.association.pk).first()
    if role.shop is not None:
        context = {
            "shop": role.shop,
            "agreement": Agreement.objects.filter(shop_id=role.shop.pk).first(),
            "measurement": measurement,
            "listening": role.shop.pk in Warnings(role.association).listening,
        }
        return render(request, "footfall/agreement.html", context)
    if request.method != "POST":
        return _page(request)
    form = _form(request, role.association, measurement, request.POST)
    if not form.is_valid():
        return _page(request, form)
    form.instance.association_id = role.association.pk
    form.save()
    messages.success(request, _("Saved."))
    _say_what_is_not_printed(request, form)
    return redirect("measurement")


def _say_what_is_not_printed(request: HttpRequest, form: MeasurementForm) -> None:
    texts = (str(form.cleaned_data[name]) for name in ("controller", "contact", "purpose"))
    lacking = glyphs.lacking(" ".join(texts))
    if lacking:
        signs = {"signs": " ".join(lacking), "place": glyphs.IN_PLACE}
        messages.warning(
            request,
            _("The notice has no letters for %(signs)s: it shows %(place)s in their place.")
            % signs,
        )


def _form(
    request: HttpRequest,
    association: Association,
    measurement: Measurement | None,
    typed: QueryDict | None = None,
) -> MeasurementForm:
    town = reverse("privacy", kwargs={"town": association.pk})
    initial = {
        "controller": association.name,
        "public_page": request.build_absolute_uri(town),
        "objection_network": f"{slug_of(association.town)[:25] or 'chaland'}-optout",
    }
    return MeasurementForm(
        typed,
        instance=measurement,
        initial=None if measurement else initial,
        today=clock.today(association.timezone),
    )


def _page(
    request: HttpRequest,
    form: MeasurementForm | None = None,
    charter_form: CharterForm | None = None,
    charter_errors: list[str] | None = None,
    agreeing: dict[str, Any] | None = None,
) -> HttpResponse:
    association = required_role(request).association
    measurement = Measurement.objects.filter(association_id=association.pk).first()
    today = clock.today(association.timezone)
    status = charter.status(association.pk, clock.now())
    refused = bool((form and form.errors) or charter_errors or agreeing)
    if form is None:
        form = _form(request, association, measurement)
    context = {
        "measurement": measurement,
        "form": form,
        "agreeing": agreeing,
        "unreachable": measurement is not None and _unreachable(measurement.public_page),
        "charter_form": charter_form or CharterForm(),
        "charter_errors": charter_errors or [],
        "status": status,
        "today": today,
        "warnings": Warnings(association),
        "ready": sum(not each.missing for each in status.shops),
        "draft_name": _draft_name(status.charter),
    }
    return render(request, "footfall/measurement.html", context, status=422 if refused else 200)


def _unreachable(page: str) -> bool:
    """Tell whether a passer-by's phone could not open a page, or only without encryption."""
    address = urlsplit(page)
    return address.scheme != "https" or (address.hostname or "") in (
        "localhost",
        "127.0.0.1",
        "::1",
    )


def _draft_name(current: wire.Charter | None) -> str:
    return f"charter-{current.version + 1 if current else 1}.json"


def _shop(request: HttpRequest, slug: str) -> Shop:
    for shop in visible_shops(required_role(request)):
        if shop.slug == slug:
            return shop
    raise Http404


@director_required
@require_POST
def agree(request: HttpRequest, slug: str) -> HttpResponse:
    """Record a shop's agreement; what can't be recorded is shown again as it was typed."""
    shop = _shop(request, slug)
    form = AgreementForm(request.POST)
    if form.is_valid():
        try:
            agreements.agree(shop.pk, **form.cleaned_data)
        except AgreementErrorFinal as error:
            form.add_error(None, str(error))
    if form.is_valid():
        messages.success(request, _("Saved."))
        return _to_shops()
    problems = [str(problem) for errors in form.errors.values() for problem in errors]
    if not (form["agreed_by"].value() and form["agreed_on"].value()):
        problems = [_("Say who agreed, and when.")]
    typed = {"agreed_by": form["agreed_by"].value(), "agreed_on": form["agreed_on"].value()}
    return _page(request, agreeing={"slug": slug, "problems": problems, **typed})


@director_required
@require_POST
def notice_shown(request: HttpRequest, slug: str) -> HttpResponse:
    """Record that the notice hangs in a shop."""
    shop = _shop(request, slug)
    form = DayForm(request.POST)
    if form.is_valid():
        _record(request, lambda: agreements.notice_shown(shop.pk, form.cleaned_data["day"]))
    else:
        messages.error(request, _("Say on which day."))
    return _to_shops()


@staff_required
@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Record that a shop withdraws its agreement, today: its keeper or the director says so."""
    shop = _shop(request, slug)
    _record(request, lambda: agreements.withdraw(shop.pk, clock.today(shop.association.timezone)))
    return _to_shops()


def _record(request: HttpRequest, write: Callable[[], object]) -> None:
    try:
        write()
    except AgreementErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))


def _to_shops() -> HttpResponse:
    return redirect(reverse("measurement") + "#shops")


@director_required
@require_GET
def draft(request: HttpRequest) -> HttpResponse:
    """Give the next charter, unsigned, to be signed where the town key is."""
    association = required_role(request).association
    try:
        drafted = charter.draft(association.pk, clock.now())
    except CharterErrorFinal as error:
        for problem in error.missing:
            messages.error(request, problem)
        return redirect("measurement")
    response = HttpResponse(wire.encode(drafted), content_type="application/json")
    name = f"charter-{drafted.version}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@director_required
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Take a signed charter; from now on the sensors get it."""
    form = CharterForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, charter_form=form, charter_errors=_errors(form))
    association = required_role(request).association
    try:
        stored = charter.receive(association.pk, form.cleaned_data["file"], clock.now())
    except CharterErrorFinal as error:
        return _page(request, charter_errors=error.missing)
    messages.success(
        request,
        _("Version %(version)d of the charter is in force; sensors get it within a minute or two.")
        % {"version": stored.version},
    )
    return redirect("measurement")


def _errors(form: CharterForm) -> list[str]:
    return [str(error) for error in form.errors.get("file", [])]
