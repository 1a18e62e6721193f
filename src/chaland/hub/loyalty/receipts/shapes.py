"""A receipt as it comes in, from whatever source; names follow CEN/TS 16931-8."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class LineIn:
    """A line. ``gross_cents`` is with tax, for the whole quantity, negative for a discount or in
    a return; ``returns_number`` names the purchase's line that comes back. ``quantity_milli`` is
    in thousandths; in a return, how much comes back (its sign is ignored)."""

    number: int
    gross_cents: int
    item_id: str = ""
    item_name: str = ""
    group: str = ""
    quantity_milli: int = 1000
    vat_permyriad: int | None = None
    discount: bool = False
    returns_number: int | None = None


@dataclass(frozen=True)
class VatIn:
    """Tax at one rate: 550 is 5.5 %."""

    rate_permyriad: int
    taxable_cents: int
    tax_cents: int


@dataclass(frozen=True)
class ReceiptIn:
    """A purchase, a return, or an exchange (both in one; it becomes a receipt of each).

    Of what a return is: ``returns_id`` (our number), ``returns_code`` (printed on the purchase's
    receipt) or ``returns_external_id`` (the source's own number; it may come in later). A source
    without lines (SumUp, the till page) gives one line for the whole, or none. ``gross_cents`` is
    the sum of the lines. ``code``: 8 to 12 random signs of Crockford's base 32, or "" to get one.
    """

    association_id: int
    shop_id: int
    source: str
    external_id: str
    issued_at: datetime
    gross_cents: int
    lines: Sequence[LineIn] = ()
    vat: Sequence[VatIn] = ()
    currency: str = "EUR"
    net_cents: int | None = None
    till_label: str = ""
    seller_label: str = ""
    code: str = ""
    member_id: int | None = None
    attached_how: str = ""
    actor: str = ""
    returns_id: int | None = None
    returns_code: str = ""
    returns_external_id: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of one receipt. ``outcome``: ``new``, ``repeated`` (the same again: nothing
    changed, but a member told only now is attached), ``conflict`` (the same number with other
    content: nothing changed) or ``refused`` (``error`` for machines, ``reason`` for people).
    ``code`` is printed on the receipt: who holds it may claim it."""

    outcome: str
    receipt_id: int | None = None
    reason: str = ""
    error: str = ""
    code: str = ""
    earned: Sequence["Earned"] = field(default=())


@dataclass(frozen=True)
class Earned:
    """What a receipt moved on one asset (negative for a return), and why, in one line."""

    asset_id: int
    amount: int
    why: str
