"""Reads cells out of the database into arrays: a year of a shop in about 0.1 s.

Several sensors of one shop hear the same phones, so their counts are averaged, never added: the
rate of a quarter hour is the sum of the listening sensors' counts over the sum of their windows.
A sensor that is deaf or silent drops out of the mean instead of making the shop look empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, Func

from chaland.hub.footfall.hours import Floats, Ints
from chaland.hub.footfall.models import Cell, Mechanism

COUNTS = ("fingerprints", "scans", "arrivals", "passers_by")


class EpochSeconds(Func):
    """An instant as epoch seconds, by the database: ten times faster than parsing text."""

    arity = 1
    output_field = BigIntegerField()
    template = "CAST(EXTRACT(EPOCH FROM %(expressions)s) AS BIGINT)"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)",
            **context,
        )


@dataclass(frozen=True)
class Cells:
    """Quarter hours of one shop in time order; all arrays have one entry a quarter hour.

    ``counts`` are sums over the observed windows, NaN where a count was not released; ``scales``
    are the Laplace scales of their noise. ``start_s`` is in epoch seconds, ``windows`` 0 to 3.
    """

    start_s: Ints
    windows: Ints
    counts: Mapping[str, Floats]
    scales: Mapping[str, Floats]


def read(shop_id: int, start: datetime, end: datetime) -> Cells:
    """Read a shop's quarter hours that start in [start, end), its sensors joined."""
    rows = Cell.objects.filter(shop_id=shop_id, start__gte=start, start__lt=end)
    return combine(
        *_arrays(rows.values_list(EpochSeconds("start"), "windows", "mechanism_id", *COUNTS))
    )


def combine(
    start_s: Ints, windows: Ints, counts: Mapping[str, Floats], scales: Mapping[str, Floats]
) -> Cells:
    """Join the rows of a shop's sensors, one a sensor and quarter hour, in any order."""
    starts, place = np.unique(start_s, return_inverse=True)
    most = np.zeros(len(starts), np.int64)
    np.maximum.at(most, place, windows)
    joined: dict[str, Floats] = {}
    joined_scales: dict[str, Floats] = {}
    for name in COUNTS:
        heard = ~np.isnan(counts[name]) & (windows > 0)
        at = place[heard]
        listened = np.bincount(at, windows[heard], len(starts))
        share = np.full(len(starts), np.nan)
        np.divide(most, listened, out=share, where=listened > 0)
        noise = np.bincount(at, scales[name][heard] ** 2, len(starts))
        joined[name] = np.bincount(at, counts[name][heard], len(starts)) * share
        joined_scales[name] = np.sqrt(noise) * share
    return Cells(starts, most, joined, joined_scales)


def _arrays(
    rows: Iterable[tuple[Any, ...]],
) -> tuple[Ints, Ints, dict[str, Floats], dict[str, Floats]]:
    table = np.array(list(rows), np.float64).reshape(-1, 3 + len(COUNTS))
    scales_by_mechanism = _scales()
    mechanisms, place = np.unique(table[:, 2].astype(np.int64), return_inverse=True)
    scale_table = np.array(
        [[scales_by_mechanism[m].get(name, np.nan) for name in COUNTS] for m in mechanisms.tolist()]
    ).reshape(-1, len(COUNTS))
    scales = scale_table[place]
    return (
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        {name: table[:, 3 + i] for i, name in enumerate(COUNTS)},
        {name: scales[:, i] for i, name in enumerate(COUNTS)},
    )


def _scales() -> dict[int, dict[str, float]]:
    """The scale of the Laplace noise of each count, by mechanism: bound / epsilon."""
    return {
        mechanism.pk: {
            name: float(Fraction(given["bound"]) / Fraction(str(given["epsilon"])))
            for name, given in mechanism.counts.items()
        }
        for mechanism in Mechanism.objects.all()
    }
