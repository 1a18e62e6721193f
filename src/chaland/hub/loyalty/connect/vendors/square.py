"""Square: completed orders, asked for; its webhook only says that it is time to ask.

``line_items`` may be empty at first, and come a little later; amounts are whole cents.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    NotYetErrorTemporary,
    PayloadErrorFinal,
    Shop,
    adding_up,
    milli,
    number_of,
    receipt,
    utc,
    word,
)
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

ADDRESS = "https://connect.squareup.com"
SEARCH = "/v2/orders/search"
SIGNATURE_HEADER = "x-square-hmacsha256-signature"
PAGE = 100
LINES_COME_WITHIN = timedelta(minutes=15)
"""After that an order without lines is taken as one line for the whole."""


def is_signed(url: str, body: bytes, signature: str, secret: str) -> bool:
    """Say whether the address and body carry the signature of who knows the secret."""
    digest = hmac.new(secret.encode(), url.encode() + body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.strip().encode())


def question(location: str, since: datetime, cursor: str) -> dict[str, Any]:
    """Return the search for orders that were completed or changed since an instant."""
    asked: dict[str, Any] = {
        "location_ids": [location],
        "limit": PAGE,
        "query": {
            "filter": {
                "state_filter": {"states": ["COMPLETED"]},
                "date_time_filter": {"updated_at": {"start_at": since.isoformat()}},
            },
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
    }
    return asked | ({"cursor": cursor} if cursor else {})


def items(answer: Mapping[str, Any]) -> list[Any]:
    """Return the orders of a page."""
    found = answer.get("orders")
    return found if isinstance(found, list) else []


def changed_at(order: Mapping[str, Any]) -> datetime:
    """Return when an order changed last. Raises PayloadErrorFinal."""
    return utc(order.get("updated_at", order.get("closed_at")), "updated_at")


def read(order: Mapping[str, Any], shop: Shop) -> ReceiptIn:
    """Read an order. Raises PayloadErrorFinal, NoReceiptFinal, NotYetErrorTemporary."""
    if order.get("state") != "COMPLETED":
        raise NoReceiptFinal("not completed")
    bought, currency = _money(order, "total_money")
    back, _ = _money(order.get("return_amounts"), "total_money")
    rows = _rows(order.get("line_items"))
    if bought and not rows and shop.now - changed_at(order) < LINES_COME_WITHIN:
        raise NotYetErrorTemporary
    returned = [
        row for each in _rows(order.get("returns")) for row in _rows(each.get("return_line_items"))
    ]
    total = bought - abs(back)
    lines = [*_lines(rows, 1, 1), *_lines(returned, len(rows) + 1, -1)]
    of = [each.get("source_order_id") for each in _rows(order.get("returns"))]
    return receipt(
        shop,
        "square",
        external_id=number_of(order.get("id"), "id"),
        issued_at=utc(order.get("closed_at", order.get("created_at")), "closed_at"),
        gross_cents=total,
        currency=currency,
        lines=adding_up(lines, total),
        returns_external_id=word(of[0] if of else "", 70),
    )


def _rows(given: Any) -> list[dict[str, Any]]:
    rows = given if isinstance(given, list) else []
    return [row for row in rows[:500] if isinstance(row, dict)]


def _money(holder: Any, name: str) -> tuple[int, str]:
    money = holder.get(name) if isinstance(holder, dict) else None
    if money is None:
        return 0, "EUR"
    amount = money.get("amount") if isinstance(money, dict) else None
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise PayloadErrorFinal(f"{name}: missing, or no whole number.")
    return amount, word(money.get("currency", "EUR"), 3)


def _lines(rows: list[dict[str, Any]], first: int, sign: int) -> list[LineIn]:
    return [
        LineIn(
            number=number,
            gross_cents=sign * _money(row, "total_money")[0],
            item_id=word(row.get("catalog_object_id"), 64),
            item_name=word(row.get("name"), 120),
            quantity_milli=milli(row.get("quantity", "1"), "quantity"),
        )
        for number, row in enumerate(rows, start=first)
    ]
