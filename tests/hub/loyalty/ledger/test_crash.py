"""The power fails in the middle of writes: kill -9 of the real server, again and again.

Tills send receipts over HTTP and repeat, under the same key, what was not acknowledged, as tills
do. After each restart everything acknowledged is there; in the end all is there exactly once.
"""

import contextlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.real_hub import Hub, django

TILLS = 4
MIGRATE = """
from django.core.management import call_command
call_command("migrate", database="loyalty", verbosity=0)
"""
PREPARE = """
import json
import logging
from chaland.hub.common import clock
from chaland.hub.loyalty.connect.keys import make_key
from chaland.hub.loyalty.members import cards
from tests.builders import build_cast
from tests.loyalty_builders import build_loyalty
loyalty = build_loyalty(build_cast(30))
town = loyalty.cast.association.pk
keys = [make_key(town, shop.pk, "Caisse", clock.now()) for shop in loyalty.cast.shops]
print(json.dumps([keys, [cards.token(member) for member in loyalty.members]]))
"""
PROOF = """
from chaland.hub.association.models import Association
from chaland.hub.loyalty.ledger import proof
for town in Association.objects.all():
    print(proof.verify_all(town.pk), proof.rebuild(town.pk))
"""


class Tills:
    """Clients that send numbered receipts of one euro, each until it is acknowledged."""

    def __init__(self, hub: Hub, keys: list[str], cards: list[str]) -> None:
        self._hub, self._keys, self._cards = hub, keys, cards
        self._lock = threading.Lock()
        self._next = 0
        self.acknowledged: set[int] = set()
        self.repeated = 0

    def send_all(self, until: int) -> None:
        with ThreadPoolExecutor(TILLS) as pool:
            list(pool.map(lambda _: self._till(until), range(TILLS)))

    def _till(self, until: int) -> None:
        with httpx.Client(timeout=10) as client:
            while (number := self._take(until)) is not None:
                while not self._send(client, number):
                    self.repeated += 1
                    time.sleep(0.05)
                with self._lock:
                    self.acknowledged.add(number)

    def _take(self, until: int) -> int | None:
        with self._lock:
            if self._next >= until:
                return None
            self._next += 1
            return self._next

    def _send(self, client: httpx.Client, number: int) -> bool:
        body = {
            "external_id": f"w-{number}",
            "issued_at": "2026-05-04T10:00:00+02:00",
            "gross_cents": 100,
            "lines": [{"gross_cents": 100}],
            "member": self._cards[number % len(self._cards)],
        }
        headers = {
            "Authorization": f"Bearer {self._keys[number % len(self._keys)]}",
            "Idempotency-Key": f"write-{number}",
        }
        with contextlib.suppress(httpx.TransportError):
            url = f"{self._hub.url}/api/v1/loyalty/receipts"
            answer = client.post(url, json=body, headers=headers)
            assert answer.status_code in (200, 201), answer.text
            return True
        return False


def _rows(folder: Path, database: str, query: str) -> list[tuple[int, ...]]:
    if database:
        with psycopg.connect(database) as opened:
            return opened.execute(query).fetchall()
    with contextlib.closing(sqlite3.connect(folder / "loyalty.sqlite3")) as file:
        return file.execute(query).fetchall()


def _wait(until: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if until():
            return
        time.sleep(0.005)
    raise AssertionError("the tills send nothing")


@pytest.mark.parametrize(
    ("writes", "kills"),
    [(60, 1), pytest.param(1000, 10, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_nothing_acknowledged_is_missing_and_nothing_doubled(
    tmp_path: Path, own_database: str, writes: int, kills: int
) -> None:
    """``kills`` times: in the middle of ``writes`` writes the server dies."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    prepare = MIGRATE + PREPARE if own_database else PREPARE
    keys, cards = json.loads(django(tmp_path, prepare, own_database))
    hub = Hub(tmp_path, [], own_database)
    tills = Tills(hub, keys, cards)
    hub.up()
    try:
        for kill in range(kills):
            sending = threading.Thread(target=tills.send_all, args=(writes * (kill + 1),))
            sending.start()
            middle = writes * kill + writes // 2
            _wait(lambda at=middle: len(tills.acknowledged) >= at)
            hub.down()
            said = set(tills.acknowledged)
            stored = {
                n
                for (n,) in _rows(
                    tmp_path,
                    own_database,
                    "SELECT CAST(substr(external_id, 3) AS INT) FROM loyalty_receipt",
                )
            }
            assert said <= stored
            hub.up()
            sending.join()
    finally:
        hub.down()
    total = writes * kills
    assert len(tills.acknowledged) == total
    assert tills.repeated >= kills
    ones = "SELECT COUNT(*), COUNT(DISTINCT external_id) FROM loyalty_receipt"
    assert _rows(tmp_path, own_database, ones) == [(total, total)]
    earned = """SELECT COUNT(*), COUNT(DISTINCT receipt_id) FROM loyalty_transfer t
        JOIN loyalty_entry e ON e.transfer_id = t.id JOIN loyalty_account a ON a.id = e.account_id
        JOIN loyalty_asset s ON s.id = a.asset_id AND s.kind = 'purse'
        WHERE a.role = 'member' AND e.amount = 1"""
    assert _rows(tmp_path, own_database, earned) == [(total, total)]
    assert django(tmp_path, PROOF, own_database).split() == ["[]"] * 4
