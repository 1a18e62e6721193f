"""The usual co-visits of a town: what all days and all pairs say together.

Single pairs are drowned in noise, but pairs have something in common. Five ``descriptions`` of a
matrix of co-visits compete, the pairs by themselves among them, and days that they have not seen
tell how far each is to be believed (stacking, Wolpert 1992). So towns without any such structure
lose nothing. Derivations: docs/explanation/co-visits.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from chaland.hub.footfall.estimates.covisits import Ints, TownDay
from chaland.hub.footfall.estimates.descriptions import (
    Mean,
    bilinear,
    by_zones,
    low_rank,
    ratios,
)
from chaland.hub.footfall.estimates.noise import Bools, Floats

FOLDS = 5
FOLD_DAYS_MIN = 4
"""With fewer days none can be spared to judge by: equal weights, and errors as without structure.

The weights then are those of ``low_rank`` and ``bilinear`` alike, none of the others.
"""
ERROR_SHARE, ERROR_SHARE_SPREAD = 0.5, 0.5
"""The usual variance of the error over the noise's, to which few pairs' is drawn, and spread."""
ERROR_SHARE_MIN = 0.1
"""Unseen days can't tell an error smaller than this share of the noise from none."""


@dataclass(frozen=True)
class Days:
    """D days of S shops, aligned; NaN where not measured, and on the diagonal of ``covisits``.

    ``covisits`` (D, S, S), ``noise`` (D, S) and ``coupling`` (D,), ``visitors`` and
    ``visitors_variance`` (D, S): see ``TownDay``. ``zones`` (S,) are those of the latest day.
    """

    shops: Ints
    zones: Ints
    covisits: Floats
    noise: Floats
    coupling: Floats
    visitors: Floats
    visitors_variance: Floats

    @classmethod
    def of(cls, days: Sequence[TownDay], shops: Ints) -> Self:
        """Align days on the shops wanted; others are left out."""
        size = len(shops)
        covisits = np.full((len(days), size, size), np.nan)
        noise, visitors, variance = (np.full((len(days), size), np.nan) for _ in range(3))
        zones = np.full(size, -1, np.int64)
        for row, day in enumerate(days):
            _, to, there = np.intersect1d(shops, day.shops, return_indices=True)
            covisits[row][np.ix_(to, to)] = day.covisits[np.ix_(there, there)]
            noise[row, to] = day.noise[there]
            visitors[row, to] = day.visitors[there]
            variance[row, to] = day.variance[there]
            zones[to] = day.zones[there]
        coupling = np.array([day.coupling for day in days])
        return cls(shops, zones, covisits, noise, coupling, visitors, variance)

    @property
    def measured(self) -> Bools:
        """Tell which pairs of shops were compared on which days, (D, S, S)."""
        measured: Bools = ~np.isnan(self.covisits)
        return measured

    @property
    def variance(self) -> Floats:
        """Return the variance of ``covisits`` that noise makes, (D, S, S), NaN like them."""
        product = self.noise[:, :, None] * self.noise[:, None, :]
        return np.where(self.measured, product, np.nan)

    def mean(self, chosen: Bools) -> Mean:
        """Return the chosen days' means, each over the days on which it was measured."""
        covisits, variance = self.covisits[chosen], self.variance[chosen]
        seen = ~np.isnan(covisits)
        days = seen.sum(axis=0)
        below = np.maximum(days, 1)
        return Mean(
            np.where(seen, covisits, 0.0).sum(axis=0) / below,
            np.where(days > 0, np.where(seen, variance, 0.0).sum(axis=0) / below**2, np.inf),
            _mean(self.visitors[chosen]),
        )


def _mean(visitors: Floats) -> Floats:
    """Return means of days, (S,), at least one visitor; NaN days don't count."""
    seen = ~np.isnan(visitors)
    total = np.where(seen, visitors, 0.0).sum(axis=0)
    mean: Floats = total / np.maximum(seen.sum(axis=0), 1)
    return np.maximum(mean, 1.0)


@dataclass(frozen=True)
class Pattern:
    """The usual day: ``covisits`` (S, S) >= 0, 0 on the diagonal, for ``visitors`` (S,).

    ``error`` (S, S) is the variance of the estimate, ``share`` what part of the noise's variance
    that is; ``weights`` are those of the five descriptions (see ``_candidates``).
    """

    covisits: Floats
    error: Floats
    visitors: Floats
    weights: Floats
    share: float

    def for_visitors(self, visitors: Floats) -> tuple[Floats, Floats]:
        """Return co-visits and error for days with other ``visitors`` (..., S): (..., S, S)."""
        factor = growth(visitors, self.visitors)
        return self.covisits * factor, self.error * factor**2


