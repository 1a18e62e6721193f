"""How long a till waits to find a customer among a million members, on both engines.

``python -m bench till``; ``--members 20000`` for a short try. PostgreSQL is measured where
``CHALAND_BENCH_POSTGRES_URL`` names an empty database.
"""

import os
import sys

from bench.register.apart import measured
from bench.report import table, write_section

WORDS = {
    "phone": "by number",
    "digits": "by last four digits and month",
    "card": "by card",
    "prefix": "by the first four letters of a surname",
    "first name": "by the first letters of a first name",
    "both names": "by first name and five letters of the surname",
    "typo": "by a name with a typing error",
    "nobody": "by a name that nobody has",
}


def main() -> int:
    """Measure both engines and write the section; fail where a look-up's p99 passes 150 ms."""
    members = int(sys.argv[sys.argv.index("--members") + 1]) if "--members" in sys.argv else 10**6
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    load = os.getloadavg()[0]
    engines = [measured("measure", members, url) for url in urls]
    rows = [
        (WORDS[kind], e["engine"], k["p50"], k["p99"], k["cpu"], f"{k['found']:.1%}")
        for kind in WORDS
        for e in engines
        for k in [e["kinds"][kind]]
    ]
    clients = [
        (e["engine"], int(e["clients"]["per_s"]), int(e["clients"]["slowest_ms"]), e["bare_ms"],
         f"{e['kinds']['phone']['p50'] / e['bare_ms']:.1f}", e["filled_s"])
        for e in engines
    ]  # fmt: skip
    head = ("look-up", "engine", "p50 ms", "p99 ms", "CPU ms", "found")
    more = (
        "engine", "requests/s, 8 clients, 1 in 10 enrols", "slowest ms",
        "the same SQL alone, p50 ms",
        "ratio, by number", "filled in s",
    )  # fmt: skip
    write_section(
        "Finding a customer at the till",
        "python -m bench till",
        f"{members:,} invented members, 100,000 surnames; 500 look-ups of each kind by the "
        "services that the till's pages call: quota counted over a day's log, answer masked, each "
        "row shown put on record (a write to disk). The machine's load average at the start was "
        f"{load:.1f}; where it is not near 0, read the CPU column first.\n\n"
        f"{table(head, rows)}\n\n{table(more, clients)}\n\n"
        "*Found*: somebody of the very name meant is among the eight rows.",
    )
    return int(any(k["p99"] > 150 for e in engines for k in e["kinds"].values()))


if __name__ == "__main__":
    sys.exit(main())
