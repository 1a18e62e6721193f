"""SumUp: its history of transactions, asked for. Amounts are decimal texts; there are no articles.

Only amount and time are read: what was paid how is no business of ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    Shop,
    cents,
    number_of,
    receipt,
    utc,
    word,
)
from chaland.hub.loyalty.receipts.shapes import ReceiptIn

ADDRESS = "https://api.sumup.com"
HISTORY = "/v0.1/me/transactions/history"
PAGE = 100


def first_page(since: datetime) -> dict[str, str]:
    """Return the question for what changed since an instant, the oldest first."""
    return {
        "changes_since": since.isoformat().replace("+00:00", "Z"),
        "order": "ascending",
        "limit": str(PAGE),
    }


def next_page(answer: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the question for the next page: of a link only its parameters are believed."""
    links = answer.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "next":
            query = str(link.get("href", "")).rpartition("?")[2]
            return dict(parse_qsl(query, max_num_fields=50)) or None
    return None


def items(answer: Mapping[str, Any]) -> list[Any]:
    """Return the transactions of a page."""
    found = answer.get("items")
    return found if isinstance(found, list) else []


def changed_at(item: Mapping[str, Any]) -> datetime:
    """Return a transaction's time. Raises PayloadErrorFinal."""
    return utc(item.get("timestamp"), "timestamp")


def read(item: Mapping[str, Any], shop: Shop) -> ReceiptIn:
    """Read a transaction. Raises PayloadErrorFinal, NoReceiptFinal."""
    refund = item.get("type") == "REFUND"
    if item.get("status") not in ("SUCCESSFUL", "REFUNDED"):
        raise NoReceiptFinal("not paid")
    if item.get("type", "PAYMENT") not in ("PAYMENT", "REFUND"):
        raise NoReceiptFinal("neither a payment nor a refund")
    code = number_of(item.get("transaction_code", item.get("id")), "transaction_code")
    amount = abs(cents(item.get("amount"), "amount"))
    return receipt(
        shop,
        "sumup",
        external_id=number_of(item.get("id"), "id") if refund else code,
        issued_at=changed_at(item),
        gross_cents=-amount if refund else amount,
        currency=word(item.get("currency", "EUR"), 3),
        returns_external_id=code if refund else "",
    )
