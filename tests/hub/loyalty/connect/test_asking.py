"""Asking SumUp and Square, played by a real HTTP server on this machine."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import asking, connections, due
from chaland.hub.loyalty.models import Connection, RawReceipt, Receipt, Source
from tests.builders import Cast
from tests.hub.loyalty.connect.vendor_server import Vendor, serve

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    played = Vendor()
    end = serve(played)
    for source in asking.ADDRESSES:
        monkeypatch.setitem(asking.ADDRESSES, source, played.address)
    yield played
    end()


def connected(cast: Cast, source: str) -> Connection:
    made = connections.connect(
        cast.association.pk, cast.shop.pk, source, secret="sup_key", settings={"location": "L1"}
    )
    return made.connection


def paid(number: int, amount: Any, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{number}", "transaction_code": f"TAAA{number}", "amount": amount,
        "currency": "EUR", "timestamp": at.isoformat(), "status": "SUCCESSFUL",
        "type": "PAYMENT", "payment_type": "POS", "card_type": "VISA",
    } | more  # fmt: skip


def test_sumup_amounts_are_texts_and_pages_are_followed(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says(
        {
            "items": [
                paid(1, "10.10", now),
                paid(2, "9.99", now, status="FAILED"),
                paid(3, 7.3, now),
            ],
            "links": [{"rel": "next", "href": "https://evil.example/?newest_ref=3&limit=100"}],
        }
    )
    vendor.says({"items": [paid(4, "0.07", now), paid(5, "4.00", now, type="CHARGE_BACK")]})
    assert asking.ask_due(now) == 3
    stored = Receipt.objects.order_by("gross_cents").values_list("gross_cents", "external_id")
    assert list(stored) == [(7, "TAAA4"), (730, "TAAA3"), (1010, "TAAA1")]
    first, second = vendor.asked
    assert first.headers["authorization"] == "Bearer sup_key"
    assert (first.path, first.query["order"]) == ("/v0.1/me/transactions/history", ["ascending"])
    assert second.query == {"newest_ref": ["3"], "limit": ["100"]}  # of the link, only that
    connection.refresh_from_db()
    assert connection.last_error == ""
    assert datetime.fromisoformat(connection.cursor["since"]) >= now - timedelta(seconds=1)
    assert connection.asked_next_at == now + asking.EVERY


def test_asking_again_changes_nothing_and_keeps_nothing_twice(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says({"items": [paid(1, "10.10", now)]})
    assert [asking.ask(connection, now) for _ in range(3)] == [1, 0, 0]
    assert (Receipt.objects.count(), RawReceipt.objects.count()) == (1, 1)
    asked = datetime.fromisoformat(vendor.asked[-1].query["changes_since"][0])
    assert asked <= now - asking.OVERLAP


def test_a_sumup_refund_is_a_return_of_its_payment(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says({"items": [paid(1, "10.10", now), paid(1, "4.00", now, id="id-9", type="REFUND")]})
    asking.ask(connection, now)
    back = Receipt.objects.get(external_id="id-9")
    assert (back.gross_cents, back.returns) == (-400, Receipt.objects.get(external_id="TAAA1"))


def order(number: int, at: datetime, cents: int, lines: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "id": f"order{number}", "location_id": "L1", "state": "COMPLETED",
        "created_at": at.isoformat(), "closed_at": at.isoformat(), "updated_at": at.isoformat(),
        "total_money": {"amount": cents, "currency": "EUR"}, "line_items": lines,
    } | more  # fmt: skip


CHEESE = {
    "uid": "u1", "name": "Comté", "quantity": "0.35", "catalog_object_id": "C1",
    "total_money": {"amount": 950, "currency": "EUR"},
}  # fmt: skip


def test_square_waits_for_lines_that_come_later(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "square"), clock.now()
    early = now - timedelta(minutes=1)
    vendor.says({"orders": [order(1, early, 950, [])]})
    vendor.says({"orders": [order(1, early, 950, [CHEESE])]})
    assert asking.ask(connection, now) == 0
    connection.refresh_from_db()
    assert datetime.fromisoformat(connection.cursor["since"]) <= early  # it is asked for again
    assert asking.ask(connection, now) == 1
    assert [(li.item_name, li.quantity_milli) for li in Receipt.objects.get().lines.all()] == [
        ("Comté", 350)
    ]
    assert vendor.asked[0].body["location_ids"] == ["L1"]
    assert vendor.asked[0].method == "POST"


def test_square_lines_that_never_come_are_one_line(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "square"), clock.now()
    vendor.says({"orders": [order(1, now - timedelta(hours=1), 950, [])]})
    assert asking.ask(connection, now) == 1
    assert Receipt.objects.get().lines.get().gross_cents == 950


def test_square_pages_tax_and_returns(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "square"), clock.now()
    returned = order(
        2, now, 0, [],
        return_amounts={"total_money": {"amount": 950, "currency": "EUR"}},
        returns=[{"source_order_id": "order1", "return_line_items": [CHEESE]}],
    )  # fmt: skip
    vendor.says({"orders": [order(1, now, 1050, [CHEESE])], "cursor": "c2"})
    vendor.says({"orders": [returned]})
    assert asking.ask(connection, now) == 2
    assert vendor.asked[1].body["cursor"] == "c2"
    back = Receipt.objects.get(external_id="order2")
    assert (back.gross_cents, back.returns) == (-950, Receipt.objects.get(external_id="order1"))
    assert Receipt.objects.get(external_id="order1").gross_cents == 1050


@pytest.mark.parametrize(
    ("status", "headers", "wait", "words"),
    [
        (500, {}, timedelta(minutes=2), "500"),
        (302, {"Location": "http://127.0.0.1:1/"}, timedelta(minutes=2), "302"),
        (401, {}, timedelta(hours=1), "clé"),
        (429, {"Retry-After": "90"}, timedelta(seconds=90), ""),
        (429, {"Retry-After": "99999"}, timedelta(hours=6), ""),
    ],
)
def test_errors_wait_and_are_told_in_words(
    cast: Cast, vendor: Vendor, status: int, headers: dict[str, str], wait: timedelta, words: str
) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says({"error": "sup_key is no good"}, status, **headers)
    assert asking.ask_due(now) == 0
    connection.refresh_from_db()
    assert connection.asked_next_at == now + wait
    assert words in connection.last_error
    assert "sup_key" not in connection.last_error
    assert len(vendor.asked) == 1  # no address but the maker's, however it redirects
    assert asking.ask_due(now + timedelta(seconds=30)) == 0
    assert len(vendor.asked) == 1


def test_patience_grows_and_ends_with_the_first_answer(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says({}, 503)
    waits = []
    for _ in range(10):
        asking.ask(connection, now)
        waits.append(connection.asked_next_at - now)
    minutes = [wait.total_seconds() / 60 for wait in waits]
    assert minutes == [2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    vendor.answers.clear()
    vendor.says({"items": []})
    asking.ask(connection, now)
    connection.refresh_from_db()
    assert (connection.asked_next_at, connection.last_error) == (now + asking.EVERY, "")


@pytest.mark.parametrize("said", [[], "x", {"items": "x"}, {"items": [1, {}, None]},
                                  {"items": [{"timestamp": []}]}])  # fmt: skip
def test_junk_answers_break_nothing(cast: Cast, vendor: Vendor, said: Any) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says(said)
    assert asking.ask_due(now) == 0
    connection.refresh_from_db()
    assert connection.asked_next_at > now


def test_one_bad_sale_keeps_no_other_out(cast: Cast, vendor: Vendor) -> None:
    connection, now = connected(cast, "sumup"), clock.now()
    vendor.says({"items": [paid(1, "dix", now), paid(2, "3.00", now)]})
    assert asking.ask_due(now) == 1
    connection.refresh_from_db()
    assert "amount" in connection.last_error


def test_an_ended_connection_is_not_asked(cast: Cast, vendor: Vendor) -> None:
    connections.end(connected(cast, "sumup"))
    vendor.says({})
    assert asking.ask_due(clock.now() + timedelta(days=1)) == 0
    assert not vendor.asked
    assert Connection.objects.get().secret is None


def test_we_connect_to_two_addresses_only() -> None:
    assert asking.ADDRESSES == {
        Source.SUMUP: "https://api.sumup.com",
        Source.SQUARE: "https://connect.squareup.com",
    }


def test_one_shops_odd_answer_stops_no_other_shop(cast: Cast, vendor: Vendor) -> None:
    """Here: a link to the next page with more parameters than are ever read."""
    odd, good = connected(cast, "sumup"), connected(cast, "square")
    now = clock.now()
    Connection.objects.filter(pk=odd.pk).update(asked_next_at=now - timedelta(minutes=5))
    link = "?" + "&".join(f"a{i}=1" for i in range(60))
    vendor.says({"items": [], "links": [{"rel": "next", "href": link}]})
    vendor.says({"orders": []})
    due.run_due(now)
    odd.refresh_from_db()
    good.refresh_from_db()
    assert odd.last_error
    assert odd.asked_next_at > now + timedelta(minutes=1)
    assert len(vendor.asked) == 2
    assert good.asked_next_at > now
