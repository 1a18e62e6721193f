"""One page from the idea to the button: when, what is reduced, who is written to, what it says."""

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST

from chaland.hub.association.access import staff_required
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import Campaign, PrivateSale
from chaland.hub.loyalty.web.outreach import drafts, samples
from chaland.hub.loyalty.web.outreach.checks import SmsCost
from chaland.hub.loyalty.web.outreach.editing import framed
from chaland.hub.loyalty.web.outreach.scope import Scope, scope_of
from chaland.hub.loyalty.web.sales import planning, plans
from chaland.hub.loyalty.web.sales.pages import own_sale
from chaland.hub.loyalty.web.sales.planning import ANNOUNCE, CHECK, SAVE, SEND, Looked
from chaland.hub.loyalty.web.sales.plans import Plan


@staff_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Begin a sale: the page comes filled in."""
    return _page(request, scope_of(request), None)


@staff_required
@require_http_methods(["GET", "POST"])
def prepare(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Go on with a sale that was kept."""
    scope = scope_of(request)
    sale = own_sale(scope, sale_id)
    if sale.state != PrivateSale.State.DRAFT:
        return redirect("sale", sale.pk)
    return _page(request, scope, sale)


@framed
@xframe_options_sameorigin
@staff_required
@require_POST
def mail(request: HttpRequest, language: str, sale_id: int | None = None) -> HttpResponse:
    """Show the invitation by e-mail as typed, as an invented reader gets it (``case.fr``), alone in
    a page that can do nothing."""
    if language not in LANGUAGES:
        raise Http404
    scope = scope_of(request)
    sale = None if sale_id is None else own_sale(scope, sale_id)
    plan = plans.posted(request.POST, scope.zone)
    found = planning.mail(scope, plan, sale, language, request.POST.get(f"case.{language}", ""))
    if found is None:
        return HttpResponse(_("This can’t be shown yet: see what the page says."), status=422)
    return HttpResponse(found)


def _page(request: HttpRequest, scope: Scope, sale: PrivateSale | None) -> HttpResponse:
    if request.method == "GET":
        plan = plans.fresh(scope, clock.now()) if sale is None else _kept(scope, sale)
        what = CHECK
    else:
        plan = plans.posted(request.POST, scope.zone)
        what = request.POST.get("do", CHECK)
    if request.headers.get("HX-Request"):
        what = CHECK  # what is typed is looked over; htmx sends the button of a submission along
    looked = planning.do(scope, plan, sale, what)
    if request.headers.get("HX-Request"):
        context = {**_checked(scope, plan, looked), "again": _sms(looked).items()}
        return render(request, "loyalty/sales/checks.html", context)
    asked = what in (SAVE, SEND, ANNOUNCE)
    if looked.kept and looked.sale is not None:
        messages.success(request, _said(scope, what))
        return redirect("sale", looked.sale.pk)
    context = {**_checked(scope, plan, looked), **_choices(scope, plan, looked), "kept": sale}
    return render(request, "loyalty/sales/wizard.html", context, status=422 if asked else 200)


def _kept(scope: Scope, sale: PrivateSale) -> Plan:
    drafted = sale.campaigns.filter(state=Campaign.State.DRAFT, controller=scope.controller)
    return plans.of(scope, sale, drafted.first(), clock.now())


def _said(scope: Scope, what: str) -> str:
    if what == SEND:
        return _("Announced: the invitations leave in the allowed hours.")
    if what == ANNOUNCE:
        return _("Announced. Nobody is written to; members may join at the door.")
    if scope.shop is None:
        return _("Kept. Each shop that you chose finds the question on its page of private sales.")
    return _("Kept.")


def _checked(scope: Scope, plan: Plan, looked: Looked) -> dict[str, Any]:
    return {"scope": scope, "plan": plan, "looked": looked, "checks": looked.checks}


def _choices(scope: Scope, plan: Plan, looked: Looked) -> dict[str, Any]:
    shops = Shop.objects.filter(association=scope.association).order_by("name")
    proposed = ""
    with suppress(ValueError):  # nothing is proposed for a day that can't be read
        proposed = " ".join(at.isoformat() for at in plan.times(scope.zone))
    sms = _sms(looked)
    nobody = Campaign(association_id=scope.association.pk, controller=scope.controller)
    return {
        "what": planning.choices(scope),
        "shops": [] if scope.shop else [(str(s.pk), s.name) for s in shops],
        "audiences": _audiences(scope, plan),
        "ways": [
            ("email,sms", _("e-mail, SMS to who has no e-mail")),
            ("sms,email", _("SMS, e-mail to who has no mobile")),
            ("email", _("e-mail only")),
            ("sms", _("SMS only")),
        ],
        "slots": _slots(plan),
        "holdouts": [str(n) for n in drafts.HOLDOUTS],
        "texts": [
            (channel, language, plan.words.get((channel, language), drafts.Words()), sms[language])
            for channel, language in drafts.pairs()
        ],
        "placeholders": samples.placeholders(),
        "proposed": proposed,
        "cases": samples.cases(nobody),
    }


def _sms(looked: Looked) -> dict[str, SmsCost | None]:
    """Return, by language, the SMS as it leaves; None where none does."""
    told = looked.checks.sms if looked.checks else ()
    return dict.fromkeys(LANGUAGES) | {each.language: each for each in told}


def _slots(plan: Plan) -> list[tuple[str, str]]:
    kept = [(plans.KEPT, _("as they are now"))] if plan.slot == plans.KEPT else []
    return [
        *kept,
        (plans.NO_SLOTS, _("no booking")),
        ("0", _("the whole time")),
        ("30", _("half an hour")),
        ("60", _("an hour")),
        ("120", _("two hours")),
    ]


def _audiences(scope: Scope, plan: Plan) -> list[tuple[str, str]]:
    kept = [(plans.KEPT, _("as chosen on the campaign’s page"))] if plan.who == plans.KEPT else []
    all_of = _("all your customers who agreed") if scope.shop else _("all members who agreed")
    return [
        *kept,
        ("all", all_of),
        ("year", _("who has bought within a year")),
        ("best", _("who has spent 100 € or more within a year")),
        ("away", _("who has not bought for half a year")),
    ]
