"""A year of thirty shops: rolled up, refreshed, and shown. ``python -m bench figures``.

Builds 1.05 million cells in fresh databases (SQLite, or those that the CHALAND_*_DATABASE_URL
name, which must be empty), then measures the rebuild of all days, one refresh, and pages through
Django's whole stack (session, role, templates).
"""

import sys

from bench.report import write_section
from bench.town import in_a_fresh_hub


def main() -> int:
    """Measure, and write the section."""
    write_section("Figures", "python -m bench figures", in_a_fresh_hub("bench.town.measure"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
