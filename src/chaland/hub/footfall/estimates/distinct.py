"""Different people: of the town in a day, and of zones, out of figures that count some twice.

A sketch of all shops together would be nothing but noise, so different visitors are not read off
directly: visits to shops over shops per visitor. How many shops a visitor sees is told by how many
shops answer alike at one place: the law that makes such answers likely, of all that it might be.
Derivations: docs/explanation/co-visits.md.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from chaland.hub.footfall.estimates.covisits import Ints, TownDay
from chaland.hub.footfall.estimates.dwell import CLEAR_SD
from chaland.hub.footfall.estimates.noise import NORMAL_90, Floats

LAW_ERROR = 0.03
"""Relative error of the town's visitors beside noise, more with more than one a place: people are
of no family of laws, and choices of shops are compared to second order only.

Set on the simulated towns of ``python -m bench privacy_utility``, as the priors below.
"""
OVERCOUNT_SPREAD = 0.1
"""How much a pair of zones' overcount differs from the town's, relative; set on the same towns."""
SHAPE_PRIOR, SHAPE_SPREAD = -0.5, 1.5
"""Prior of the logarithm of dispersion, which is 0 for Poisson's law."""
ONE_SHOP_PRIOR = 6.0
"""How fast prior belief falls with the share of those who see one shop only, beside the others."""
RULED_OUT = 6.25
"""A law is in the interval if its chi squared is no worse than the best one's by this: 90 % for
three numbers, mean, shape and share."""
RATE_SPREAD = 0.05
"""Visits a place, relative: known, but noised together with the answers, so better left open."""
THIN_ERROR = 0.002
"""Relative error of the formula for thinned shops."""
FULL = 4.0
"""With more visitors a place than this the few places that stay empty don't tell the town's."""
NOISE_MOST = 100.0
"""Shops are thinned until noise multiplies an answer's variance by no more than this."""
_THINNED = np.linspace(1 / 12, 1, 12)
_SHAPES = np.linspace(-4.2, 2.4, 12)
_MEANS = np.geomspace(0.08, 12.5, 104)
_ONE_SHOP = np.array([0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75])


def town_visitors(day: TownDay, before: Sequence[TownDay] = ()) -> tuple[float, float, float]:
    """Return the day's different followable visitors of the measured shops, with 90 % interval.

    ``before`` are days before it, of which those with as many shops help to tell how many shops a
    visitor sees. NaN where that can't be told: fewer than two shops under one key, or the town is
    so full that hardly a place is empty in all shops.
    """
    alike = [each for each in [*before, day] if each.sampled == day.sampled]
    share, error, least, most = visitors_per_visit(alike)
    visits = max(float(day.visitors.sum()), 0.0)
    value = visits * share
    if value > FULL * day.places:
        return np.nan, np.nan, np.nan
    off_law = LAW_ERROR * value * max(value / max(day.places, 1), 1.0)
    side = np.hypot(float(np.sqrt(day.variance.sum())) * share, off_law)
    below, above = (max(NORMAL_90 * error, off) for off in (share - least, most - share))
    low = value - float(np.hypot(below * visits, NORMAL_90 * side))
    return value, max(low, 0.0), value + float(np.hypot(above * visits, NORMAL_90 * side))


def visitors_per_visit(days: Sequence[TownDay]) -> tuple[float, float, float, float]:
    """Return visitors over visits, its error, and the least and most that ``days`` don't rule out.

    One over the mean number of shops that a visitor sees in a day, by a family of laws (``_Laws``):
    the mean over them by likelihood and prior. The last two ask no prior. Thin the shops: take each
    with probability h. At a place none of them has anybody with probability exp(-(visitors who see
    one) / places), which for a visitor of k shops is 1 - (1 - h)^k; the answers tell it for any h
    without bias. All four NaN without two shops under one key.
    """
    usable = [day for day in days if day.sampled > 1 and day.answers.sum() > 0]
    if not usable:
        return np.nan, np.nan, np.nan, np.nan
    shops, epsilon, places = usable[-1].sampled, usable[-1].epsilon, usable[-1].places
    thin, laws, hit, last, prior = _laws(shops, epsilon)
    measured, covariance = _measured(usable, thin, shops, epsilon)
    rate = np.array([max(day.visitors.mean(), 0.0) for day in usable]) * shops / places
    # Whom a choice of shops sees depends on the choice: popular ones see more. Second order.
    square = np.mean([np.mean(day.visitors**2 - day.variance) for day in usable]) * shops
    uneven = (thin * (1 - thin) * max(square, 0.0) / (2 * places**2))[:, None] * last**2
    expected, slope = np.zeros((2, *hit.shape))
    for each in rate:
        empty = np.exp(-each * hit + uneven * (each / max(rate.mean(), 1e-9)) ** 2)
        expected += empty / len(rate)
        slope += empty * each * hit / len(rate)
    covariance += np.diag((THIN_ERROR * slope.mean(axis=1)) ** 2 + 1e-12)
    far = _far(measured[:, None] - expected, slope, covariance)
    weight = np.exp(prior - far / 2 - (prior - far / 2).max())
    weight /= weight.sum()
    value = float(weight @ laws)
    possible = laws[far <= far.min() + RULED_OUT]
    error = float(np.sqrt(weight @ (laws - value) ** 2))
    return value, error, float(possible.min()), float(possible.max())


def _far(missed: Floats, slope: Floats, covariance: Floats) -> Floats:
    """Return chi squared of each law, (L,), the rate being free: ``missed``, ``slope`` (h, L)."""
    whitened = np.linalg.solve(covariance, np.stack([missed, slope]))
    square, along = (missed * whitened[0]).sum(axis=0), (slope * whitened[0]).sum(axis=0)
    left: Floats = square - along**2 / ((slope * whitened[1]).sum(axis=0) + RATE_SPREAD**-2)
    return left


