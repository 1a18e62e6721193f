"""Published visits against the truth of the simulated town: ``python -m bench visits``.

The shipped path and nothing else: released cells and door counts into the hub's tables, calibration
and figures by the services, hours, days, weeks and comparisons as the pages read them.
"""

import os
import sys
import tempfile
from importlib import import_module

import django

from bench.report import write_section


def main() -> int:
    """Measure, and write the section."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHALAND_STATE_DIR"] = folder
        os.environ["CHALAND_LOG_LEVEL"] = "ERROR"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
        django.setup()
        text = import_module("bench.town.published").measure()
    write_section("Visits", "python -m bench visits", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
