"""A year of thirty shops: rolled up, refreshed, and shown. ``python -m bench figures``.

Builds 1.05 million cells in fresh databases (SQLite, or those that the CHALAND_*_DATABASE_URL
name, which must be empty), then measures the rebuild of all days, one refresh, and pages through
Django's whole stack (session, role, templates).
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
        text = import_module("bench.town.measure").measure()
    write_section("Figures", "python -m bench figures", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
