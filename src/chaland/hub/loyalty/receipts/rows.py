"""Writing receipts: the rows of many at once, in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import Receipt, ReceiptLine, VatBreakdown
from chaland.hub.loyalty.receipts import rules
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, VatIn

_NAME_LENGTH = 120
"""A longer name of an article is cut; what came in raw has it whole."""

_LINE = (
    *("receipt", "number", "item_id", "item_name", "group", "quantity_milli", "gross_cents"),
    *("vat_permyriad", "discount", "returns_number"),
)
_RECEIPT = tuple(field.name for field in Receipt._meta.concrete_fields if not field.primary_key)
_RECEIPTS_VALUES = attrgetter(
    *(field.attname for field in Receipt._meta.concrete_fields if not field.primary_key)
)
_TAX = ("receipt", "rate_permyriad", "taxable_cents", "tax_cents")


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
    receipts = [_receipt(one, raw_id, now) for one in ready]
    keys = bulk.insert_keyed(Receipt, _RECEIPT, map(_RECEIPTS_VALUES, receipts))
    for receipt, key in zip(receipts, keys, strict=True):
        receipt.pk = key
        receipt._state.adding, receipt._state.db = False, "loyalty"
    pairs = [(receipt, one.said) for receipt, one in zip(receipts, ready, strict=True)]
    bulk.insert(ReceiptLine, _LINE, (_line(r.pk, line) for r, said in pairs for line in said.lines))
    bulk.insert(
        VatBreakdown,
        _TAX,
        (
            (r.pk, vat.rate_permyriad, vat.taxable_cents, vat.tax_cents)
            for r, said in pairs
            for vat in said.vat or rules.vat_of(said.lines)
        ),
    )
    for receipt, said in pairs:
        keep_lines(receipt, said.lines)
    return receipts


def write_lines(receipt: Receipt, said: Sequence[LineIn]) -> None:
    """Store the lines of one receipt."""
    bulk.insert(ReceiptLine, _LINE, (_line(receipt.pk, line) for line in said))
    keep_lines(receipt, said)


def keep_lines(receipt: Receipt, said: Sequence[LineIn]) -> None:
    """Hold a receipt's lines as if they had been prefetched: they were written just now, and who
    awards asks for nothing that a line as it was said doesn't tell."""
    lines: Any = receipt.lines.all()
    lines._result_cache = list(said)
    kept: Any = receipt
    kept._prefetched_objects_cache = {"lines": lines}


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


def _line(receipt_id: int, line: LineIn) -> tuple[object, ...]:
    return (
        receipt_id,
        line.number,
        line.item_id,
        line.item_name[:_NAME_LENGTH],
        line.group,
        line.quantity_milli,
        line.gross_cents,
        line.vat_permyriad,
        line.discount,
        line.returns_number,
    )
