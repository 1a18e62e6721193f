"""Reads what flows and stays are made of: a town's stored days, and histograms of stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from hashlib import blake2b

import numpy as np

from chaland.hub.footfall.estimates import covisits
from chaland.hub.footfall.estimates.covisits import TownDay
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.models import DwellDay, FlowDay


@dataclass(frozen=True)
class StoredDay:
    """A local day's estimates; ``sensors`` of ``sensors_expected`` had sent a sketch.

    ``digest`` stands for the stored bytes: the same digest, the same estimates.
    """

    day: date
    town: TownDay
    sensors: int
    sensors_expected: int
    digest: bytes


def read(association_id: int, first: date, last: date) -> list[StoredDay]:
    """Read the days ``first`` to ``last`` that have estimates, in order: one query."""
    rows = FlowDay.objects.filter(
        association_id=association_id, day__gte=first, day__lte=last
    ).order_by("day")
    return [
        StoredDay(
            row.day,
            covisits.unpack(bytes(row.estimates)),
            row.sensors,
            row.sensors_expected,
            blake2b(bytes(row.estimates), digest_size=16).digest(),
        )
        for row in rows
    ]


def newest(association_id: int) -> date | None:
    """Return the newest day that has estimates."""
    days = FlowDay.objects.filter(association_id=association_id).order_by("-day")
    return days.values_list("day", flat=True).first()


def towns(days: Sequence[StoredDay]) -> list[TownDay]:
    """Return the estimates alone, as the kernels take them."""
    return [day.town for day in days]


@dataclass(frozen=True)
class Histogram:
    """Stays of followable devices, added up: ``edges_s`` (bins + 1,), ``counts`` (bins,).

    ``scale`` is the Laplace scale that one bin's summed noise stands for; ``rows`` were added.
    """

    edges_s: tuple[int, ...]
    counts: Floats
    scale: float
    rows: int


def read_stays(shop_ids: Sequence[int], first: date, last: date) -> dict[int, Histogram]:
    """Read each shop's stays of the local days ``first`` to ``last``: one query.

    Rows whose bins differ from the newest ones' are left out: they can't be added.
    """
    rows = list(
        DwellDay.objects.filter(shop_id__in=shop_ids, day__gte=first, day__lte=last)
        .order_by("day")
        .values_list("shop_id", "edges_s", "counts", "bound", "epsilon")
    )
    edges = tuple(rows[-1][1]) if rows else (0, 1)
    found = {shop_id: (np.zeros(len(edges) - 1), 0.0, 0) for shop_id in shop_ids}
    for shop_id, row_edges, row_counts, bound, epsilon in rows:
        if tuple(row_edges) == edges:
            counts, variance, added = found[shop_id]
            scale = float(Fraction(bound) / Fraction(str(epsilon)))
            found[shop_id] = (counts + row_counts, variance + scale**2, added + 1)
    return {
        shop_id: Histogram(edges, counts, float(np.sqrt(variance)), added)
        for shop_id, (counts, variance, added) in found.items()
    }
