"""First run, overview and the steps that are one form or one list."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from chaland.hub.association import selectors, services
from chaland.hub.association.access import director_required, required_role
from chaland.hub.association.web.forms import AssociationForm, FirstRunForm
from chaland.hub.association.web.steps import render_step, steps_of

ACCOUNT_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
def start(request: HttpRequest) -> HttpResponseBase:
    """Open the first run on an empty installation, else the director's overview."""
    if not selectors.is_set_up():
        return first_run(request)
    return overview(request)


@sensitive_post_parameters("token", "password")
def first_run(request: HttpRequest) -> HttpResponse:
    """Make the association and its first director; only while there is none, and by its code."""
    if request.method != "POST":
        form = FirstRunForm(initial={"token": request.GET.get("code", "")})
        return render(request, "association/first_run.html", {"form": form})
    form = FirstRunForm(request.POST)
    if not form.is_valid():
        return render(request, "association/first_run.html", {"form": form}, status=422)
    data = form.cleaned_data
    try:
        user = services.found_association(
            name=data["name"],
            town=data["town"],
            timezone=data["timezone"],
            founder=services.Founder(
                data["email"], data["user_name"], data["password"], get_language() or "fr"
            ),
        )
    except services.AlreadySetUpFinal:
        messages.info(request, _("This installation is set up already: sign in."))
        return redirect("association:overview")
    login(request, user, backend=ACCOUNT_BACKEND)
    messages.success(request, _("Your association is set up, and you are its director."))
    return redirect("association:zones")


@director_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show all steps with how far each is."""
    association = required_role(request).association
    steps = steps_of(association)
    context = {
        "steps": steps,
        "done": sum(step.done for step in steps),
        "next_step": next((step for step in steps if not step.done), None),
        "guiding": association.guide_finished_at is None,
    }
    return render(request, "association/overview.html", context)


@director_required
def association(request: HttpRequest) -> HttpResponse:
    """Change the association's name, town and time zone."""
    role = required_role(request)
    form = AssociationForm(request.POST or None, instance=role.association)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("association:association")
    status = 422 if form.errors else 200
    return render_step(request, "association", "association", {"form": form}, status)


@director_required
def sensors(request: HttpRequest) -> HttpResponse:
    """List the shops, each with the way to the sensors' page, where one-time codes are made."""
    shops = required_role(request).association.shops.select_related("zone")
    return render_step(request, "sensors", "sensors", {"shops": shops})


@director_required
def measurement(request: HttpRequest) -> HttpResponse:
    """Say what has to be told and signed before a sensor listens; its page is the footfall's."""
    return render_step(request, "measurement", "measurement", {})


@require_POST
@director_required
def finish(request: HttpRequest) -> HttpResponse:
    """End the guide; its pages stay as the settings."""
    services.finish_guide(required_role(request).association, timezone.now())
    messages.success(request, _("The set-up is finished. You find these pages under Settings."))
    return redirect("/")
