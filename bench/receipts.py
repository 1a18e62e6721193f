"""All receipts of a real chain through the public API, against the same rows by bulk SQL.

``python -m bench receipts``; ``--baskets 5000`` for a short try. PostgreSQL is measured where
``CHALAND_BENCH_POSTGRES_URL`` names an empty database.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from bench.report import table, write_section

ALL = 155_848
RUN = "import django; django.setup(); from bench.coalition.measure import main; main()"


def measured(baskets: int, url: str) -> dict[str, Any]:
    """Import on one engine (no URL: SQLite), in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings",
            "CHALAND_STATE_DIR": folder,
            "CHALAND_LOG_LEVEL": "ERROR",
            "CHALAND_ALLOWED_HOSTS": "testserver",
        }
        if url:
            env["CHALAND_LOYALTY_DATABASE_URL"] = url
        said = subprocess.run(
            [sys.executable, "-c", RUN, str(baskets)],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def main() -> int:
    """Measure both engines and write the section; fail where a purse is not what pandas says."""
    words = sys.argv
    baskets = int(words[words.index("--baskets") + 1]) if "--baskets" in words else ALL
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    load = os.getloadavg()[0]
    engines = [measured(baskets, url) for url in urls]
    rows = [
        (
            e["engine"],
            f"{e['receipts'] / e['wall_s']:,.0f}",
            f"{e['receipts'] / e['cpu_s']:,.0f}",
            f"{e['full_batch_ms']:,.0f}" if e["full_batch_ms"] else "",
            f"{e['wall_s']:,.0f}",
            f"{e['rows']:,}",
            f"{e['bulk_s']:.1f}",
            f"{e['wall_s'] / e['bulk_s']:.0f}",
            e["wrong"] + e["unproved"],
        )
        for e in engines
    ]
    head = (
        "engine", "receipts/s", "receipts/s of CPU", "500 receipts, ms", "import, s", "rows",
        "the same rows by bulk SQL, s", "times bulk SQL", "purses that differ",
    )  # fmt: skip
    first = engines[0]
    write_section(
        "Receipts through the public API",
        "python -m bench receipts",
        f"The Complete Journey: {first['receipts']:,} receipts with {first['lines']:,} lines, "
        f"{first['purses']:,} households as members, each store a shop with its own key, sent in "
        f"{first['requests']:,} requests of up to 500; a purse of 1 %, double on Tuesdays. One "
        "process, one request after the other, in the test client (no socket). Each request is "
        "stored raw and sealed, read, taken in, awarded by line in the chained ledger, and its "
        "answer kept. *By bulk SQL*: the rows that this left, ready made, into tables with the "
        "same indices in one transaction (`executemany` on SQLite, binary `COPY` on PostgreSQL), "
        "without triggers and foreign keys. "
        f"The machine's load average at the start was {load:.1f}; where it is not near 0, "
        "read the CPU column first.\n\n"
        f"{table(head, rows)}\n\n"
        f"The purses hold {first['cents'] / 100:,.2f} € in the end; every one is compared with a "
        "recomputation in plain pandas, and the ledger's cache with its entries.",
    )
    good = all(e["all_new"] and not e["wrong"] and not e["unproved"] for e in engines)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
