"""A receipt as pages show it: lines with what came back of them, tax by rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaland.hub.loyalty.models import Receipt, ReceiptLine, VatBreakdown
from chaland.hub.loyalty.receipts.rules import Bought


@dataclass(frozen=True)
class ShownLine:
    """A line, and how much of it came back (thousandths)."""

    line: ReceiptLine
    back_milli: int


@dataclass(frozen=True)
class Shown:
    """What a page says of a receipt."""

    lines: Sequence[ShownLine]
    vat: Sequence[VatBreakdown]

    @property
    def tax_cents(self) -> int:
        """All tax."""
        return sum(vat.tax_cents for vat in self.vat)


def shown(receipt: Receipt, bought: Sequence[Bought] = ()) -> Shown:
    """Gather a receipt's lines and tax."""
    back = {line.number: line.back_milli for line in bought}
    return Shown(
        lines=[
            ShownLine(line, back.get(line.number, 0)) for line in receipt.lines.order_by("number")
        ],
        vat=list(receipt.vat.order_by("rate_permyriad")),
    )
