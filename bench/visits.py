"""Published visits against the truth of the simulated town: ``python -m bench visits``.

The shipped path and nothing else: released cells and door counts into the hub's tables, calibration
and figures by the services, hours, days, weeks and comparisons as the pages read them.
"""

import sys

from bench.report import write_section
from bench.town import in_a_fresh_hub


def main() -> int:
    """Measure, and write the section."""
    write_section("Visits", "python -m bench visits", in_a_fresh_hub("bench.town.published"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
