"""What a receipt must be to be taken in; each refusal names the field and what to do."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Source
from chaland.hub.loyalty.receipts import rules
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""A till's clock may be this far ahead."""
MOST_CENTS = 10**11
MOST_MILLI = 10**10
MOST_LINES = 2_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SOURCES = frozenset(Source.values)
_ID_LENGTH = 80 - len(rules.BACK)
_LABEL_LENGTH = 40
_ITEM_LENGTH = 64


def check(receipt: ReceiptIn, now: datetime) -> None:
    """Raise ReceiptErrorFinal at the first thing that can't be stored or isn't true."""
    number = receipt.external_id
    if receipt.source not in _SOURCES:
        _refuse("source", _("source: “%(value)s” is not a known source."), value=receipt.source)
    if not number or len(number) > _ID_LENGTH or not _plain(number):
        text = _("external_id: give the till’s own number of the receipt, 1 to %(most)d signs.")
        _refuse("external-id", text, most=_ID_LENGTH)
    if number.endswith(rules.BACK):
        text = _(
            "external_id: it can’t end in “%(end)s”, the mark of what an exchange brings back."
        )
        _refuse("external-id", text, end=rules.BACK)
    if receipt.issued_at.tzinfo is None or not EARLIEST <= receipt.issued_at <= now + AHEAD:
        text = _("issued_at: %(value)s is no date of a receipt. Check the till’s clock and zone.")
        _refuse("issued-at", text, value=receipt.issued_at.isoformat())
    if receipt.currency != "EUR":
        _refuse("currency", _("currency: only EUR is taken, not “%(value)s”."),
                value=receipt.currency)  # fmt: skip
    if receipt.code and not rules.read_code(receipt.code):
        text = _("code: give 8 to 12 random digits and letters, or none to get one.")
        _refuse("code", text)
    for name in ("till_label", "seller_label"):
        _text(name, getattr(receipt, name))
    _lines(receipt, receipt.lines)
    _tax(receipt)


def _lines(receipt: ReceiptIn, lines: Sequence[LineIn]) -> None:
    if abs(receipt.gross_cents) > MOST_CENTS:
        _refuse("gross", _("gross_cents: %(value)d is too large."), value=receipt.gross_cents)
    if not lines:
        return
    if len(lines) > MOST_LINES:
        _refuse("lines", _("lines: %(most)d at most."), most=MOST_LINES)
    numbers = {line.number for line in lines}
    if len(numbers) < len(lines) or not 1 <= min(numbers) <= max(numbers) <= 32_767:
        _refuse("line-number", _("lines: number them 1, 2, 3…, each number once."))
    total = sum(line.gross_cents for line in lines)
    if total != receipt.gross_cents:
        text = _(
            "lines: they add up to %(total)d cents, gross_cents says %(gross)d. Send a discount "
            "on the whole receipt as a line of its own."
        )
        _refuse("sum", text, total=total, gross=receipt.gross_cents)
    for line in lines:
        _line(line)


def _line(line: LineIn) -> None:
    if abs(line.gross_cents) > MOST_CENTS or not 0 < abs(line.quantity_milli) <= MOST_MILLI:
        text = _("line %(number)d: the quantity is not 0, and both it and the amount are sensible.")
        _refuse("line", text, number=line.number)
    if line.vat_permyriad is not None and not 0 <= line.vat_permyriad <= 10_000:
        text = _("line %(number)d: vat_permyriad is 550 for 5.5 %%, from 0 to 10000.")
        _refuse("vat", text, number=line.number)
    if len(line.item_id) > _ITEM_LENGTH or len(line.group) > _ITEM_LENGTH:
        text = _("line %(number)d: item_id and group have %(most)d signs at most.")
        _refuse("line", text, number=line.number, most=_ITEM_LENGTH)
    if not _plain(line.item_id + line.item_name + line.group):
        text = _("line %(number)d: a text holds a NUL or half a sign, which can’t be stored.")
        _refuse("line", text, number=line.number)


def _tax(receipt: ReceiptIn) -> None:
    if receipt.net_cents is not None and abs(receipt.net_cents) > MOST_CENTS:
        _refuse("net", _("net_cents: %(value)d is too large."), value=receipt.net_cents)
    if not receipt.vat:
        return
    if len({vat.rate_permyriad for vat in receipt.vat}) < len(receipt.vat):
        _refuse("vat", _("vat: one entry for each rate."))
    if any(not 0 <= vat.rate_permyriad <= 10_000 for vat in receipt.vat):
        _refuse("vat", _("vat: rate_permyriad is 550 for 5.5 %%, from 0 to 10000."))
    total = sum(vat.taxable_cents + vat.tax_cents for vat in receipt.vat)
    if abs(total - receipt.gross_cents) > len(receipt.vat):  # a cent of rounding for each rate
        text = _("vat: taxable and tax add up to %(total)d cents, gross_cents says %(gross)d.")
        _refuse("vat", text, total=total, gross=receipt.gross_cents)


def _text(name: str, value: str) -> None:
    if len(value) > _LABEL_LENGTH or not _plain(value):
        _refuse(name, _("%(name)s: %(most)d signs at most."), name=name, most=_LABEL_LENGTH)


def _plain(value: str) -> bool:
    return _UNSTORABLE.search(value) is None


def _refuse(code: str, text: str, **values: object) -> None:
    raise ReceiptErrorFinal(code, text % values)
