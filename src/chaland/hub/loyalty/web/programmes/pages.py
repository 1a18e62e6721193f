"""Pages of programmes: each one's settings, rewards and tiers; advantages; sponsors."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chaland.hub.association.access import director_required, staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Funding
from chaland.hub.loyalty.models import Account, Advantage, Asset, Programme, Reward, Sponsor, Tier
from chaland.hub.loyalty.programmes import services
from chaland.hub.loyalty.programmes.selectors import programmes_of
from chaland.hub.loyalty.programmes.services.setting_up import local_today
from chaland.hub.loyalty.web.programmes import shown
from chaland.hub.loyalty.web.programmes.forms import (
    AdvantageForm,
    FundForm,
    ProgrammeForm,
    RewardForm,
    SponsorForm,
    TierForm,
    cents,
)
from chaland.hub.loyalty.web.programmes.scope import Scope, programme_of, scope_of


@staff_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the programmes, and what can be begun."""
    return _index(request, scope_of(request))


def _index(request: HttpRequest, scope: Scope, form: AdvantageForm | None = None) -> HttpResponse:
    own = list(programmes_of(scope.association.pk, scope.shop_id))
    context: dict[str, Any] = {
        "scope": scope,
        "programmes": [shown.card(programme) for programme in own],
        "kinds": {programme.asset.kind for programme in own},
    }
    if scope.shop is not None:
        coalition = programmes_of(scope.association.pk, None).filter(active=True)
        context["coalition"] = [shown.card(programme) for programme in coalition]
        context["advantages"] = shown.advantages(scope.association.pk, scope.shop.pk)
        context["advantage_form"] = form or AdvantageForm(
            association_id=scope.association.pk, shop_id=scope.shop.pk
        )
    return render(request, "loyalty/programmes/index.html", context, status=422 if form else 200)


@staff_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin a programme with sensible rules, to be changed afterwards."""
    scope, kind = scope_of(request), request.POST.get("kind")
    if scope.shop is None and kind == Asset.Kind.PURSE:
        programme = services.start_purse(scope.association.pk, scope.actor)
    elif scope.shop is not None and kind == Asset.Kind.POINTS:
        programme = services.start_points(scope.association.pk, scope.shop.pk, scope.actor)
    elif scope.shop is not None and kind == Asset.Kind.STAMPS:
        programme = services.start_stamps(scope.association.pk, scope.shop.pk, scope.actor)
    else:
        raise Http404
    messages.success(request, _("It has begun. Change what you like: rules, rewards, tiers."))
    return redirect("programme", programme.pk)


@staff_required
@require_http_methods(["GET", "POST"])
def programme(request: HttpRequest, programme_id: int) -> HttpResponse:
    """Show a programme, and change its settings."""
    scope = scope_of(request)
    found = programme_of(scope, programme_id)
    if request.method == "GET":
        return _programme(request, scope, found)
    form = ProgrammeForm(request.POST, instance=found)
    if not form.is_valid():
        return _programme(request, scope, found, settings=form)
    saved = form.save()
    Asset.objects.filter(pk=saved.asset_id).update(name=saved.name)
    messages.success(request, _("Saved."))
    return redirect("programme", found.pk)


def _programme(request: HttpRequest, scope: Scope, found: Programme, **forms: Any) -> HttpResponse:
    context = {
        "scope": scope,
        "programme": found,
        "card": shown.card(found),
        "past_rules": shown.past_rules(found),
        "settings": ProgrammeForm(instance=found),
        "reward_form": RewardForm(programme=found),
        "tier_form": TierForm(programme=found),
        **forms,
    }
    return render(
        request, "loyalty/programmes/programme.html", context, status=422 if forms else 200
    )


@staff_required
@require_POST
def add_reward(request: HttpRequest, programme_id: int) -> HttpResponse:
    """Offer another reward."""
    return _add(request, programme_id, RewardForm, Reward, "reward_form")


@staff_required
@require_POST
def add_tier(request: HttpRequest, programme_id: int) -> HttpResponse:
    """Add a tier; it counts from the next receipt on."""
    return _add(request, programme_id, TierForm, Tier, "tier_form")


def _add(
    request: HttpRequest,
    programme_id: int,
    form_of: type[RewardForm | TierForm],
    model: type[Reward | Tier],
    name: str,
) -> HttpResponse:
    """Save one more of a programme's parts, or show the page again with the form under its name."""
    scope = scope_of(request)
    found = programme_of(scope, programme_id)
    form = form_of(request.POST, programme=found, instance=model(programme=found))
    if not form.is_valid():
        return _programme(request, scope, found, **{name: form})
    form.save()
    messages.success(request, _("Saved."))
    return redirect("programme", found.pk)


