"""Writes the published days out of cells, calibration and dwell. Rebuildable at any time."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction
from django.db.models import Max, Min
from numpy.typing import NDArray

from chaland.hub.association.models import Shop
from chaland.hub.footfall import cells, estimates, people
from chaland.hub.footfall import hours as clock
from chaland.hub.footfall.models import Cell, DayFigure, DwellDay
from chaland.hub.footfall.services.rollup import Days, Dwell, Present, roll, trailing_dwell
from chaland.wire.periods import day_bounds, local_day

DWELL_DAYS = 28
"""A day's dwell comes from the four weeks that end with it: one day alone is mostly noise."""

DWELL_EDGES_S = (60, 300, 600, 1200, 2400, 4200, 7200)
"""Stands in for the bins of a shop that has sent no dwell yet."""

_DAY_FIELDS = [
    field.name for field in DayFigure._meta.fields if field.name not in ("id", "shop_id", "day")
]


def refresh_figures(shop_id: int, starts: Iterable[datetime]) -> None:
    """Renew the published days that hold the cells starting at ``starts``.

    Call it after the cells are committed: the day's row is made where there is none, and locked
    before the cells are read. So of two sensors of one shop that report at once, on a new day too,
    the second waits, and then reads the cells of both.
    """
    timezone = timezones([shop_id])[shop_id]
    for day in sorted({local_day(start, timezone) for start in starts}):
        with transaction.atomic(using=DayFigure.objects.db):
            _lock(shop_id, day)
            _rebuild(shop_id, day, day, timezone)


def _lock(shop_id: int, day: date) -> None:
    """Hold the day's row until the transaction ends; an empty one is made to be held."""
    empty = DayFigure(
        shop_id=shop_id,
        day=day,
        hours=clock.pack(np.zeros((clock.HOURS, len(clock.FIELDS)))),
        **dict.fromkeys(
            ("person_hours", "visits_variance", "scale_error", "windows", "windows_expected"), 0
        ),
        dwell_s=estimates.DEFAULT_DWELL_S,
    )
    DayFigure.objects.bulk_create([empty], ignore_conflicts=True)
    list(DayFigure.objects.select_for_update().filter(shop_id=shop_id, day=day))


def rebuild_figures(
    shop_ids: Sequence[int] | None = None, first: date | None = None, last: date | None = None
) -> int:
    """Rebuild the local days ``first`` to ``last`` of some shops (default: all that have cells).

    Returns the number of days written. One transaction for all, because a page compares shops.
    """
    with transaction.atomic(using=DayFigure.objects.db):
        spans = _spans(shop_ids)
        zones = timezones(list(spans))
        written = 0
        for shop_id, (earliest, latest) in spans.items():
            timezone = zones[shop_id]
            begin = max(filter(None, (first, local_day(earliest, timezone))))
            end = min(filter(None, (last, local_day(latest, timezone))))
            if begin <= end:
                written += _rebuild(shop_id, begin, end, timezone)
    return written


def _spans(shop_ids: Sequence[int] | None) -> dict[int, tuple[datetime, datetime]]:
    """First and last cell of each shop; a query a shop, since each end is one step in the index."""
    if shop_ids is None:
        shop_ids = list(
            Cell.objects.order_by("shop_id").values_list("shop_id", flat=True).distinct()
        )
    spans = {}
    for shop_id in shop_ids:
        ends = Cell.objects.filter(shop_id=shop_id).aggregate(Min("start"), Max("start"))
        if ends["start__min"] is not None:
            spans[shop_id] = (ends["start__min"], ends["start__max"])
    return spans


def timezones(shop_ids: list[int]) -> dict[int, ZoneInfo]:
    """Return the time zone of each shop's association."""
    names = Shop.objects.filter(pk__in=shop_ids).values_list("pk", "association__timezone")
    return {pk: ZoneInfo(name) for pk, name in names}


def _rebuild(shop_id: int, first: date, last: date, timezone: ZoneInfo) -> int:
    calendar = clock.calendar(first, last, timezone)
    found = cells.read(shop_id, day_bounds(first, timezone)[0], day_bounds(last, timezone)[1])
    days = _roll(shop_id, found, calendar)
    rows = [
        DayFigure(
            shop_id=shop_id,
            day=first + timedelta(days=int(i)),
            person_hours=days.person_hours[i],
            visits_variance=days.visits_variance[i],
            dwell_s=days.stay_s[i],
            scale_error=days.scale_error[i],
            windows=int(days.hours[i, :, clock.WINDOWS].sum()),
            windows_expected=int(calendar.windows[i]),
            hours=clock.pack(days.hours[i]),
        )
        for i in np.unique(calendar.day_of[calendar.quarter(found.start_s)])
    ]
    DayFigure.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["day", "shop_id"],
        update_fields=_DAY_FIELDS,
    )
    return len(rows)


def _roll(shop_id: int, found: cells.Cells, calendar: clock.Calendar) -> Days:
    """Roll the cells up, each day with the errors of the mode that made most of its cells."""
    models = people.models_of([shop_id])[shop_id]
    present = Present(*people.present(found, models), people.noise_of(found, models))
    days = len(calendar.windows)
    dwell = shop_dwell(shop_id, calendar.first, calendar.first + timedelta(days=days - 1))
    day = calendar.day_of[calendar.quarter(found.start_s)]
    observed = found.windows > 0
    strict = np.isnan(found.counts["fingerprints"]) & observed
    in_strict = 2 * np.bincount(day, strict, days) > np.bincount(day, observed, days)
    default = roll(found, present, models["default"], dwell, calendar)
    if not in_strict.any():
        return default
    other = roll(found, present, models["strict"], dwell, calendar)
    return Days(
        **{
            field.name: _choose(in_strict, getattr(other, field.name), getattr(default, field.name))
            for field in fields(Days)
        }
    )


def _choose(days: NDArray[np.bool_], yes: clock.Floats, no: clock.Floats) -> clock.Floats:
    chosen: clock.Floats = np.where(days.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
    return chosen


def shop_dwell(shop_id: int, first: date, last: date) -> Dwell:
    """Return the mean stay of each day from ``first`` to ``last``, pooled over the shop's sensors.

    Histograms whose bins differ from the newest ones' are left out: they can't be added.
    """
    begin = first - timedelta(days=DWELL_DAYS - 1)
    rows = list(
        DwellDay.objects.filter(shop_id=shop_id, day__gte=begin, day__lte=last)
        .order_by("day")
        .values_list("day", "edges_s", "counts", "bound", "epsilon")
    )
    edges = tuple(rows[-1][1]) if rows else DWELL_EDGES_S
    counts = np.zeros(((last - begin).days + 1, len(edges) - 1))
    variances = np.zeros(len(counts))
    for day, row_edges, row_counts, bound, epsilon in rows:
        if tuple(row_edges) == edges:
            counts[(day - begin).days] += row_counts
            variances[(day - begin).days] += float(Fraction(bound) / Fraction(epsilon)) ** 2
    pooled = trailing_dwell(counts, np.sqrt(variances), edges, DWELL_DAYS)
    skip = DWELL_DAYS - 1
    return Dwell(pooled.mean_s[skip:], pooled.relative_sd[skip:], pooled.per_hour[skip:])