def _measured(
    days: Sequence[TownDay], thin: Floats, shops: int, epsilon: float
) -> tuple[Floats, Floats]:
    """Return how many places are empty in thinned shops, as a share, (h,), and its covariance.

    A shop's unbiased "nobody" is e / (e - 1) if it answered so and -1 / (e - 1) if not, with
    e = exp(epsilon); not taken, it is 1. The mean over choices is a power of each.
    """
    answers = np.sum([day.answers[: shops + 1] for day in days], axis=0)
    count, odds = np.arange(shops + 1), np.expm1(epsilon)
    taken = thin[:, None]
    empty = (1 - taken - taken / odds) ** count
    empty = empty * (1 - taken + taken * (1 + 1 / odds)) ** (shops - count)
    share = answers / answers.sum()
    mean = empty @ share
    return mean, ((empty * share) @ empty.T - np.outer(mean, mean)) / answers.sum()


@cache
def _laws(shops: int, epsilon: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return the family: thinnings h, and of L laws visitors per visit, two figures (h, L), prior.

    Some see one shop only; further shops of the others follow Panjer's class (binomial, Poisson,
    negative binomial): p(k) = p(k - 1) (a + (b - a) / k) with a = 1 - 1 / dispersion and
    b = mean / dispersion (Panjer 1981). The figures, over visits: visitors who see a taken shop,
    and visits whose visitor sees no other taken one.
    """
    noise = np.exp(epsilon) / np.expm1(epsilon) ** 2
    thin = _THINNED * min(np.sqrt((NOISE_MOST ** (1 / shops) - 1) / noise), 0.96)
    shape, mean, alone = (
        each.ravel() for each in np.meshgrid(_SHAPES, _MEANS, _ONE_SHOP, indexing="ij")
    )
    dispersion = np.exp(shape)
    excess = 1 - 1 / dispersion
    chance = np.ones((shops, len(shape)))
    for k in range(1, shops):
        factor = excess + (mean / dispersion - excess) / k
        chance[k] = chance[k - 1] * np.maximum(factor, 0.0)
    chance *= (1 - alone) / chance.sum(axis=0)
    chance[0] += alone
    seen = np.arange(shops) + 1.0
    each, missed = seen @ chance, 1 - thin[:, None]
    prior = -(((shape - SHAPE_PRIOR) / SHAPE_SPREAD) ** 2) / 2 - ONE_SHOP_PRIOR * alone
    hit = (1 - missed**seen) @ chance / each
    return thin, 1 / each, hit, (seen * missed ** (seen - 1)) @ chance / each, prior


def overcount(days: Sequence[TownDay], zone_ids: Ints) -> tuple[Floats, Floats]:
    """Return co-visits between zones over different visitors seen in both, and its error, (Z, Z).

    The town's factor, from all days and pairs of zones that could be measured, is on the diagonal;
    each pair's own moves away from it as far as its noise over all days allows (the mean of the two
    by precision). Both NaN where the town's can't be told.
    """
    size = len(zone_ids)
    twice, both, variance = np.zeros((3, size, size))
    for day in days:
        member = (day.zones == day.zone_ids[:, None]).astype(np.float64)
        alone = np.diag(day.union)
        shared = alone[:, None] + alone[None, :] - day.union
        known = np.isfinite(shared) & ~np.eye(len(shared), dtype=bool)
        _, to, there = np.intersect1d(zone_ids, day.zone_ids, return_indices=True)
        into, out = np.ix_(to, to), np.ix_(there, there)
        summed = member @ np.nan_to_num(day.covisits) @ member.T
        twice[into] += np.where(known, summed, 0.0)[out]
        both[into] += np.where(known, shared, 0.0)[out]
        variance[into] += np.where(known, day.union_variance, 0.0)[out]
    town, unsure = _ratio(twice.sum() / 2, both.sum() / 2, variance.sum() / 2)
    own, spread = _ratio(twice, both, variance)
    trust = np.where(np.isnan(own), 0.0, 1 / (1 + (spread / (OVERCOUNT_SPREAD * town)) ** 2))
    factor = town + trust * np.nan_to_num(own - town)
    off = np.sqrt(1 - trust) * OVERCOUNT_SPREAD * town
    return np.maximum(factor, 1.0), np.hypot(off, unsure * (1 - trust))


def _ratio(twice: Floats, both: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return the ratio and its error from the noise below; NaN where that is not clear of it."""
    clear = both > CLEAR_SD * np.sqrt(variance)
    below = np.where(clear & (both > 0), both, np.nan)
    ratio = np.maximum(twice / below, 1.0)
    return ratio, ratio * np.sqrt(variance) / below


def zone_visits(days: Sequence[TownDay], zone_ids: Ints) -> tuple[Floats, Floats]:
    """Return visits to the zone's shops over its different visitors, and the error, (Z,) each.

    NaN where no day tells.
    """
    visits, different, variance = np.zeros((3, len(zone_ids)))
    for day in days:
        _, to, there = np.intersect1d(zone_ids, day.zone_ids, return_indices=True)
        alone, unsure = np.diag(day.union)[there], np.diag(day.union_variance)[there]
        member = day.zones == day.zone_ids[there][:, None]
        known = np.isfinite(alone)
        visits[to] += np.where(known, member @ day.visitors, 0.0)
        different[to] += np.where(known, alone, 0.0)
        variance[to] += np.where(known, unsure, 0.0)
    below = np.where(different > 2 * np.sqrt(variance), different, np.nan)
    factor = np.maximum(visits / below, 1.0)
    return factor, factor * np.sqrt(variance) / below
