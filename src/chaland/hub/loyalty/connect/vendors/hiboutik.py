"""Hiboutik: posts each closed sale as a form (not JSON), signed with HMAC-SHA-256 in hex.

Times are the shop's, and may read ``0000-00-00 00:00:00``; lines are ``line_items[0][quantity]``.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    PayloadErrorFinal,
    Shop,
    adding_up,
    cents,
    decimal,
    milli,
    number_of,
    receipt,
    shop_time,
    word,
)
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn

SIGNATURE_HEADER = "x-hiboutik-hmac-sha256"
_LINE_KEY = re.compile(r"line_items\[(\d{1,3})\]\[(\w{1,40})\]", re.ASCII)
_FIELDS_AT_MOST = 20_000


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Say whether the body carries the signature of who knows the secret."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def read(body: bytes, shop: Shop) -> ReceiptIn:
    """Read a sale. Raises PayloadErrorFinal, NoReceiptFinal."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_AT_MOST, errors="strict"
        )
    except ValueError:
        raise PayloadErrorFinal("The body is not a form in UTF-8.") from None
    form = dict(pairs)
    if "sale_id" not in form:
        raise NoReceiptFinal("no sale")
    total = cents(form.get("total"), "total")
    issued = shop_time(form.get("completed_at"), shop.timezone) or shop_time(
        form.get("created_at"), shop.timezone
    )
    return receipt(
        shop,
        "hiboutik",
        external_id=number_of(form["sale_id"], "sale_id"),
        issued_at=issued or shop.now,
        gross_cents=total,
        lines=adding_up(_lines(form), total),
        till_label=word(form.get("store_id", ""), 40),
        seller_label=word(form.get("vendor_id", ""), 40),
    )


def _lines(form: Mapping[str, str]) -> list[LineIn]:
    rows: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        match = _LINE_KEY.fullmatch(name)
        if match:
            rows.setdefault(int(match[1]), {})[match[2]] = value
    lines = []
    for number, row in enumerate((rows[place] for place in sorted(rows)), start=1):
        quantity = row.get("quantity", "1")
        lines.append(
            LineIn(
                number=number,
                gross_cents=_line_cents(row, quantity),
                item_id=word(row.get("product_id", ""), 64),
                item_name=word(row.get("product_model", ""), 120),
                group=word(row.get("category_name", ""), 64),
                quantity_milli=milli(quantity, "quantity"),
                vat_permyriad=_rate(row.get("vat", "")),
            )
        )
    return lines


def _line_cents(row: Mapping[str, str], quantity: str) -> int:
    if "item_total_gross" in row:
        return cents(row["item_total_gross"], "item_total_gross")
    each = decimal(row.get("item_unit_gross", row.get("product_price")), "item_unit_gross")
    return cents(each * decimal(quantity, "quantity"), "item_unit_gross")


def _rate(text: str) -> int | None:
    """Return a rate that is told as a fraction (0.2) or in percent (20); None where it isn't."""
    if not text:
        return None
    rate = decimal(text, "vat")
    whole = rate * (10_000 if rate < 1 else 100)
    return int(whole) if 0 <= whole <= 10_000 and whole == whole.to_integral_value() else None
