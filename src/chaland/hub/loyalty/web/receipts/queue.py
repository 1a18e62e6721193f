"""The matching queue: who said to have bought, and which receipt it probably is. No names: a
shopkeeper reads a masked one of the shop's own claims, a director none at all."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import required_role, staff_required, visible_shops
from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.common import clock
from chaland.hub.loyalty.members.rules import masked_name
from chaland.hub.loyalty.models import Claim, Member
from chaland.hub.loyalty.receipts import matching
from chaland.hub.loyalty.receipts.matching import Candidate, Waiting
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal


@dataclass(frozen=True)
class Row:
    """A claim as the page shows it."""

    waiting: Waiting
    shop: Shop | None
    who: str
    candidates: list[tuple[Candidate, Shop | None, int]]


@staff_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show open claims, the surest first, each with its candidates."""
    role = required_role(request)
    shops = {shop.pk: shop for shop in visible_shops(role)}
    waiting = matching.queue(role.association.pk, _own(role))
    names = _names(waiting) if role.shop else {}
    rows = [
        Row(
            waiting=each,
            shop=shops.get(each.claim.shop_id),
            who=names.get(each.claim.member_id, ""),
            candidates=[
                (c, shops.get(c.receipt.shop_id), round(c.factors.apart_s / 60))
                for c in each.candidates
            ],
        )
        for each in waiting
    ]
    sure = sum(each.sure for each in waiting)
    return render(
        request,
        "loyalty/receipts/queue.html",
        {"rows": rows, "sure": sure, "days": matching.CLAIM_LIVES.days},
    )


@staff_required
@require_POST
def decide(request: HttpRequest, claim_id: int) -> HttpResponse:
    """Attach the chosen receipt, or give the claim up (no receipt chosen)."""
    role = required_role(request)
    claim = _claim(role, claim_id)
    chosen = request.POST.get("receipt", "")
    try:
        if not chosen:
            matching.drop(claim.pk)
            messages.success(request, _("The claim is given up."))
            return redirect("claims")
        matching.still_open(claim.pk)  # the page may be older than somebody else's decision
        waiting = [w for w in matching.queue(role.association.pk, _own(role)) if w.claim == claim]
        candidates = {str(c.receipt.pk) for w in waiting for c in w.candidates}
        if chosen not in candidates:
            raise Http404
        matching.decide(claim.pk, int(chosen), f"user:{request.user.pk}", clock.now())
    except ReceiptErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The receipt is attached."))
    return redirect("claims")


@staff_required
@require_POST
def decide_sure(request: HttpRequest) -> HttpResponse:
    """Attach all receipts of which there is no doubt."""
    role = required_role(request)
    actor = f"user:{request.user.pk}"
    done = matching.decide_sure(role.association.pk, _own(role), actor, clock.now())
    text = ngettext("%(count)d receipt is attached.", "%(count)d receipts are attached.", done)
    messages.success(request, text % {"count": done})
    return redirect("claims")


def _own(role: StaffRole) -> int | None:
    return role.shop.pk if role.shop else None


def _claim(role: StaffRole, claim_id: int) -> Claim:
    own = Claim.objects.filter(association_id=role.association.pk)
    if role.shop:
        own = own.filter(shop_id=role.shop.pk)
    found = own.filter(pk=claim_id).first()
    if found is None:
        raise Http404
    return found


def _names(waiting: list[Waiting]) -> dict[int, str]:
    """Return masked names; a claim was made at the shop's own till, where the name was shown."""
    members = Member.objects.in_bulk({each.claim.member_id for each in waiting})
    return {pk: masked_name(m.first_name, m.last_name) for pk, m in members.items()}
