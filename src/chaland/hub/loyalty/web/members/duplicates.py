"""Doubles to decide, masked: a keeper those of two own customers, the director all others too."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import is_director, required_role, staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty import merging
from chaland.hub.loyalty.members import lookups, selectors
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.web.members.pages import actor_of

_AT_ONCE = 50


@never_cache
@staff_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List pairs that may be one person, masked."""
    role = required_role(request)
    pairs = selectors.open_duplicates(role.association_id, role.shop_id)
    shown = [
        (pair, *lookups.masked([pair.member, pair.other], role.shop_id))
        for pair in pairs[:_AT_ONCE]
    ]
    context = {"pairs": shown, "more": pairs.count() - len(shown), "director": is_director(role)}
    return render(request, "loyalty/members/duplicates.html", context)


@require_POST
@staff_required
def decide(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Merge a pair into its older account, or note that it is two persons."""
    role, now = required_role(request), clock.now()
    by = merging.Decider(actor_of(request), role.shop_id)
    if not by.pairs(role.association_id).filter(pk=pair_id).exists():
        raise Http404
    try:
        if "merge" in request.POST:
            merging.merge(role.association_id, pair_id, by, at=now)
            messages.success(request, _("Merged: purchases and balances are on one account."))
        else:
            merging.refuse(role.association_id, pair_id, by, at=now)
            messages.success(request, _("Noted: these are two persons."))
    except MemberErrorFinal as error:
        messages.error(request, str(error))
    return redirect("member_duplicates")
