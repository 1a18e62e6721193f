"""The page of signals: what looks like misuse. A shop sees its own; the director sees no person."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from chaland.hub.association.access import staff_required
from chaland.hub.loyalty.figures import fraud, selectors
from chaland.hub.loyalty.figures.fraud import Kind, Signal
from chaland.hub.loyalty.web.figures import words
from chaland.hub.loyalty.web.figures.question import Asked


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List the signals of the last two months, the newest first."""
    asked = Asked(request)
    shop_id = asked.shop.pk if asked.shop else None
    seen = selectors.seen_receipts(asked.association_id, asked.now, shop_id)
    found = fraud.signals(seen, selectors.own_memberships(asked.association_id))
    context = {
        "asked": asked,
        "days": selectors.SIGNAL_DAYS,
        "rows": [_row(asked, signal) for signal in found],
    }
    return render(request, "loyalty/signals.html", context)


def _row(asked: Asked, signal: Signal) -> dict[str, Any]:
    shops = [asked.shops[pk].name for pk in signal.shops if pk in asked.shops]
    count = len(signal.receipts)
    receipts = ngettext("%(n)d receipt", "%(n)d receipts", count) % {"n": count}
    return {
        "title": _title(signal.kind),
        "why": _why(signal.kind),
        "receipts": receipts,
        "cents": words.euros(abs(signal.cents)),
        "shops": ", ".join(shops),
        "first": signal.first,
        "last": signal.last,
        # the director decides with the shopkeepers, who know both; persons are theirs alone
        "seller": "" if asked.director else signal.seller,
        "member": None if asked.director else signal.member,
    }


def _title(kind: Kind) -> str:
    return {
        Kind.SELF_AWARD: _("A seller and one account"),
        Kind.VELOCITY: _("Many purchases within the hour"),
        Kind.REFUND_RING: _("Bought to bring back"),
        Kind.SELLER_RETURNS: _("Returns crowd at one seller"),
    }[kind]


def _why(kind: Kind) -> str:
    return {
        Kind.SELF_AWARD: _(
            "One seller attached these receipts to one account: the seller’s own, or one that this "
            "seller alone serves, long after the purchases."
        ),
        Kind.VELOCITY: _("One account bought %(n)d times or more within an hour in one shop.")
        % {"n": fraud.FAST_MIN},
        Kind.REFUND_RING: _(
            "One account brought back much of what it bought at these shops, several times."
        ),
        Kind.SELLER_RETURNS: _("This seller takes back several times as often as the others."),
    }[kind]
