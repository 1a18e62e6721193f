"""Writing receipts: the rows of many at once, in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chaland.hub.loyalty.models import Receipt, ReceiptLine, VatBreakdown
from chaland.hub.loyalty.receipts import rules
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, VatIn

_NAME_LENGTH = 120
"""A longer name of an article is cut; what came in raw has it whole."""


@dataclass(frozen=True)
class Ready:
    """A purchase or a return that was checked and is about to be written."""

    said: ReceiptIn
    digest: str
    member_id: int | None = None
    purchase: Receipt | None = None
    """What a return is of; None while it waits for it."""


def write(ready: Sequence[Ready], raw_id: int | None, now: datetime) -> list[Receipt]:
    """Store receipts with their lines and tax; the lines are then at hand on each."""
    receipts = Receipt.objects.bulk_create(_receipt(one, raw_id, now) for one in ready)
    lines, taxes = [], []
    for one, receipt in zip(ready, receipts, strict=True):
        own = [_line(receipt, line) for line in one.said.lines]
        lines += own
        keep_lines(receipt, own)
        taxes += [_tax(receipt, vat) for vat in one.said.vat or rules.vat_of(one.said.lines)]
    ReceiptLine.objects.bulk_create(lines)
    VatBreakdown.objects.bulk_create(taxes)
    return receipts


def write_lines(receipt: Receipt, said: Sequence[LineIn]) -> None:
    """Store the lines of one receipt."""
    lines = ReceiptLine.objects.bulk_create(_line(receipt, line) for line in said)
    keep_lines(receipt, lines)


def keep_lines(receipt: Receipt, lines: list[ReceiptLine]) -> None:
    """Hold a receipt's lines as if they had been prefetched: they were written just now."""
    queryset = receipt.lines.all()
    queryset._result_cache = lines
    if not hasattr(receipt, "_prefetched_objects_cache"):
        receipt._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    receipt._prefetched_objects_cache["lines"] = queryset  # type: ignore[attr-defined]


def _receipt(ready: Ready, raw_id: int | None, now: datetime) -> Receipt:
    said, purchase = ready.said, ready.purchase
    receipt = Receipt(
        association_id=said.association_id,
        shop_id=said.shop_id,
        source=said.source,
        external_id=said.external_id,
        raw_id=raw_id,
        content_digest=ready.digest,
        code=rules.read_code(said.code) or rules.new_code(),
        issued_at=said.issued_at,
        recorded_at=now,
        currency=said.currency,
        gross_cents=said.gross_cents,
        net_cents=_net(said),
        till_label=said.till_label,
        seller_label=said.seller_label,
        returns=purchase,
        returns_reference="" if purchase else said.returns_external_id[:80],
    )
    if ready.member_id is not None:
        receipt.member_id = ready.member_id
        receipt.attached_at = said.issued_at
        receipt.attached_times = 1
        receipt.attached_how = said.attached_how or Receipt.How.TILL
        receipt.attached_by = said.actor
    return receipt


def _net(said: ReceiptIn) -> int | None:
    if said.net_cents is not None:
        return said.net_cents
    taxes: Sequence[VatIn] = said.vat or rules.vat_of(said.lines)
    return sum(vat.taxable_cents for vat in taxes) if taxes else None


def _line(receipt: Receipt, line: LineIn) -> ReceiptLine:
    return ReceiptLine(
        receipt=receipt,
        number=line.number,
        item_id=line.item_id,
        item_name=line.item_name[:_NAME_LENGTH],
        group=line.group,
        quantity_milli=line.quantity_milli,
        gross_cents=line.gross_cents,
        vat_permyriad=line.vat_permyriad,
        discount=line.discount,
        returns_number=line.returns_number,
    )


def _tax(receipt: Receipt, vat: VatIn) -> VatBreakdown:
    return VatBreakdown(
        receipt=receipt,
        rate_permyriad=vat.rate_permyriad,
        taxable_cents=vat.taxable_cents,
        tax_cents=vat.tax_cents,
    )
