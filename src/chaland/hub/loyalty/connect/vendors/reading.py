"""What all makers' payloads have in common: amounts as texts, objects that may be anything."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from chaland.hub.loyalty.connect import cells
from chaland.hub.loyalty.connect.fields import CENTS_AT_MOST
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

_OFF_AT_MOST = Decimal("0.001")
"""Floats that were sums come a hair off the cent (23.900000000000002)."""


class PayloadErrorFinal(Exception):
    """A payload can't be read. The text names the field; it holds nothing of the payload."""


class NotYetErrorTemporary(Exception):
    """A sale that isn't whole yet: ask for it again."""


class NoReceiptFinal(Exception):
    """A message that is no sale (a draft, a failed payment): nothing to take, and no fault."""


@dataclass(frozen=True)
class Shop:
    """Whose till it is, when we read, and who brings it."""

    association_id: int
    shop_id: int
    timezone: ZoneInfo
    now: datetime
    actor: str


def json_of(raw: bytes) -> dict[str, Any]:
    """Return a JSON object, its numbers exact. Raises PayloadErrorFinal."""
    try:
        given = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise PayloadErrorFinal("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise PayloadErrorFinal("The body is not an object.")
    return given


def _no_number(_: str) -> Any:
    raise ValueError("not JSON")


def cents(value: object, name: str) -> int:
    """Return an amount in euro, a text or a number, as cents. Raises PayloadErrorFinal."""
    number = decimal(value, name) * 100
    whole = number.quantize(Decimal(1), ROUND_HALF_UP)
    if abs(number - whole) > _OFF_AT_MOST:
        raise PayloadErrorFinal(f"{name}: more than two decimals.")
    return int(whole)


def decimal(value: object, name: str) -> Decimal:
    """Return a number that may be a text. Raises PayloadErrorFinal."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise PayloadErrorFinal(f"{name}: missing, or no number.")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise PayloadErrorFinal(f"{name}: no number.") from None
    if not number.is_finite() or abs(number) > CENTS_AT_MOST:
        raise PayloadErrorFinal(f"{name}: out of bounds.")
    return number


def milli(value: object, name: str) -> int:
    """Return a quantity in thousandths, never negative or none at all."""
    return max(1, int((abs(decimal(value, name)) * 1000).quantize(Decimal(1), ROUND_HALF_UP)))


def word(value: object, at_most: int) -> str:
    """Return a text or number as a text on one line, cut; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    spaced = "".join(c if c.isprintable() else " " for c in str(value))
    return " ".join(spaced.split())[:at_most]


def number_of(value: object, name: str) -> str:
    """Return a maker's own number of a sale. Raises PayloadErrorFinal."""
    text = word(value, 70)
    if not text or text == "0":
        raise PayloadErrorFinal(f"{name}: missing.")
    return text


def utc(value: object, name: str) -> datetime:
    """Return an instant with offset, or a naive one meant as UTC. Raises PayloadErrorFinal."""
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise PayloadErrorFinal(f"{name}: no time.") from None
    try:
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise PayloadErrorFinal(f"{name}: no time.") from None


def shop_time(value: object, timezone: ZoneInfo) -> datetime | None:
    """Return a time of the shop's clock; None for 0000-00-00 and whatever else is no time."""
    try:
        return cells.local(word(value, 40)).replace(tzinfo=timezone)
    except cells.CellErrorFinal:
        return None


def adding_up(lines: Sequence[LineIn], gross_cents: int) -> list[LineIn]:
    """Return the lines so that they add up: what is missing is a discount (or a surcharge) on the
    whole, which makers tell in the total only."""
    missing = gross_cents - sum(line.gross_cents for line in lines)
    if not lines or not missing:
        return list(lines)
    off = missing < 0 < gross_cents
    return [
        *lines,
        LineIn(
            number=max(line.number for line in lines) + 1,
            gross_cents=missing,
            item_name="Remise" if off else "Autre",
            discount=off,
        ),
    ]


def receipt(shop: Shop, source: str, **said: Any) -> ReceiptIn:
    """Return a receipt of this shop."""
    return ReceiptIn(
        association_id=shop.association_id,
        shop_id=shop.shop_id,
        source=source,
        actor=shop.actor,
        **said,
    )
