"""Reading receipts: what one earned and why, a shop's own list, what waits to be sorted out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import get_language

from chaland.hub.loyalty.models import Account, RawReceipt, Receipt, Transfer
from chaland.hub.loyalty.programmes.words import return_line, why_line
from chaland.hub.loyalty.receipts.shapes import Earned

_MOVED = (Transfer.Kind.EARN, Transfer.Kind.REVERSE_EARN, Transfer.Kind.REVERSE_REDEEM)
_MINE = (Account.Role.MEMBER, Account.Role.DEBT)


def earned_of(receipt_ids: Iterable[int], language: str = "") -> dict[int, list[Earned]]:
    """Return what receipts moved for their members, undone movements left out, oldest first; the
    reasons in a language, by default that of the moment."""
    transfers = (
        Transfer.objects.filter(receipt_id__in=list(receipt_ids), kind__in=_MOVED)
        .exclude(reversals__kind=Transfer.Kind.UNDO)
        .filter(entries__account__role__in=_MINE)
        .annotate(moved=Sum("entries__amount"))
        .order_by("recorded_at", "entries__account__asset_id", "pk")
        .values_list(
            "receipt_id", "kind", "why", "moved", "entries__account__asset_id",
            "entries__account__asset__kind",
        )
    )  # fmt: skip
    language = language or get_language() or "fr"
    found: dict[int, list[Earned]] = {}
    for receipt_id, kind, why, moved, asset_id, asset_kind in transfers:
        earning = kind == Transfer.Kind.EARN
        text = why_line(why, language) if earning else return_line(moved, asset_kind, language)
        found.setdefault(receipt_id, []).append(Earned(asset_id, moved, text))
    return found


@dataclass(frozen=True)
class Asked:
    """Which of a shop's receipts: between two instants, and of which sort."""

    since: datetime | None = None
    until: datetime | None = None
    sort: str = ""
    """``attached``, ``unattached``, ``returns``, ``waiting`` (returns without their purchase), or
    "" for all."""
    text: str = ""
    """The beginning of the till's number, or a code."""


_SORTS = {
    "attached": Q(attached_at__isnull=False, gross_cents__gte=0),
    "unattached": Q(attached_at__isnull=True, gross_cents__gte=0),
    "returns": Q(gross_cents__lt=0),
    "waiting": Q(gross_cents__lt=0, returns__isnull=True),
}


def receipts_of(shop_id: int, asked: Asked) -> QuerySet[Receipt]:
    """Return a shop's own receipts, newest first."""
    found = Receipt.objects.filter(shop_id=shop_id).order_by("-issued_at", "-pk")
    if asked.since:
        found = found.filter(issued_at__gte=asked.since)
    if asked.until:
        found = found.filter(issued_at__lt=asked.until)
    if asked.sort in _SORTS:
        found = found.filter(_SORTS[asked.sort])
    if asked.text:
        code = asked.text.upper().replace(" ", "").replace("-", "")
        found = found.filter(Q(external_id__startswith=asked.text) | Q(code=code))
    return found


@dataclass(frozen=True)
class Counts:
    """How many receipts there are in an answer, and how many of the purchases have a member."""

    receipts: int
    purchases: int
    attached: int
    gross_cents: int


def counts(found: QuerySet[Receipt]) -> Counts:
    """Count what a filter found."""
    bought = Q(gross_cents__gte=0)
    row = found.order_by().aggregate(
        receipts=Count("pk"),
        purchases=Count("pk", filter=bought),
        attached=Count("pk", filter=bought & Q(attached_at__isnull=False)),
        gross=Sum("gross_cents"),
    )
    return Counts(row["receipts"], row["purchases"], row["attached"], row["gross"] or 0)


def unread(shop_id: int) -> list[RawReceipt]:
    """List what came in and couldn't be read, newest first, without opening it."""
    refused = RawReceipt.objects.filter(shop_id=shop_id, state=RawReceipt.State.REFUSED)
    return list(refused.defer("body").order_by("-received_at")[:50])
