"""What a till page writes about purchases: a receipt typed in, or one of a connected till taken."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Value
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import (
    ApiKey,
    Claim,
    Connection,
    Member,
    Receipt,
    Seller,
    Source,
    Till,
)
from chaland.hub.loyalty.receipts import matching, services
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, Taken
from chaland.hub.loyalty.till import devices
from chaland.hub.loyalty.till.refs import StaleRefErrorFinal

ARRIVED_SINCE = timedelta(minutes=30)
ARRIVED_AT_MOST = 5
_OLDEST = timedelta(days=30)
_CLOCKS_APART = timedelta(minutes=10)
_SENT_SINCE = timedelta(days=30)


@dataclass(frozen=True)
class Sale:
    """A purchase as the cashier typed it. ``number`` is the receipt's own, or empty."""

    key: str
    member_id: int
    amount_cents: int
    number: str
    issued_at: datetime
    seller_id: int | None


def record(till: Till, sale: Sale, timezone: str) -> Taken | Claim:
    """Take in a typed receipt and attach it; a claim where the shop's own till will bring it.

    It waits in the matching queue: typing a receipt that arrives by itself as well
    would earn twice.
    Raises StaleRefErrorFinal where the member is gone, ReceiptErrorFinal where the receipt is
    refused or its number was attached before.
    """
    at = _believed(sale.issued_at)
    actor = devices.actor_of(till, sale.seller_id)
    if is_connected(till.shop_id):
        members = Member.objects.filter(pk=sale.member_id, association_id=till.association_id)
        if not members.exists():
            raise StaleRefErrorFinal
        return matching.claim(
            till.association_id, till.shop_id, sale.member_id,
            at=at, actor=actor, amount_cents=sale.amount_cents,
        )  # fmt: skip
    said = ReceiptIn(
        association_id=till.association_id,
        shop_id=till.shop_id,
        source=Source.TILL,
        external_id=_external_id(sale, at, timezone),
        issued_at=at,
        gross_cents=sale.amount_cents,
        lines=[LineIn(1, sale.amount_cents)],
        till_label=till.name,
        seller_label=_seller_name(till, sale.seller_id),
        member_id=sale.member_id,
        attached_how=Receipt.How.TILL,
        actor=actor,
    )
    taken = services.take_in([said])[0]
    if taken.outcome in ("conflict", "repeated"):
        raise ReceiptErrorFinal(
            "number-taken", _("A receipt of this number has been attached today already.")
        )
    if taken.error == "no-such-member":
        raise StaleRefErrorFinal
    if taken.outcome == "refused" or taken.error:
        raise ReceiptErrorFinal(taken.error or "refused", taken.reason)
    return taken


def _external_id(sale: Sale, at: datetime, timezone: str) -> str:
    """Tills begin to count anew each day: a number names a receipt together with its day."""
    if not sale.number:
        return sale.key
    return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d} {sale.number}"


def _believed(issued_at: datetime) -> datetime:
    """Return when a receipt was made, as far as the device's clock can be believed."""
    now = clock.now()
    if issued_at > now + _CLOCKS_APART or issued_at < now - _OLDEST:
        text = _("This receipt is of another month, or the device’s clock is wrong.")
        raise ReceiptErrorFinal("clock", text)
    return min(issued_at, now)


def _seller_name(till: Till, seller_id: int | None) -> str:
    if seller_id is None:
        return ""
    seller = Seller.objects.filter(pk=seller_id, shop_id=till.shop_id).first()
    if seller is None:
        raise ReceiptErrorFinal("no-such-seller", _("This seller is not of this shop."))
    return seller.name


def is_connected(shop_id: int) -> bool:
    """Say whether the shop's own till brings its receipts here by itself: it has done so within 30
    days, by a way that is still open. A key that only looks up brings none."""
    keys = ApiKey.objects.filter(shop_id=shop_id, revoked_at__isnull=True)
    connections = Connection.objects.filter(shop_id=shop_id, active=True)
    ways = keys.annotate(source=Value(Source.API)).values_list("source")
    sources = [source for (source,) in ways.union(connections.values_list("source"))]
    return (
        bool(sources)
        and Receipt.objects.filter(
            shop_id=shop_id, source__in=sources, issued_at__gt=clock.now() - _SENT_SINCE
        ).exists()
    )


def arrived(till: Till) -> list[Receipt]:
    """List the shop's newest receipts that nobody has yet: amount and time, for one tap."""
    now = clock.now()
    rows = Receipt.objects.filter(
        shop_id=till.shop_id,
        issued_at__range=(now - ARRIVED_SINCE, now + _CLOCKS_APART),
        attached_at=None,
        returns=None,
        gross_cents__gt=0,
    )
    return list(rows.order_by("-issued_at", "-pk")[:ARRIVED_AT_MOST])


def attach_arrived(till: Till, receipt_id: int, member_id: int) -> Taken:
    """Give a receipt of the shop's connected till to a member."""
    _own(till, receipt_id)
    return services.attach(
        receipt_id, member_id, Receipt.How.TILL, devices.actor_of(till), clock.now()
    )


def _own(till: Till, receipt_id: int) -> None:
    if not Receipt.objects.filter(pk=receipt_id, shop_id=till.shop_id).exists():
        raise ReceiptErrorFinal("no-such-receipt", _("There is no such receipt."))
