"""The rule editor: a rule in plain words, tried on past receipts before it goes live."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Programme, Rule
from chaland.hub.loyalty.programmes import services, simulate
from chaland.hub.loyalty.programmes.rules import KINDS, EarningRule
from chaland.hub.loyalty.programmes.words import rule_line, units
from chaland.hub.loyalty.web.programmes.forms import PAST_WEEKS, RuleForm
from chaland.hub.loyalty.web.programmes.scope import Scope, programme_of, scope_of


@staff_required
@require_http_methods(["GET", "POST"])
def new_rule(request: HttpRequest, programme_id: int, kind: str) -> HttpResponse:
    """Make a rule of one kind."""
    scope = scope_of(request)
    if kind not in KINDS:
        raise Http404
    return _edit(request, scope, programme_of(scope, programme_id), kind, None)


@staff_required
@require_http_methods(["GET", "POST"])
def change_rule(request: HttpRequest, programme_id: int, rule_id: int) -> HttpResponse:
    """Put another rule in a rule's place; what it gave stays."""
    scope = scope_of(request)
    programme = programme_of(scope, programme_id)
    rule = get_object_or_404(Rule, pk=rule_id, programme=programme)
    return _edit(request, scope, programme, rule.kind, rule)


def _edit(
    request: HttpRequest, scope: Scope, programme: Programme, kind: str, replaces: Rule | None
) -> HttpResponse:
    form = RuleForm(
        request.POST or None,
        kind=kind,
        programme=programme,
        zone=ZoneInfo(scope.association.timezone),
        initial=RuleForm.initial_of(replaces) if replaces else None,
    )
    context = {
        "scope": scope,
        "programme": programme,
        "kind": kind,
        "replaces": replaces,
        "form": form,
        "weeks": PAST_WEEKS,
        "asked_weeks": PAST_WEEKS[1],
    }
    if request.method == "POST" and form.is_valid():
        if "simulate" not in request.POST:
            return _save(request, scope, programme, form, replaces)
        context |= _simulated(request, programme, form, replaces)
    status = 422 if form.errors else 200
    return render(request, "loyalty/programmes/rule.html", context, status=status)


def _save(
    request: HttpRequest,
    scope: Scope,
    programme: Programme,
    form: RuleForm,
    replaces: Rule | None,
) -> HttpResponse:
    given = form.cleaned_data
    services.add_rule(
        programme,
        form.kind,
        given["parameters"],
        given["name"],
        scope.actor,
        sponsor=given.get("sponsor"),
        starts_at=given["starts_at"],
        ends_at=given["ends_at"],
        replaces=replaces,
    )
    messages.success(request, _("The rule counts from now on, or from its first day."))
    return redirect("programme", programme.pk)


def _simulated(
    request: HttpRequest, programme: Programme, form: RuleForm, replaces: Rule | None
) -> dict[str, object]:
    asked = request.POST.get("simulate", "")
    weeks = int(asked) if asked in map(str, PAST_WEEKS) else PAST_WEEKS[1]
    now, parameters = clock.now(), form.cleaned_data["parameters"]
    found = simulate.run(
        programme,
        EarningRule(0, form.kind, parameters, form.cleaned_data["name"]),
        now - timedelta(weeks=weeks),
        now,
        replaces=replaces.pk if replaces else None,
    )
    kind = programme.asset.kind
    return {
        "simulation": found,
        "asked_weeks": weeks,
        "line": rule_line(form.kind, parameters, kind),
        "now": units(found.now, kind),
        "extra": units(abs(found.extra), kind),
        "members_min": simulate.MEMBERS_MIN,
    }


@staff_required
@require_POST
def end_rule(request: HttpRequest, programme_id: int, rule_id: int) -> HttpResponse:
    """End a rule now."""
    programme = programme_of(scope_of(request), programme_id)
    services.end_rule(get_object_or_404(Rule, pk=rule_id, programme=programme))
    messages.success(request, _("The rule has ended. What it gave stays."))
    return redirect("programme", programme.pk)
