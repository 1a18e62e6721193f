"""One shop beside the town, day by day, so that no other shop's figure shows through.

The town's index is the mean of the shops' own indices with equal weight: a large shop weighs no
more than a small one. With fewer than ``rules.TOWN_INDEX_SHOPS_MIN`` shops there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from chaland.hub.footfall import rules, selectors
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate


@dataclass(frozen=True)
class IndexDay:
    """A day's index (typical = 100) of the shop and of the town; None where not known."""

    day: date
    shop: Estimate | None
    town: Estimate | None


@dataclass(frozen=True)
class Neighbours:
    """The shop and the town over the whole period, and day by day."""

    shop: Estimate | None
    town: Estimate | None
    days: list[IndexDay]


def neighbours(shop_id: int, town_ids: Sequence[int], period: Period) -> Neighbours:
    """Compare a shop with the town's shops (``town_ids`` includes it)."""
    before = period.before(rules.TYPICAL_WEEKS)
    cube = selectors.read_cube(town_ids, before.first, period.last)
    cube = cube.at_stay(np.nan_to_num(cube.mean_stay_h(), nan=1.0))
    now = cube.part(period.first, period.last)
    usual = totals.weekday_means(cube.part(before.first, before.last))
    daily = totals.index(now, usual, by_day=True)
    whole = totals.index(now, usual)
    own = list(town_ids).index(shop_id)
    mean, variance, shops = totals.mean_index(daily)
    all_mean, all_variance, all_shops = totals.mean_index(whole)
    return Neighbours(
        shop=_estimate(whole.value[own], whole.variance[own]),
        town=_town(all_mean, all_variance, all_shops),
        days=[
            IndexDay(
                day,
                _estimate(daily.value[own, i], daily.variance[own, i]),
                _town(mean[i], variance[i], shops[i]),
            )
            for i, day in enumerate(period.dates())
        ],
    )


def _estimate(value: Floats, variance: Floats) -> Estimate | None:
    return None if np.isnan(value) else rules.estimate(float(value), float(variance))


def _town(mean: Floats, variance: Floats, shops: Floats) -> Estimate | None:
    return _estimate(mean, variance) if shops >= rules.TOWN_INDEX_SHOPS_MIN else None