@staff_required
@require_POST
def stop_reward(request: HttpRequest, programme_id: int, reward_id: int) -> HttpResponse:
    """Offer a reward no longer; vouchers bought with it stay good."""
    found = programme_of(scope_of(request), programme_id)
    reward = get_object_or_404(Reward, pk=reward_id, programme=found)
    reward.active = False
    reward.save(update_fields=["active"])
    return redirect("programme", found.pk)


@staff_required
@require_POST
def remove_tier(request: HttpRequest, programme_id: int, tier_id: int) -> HttpResponse:
    """Remove a tier; what was earned with it stays."""
    found = programme_of(scope_of(request), programme_id)
    get_object_or_404(Tier, pk=tier_id, programme=found).delete()
    return redirect("programme", found.pk)


@staff_required
@require_POST
def add_advantage(request: HttpRequest) -> HttpResponse:
    """Give members an advantage all year."""
    scope = scope_of(request)
    if scope.shop is None:
        raise Http404
    association_id, shop_id = scope.association.pk, scope.shop.pk
    advantage = Advantage(
        association_id=association_id, shop_id=shop_id, starts_on=local_today(association_id)
    )
    form = AdvantageForm(
        request.POST, association_id=association_id, shop_id=shop_id, instance=advantage
    )
    if not form.is_valid():
        return _index(request, scope, form)
    form.save()
    messages.success(request, _("Saved."))
    return redirect("programmes")


@staff_required
@require_POST
def end_advantage(request: HttpRequest, advantage_id: int) -> HttpResponse:
    """End an advantage: today is its last day no more."""
    scope = scope_of(request)
    advantage = get_object_or_404(
        Advantage, pk=advantage_id, association_id=scope.association.pk, shop_id=scope.shop_id or 0
    )
    advantage.delete()
    return redirect("programmes")


@director_required
@require_http_methods(["GET", "POST"])
def sponsors(request: HttpRequest) -> HttpResponse:
    """List who pays for rules, and what is left of each budget; add one."""
    scope = scope_of(request)
    form = SponsorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        Sponsor.objects.get_or_create(association_id=scope.association.pk, name=name)
        return redirect("sponsors")
    found = Sponsor.objects.filter(association_id=scope.association.pk).order_by("name")
    purse = programmes_of(scope.association.pk, None).first()
    budgets = dict(
        Account.objects.filter(sponsor__in=found, role=Account.Role.SPONSOR).values_list(
            "sponsor_id", "balance"
        )
    )
    rows = [
        {"sponsor": s, "cents": budgets.get(s.pk, 0), "key": uuid.uuid4(), "form": FundForm()}
        for s in found
    ]
    return render(
        request,
        "loyalty/programmes/sponsors.html",
        {"rows": rows, "form": form, "purse": purse},
        status=422 if form.errors else 200,
    )


@director_required
@require_POST
def fund(request: HttpRequest, sponsor_id: int) -> HttpResponse:
    """Enter what a sponsor paid in by bank, once for each showing of the form."""
    scope = scope_of(request)
    sponsor = get_object_or_404(Sponsor, pk=sponsor_id, association_id=scope.association.pk)
    purse = get_object_or_404(
        programmes_of(scope.association.pk, None).filter(asset__kind=Asset.Kind.PURSE)
    )
    form = FundForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give an amount between 0.01 and 100,000 euro."))
        return redirect("sponsors")
    ledger.fund(
        Funding(
            key=f"fund:{form.cleaned_data['key']}",
            association_id=scope.association.pk,
            shop_id=None,
            occurred_at=clock.now(),
            actor=scope.actor,
            asset_id=purse.asset_id,
            sponsor_id=sponsor.pk,
            amount=cents(form.cleaned_data["amount"]),
        )
    )
    messages.success(request, _("Entered."))
    return redirect("sponsors")
