"""How long a till waits to attach a receipt, on both engines: ``python -m bench attach``.

``--members 20000`` for a short try. PostgreSQL is measured where ``CHALAND_BENCH_POSTGRES_URL``
names an empty database.
"""

import os
import sys

from bench.register.apart import measured
from bench.report import table, write_section


def main() -> int:
    """Measure both engines and write the section; fail where p99 passes 150 ms."""
    members = int(sys.argv[sys.argv.index("--members") + 1]) if "--members" in sys.argv else 10**6
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    load = os.getloadavg()[0]
    engines = [measured("attach", members, url) for url in urls]
    rows = [
        (
            e["engine"], e["p50"], e["p99"], e["cpu_ms"], e["queries"], e["driver_ms"],
            f"{e['p50'] / e['driver_ms']:.1f}", e["per_s"], e["slowest_ms"],
        )
        for e in engines
    ]  # fmt: skip
    head = (
        "engine", "p50 ms", "p99 ms", "CPU ms", "statements", "by the driver alone ms", "ratio",
        "requests/s, 8 clients", "slowest ms",
    )  # fmt: skip
    write_section(
        "Attaching a receipt at the till",
        "python -m bench attach",
        f"{members:,} members; POST /till/receipts through all of Django (cookie, shape, key kept "
        "for good, receipt, rules, purse and points in the ledger, balances for the screen), each "
        "a durable commit. *By the driver alone*: the same statements with the same values, "
        "without Django, and undone in place of the commit; pgbench can't replay them, as each "
        "takes keys that the one before gave. The machine's load average at the start was "
        f"{load:.1f}; where it is not near 0, read the CPU column first.\n\n" + table(head, rows),
    )
    return int(any(e["p99"] > 150 for e in engines))


if __name__ == "__main__":
    sys.exit(main())
