"""A receipt as the API takes it (docs/reference/api.md), decoded by hand. No Django in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from chaland.hub.loyalty.connect.fields import CENTS_AT_MOST, Reader, place
from chaland.hub.loyalty.connect.problems import Fault
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, VatIn

BATCH_AT_MOST = 500
LINES_AT_MOST = 500
NUMBER_AT_MOST = 70
_LINE = frozenset(
    (
        *("number", "gross_cents", "item_id", "item_name", "group", "quantity_milli"),
        *("vat_permyriad", "discount", "returns_number"),
    )
)
_VAT = frozenset(("rate_permyriad", "taxable_cents", "tax_cents"))
_RETURN = frozenset(
    (
        *("external_id", "issued_at", "gross_cents", "net_cents", "currency", "till_label"),
        *("seller_label", "lines", "vat"),
    )
)
_RECEIPT = _RETURN | {"code", "member", "returns_code", "returns_external_id"}


class Kind(Enum):
    """What a receipt's JSON is sent for: each has its fields."""

    RECEIPT = _RECEIPT
    RETURN = _RETURN
    QUOTE = _RETURN | {"member"}


@dataclass(frozen=True)
class Said:
    """A receipt as it was sent, and the member's card or handle that came with it."""

    receipt: ReceiptIn
    member: str


@dataclass(frozen=True)
class Sender:
    """What a receipt doesn't say itself: whose it is, and who brings it."""

    association_id: int
    shop_id: int
    actor: str
    now: datetime
    source: str = "api"


def read_receipt(
    given: object, at: str, sender: Sender, faults: list[Fault], kind: Kind = Kind.RECEIPT
) -> Said:
    """Return what was sent; what is wrong with it goes to ``faults``."""
    read = Reader(given, at, faults)
    read.only(kind.value)
    currency = read.text("currency", 3) or "EUR"
    if currency != "EUR":
        read.fault("currency", "must be EUR")
    receipt = ReceiptIn(
        association_id=sender.association_id,
        shop_id=sender.shop_id,
        source=sender.source,
        external_id=read.text("external_id", NUMBER_AT_MOST, required=kind is not Kind.QUOTE),
        issued_at=read.instant("issued_at", sender.now),
        gross_cents=read.required_whole("gross_cents", -CENTS_AT_MOST, CENTS_AT_MOST),
        net_cents=read.whole("net_cents", -CENTS_AT_MOST, CENTS_AT_MOST, None),
        till_label=read.text("till_label", 40),
        seller_label=read.text("seller_label", 40),
        lines=_lines(read, at, faults),
        vat=_vat(read, at, faults),
        code=read.text("code", 12),
        returns_code=read.text("returns_code", 16),
        returns_external_id=read.text("returns_external_id", NUMBER_AT_MOST),
        actor=sender.actor,
    )
    return Said(receipt, read.text("member", 200))


def with_members(said: Sequence[Said], members: Mapping[str, int]) -> list[ReceiptIn]:
    """Return the receipts, each with the member that its card or handle stands for (0: nobody)."""
    return [
        replace(each.receipt, member_id=members.get(each.member, 0), attached_how="till")
        if each.member
        else each.receipt
        for each in said
    ]


def _lines(read: Reader, at: str, faults: list[Fault]) -> list[LineIn]:
    lines = []
    numbers = set()
    for position, given in enumerate(read.objects("lines", LINES_AT_MOST)):
        line = Reader(given, place("lines", position, at), faults)
        line.only(_LINE)
        number = line.whole("number", 1, 32_767, position + 1)
        if number in numbers:
            line.fault("number", "is there twice")
        numbers.add(number)
        lines.append(
            LineIn(
                number=number,
                gross_cents=line.required_whole("gross_cents", -CENTS_AT_MOST, CENTS_AT_MOST),
                item_id=line.text("item_id", 64),
                item_name=line.text("item_name", 120),
                group=line.text("group", 64),
                quantity_milli=line.whole("quantity_milli", 1, CENTS_AT_MOST, 1000),
                vat_permyriad=line.whole("vat_permyriad", 0, 10_000, None),
                discount=line.flag("discount"),
                returns_number=line.whole("returns_number", 1, 32_767, None),
            )
        )
    return lines


def _vat(read: Reader, at: str, faults: list[Fault]) -> list[VatIn]:
    rates = []
    seen = set()
    for position, given in enumerate(read.objects("vat", 20)):
        vat = Reader(given, place("vat", position, at), faults)
        vat.only(_VAT)
        rate = vat.required_whole("rate_permyriad", 0, 10_000)
        if rate in seen:
            vat.fault("rate_permyriad", "is there twice")
        seen.add(rate)
        rates.append(
            VatIn(
                rate,
                vat.required_whole("taxable_cents", -CENTS_AT_MOST, CENTS_AT_MOST),
                vat.required_whole("tax_cents", -CENTS_AT_MOST, CENTS_AT_MOST),
            )
        )
    return rates
