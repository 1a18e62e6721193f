"""How long it takes to draw an audience of a million members, on both engines.

``python -m bench audience``; ``--members 50000`` for a short try. PostgreSQL is measured where
``CHALAND_BENCH_POSTGRES_URL`` names an empty database; without it the aim isn't measured, and the
bench fails.
"""

import os
import sys

from bench.register.apart import measured
from bench.report import table, write_section

SELECTION_S = 5.0
"""What a selection from a million members may take on PostgreSQL."""


def main() -> int:
    """Measure both engines and write the section; fail where PostgreSQL selects too slowly, or
    wasn't measured."""
    members = int(sys.argv[sys.argv.index("--members") + 1]) if "--members" in sys.argv else 10**6
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    load = os.getloadavg()[0]
    engines = [measured("audience", members, url) for url in urls]
    rows = [
        (step["what"], e["engine"], f"{step['rows']:,}", step["wall_s"], step["cpu_s"])
        for step_number in range(len(engines[0]["steps"]))
        for e in engines
        for step in [e["steps"][step_number]]
    ]
    more = [
        (e["engine"], e["ratio"], e["memory_mib"], e["claims_per_s"], e["filled_s"])
        for e in engines
    ]
    write_section(
        "Drawing an audience",
        "python -m bench audience",
        f"{members:,} invented members of one association; each agreed to offers by SMS or by "
        "e-mail, one in three to both, one in three to being chosen by purchases; a receipt each, "
        "one in fifty suppressed, 300 past messages for each thousand; e-mail where SMS doesn't "
        f"reach, a tenth kept apart. Each estimate is to take {SELECTION_S:.0f} s at most on "
        "PostgreSQL; a freeze also writes its deliveries. Caps are asked when a message is "
        "claimed, not here (last column). CPU is this process's and its database connection's. The "
        f"machine's load average at the start was {load:.1f}: read the CPU column first.\n\n"
        f"{table(('step', 'engine', 'rows', 'wall s', 'CPU s'), rows)}\n\n"
        + table(
            ("engine", "freeze to bare INSERT … SELECT", "memory added MiB",
             "checked and reserved a CPU second, batches of 500", "filled in s"),
            more,
        ),
    )  # fmt: skip
    aimed = [e["selection_s"] <= SELECTION_S for e in engines if e["engine"] == "postgresql"]
    if not aimed:
        print("PostgreSQL was not measured: name an empty database (CHALAND_BENCH_POSTGRES_URL)")
    return int(not (aimed and all(aimed)))


if __name__ == "__main__":
    sys.exit(main())
