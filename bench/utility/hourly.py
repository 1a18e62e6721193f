"""Hourly counts of followable arrivals (row E2) as released, against the towns' truth."""

from collections.abc import Sequence

import numpy as np

from bench.report import table
from bench.utility.towns import SEED, Size, days_of
from chaland.simulate.movement import MODELS
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S
from chaland.wire.summary import Mode

BUSY = 10
"""Errors are relative in hours with so many true arrivals."""
DAYS = 10


def by_epsilon(epsilons: Sequence[str], sizes: Sequence[Size]) -> str:
    """Return the table: mean absolute error of an hour, and relative error of busy ones."""
    shipped = DEFAULT_MECHANISM.counts[Mode.DEFAULT]["arrivals"].epsilon
    rows = []
    hours = {size: _hours(size) for size in sizes}
    for epsilon in (shipped, *epsilons):
        rng = np.random.default_rng(SEED)
        cells = []
        for size in sizes:
            true = hours[size]
            # Four quarter hours make an hour; a discrete Laplace is a difference of geometrics.
            stop = -np.expm1(-float(epsilon))
            draws = rng.geometric(stop, (2, *true.shape, 3600 // CELL_S))
            noise = (draws[0] - draws[1]).sum(axis=-1)
            busy = true >= BUSY
            cells.append(
                f"{np.abs(noise).mean():.1f} ({(np.abs(noise[busy]) / true[busy]).mean():.0%})"
            )
        rows.append([f"{epsilon} (shipped)" if epsilon == shipped else epsilon, *cells])
    return table(["epsilon of a visit", *map(str, sizes)], rows)


def _hours(size: Size) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return true arrivals by day, shop and hour, flat."""
    found = []
    for day in days_of(MODELS["gravity"], size, DAYS):
        slot = day.shop * 24 + (day.time_s // 3600).astype(np.int64)
        found.append(np.bincount(slot, minlength=size.shops * 24))
    return np.concatenate(found)
