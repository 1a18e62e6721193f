"""Import the chain's receipts through the API on one engine, and the same rows by bulk SQL:
prints one line of JSON. `bench.receipts` runs it, Django set up, in an environment that names a new
state folder, and the loyalty plane's database if it is not SQLite."""

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client

from bench.coalition import journey, town
from chaland.hub.loyalty.ledger import proof

_TABLES = (
    *("rawreceipt", "receipt", "receiptline", "vatbreakdown", "shopcustomer", "account"),
    *("entry", "lot", "transfer", "savedanswer"),
)
"""What an import writes."""


def main() -> None:
    """Set up, import, compare, and print what was found."""
    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    call_command("createcachetable", database="default", verbosity=0)
    rows = journey.slice_of(journey.lines(), int(sys.argv[1]))
    coalition = town.found(rows["store_id"].unique(), rows["household_id"].unique())
    requests = list(town.requests(journey.baskets(rows), coalition))
    found: dict[str, Any] = {"receipts": sum(r.receipts for r in requests), "lines": len(rows)}
    found |= _imported(requests, coalition)
    expected = journey.expected(rows, town.DOUBLE)
    found["purses"] = len(expected)
    found["wrong"] = sum(town.purses(coalition)[h] != cents for h, cents in expected.items())
    found["unproved"] = len(proof.rebuild(coalition.association_id))
    found["cents"] = sum(expected.values())
    found |= _by_bulk_sql()
    print(json.dumps(found))


def _imported(requests: list[town.Request], coalition: town.Coalition) -> dict[str, Any]:
    client = Client()
    client.get("/api/v1/loyalty/receipts")  # the first request loads the addresses
    took, outcomes = [], set()
    cpu, began = time.process_time(), time.perf_counter()
    for request in requests:
        start = time.perf_counter()
        outcomes.update(request.send(client, coalition))
        took.append(time.perf_counter() - start)
    full = [s for s, request in zip(took, requests, strict=True) if request.receipts == town.BATCH]
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "requests": len(requests),
        "all_new": outcomes == {"new"},
        "full_batch_ms": float(np.median(full) * 1_000) if full else None,
    }


def _by_bulk_sql() -> dict[str, Any]:
    """Write the same rows once more, into tables with the same columns, indices and checks in the
    same database, each table in one statement run over all rows; without the API's work."""
    connection = connections["loyalty"]
    connection.close()
    if connection.vendor == "sqlite":
        rows, wall_s, cpu_s = _bulk_sqlite(Path(str(connection.settings_dict["NAME"])))
    else:
        rows, wall_s, cpu_s = _bulk_postgresql()
    return {
        "engine": {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor],
        "rows": rows,
        "bulk_s": wall_s,
        "bulk_cpu_s": cpu_s,
    }


def _bulk_sqlite(path: Path) -> tuple[int, float, float]:
    source = sqlite3.connect(path)
    target = sqlite3.connect(path.with_suffix(".bulk"), isolation_level=None)
    target.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    names = [f"loyalty_{name}" for name in _TABLES]
    schema = source.execute("SELECT tbl_name, sql FROM sqlite_master WHERE type != 'trigger'")
    for table, sql in schema.fetchall():
        if table in names and sql:
            target.execute(sql)
    count, wall_s, cpu_s = 0, 0.0, 0.0
    target.execute("BEGIN")
    for name in names:
        rows = source.execute(f"SELECT * FROM {name}").fetchall()
        places = ", ".join("?" * len(rows[0])) if rows else ""
        start, cpu = time.perf_counter(), time.process_time()
        if rows:
            target.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        if name == names[-1]:
            target.execute("COMMIT")
        wall_s += time.perf_counter() - start
        cpu_s += time.process_time() - cpu
        count += len(rows)
    return count, wall_s, cpu_s


def _bulk_postgresql() -> tuple[int, float, float]:
    count, wall_s, cpu_s = 0, 0.0, 0.0
    with connections["loyalty"].cursor() as cursor:
        for name in (f"loyalty_{table}" for table in _TABLES):
            cursor.execute(f"CREATE TABLE bulk_{name} (LIKE {name} INCLUDING ALL)")
            with cursor.copy(f"COPY {name} TO STDOUT (FORMAT BINARY)") as copy:
                body = b"".join(bytes(part) for part in copy)
            start, cpu = time.perf_counter(), time.process_time()
            with cursor.copy(f"COPY bulk_{name} FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(body)
            wall_s += time.perf_counter() - start
            cpu_s += time.process_time() - cpu
            count += cursor.rowcount
    return count, wall_s, cpu_s
