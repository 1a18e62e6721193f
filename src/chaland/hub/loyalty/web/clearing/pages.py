"""Pages of clearing: all months for a director, one's own statements for a shopkeeper."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import (
    director_required,
    is_director,
    required_role,
    staff_required,
)
from chaland.hub.loyalty.clearing import paper, rules, selectors, services, sums
from chaland.hub.loyalty.models import Clearing, Proof, Statement

Way = Statement.Way


def own_clearing(request: HttpRequest, pk: int) -> Clearing:
    """Return a clearing of the director's association; Http404 for any other."""
    role = required_role(request)
    found = Clearing.objects.filter(pk=pk, association_id=role.association_id)
    clearing = found.select_related("asset").first()
    if clearing is None:
        raise Http404
    return clearing


def own_statement(request: HttpRequest, pk: int) -> Statement:
    """Return a statement that the role may see: a shopkeeper the shop's; Http404 otherwise."""
    role = required_role(request)
    found: QuerySet[Statement] = Statement.objects.filter(
        pk=pk, clearing__association_id=role.association_id
    )
    if not is_director(role):
        found = found.filter(shop_id=role.shop_id or 0)
    statement = found.select_related("clearing__asset").first()
    if statement is None:
        raise Http404
    return statement


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what runs and what is closed."""
    role = required_role(request)
    town = role.association_id
    running = selectors.running(town)
    context: dict[str, Any] = {"director": is_director(role)}
    if is_director(role):
        context["months"] = [_month_row(each) for each in selectors.clearings(town)]
        context["running"] = _named(running, selectors.shop_names(town))
        context["since"] = selectors.open_since(town)
        context["proof"] = Proof.objects.filter(association_id=town).first()
    else:
        context["statements"] = selectors.statements_of_shop(town, role.shop_id or 0)
        context["part"] = running.get(role.shop_id or 0, sums.Part())
    context["bank"] = selectors.bank_of(town, None if is_director(role) else role.shop_id)
    return render(request, "loyalty/clearing/index.html", context)


def _month_row(clearing: Clearing) -> dict[str, Any]:
    rows = selectors.statements(clearing)
    return {
        "clearing": clearing,
        "shops": len(rows),
        "open": sum(each.settled_by_id is None and each.net_cents != 0 for each in rows),
        "paid_in": -sum(each.net_cents for each in rows if each.net_cents < 0),
        "paid_out": sum(each.net_cents for each in rows if each.net_cents > 0),
    }


def _named(parts: dict[int, sums.Part], names: dict[int, str]) -> list[tuple[str, sums.Part]]:
    rows = [(names.get(shop_id, "–"), part) for shop_id, part in parts.items()]
    return sorted(rows, key=lambda row: row[0])


@director_required
@require_safe
def month(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one closed month: every shop's statement, where the money is, who gained from whom."""
    clearing = own_clearing(request, pk)
    names = selectors.shop_names(clearing.association_id)
    rows = selectors.statements(clearing)
    context = {
        "clearing": clearing,
        "rows": [
            {"statement": each, "shop": names.get(each.shop_id, "–")}
            for each in sorted(rows, key=lambda each: names.get(each.shop_id, ""))
        ],
        "ways": [_way(clearing, way, names) for way in (Way.CREDIT, Way.DEBIT, Way.INVOICE)],
        "money": _money(clearing),
        "holds": selectors.holds(clearing),
        "gained": [
            (names.get(each.shop_id, "–"), gained)
            for each in rows
            if (gained := selectors.gained_of(each, names))
        ],
        "threshold": rules.MEMBERS_MIN,
    }
    return render(request, "loyalty/clearing/month.html", context)


def _way(clearing: Clearing, way: Way, names: dict[int, str]) -> dict[str, Any]:
    payments, missing = selectors.to_pay(clearing, way, "")
    waiting = [*(each.statement for each in payments), *missing]
    return {
        "way": way.value,
        "count": len(payments) if way != Way.INVOICE else len(waiting),
        "cents": sum(abs(each.net_cents) for each in waiting),
        "missing": [names.get(each.shop_id, "–") for each in missing] if way != Way.INVOICE else [],
    }


def _money(clearing: Clearing) -> list[tuple[str, int]]:
    """Say where the month's money went: the lines add up to nothing."""
    asset, after = clearing.asset, clearing.first_entry_id - 1
    found = sums.by_role(asset, after, clearing.last_entry_id)
    members = found.get("member", 0) + found.get("debt", 0)
    rows = [
        (_("Shops, net"), found.get("shop", 0)),
        (_("Members hold more (or less) than before"), members),
        (_("Sponsors’ budgets grew (or were used)"), found.get("sponsor", 0)),
        (_("Paid in by sponsors"), found.get("outside", 0)),
        (_("Borne by the association"), found.get("house", 0)),
    ]
    return [(label, cents) for label, cents in rows if cents]


@director_required
@require_POST
def settle_way(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter that the bank carried out a file: every payment that was in it."""
    clearing = own_clearing(request, pk)
    way = request.POST.get("way", "")
    if way not in (Way.CREDIT, Way.DEBIT):
        raise Http404
    payments, _missing = selectors.to_pay(clearing, way, "")
    for each in payments:
        services.settle(each.statement.pk, f"user:{request.user.pk}")
    messages.success(request, _("Entered: the payments of this file are settled."))
    return redirect("clearing_month", pk)


@director_required
@require_POST
def settle_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter that one statement was paid."""
    statement = own_statement(request, pk)
    services.settle(statement.pk, f"user:{request.user.pk}")
    messages.success(request, _("Entered: this statement is settled."))
    return redirect("clearing_month", statement.clearing_id)


@staff_required
@require_safe
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one shop's statement."""
    found = own_statement(request, pk)
    names = selectors.shop_names(found.clearing.association_id)
    context = {
        "statement": found,
        "director": is_director(required_role(request)),
        "shop": names.get(found.shop_id, "–"),
        "number": paper.number_of(found),
        "lines": paper.rows(found),
        "gained": selectors.gained_of(found, names),
        "threshold": rules.MEMBERS_MIN,
    }
    return render(request, "loyalty/clearing/statement.html", context)
