"""A receipt's arithmetic: what is a purchase in it and what comes back, codes, tax. No Django."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, VatIn

CODE_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
CODE_LENGTHS = range(8, 13)
_MISREAD = str.maketrans("OIL", "011", " -.")
BACK = "/back"
"""Ends the number of the return that was part of an exchange."""


class ReceiptErrorFinal(Exception):
    """A receipt can't be taken in, attached or returned like this. ``code`` is for machines, the
    text for people, in their language, with what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoMatchErrorFinal(Exception):
    """What comes back is not (any more) in the purchase. ``code``: ``no-such-line``,
    ``returned-already``, ``which-line``, ``more-money``; ``line`` is the return's line number."""

    def __init__(self, code: str, line: int, left: int = 0) -> None:
        super().__init__(f"{code}, line {line}")
        self.code = code
        self.line = line
        self.left = left


@dataclass(frozen=True)
class Bought:
    """A line of a purchase, and how much of it came back before (thousandths, cents >= 0)."""

    number: int
    quantity_milli: int
    paid_cents: int
    """With its part of the discounts."""
    item_id: str = ""
    item_name: str = ""
    group: str = ""
    vat_permyriad: int | None = None
    discount: bool = False
    back_milli: int = 0
    back_cents: int = 0

    @property
    def left_milli(self) -> int:
        """What can still come back."""
        return self.quantity_milli - self.back_milli


def new_code() -> str:
    """Draw a code of 40 random bits, to print on a receipt."""
    number = int.from_bytes(os.urandom(5))
    return "".join(CODE_SIGNS[number >> shift & 31] for shift in range(35, -1, -5))


def read_code(typed: str) -> str:
    """Return a code as it was made from how it was typed; "" if it can't be one."""
    code = typed.upper().translate(_MISREAD)
    return code if len(code) in CODE_LENGTHS and set(code) <= set(CODE_SIGNS) else ""


