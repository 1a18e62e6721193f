"""The e-receipt: what the customer reads under the address that was given at the till."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.receipts import attaching, links, selectors
from chaland.hub.loyalty.web.receipts.shown import shown


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a receipt to whoever has its address: no member is named, nothing is kept or indexed."""
    receipt = links.receipt_of(token, clock.now())
    shop = (
        Shop.objects.select_related("association").filter(pk=receipt.shop_id).first()
        if receipt
        else None
    )
    if receipt is None or shop is None:
        answer = render(request, "loyalty/receipts/e_receipt_over.html", status=404)
    else:
        timezone.activate(shop.association.timezone)
        context = {
            "receipt": receipt,
            "shop": shop,
            "town": shop.association,
            "shown": shown(receipt),
            "earned": selectors.earned_of([receipt.pk]).get(receipt.pk, []),
            "claim_days": attaching.CLAIM_DAYS,
        }
        answer = render(request, "loyalty/receipts/e_receipt.html", context)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    answer["Cache-Control"] = "private, no-store"
    answer["Referrer-Policy"] = "no-referrer"
    return answer
