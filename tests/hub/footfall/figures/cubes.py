"""Cubes of known numbers for the tests of figures."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from chaland.hub.footfall.selectors import Cube

MONDAY = date(2026, 11, 9)


def cube(visits: Any, *, variance: float = 0.0, first: date = MONDAY, **changes: Any) -> Cube:
    """Whole hours listened to, a quarter of an hour's stay; ``visits`` is (shops, days, 24)."""
    values = np.asarray(visits, np.float64)
    shops, days, _ = values.shape
    made = Cube(
        shop_ids=tuple(range(1, shops + 1)),
        first=first,
        visits=values,
        visits_variance=np.full(values.shape, variance),
        arrivals=values * 0.2,
        passers_by=values * 0.6,
        followable_variance=np.zeros(values.shape),
        windows=np.full(values.shape, 12.0),
        expected=np.full(values.shape, 12.0),
        togetherness=np.ones((shops, days)),
        scale_error=np.zeros(shops),
        dwell_h=np.full((shops, days), 0.25),
    )
    return replace(made, **changes)


def flat(per_hour: float, shops: int = 1, days: int = 7) -> Any:
    """The same visits every hour from 9 to 19, none at night."""
    values = np.zeros((shops, days, 24))
    values[:, :, 9:19] = per_hour
    return values
