"""Tills of Hiboutik, Odoo and Square post to us: the traps of each, on payloads of their shapes."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import connections
from chaland.hub.loyalty.connect.vendors import hiboutik, square
from chaland.hub.loyalty.models import Connection, RawReceipt, Receipt
from tests.builders import Cast

pytestmark = pytest.mark.django_db
SECRET = "s3cret-of-hiboutik"
SALE = {
    "sale_id": "4711",
    "created_at": "2026-03-14 15:01:00",
    "completed_at": "2026-03-14 15:09:26",
    "store_id": "1",
    "vendor_id": "3",
    "customer_id": "0",
    "currency": "EUR",
    "total": "21.50",
    "line_items[0][product_id]": "12",
    "line_items[0][product_model]": "Comté 18 mois",
    "line_items[0][quantity]": "0.350",
    "line_items[0][item_total_gross]": "9.50",
    "line_items[0][vat]": "0.055",
    "line_items[0][category_name]": "Fromages",
    "line_items[1][product_id]": "13",
    "line_items[1][product_model]": "Vin",
    "line_items[1][quantity]": "2",
    "line_items[1][item_unit_gross]": "7.00",
    "line_items[1][vat]": "20",
}


def connected(cast: Cast, source: str, secret: str = SECRET) -> tuple[Connection, str]:
    made = connections.connect(
        cast.association.pk, cast.shop.pk, source, secret=secret, settings={"location": "L1"}
    )
    return made.connection, f"/api/v1/loyalty/hooks/{made.address}"


def post_sale(address: str, sale: dict[str, str], secret: str = SECRET) -> Any:
    body = urlencode(sale).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Client().post(
        address,
        body,
        "application/x-www-form-urlencoded",
        headers={"x-hiboutik-hmac-sha256": signature},
    )


def test_hiboutik_posts_a_form_and_its_discount_is_on_the_whole(cast: Cast) -> None:
    connection, address = connected(cast, "hiboutik")
    answer = post_sale(address, SALE)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "new"), answer.content
    stored = Receipt.objects.get()
    assert (stored.external_id, stored.gross_cents, stored.source) == ("4711", 2150, "hiboutik")
    assert stored.issued_at == datetime(2026, 3, 14, 14, 9, 26, tzinfo=UTC)  # it was Paris time
    lines = list(stored.lines.order_by("number"))
    assert [(li.gross_cents, li.quantity_milli, li.vat_permyriad) for li in lines] == [
        (950, 350, 550), (1400, 2000, 2000), (-200, 1000, None),
    ]  # fmt: skip
    assert lines[2].discount
    assert lines[0].group == "Fromages"
    connection.refresh_from_db()
    assert connection.last_heard_at is not None
    assert connection.last_error == ""


def test_hiboutik_again_is_the_same_sale(cast: Cast) -> None:
    _connection, address = connected(cast, "hiboutik")
    assert [post_sale(address, SALE).json()["outcome"] for _ in range(3)] == [
        "new", "repeated", "repeated",
    ]  # fmt: skip
    assert Receipt.objects.count() == 1


def test_hiboutiks_zero_date_is_now_not_an_error(cast: Cast) -> None:
    _connection, address = connected(cast, "hiboutik")
    zero = {"completed_at": "0000-00-00 00:00:00"}
    post_sale(address, SALE | zero)
    assert Receipt.objects.get().issued_at == datetime(2026, 3, 14, 14, 1, tzinfo=UTC)
    before = clock.now()
    post_sale(address, SALE | zero | {"sale_id": "2", "created_at": "0000-00-00 00:00:00"})
    assert before <= Receipt.objects.get(external_id="2").issued_at <= clock.now()


def test_a_wrong_signature_is_refused_and_the_shop_is_told(cast: Cast) -> None:
    connection, address = connected(cast, "hiboutik")
    assert post_sale(address, SALE, "another").status_code == 401
    assert Client().post(address, urlencode(SALE), "text/plain").status_code == 401
    assert not Receipt.objects.exists()
    assert not RawReceipt.objects.exists()
    connection.refresh_from_db()
    assert "signature" in connection.last_error


def test_what_cannot_be_read_is_kept_with_its_reason(cast: Cast) -> None:
    connection, address = connected(cast, "hiboutik")
    answer = post_sale(address, SALE | {"total": "douze"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "refused")
    raw = RawReceipt.objects.get()
    assert (raw.state, raw.reason) == ("refused", "total: no number.")
    assert "douze" in (raw.body or "")
    connection.refresh_from_db()
    assert "total" in connection.last_error
    assert "douze" not in connection.last_error
    assert post_sale(address, SALE).json()["outcome"] == "new"
    connection.refresh_from_db()
    assert connection.last_error == ""


def test_an_unknown_or_ended_address_is_not_found_and_guessing_is_slowed(cast: Cast) -> None:
    connection, address = connected(cast, "odoo", "")
    connections.end(connection)
    seen = [Client().post(address, b"{}", "application/json").status_code for _ in range(25)]
    assert seen == [404] * 20 + [429] * 5


ORDER = {
    "_model": "pos.order", "_id": 31, "id": 31, "name": "Shop/0031", "state": "paid",
    "date_order": "2026-03-14 14:09:26", "amount_total": 23.900000000000002,
    "partner_id": False, "lines": [101, 102], "refunded_order_id": False,
}  # fmt: skip


def test_odoo_times_are_utc_and_floats_a_hair_off(cast: Cast) -> None:
    _connection, address = connected(cast, "odoo", "")
    answer = Client().post(address, json.dumps(ORDER), "application/json")
    assert answer.json()["outcome"] == "new", answer.content
    stored = Receipt.objects.get()
    assert (stored.external_id, stored.gross_cents) == ("31", 2390)
    assert stored.issued_at == datetime(2026, 3, 14, 14, 9, 26, tzinfo=UTC)
    assert stored.lines.count() == 1


def test_an_odoo_refund_names_its_order_and_drafts_are_no_sales(cast: Cast) -> None:
    _connection, address = connected(cast, "odoo", "")
    for order in (
        ORDER,
        ORDER | {"id": 32, "amount_total": -10, "refunded_order_id": [31, "Shop/0031"]},
        ORDER | {"id": 33, "state": "draft"},
    ):
        answer = Client().post(address, json.dumps(order), "application/json")
        assert answer.status_code == 200
    assert answer.json()["outcome"] == "ignored"
    back = Receipt.objects.get(external_id="32")
    assert back.returns == Receipt.objects.get(external_id="31")
    assert Receipt.objects.count() == 2


def test_squares_hook_is_signed_over_address_and_body_and_makes_us_ask(cast: Cast) -> None:
    connection, address = connected(cast, "square", "token\nkey-of-square")
    Connection.objects.update(asked_next_at=None)
    body = json.dumps({"type": "order.updated", "event_id": "e1"}).encode()

    def sign(url: str) -> str:
        digest = hmac.new(b"key-of-square", url.encode() + body, hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def post(signature: str) -> int:
        headers = {square.SIGNATURE_HEADER: signature}
        return Client().post(address, body, "application/json", headers=headers).status_code

    assert post(sign("")) == 401  # the body alone
    assert post(sign(f"http://testserver{address}")) == 200
    connection.refresh_from_db()
    assert connection.asked_next_at is not None
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    "junk",
    [
        b"", b"\xff\xfe", b"[]", b"null", b"{}", b"sale_id=", b"sale_id=1", b"sale_id=1&total=NaN",
        b"sale_id=1&total=1e9999", b"sale_id=1&total=1&line_items[0][quantity]=x",
        b'{"id": {}, "amount_total": 1}', b'{"id": 1, "amount_total": true}',
        b'{"id": 1, "amount_total": 1, "date_order": "0000-00-00"}',
        b'{"id": 1, "amount_total": 1, "date_order": "0001-01-01T00:00:00+14:00"}',
        b'{"id": 1, "amount_total": 1, "date_order": "2026-01-01", "lines": [{"qty": []}]}',
        b'{"id": 1, "amount_total": Infinity}', b"[" * 100_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ["hiboutik", "odoo"])
def test_junk_never_breaks_a_hook(cast: Cast, source: str, junk: bytes) -> None:
    _connection, address = connected(cast, source, SECRET if source == "hiboutik" else "")
    signature = hmac.new(SECRET.encode(), junk, hashlib.sha256).hexdigest()
    answer = Client().post(
        address, junk, "text/plain", headers={hiboutik.SIGNATURE_HEADER: signature}
    )
    assert answer.status_code == 200
    assert answer.json()["outcome"] in ("refused", "ignored")
    assert not Receipt.objects.exists()


def test_no_secret_is_readable_in_the_database(cast: Cast) -> None:
    connected(cast, "hiboutik")
    from django.db import connections as databases

    with databases["loyalty"].cursor() as cursor:
        cursor.execute("SELECT * FROM loyalty_connection")
        assert SECRET not in repr([bytes(c) if isinstance(c, memoryview) else c
                                   for c in cursor.fetchone()])  # fmt: skip
