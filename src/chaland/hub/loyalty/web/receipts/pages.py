"""A shop's own receipts: the list, one receipt with what it earned and why, returns.

Purchases are the shop's (L19): a director is led to the queue, which names nobody.
"""

import uuid
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import is_director, required_role, staff_required
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Claim, Receipt
from chaland.hub.loyalty.receipts import codes, links, returning, selectors, services
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.web.receipts.forms import FilterForm, ReturnForm
from chaland.hub.loyalty.web.receipts.shown import shown

PER_PAGE = 50


def own_shop(request: HttpRequest) -> Shop:
    """Return the shop of a shopkeeper; PermissionDenied for anybody else."""
    shop = required_role(request).shop
    if shop is None:
        raise PermissionDenied
    return shop


def own_receipt(request: HttpRequest, receipt_id: int) -> Receipt:
    """Return a receipt of the shopkeeper's shop; Http404 for any other."""
    found = Receipt.objects.filter(pk=receipt_id, shop_id=own_shop(request).pk).first()
    if found is None:
        raise Http404
    return found


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List a shop's receipts, newest first."""
    role = required_role(request)
    if is_director(role):
        return redirect("claims")
    shop = own_shop(request)
    form = FilterForm(request.GET)
    found = selectors.receipts_of(shop.pk, form.asked(ZoneInfo(role.association.timezone)))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    asked = request.GET.copy()
    asked.pop("page", None)
    context = {
        "form": form,
        "filtered": any(asked.values()),
        "query": asked.urlencode(),
        "page": page,
        "counts": selectors.counts(found),
        "earned": selectors.earned_of(receipt.pk for receipt in page),
        "unread": selectors.unread(shop.pk),
        "claims": Claim.objects.filter(shop_id=shop.pk, state=Claim.State.OPEN).count(),
    }
    return render(request, "loyalty/receipts/index.html", context)


@staff_required
@require_safe
def receipt(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Show one receipt."""
    return _receipt(request, own_receipt(request, receipt_id))


def _receipt(
    request: HttpRequest, found: Receipt, form: ReturnForm | None = None, *, link: str = ""
) -> HttpResponse:
    refused = form is not None
    bought = [] if found.gross_cents < 0 else returning.bought(found)
    if form is None and any(line.left_milli > 0 for line in bought if not line.discount):
        form = ReturnForm(bought, initial={"number": uuid.uuid4().hex})
    context = {
        "receipt": found,
        "shown": shown(found, bought),
        "earned": selectors.earned_of([found.pk]).get(found.pk, []),
        "returns": found.returned_by.order_by("issued_at"),
        "own_shop_id": own_shop(request).pk,
        "form": form,
        "link": link,
        "link_days": links.LIVES.days,
    }
    status = 422 if refused else 200
    return render(request, "loyalty/receipts/receipt.html", context, status=status)


@staff_required
@require_POST
def take_return(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Take articles back; what they earned goes back with them."""
    purchase = own_receipt(request, receipt_id)
    form = ReturnForm(returning.bought(purchase), request.POST)
    if not form.is_valid():
        return _receipt(request, purchase, form)
    try:
        taken = services.take_return(
            purchase.pk,
            form.quantities(),
            shop_id=purchase.shop_id,
            external_id=f"return-{form.cleaned_data['number']}",
            actor=f"user:{request.user.pk}",
            at=clock.now(),
        )
    except ReceiptErrorFinal as error:
        form.add_error(None, str(error))
        return _receipt(request, purchase, form)
    messages.success(request, _("The return is recorded."))
    return redirect("receipt", taken.receipt_id)


@staff_required
@require_POST
def join(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Say by its code of what purchase a return is, perhaps another shop's."""
    back = own_receipt(request, receipt_id)
    actor = f"user:{request.user.pk}"
    try:
        purchase = codes.purchase(back.association_id, request.POST.get("code", ""), actor)
        if purchase is None:
            messages.error(request, _("No purchase here has this code. Check it on the receipt."))
            return redirect("receipt", back.pk)
        returning.join(back.pk, purchase.pk)
    except ReceiptErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The return has found its purchase."))
    return redirect("receipt", back.pk)


@staff_required
@require_POST
def make_link(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Make an address under which the customer reads the receipt; it is shown once."""
    found = own_receipt(request, receipt_id)
    _link, token = links.make(found.pk, clock.now())
    return _receipt(request, found, link=request.build_absolute_uri(f"/receipts/r/{token}/"))
