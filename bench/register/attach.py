"""Attach receipts on one engine, in a process of its own; prints JSON.

``python -m bench.register.attach MEMBERS``; the environment names the databases.
"""

import contextlib
import json
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bench.register import measure  # sets Django up

# isort: split
import numpy as np
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client

from bench.register.people import Population
from chaland.hub.common import clock
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.till import devices, refs
from tests.builders import build_cast
from tests.loyalty_builders import build_loyalty

TIMES = 300
CLIENTS, CLIENT_S = 8, 8.0


class Counter:
    """One till's page, without a browser."""

    def __init__(self, shop_id: int) -> None:
        self.till, code = devices.add_till(
            association_id=measure.TOWN, shop_id=shop_id, name="Comptoir"
        )
        self.client = Client(headers={"X-Till": "1"})
        self.post("pair", {"code": code})

    def post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.client.post(
            f"/till/{path}", json.dumps(body), content_type="application/json"
        )
        assert answer.status_code == 200, answer.content

    def ref(self, phone: str) -> str:
        index = contacts.blind("phone", measure.TOWN, phone)
        member = Member.objects.get(association_id=measure.TOWN, phone_index=index)
        return refs.refs_of(self.till, [member.pk], How.CONTACT)[member.pk]

    def attach(self, ref: str, cents: int) -> None:
        now = clock.now().isoformat()
        body = {"key": str(uuid.uuid4()), "member": {"ref": ref}, "amount_cents": cents}
        self.post("receipts", {**body, "issued_at": now})


def main() -> None:
    """Fill, measure, print."""
    settings.ALLOWED_HOSTS = ["testserver"]
    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)
    call_command("createcachetable", database="default")
    town = Population(int(sys.argv[1]))
    cast = build_cast(CLIENTS)
    build_loyalty(cast, 1)
    measure._fill(town)
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("ANALYZE")
    counter = Counter(cast.shops[0].pk)
    wanted = [counter.ref(p.phone) for p in town.some(TIMES, 1)]
    found: dict[str, Any] = {"engine": connections["loyalty"].vendor}
    found |= _one_after_the_other(counter, wanted)
    found |= _clients(town, [shop.pk for shop in cast.shops])
    print(json.dumps(found))


def _one_after_the_other(counter: Counter, wanted: list[str]) -> dict[str, float]:
    counter.attach(wanted[0], 1234)
    with _heard() as said:
        counter.attach(wanted[0], 1235)
    times, cpu = [], time.process_time()
    for number, ref in enumerate(wanted):
        began = time.perf_counter()
        counter.attach(ref, 500 + number)
        times.append((time.perf_counter() - began) * 1000)
    cpu = time.process_time() - cpu
    return {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p99": round(float(np.percentile(times, 99)), 2),
        "cpu_ms": round(cpu * 1000 / len(times), 2),
        "queries": len(said),
        "driver_ms": _driver_ms(counter, wanted[0]),
    }


class _UndoneFinal(Exception):
    """Ends a transaction whose statements are wanted, not its rows."""


def _driver_ms(counter: Counter, ref: str) -> float:
    """Return the median ms of the same statements by the driver alone, without Django; undone
    instead of committed each time, so that their keys are new each time."""
    database = connections["loyalty"]
    with contextlib.suppress(_UndoneFinal), transaction.atomic(using="loyalty"):
        with _heard() as said:
            counter.attach(ref, 1236)
        raise _UndoneFinal
    statements = [one for one in said if "SAVEPOINT" not in one[0]]
    times = []
    for _ in range(TIMES):
        with contextlib.suppress(_UndoneFinal), transaction.atomic(using="loyalty"):
            with database.cursor() as cursor:
                began = time.perf_counter()
                for sql, params, many in statements:
                    (cursor.executemany if many else cursor.execute)(sql, params)
                    if cursor.description:
                        cursor.fetchall()
                times.append((time.perf_counter() - began) * 1000)
            raise _UndoneFinal
    return round(float(np.median(times)), 2)


@contextlib.contextmanager
def _heard() -> Iterator[list[tuple[str, Any, bool]]]:
    """Write down the statements that Django sends to the loyalty database: text, values, many."""
    said: list[tuple[str, Any, bool]] = []

    def hear(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append((sql, params, many))
        return execute(sql, params, many, context)

    with connections["loyalty"].execute_wrapper(hear):
        yield said


def _one_client(work: tuple[int, list[str]]) -> tuple[int, float]:
    """Attach for some seconds at a shop's own till; (receipts, slowest ms)."""
    shop_id, phones = work
    connections.close_all()
    settings.ALLOWED_HOSTS = ["testserver"]
    counter = Counter(shop_id)
    wanted = [counter.ref(phone) for phone in phones]
    done, slowest, ends = 0, 0.0, time.perf_counter() + CLIENT_S
    while time.perf_counter() < ends:
        began = time.perf_counter()
        counter.attach(wanted[done % len(wanted)], 700 + done)
        slowest = max(slowest, (time.perf_counter() - began) * 1000)
        done += 1
    return done, slowest


def _clients(town: Population, shops: list[int]) -> dict[str, float]:
    connections.close_all()
    work = [(shop, [p.phone for p in town.some(50, 100 + shop)]) for shop in shops]
    with ProcessPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(_one_client, work))
    return {
        "per_s": round(sum(done for done, _slow in answers) / CLIENT_S),
        "slowest_ms": round(max(slow for _done, slow in answers)),
    }


if __name__ == "__main__":
    main()
