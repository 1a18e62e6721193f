"""Co-visits between shops over days, weeks and months, each with its interval.

First the usual day is learned from the period and the weeks before it (``pattern``), then brought
to the period's visitors, then the period's own measurements say how far it departed
(``deviation``). Totals over several days count a person once a day: never people over days.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall.estimates import pattern
from chaland.hub.footfall.estimates.covisits import Ints, TownDay
from chaland.hub.footfall.estimates.deviation import departures
from chaland.hub.footfall.estimates.noise import NORMAL_90, Bools, Floats
from chaland.hub.footfall.estimates.pattern import Days

BEFORE_DAYS = 56
"""How many earlier days are worth passing as ``before``: eight weeks."""
STRONG_SPREAD = 0.015
"""Relative error of a pair of the mean size that no noise explains; grows as the size's root."""


@dataclass(frozen=True)
class Pairs:
    """Totals between n places with 90 % intervals, (n, n) each, NaN where not measured.

    Symmetric; the diagonal holds a place's own visitors. ``ids`` (n,). ``days`` is on how many
    days the two were compared, ``visitors`` the row's visitors on exactly those days.
    """

    ids: Ints
    value: Floats
    low: Floats
    high: Floats
    days: Ints
    visitors: Floats

    @property
    def separable(self) -> Bools:
        """Tell which figures stand out of their noise, (n, n)."""
        return separable(self.value, self.low, self.high)


def separable(value: Floats, low: Floats, high: Floats) -> Bools:
    """Tell where a figure stands out of its noise: the one rule for "not separable".

    Its interval must leave out 0 and be no wider than the value. NaN is not separable.
    """
    stands: Bools = (low > 0) & (high - low <= value)
    return stands


def shop_pairs(days: Sequence[TownDay], before: Sequence[TownDay] = ()) -> Pairs:
    """Return co-visits between shops, summed over ``days``: visitors seen in both on one day.

    ``before`` holds days before them, which sharpen the estimate. ValueError without any day.
    """
    if not days:
        raise ValueError("co-visits of no day at all: pass one day at least")
    shops = np.unique(np.concatenate([day.shops for day in days]))
    every = Days.of([*before, *days], shops)
    wanted = np.arange(len(every.covisits)) >= len(before)
    now, usual = every.mean(wanted), pattern.fit(every)
    value, error = usual.for_visitors(now.visitors)
    count, among = every.measured[wanted].sum(axis=0), every.measured.sum(axis=0)
    if len(before):
        upper = np.triu(count > 0, 1) & (among > count)
        departed, unsure = departures(
            missed=(now.covisits - value)[upper],
            # The usual day contains the period: of its noise only the rest is news.
            noise=(now.variance * (1 - count / np.maximum(among, 1)))[upper],
            usual=value[upper],
            chance=(value / np.maximum(count, 1))[upper],
        )
        value[upper] += departed
        error[upper] += unsure
        value, error = (np.triu(each, 1) + np.triu(each, 1).T for each in (value, error))
    error += _misread(value, count > 0)
    np.fill_diagonal(value, now.visitors)
    own_days = (~np.isnan(every.visitors[wanted])).sum(axis=0)
    np.fill_diagonal(count, own_days)
    own = np.nansum(every.visitors_variance[wanted], axis=0) / np.maximum(own_days, 1) ** 2
    np.fill_diagonal(error, own)
    return pairs(shops, value, error, count, _visitors_where(every, wanted))


def pairs(ids: Ints, mean: Floats, error: Floats, days: Ints, visitors: Floats) -> Pairs:
    """Return totals of ``days`` from a mean day and the variance of its error, all (n, n)."""
    total = np.where(days > 0, np.maximum(mean, 0.0) * days, np.nan)
    half = NORMAL_90 * np.sqrt(error) * days
    return Pairs(ids, total, np.maximum(total - half, 0.0), total + half, days, visitors)


def _misread(value: Floats, known: Bools) -> Floats:
    """Return the variance (S, S) by which descriptions of all pairs miss the strong ones.

    The usual error is a mean over all pairs. The few strongest, which a reader sees first, are
    what a description fits worst.
    """
    size = np.maximum(value, 0.0)
    known = known & ~np.eye(len(size), dtype=bool)
    mean = size[known].mean() if known.any() else 1.0
    return np.where(known, (STRONG_SPREAD * size) ** 2 * size / np.maximum(mean, 1e-9), 0.0)


def _visitors_where(days: Days, wanted: Bools) -> Floats:
    """Return the row's visitors over the days on which it was compared with the column, (S, S)."""
    visitors, both = days.visitors[wanted], days.measured[wanted]
    both = both | np.eye(both.shape[-1], dtype=bool)
    total: Floats = np.where(both, np.nan_to_num(visitors)[:, :, None], 0.0).sum(axis=0)
    return total
