"""Builds the year and takes the times."""

import resource
import statistics
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

import time_machine
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.test.utils import override_settings

from bench.report import table
from chaland.hub.footfall import services
from chaland.hub.footfall.models import Cell
from tests import builders

NOW = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)
PAGES = {
    "7 days": "/",
    "28 days against last year": "/?period=28d&compare=year",
    "52 weeks": "/?period=52w",
    "one shop, 52 weeks": "/?shop=shop-3&period=52w",
    "presence now (asked every 12 s)": "/now/",
    "CSV, 28 days": "/figures.csv?period=28d",
}
REPEATS = 7


def measure() -> str:
    """Return the table of times as Markdown."""
    for database in connections:
        call_command("migrate", database=database, verbosity=0)
    call_command("createcachetable", verbosity=0)
    cast = _town()
    cells = Cell.objects.count()
    rebuild_s = _timed(services.rebuild_figures)
    newest = {NOW - timedelta(minutes=20)}
    refresh_s = statistics.median(
        _timed(lambda: services.refresh_figures(cast.shop.pk, newest)) for _ in range(REPEATS)
    )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        (f"rebuild all: {cells:,} cells into days", f"{rebuild_s:.2f} s", ""),
        ("refresh a shop's day after a summary", f"{refresh_s * 1000:.1f} ms", ""),
        *_pages(cast),
    ]
    vendor = connections["footfall"].vendor
    return (
        f"{table(('', 'median', 'first'), rows)}\n\n"
        f"Database: {vendor}. Peak memory of the process: {peak_mib:.0f} MiB."
    )


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _town() -> builders.Cast:
    """Build thirty calibrated shops with a year of cells."""
    cast = builders.build_cast(30)
    with transaction.atomic(using="footfall"):
        for i, shop in enumerate(cast.shops):
            sensor = builders.build_sensor(shop.pk, NOW)
            size = 2.0 + i * 7 % 11
            builders.build_cells(sensor, date(2025, 11, 22), NOW.date(), size=size, until=NOW)
            builders.build_calibration(shop.pk)
    return cast


def _pages(cast: builders.Cast) -> list[tuple[str, str, str]]:
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    rows = []
    with time_machine.travel(NOW), override_settings(STORAGES=plain, ALLOWED_HOSTS=["testserver"]):
        client = Client()
        client.force_login(cast.director)
        for name, address in PAGES.items():
            times = [_timed(lambda a=address: _open(client, a)) for _ in range(REPEATS)]
            median_ms = 1000 * statistics.median(times[1:])
            rows.append((f"page: {name}", f"{median_ms:.0f} ms", f"{1000 * times[0]:.0f} ms"))
    return rows


def _open(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address}: {answer.status_code}")