def digest(receipt: ReceiptIn) -> str:
    """Return SHA-256 over all that a receipt says, but for whose it is and who sent it."""
    said = (
        receipt.association_id, receipt.issued_at.timestamp(), receipt.currency,
        receipt.gross_cents, receipt.net_cents, receipt.code, receipt.returns_id,
        receipt.returns_code, receipt.returns_external_id,
        [(line.number, line.gross_cents, line.item_id, line.item_name, line.group,
          line.quantity_milli, line.vat_permyriad, line.discount, line.returns_number)
         for line in receipt.lines],
        [(vat.rate_permyriad, vat.taxable_cents, vat.tax_cents) for vat in receipt.vat],
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()


def parts(receipt: ReceiptIn) -> tuple[ReceiptIn, ReceiptIn | None]:
    """Split a receipt into what it mainly is and what comes back: most are a purchase and None; a
    return is both; an exchange is a purchase and a return of its own.

    A negative line is a discount where nothing says that something comes back: tills often print
    discounts as bare negative lines, and taken as articles they would be awarded or reversed.
    """
    lines = receipt.lines or [LineIn(1, receipt.gross_cents)]
    returning = (
        receipt.gross_cents < 0
        or receipt.returns_id is not None
        or bool(receipt.returns_code or receipt.returns_external_id)
        or any(line.returns_number is not None for line in lines)
    )
    if not returning:
        marked = [replace(li, discount=True) if li.gross_cents < 0 else li for li in lines]
        return replace(receipt, lines=marked), None
    back = [line for line in lines if _comes_back(line)]
    kept = [line for line in lines if not _comes_back(line)]
    if not any(line.gross_cents > 0 for line in kept):
        only = _part(receipt, lines, "")
        return only, only
    bought = replace(
        _part(receipt, kept, ""), returns_id=None, returns_code="", returns_external_id=""
    )
    return bought, (_part(receipt, back, BACK) if back else None)


def _comes_back(line: LineIn) -> bool:
    if line.returns_number is not None:
        return True
    return line.gross_cents > 0 if line.discount else line.gross_cents < 0


def _part(receipt: ReceiptIn, lines: Sequence[LineIn], ending: str) -> ReceiptIn:
    whole = len(lines) == len(receipt.lines or (None,))
    return replace(
        receipt,
        external_id=receipt.external_id + ending,
        code="" if ending else receipt.code,
        gross_cents=sum(line.gross_cents for line in lines),
        lines=lines,
        vat=receipt.vat if whole else vat_of(lines),
        net_cents=receipt.net_cents if whole else None,
    )


def vat_of(lines: Iterable[LineIn]) -> list[VatIn]:
    """Work the tax out of the lines' rates, a rate at a time; empty if a rate is missing."""
    gross: dict[int, int] = {}
    for line in lines:
        if line.vat_permyriad is None:
            return []
        gross[line.vat_permyriad] = gross.get(line.vat_permyriad, 0) + line.gross_cents
    return [_taxed(rate, cents) for rate, cents in sorted(gross.items())]


def _taxed(rate: int, gross: int) -> VatIn:
    over = 10_000 + rate
    tax = (2 * abs(gross) * rate + over) // (2 * over) * (1 if gross >= 0 else -1)
    return VatIn(rate, gross - tax, tax)


def match(lines: Sequence[LineIn], bought: Sequence[Bought]) -> list[LineIn]:
    """Find the purchase's lines that come back; each line of the answer names one.

    By ``returns_number``, else by article, over several lines if need be; else by the amount
    alone, if it is all that is left or if the purchase has a single line. No line gives less of
    its quantity back than of its price, nor more money than it cost. NoMatchErrorFinal.
    """
    articles = [line for line in bought if not line.discount]
    left = {line.number: line.left_milli for line in articles}
    found: list[LineIn] = []
    for line in lines:
        if line.discount:
            found.append(replace(line, returns_number=None))
        elif line.returns_number is not None or (
            line.item_id and any(line.item_id == b.item_id for b in articles)
        ):
            found += _by_line(line, articles, left)
        elif len([li for li in lines if not li.discount]) == 1:
            found += _by_amount(line, articles)
        else:
            raise NoMatchErrorFinal("which-line", line.number)
    found = _as_much_as_the_money(found, bought)
    return [replace(line, number=i) for i, line in enumerate(found, 1)]


def _as_much_as_the_money(lines: Sequence[LineIn], bought: Sequence[Bought]) -> list[LineIn]:
    """Raise quantities to the share of the money that comes back: what a line earned goes back by
    quantity, and a thousandth of an article for all of its price would take back nothing.

    A discount's own share may have been rounded otherwise by the till: a cent each is let pass.
    """
    cents = _money_back(lines)
    rounding = sum(b.discount for b in bought) + sum(line.discount for line in lines)
    by_number = {line.number: line for line in bought}
    milli = {line.number: line.back_milli for line in bought}
    money = {line.number: line.back_cents for line in bought}
    made = []
    for place, line in enumerate(lines):
        if line.returns_number is None:
            made.append(line)
            continue
        of = by_number[line.returns_number]
        money[of.number] += cents[place]
        if money[of.number] > of.paid_cents + rounding:
            raise NoMatchErrorFinal("more-money", line.number)
        paid = min(money[of.number], of.paid_cents)
        least = -(-of.quantity_milli * paid // of.paid_cents) if of.paid_cents else 0
        quantity = max(line.quantity_milli, least - milli[of.number])
        milli[of.number] += quantity
        made.append(replace(line, quantity_milli=quantity))
    return made


def _money_back(lines: Sequence[LineIn]) -> list[int]:
    """Return what is paid back for each line, the return's own reductions taken off."""
    cents = [max(-line.gross_cents, 0) if not line.discount else 0 for line in lines]
    off = min(sum(line.gross_cents for line in lines if line.discount), sum(cents))
    return [c - o for c, o in zip(cents, shared(max(off, 0), cents), strict=True)]


def _by_line(line: LineIn, articles: Sequence[Bought], left: dict[int, int]) -> list[LineIn]:
    wanted = abs(line.quantity_milli)
    fits = [b for b in articles if _fits(line, b)]
    if not fits:
        raise NoMatchErrorFinal("no-such-line", line.number)
    taken = []
    for candidate in fits:
        quantity = min(wanted, left[candidate.number])
        if quantity > 0:
            left[candidate.number] -= quantity
            wanted -= quantity
            taken.append((candidate, quantity))
    if wanted or not taken:
        there = sum(b.left_milli for b in fits)
        raise NoMatchErrorFinal("returned-already", line.number, there)
    cents = shared(-abs(line.gross_cents), [quantity for _, quantity in taken])
    return [_back(line, b, q, c) for (b, q), c in zip(taken, cents, strict=True)]


def _fits(line: LineIn, bought: Bought) -> bool:
    if line.returns_number is not None:
        return line.returns_number == bought.number
    return line.item_id == bought.item_id


def _by_amount(line: LineIn, articles: Sequence[Bought]) -> list[LineIn]:
    amount = abs(line.gross_cents)
    open_cents = sum(b.paid_cents - b.back_cents for b in articles)
    if amount > open_cents:
        raise NoMatchErrorFinal("returned-already", line.number)
    if amount == open_cents:
        rest = [b for b in articles if b.left_milli > 0]
        if not rest:
            raise NoMatchErrorFinal("returned-already", line.number)
        cents = shared(-amount, [max(b.paid_cents - b.back_cents, 0) for b in rest])
        return [_back(line, b, b.left_milli, c) for b, c in zip(rest, cents, strict=True)]
    if len(articles) != 1:
        raise NoMatchErrorFinal("which-line", line.number)
    only = articles[0]
    return [_back(line, only, 0, -amount)]


def _back(line: LineIn, bought: Bought, quantity: int, cents: int) -> LineIn:
    return replace(
        line,
        returns_number=bought.number,
        quantity_milli=quantity,
        gross_cents=cents,
        item_id=line.item_id or bought.item_id,
        item_name=line.item_name or bought.item_name,
        group=line.group or bought.group,
        vat_permyriad=bought.vat_permyriad if line.vat_permyriad is None else line.vat_permyriad,
    )


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Share a total by weights: each share's running sum is rounded towards zero, none is lost."""
    whole, running, given, out = sum(weights), 0, 0, []
    sign = 1 if total >= 0 else -1
    for weight in weights[:-1]:
        running += weight
        upto = sign * (abs(total) * running // whole) if whole else 0
        out.append(upto - given)
        given = upto
    return [*out, total - given]
