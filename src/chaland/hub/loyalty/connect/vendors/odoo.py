"""Odoo: an automated action on ``pos.order`` posts JSON. Nothing signs it but the secret address.

Times are UTC without saying so; amounts are floats; ``lines`` are numbers only, unless a version
sends them whole; a refund names its order in ``refunded_order_id``.
"""

from typing import Any

from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    PayloadErrorFinal,
    Shop,
    adding_up,
    cents,
    json_of,
    milli,
    number_of,
    receipt,
    utc,
    word,
)
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

_CLOSED = ("paid", "done", "invoiced")


def read(body: bytes, shop: Shop) -> ReceiptIn:
    """Read an order. Raises PayloadErrorFinal, NoReceiptFinal."""
    order = json_of(body)
    if order.get("_model", "pos.order") != "pos.order":
        raise NoReceiptFinal("another model")
    if order.get("state", "paid") not in _CLOSED:
        raise NoReceiptFinal("not paid yet")
    total = cents(order.get("amount_total"), "amount_total")
    return receipt(
        shop,
        "odoo",
        external_id=number_of(order.get("id", order.get("_id")), "id"),
        issued_at=utc(order.get("date_order"), "date_order"),
        gross_cents=total,
        lines=adding_up(_lines(order.get("lines")), total),
        till_label=word(_name(order.get("config_id")), 40),
        seller_label=word(_number(order.get("user_id")), 40),
        returns_external_id=word(_number(order.get("refunded_order_id")), 70),
    )


def _lines(given: Any) -> list[LineIn]:
    rows = given if isinstance(given, list) else []
    if not all(isinstance(row, dict) for row in rows):
        return []
    if len(rows) > 500:
        raise PayloadErrorFinal("lines: more than 500.")
    return [
        LineIn(
            number=number,
            gross_cents=cents(row.get("price_subtotal_incl"), "price_subtotal_incl"),
            item_id=word(_number(row.get("product_id")), 64),
            item_name=word(row.get("full_product_name"), 120),
            quantity_milli=milli(row.get("qty", 1), "qty"),
        )
        for number, row in enumerate(rows, start=1)
    ]


def _number(value: Any) -> Any:
    """Return the number in ``7`` or ``[7, "Name"]``; "" for false."""
    first = value[0] if isinstance(value, list) and value else value
    return first if first and not isinstance(first, bool) else ""


def _name(value: Any) -> Any:
    return value[1] if isinstance(value, list) and len(value) > 1 else _number(value)
