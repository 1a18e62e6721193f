"""A shop's own customers: the list, one member with the purchases made here, consents withdrawn.

Names and contacts are never in an address: the search is a POST. A director sees no person, and is
led to the doubles to decide.
"""

import segno
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import is_director, required_role, staff_required
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.consent import selectors as consents
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.members import cards, lookups, selectors, services
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.members.rules import MemberErrorFinal, hint
from chaland.hub.loyalty.models import THE_ASSOCIATION, Member, Receipt, ShopCustomer
from chaland.hub.loyalty.web.members.forms import SearchForm

PER_PAGE = 50
_PURCHASES = 50


def own_shop(request: HttpRequest) -> Shop:
    """Return the shop of a shopkeeper; PermissionDenied for anybody else."""
    shop = required_role(request).shop
    if shop is None:
        raise PermissionDenied
    return shop


def actor_of(request: HttpRequest) -> str:
    """Return who acts, as the register writes it."""
    return f"user:{required_role(request).user_id}"


def asker_of(request: HttpRequest) -> Asker:
    """Return who looks up."""
    role = required_role(request)
    return Asker(role.association_id, role.shop_id, actor_of(request))


def own_customer(request: HttpRequest, member_id: int) -> ShopCustomer:
    """Return the shop's own customer; Http404 for anybody else's."""
    customer = selectors.customer_of(own_shop(request).pk, member_id)
    if customer is None:
        raise Http404
    return customer


@never_cache
@staff_required
def index(request: HttpRequest) -> HttpResponse:
    """List a shop's own customers, the newest first; by POST those whose name begins so."""
    role = required_role(request)
    if is_director(role):
        return redirect("member_duplicates")
    shop = own_shop(request)
    form = SearchForm(request.POST if request.method == "POST" else None)
    name = form.cleaned_data["q"].strip() if form.is_valid() else ""
    try:
        rows = selectors.customers_of(shop.pk, name)
    except MemberErrorFinal as error:
        form.add_error("q", str(error))
        rows = selectors.customers_of(shop.pk)
    number = (request.POST if name else request.GET).get("page")
    page = Paginator(rows, PER_PAGE).get_page(number)
    context = {
        "form": form,
        "name": name,
        "page": page,
        "rows": [(row, hint(row.member.phone, row.member.email)) for row in page],
        "to_decide": selectors.open_duplicates(role.association_id, shop.pk).count(),
    }
    return render(request, "loyalty/members/list.html", context, status=422 if form.errors else 200)


@never_cache
@staff_required
@require_safe
def member(request: HttpRequest, member_id: int) -> HttpResponse:
    """Show an own customer: purchases and balances of this shop, consents, card. Put on record."""
    shop = own_shop(request)
    customer = own_customer(request, member_id)
    person = customer.member
    lookups.opened(asker_of(request), person)
    found = Receipt.objects.filter(member=person, shop_id=shop.pk).order_by("-issued_at", "-pk")
    context = {
        "customer": customer,
        "member": person,
        "hint": hint(person.phone, person.email),
        "shop": shop,
        "receipts": found[:_PURCHASES],
        "purchases": found.filter(gross_cents__gt=0).count(),
        "balances": [b for b in balances(person.pk) if b.shop_id == shop.pk],
        "permissions": [
            p for p in consents.permissions_of(person, (shop.pk, THE_ASSOCIATION)) if p.given
        ],
        "card": _drawn(cards.token(person)),
    }
    return render(request, "loyalty/members/member.html", context)


def _drawn(text: str) -> str:
    """Return a card's QR code as a data: address of an SVG (the pages' policy allows those)."""
    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=2, light="#fff"))


@require_POST
@staff_required
def withdraw(request: HttpRequest, member_id: int) -> HttpResponse:
    """Withdraw one consent that a member takes back at the counter, or all, for every shop."""
    person = own_customer(request, member_id).member
    shop, evidence = own_shop(request), {"user": required_role(request).user_id}
    now = clock.now()
    told = request.POST.get("what", "").split(".")
    if told == ["all"]:
        consent.withdraw_all(person, place="staff", occurred_at=now, evidence=evidence)
        messages.success(request, _("Everything is withdrawn, for every shop."))
        return redirect("member", member_id)
    held = consents.permissions_of(person, (shop.pk, THE_ASSOCIATION))
    for row in held:
        if told == [str(row.controller), row.purpose, row.channel]:
            box = Decision(row.controller, row.purpose, row.channel, given=False)
            consent.record(person, [box], place="staff", occurred_at=now, evidence=evidence)
            messages.success(request, _("The consent is withdrawn."))
            return redirect("member", member_id)
    raise Http404


@require_POST
@staff_required
def new_card(request: HttpRequest, member_id: int) -> HttpResponse:
    """Make a lost card worthless; the page shows the new one."""
    person: Member = own_customer(request, member_id).member
    services.new_card(person)
    messages.success(request, _("The old card is worth nothing any more; this is the new one."))
    return redirect("member", member_id)