def growth(visitors: Floats, usual: Floats) -> Floats:
    """Return by what co-visits grow from ``usual`` (S,) to ``visitors`` (..., S), (..., S, S).

    By both shops' growth over the town's: twice as many people everywhere make twice the co-visits.
    A shop that was not measured grows as the town.
    """
    seen = ~np.isnan(visitors)
    whole = np.where(seen, np.maximum(visitors, 0.0), 0.0).sum(axis=-1, keepdims=True)
    town = np.maximum(whole, 1.0) / np.maximum((seen * usual).sum(axis=-1, keepdims=True), 1.0)
    own = np.clip(np.where(seen, visitors, town * usual) / usual / town, 0.05, 20.0)
    factor: Floats = own[..., :, None] * own[..., None, :] * town[..., None]
    return factor


def fit(days: Days) -> Pattern:
    """Fit the usual day to all days, which must be one at least."""
    every = np.ones(len(days.covisits), bool)
    mean = days.mean(every)
    if len(mean.visitors) < 2:
        none = np.zeros_like(mean.covisits)
        return Pattern(none, none, mean.visitors, _UNJUDGED, 1.0)
    weights, share = _judged(days) if len(every) >= FOLD_DAYS_MIN else (_UNJUDGED, 1.0)
    stacked = np.tensordot(weights, _candidates(mean, days.zones), axes=1)
    off = ~np.eye(len(stacked), dtype=bool)
    blind = np.where(np.isinf(mean.variance), stacked**2, mean.variance)
    return Pattern(
        np.maximum(stacked, 0.0) * off, share * blind * off, mean.visitors, weights, share
    )


_UNJUDGED = np.array([0.0, 0.5, 0.5, 0.0, 0.0])


def _candidates(mean: Mean, zones: Ints) -> Floats:
    """Return the five descriptions of a mean day, (5, S, S)."""
    chance = mean.chance()
    known = np.isfinite(mean.variance)
    raw = np.where(known, mean.covisits, chance)
    return np.stack([raw, low_rank(mean), bilinear(mean), by_zones(mean, zones), ratios(mean)])


def _judged(days: Days) -> tuple[Floats, float]:
    """Return the weights that unseen days approve of, and what is left of the noise's variance."""
    count = len(days.covisits)
    fold = np.arange(count) % min(FOLDS, count)
    told, shown, sure = [], [], []
    for each in range(int(fold.max()) + 1):
        seen = days.mean(fold != each)
        kept = days.mean(fold == each)
        scale = growth(kept.visitors, seen.visitors)
        both = np.isfinite(seen.variance) & np.isfinite(kept.variance)
        both &= np.tri(len(both), k=-1, dtype=bool)
        told.append((_candidates(seen, days.zones) * scale)[:, both])
        shown.append(kept.covisits[both])
        sure.append(kept.weight[both])
    guess, truth, weight = np.concatenate(told, axis=1), np.concatenate(shown), np.concatenate(sure)
    if not len(truth):
        return _UNJUDGED, 1.0
    weights = simplex_least_squares(guess.T, truth, weight)
    # Each unseen fold brings its own noise, 1 / weight; what misses beyond it is the guess's error.
    # All days together have as many times less noise as there are folds.
    folds = int(fold.max()) + 1
    missed = folds * (float((weight * (truth - weights @ guess) ** 2).mean()) - 1)
    unsure = folds * np.sqrt(2 / len(truth))
    trust = 1 / (1 + (unsure / ERROR_SHARE_SPREAD) ** 2)
    share = trust * missed + (1 - trust) * ERROR_SHARE
    return weights, float(np.clip(share, ERROR_SHARE_MIN, 1.0))


def simplex_least_squares(guesses: Floats, truth: Floats, weight: Floats) -> Floats:
    """Return weights >= 0 with sum 1 that make ``guesses`` (n, k) @ weights fit ``truth`` best.

    Projected gradient; the projection on the simplex is that of Duchi et al. (2008).
    """
    square = guesses.T @ (guesses * weight[:, None])
    against = guesses.T @ (truth * weight)
    kinds = len(square)
    size = max(float(np.linalg.eigvalsh(square)[-1]), 1e-300)
    found = np.full(kinds, 1 / kinds)
    for _ in range(500):
        free = found - (square @ found - against) / size
        ladder = np.sort(free)[::-1]
        excess = (np.cumsum(ladder) - 1) / np.arange(1, kinds + 1)
        found = np.maximum(free - excess[np.flatnonzero(ladder > excess)[-1]], 0.0)
    return found
