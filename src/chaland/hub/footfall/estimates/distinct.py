"""Different people: of the town in a day, and of zones, out of figures that count some twice.

A sketch of all shops together would be nothing but noise, so different visitors are not read off
directly: visits to shops over shops per visitor. How many shops a visitor sees is told by three
things that can be measured: visits, co-visits, and the different visitors of ten random shops.
"""

from collections.abc import Sequence

import numpy as np

from chaland.hub.footfall.estimates.covisits import Ints, TownDay
from chaland.hub.footfall.estimates.dwell import CLEAR_SD
from chaland.hub.footfall.estimates.noise import NORMAL_90, Floats

SHAPE_ERROR = 0.06
"""Relative error of shops per visitor beside its noise: its law is of one family, people are not.

Set on the simulated towns of ``python -m bench privacy_utility``.
"""
OVERCOUNT_SPREAD = 0.1
"""How much a pair of zones' overcount differs from the town's, relative; set on the same towns."""
SHAPE_SPREAD = 0.8
"""Prior standard deviation of the logarithm of the dispersion around Poisson's, which is 0."""
SAMPLE_ERROR = 0.01
"""Relative error of the visitors of random shops beside its noise: the logarithm is bent."""
_SHAPES = np.linspace(-3.0, 2.4, 55)
_MEANS = np.geomspace(0.02, 12.0, 240)


def town_visitors(day: TownDay, before: Sequence[TownDay] = ()) -> tuple[float, float, float]:
    """Return the day's different followable visitors of the measured shops, with 90 % interval.

    ``before`` are days before it, of which those with as many shops help to tell how many shops a
    visitor sees. NaN where that can't be told (fewer than two shops under one key, or too full).
    """
    alike = [each for each in [*before, day] if each.sampled == day.sampled]
    shops, error = shops_per_visitor(alike)
    value = max(float(day.visitors.sum()), 0.0) / shops
    noise = float(np.sqrt(day.variance.sum())) / shops
    half = NORMAL_90 * float(np.hypot(noise, np.hypot(error / shops, SHAPE_ERROR) * value))
    return value, max(value - half, 0.0), value + half


def shops_per_visitor(days: Sequence[TownDay]) -> tuple[float, float]:
    """Return the mean number of shops that a visitor sees in a day, and its standard error.

    Further shops follow Panjer's class (binomial, Poisson, negative binomial in one), whose mean
    and dispersion are those that give the measured co-visits of a visit and the measured share of
    visitors in ``sample_shops`` random shops. Which shops they are does not matter: a random
    choice of q out of S misses a visitor of k shops with probability C(S - k, q) / C(S, q).
    """
    usable = [day for day in days if np.isfinite(day.sample) and day.sampled > 1]
    if not usable:
        return np.nan, np.nan
    shops, few = usable[-1].sampled, usable[-1].sample_shops
    visits = np.mean([day.visitors.mean() for day in usable])
    pairs = np.mean([np.nanmean(day.covisits) for day in usable])
    sample = np.mean([day.sample for day in usable])
    measured = np.array([pairs / visits, sample / visits])
    unsure = np.array(
        [
            np.sqrt(np.sum([_pair_variance(day) for day in usable])),
            np.sqrt(np.sum([day.sample_variance for day in usable])),
        ]
    ) / (len(usable) * visits)
    mean, pair, some = _laws(shops, few)
    value, spread = _matched(measured, unsure[1], mean, pair, some)
    up, down = (
        _matched(measured + np.array([sign * unsure[0], 0.0]), unsure[1], mean, pair, some)[0]
        for sign in (1, -1)
    )
    return value, float(np.hypot(spread, (up - down) / 2))


def _pair_variance(day: TownDay) -> float:
    """Return the variance of the mean co-visits of all pairs (see ``sketches.covisits``)."""
    shops = len(day.shops)
    full = day.coupling * np.nan_to_num(day.covisits) + np.diag(day.noise)
    return 2 * float(full.sum()) ** 2 / (shops * (shops - 1)) ** 2


def _laws(shops: int, few: int) -> tuple[Floats, Floats, Floats]:
    """Return for each (shape, mean) of the family three figures, (shapes, means) each.

    The shape is the logarithm of variance over mean; p(k) = p(k - 1) (a + (b - a) / k) with
    a = 1 - 1 / dispersion and b = mean / dispersion (Panjer 1981). The figures: shops per visitor;
    co-visits of one pair, and visitors of ``few`` random shops, both over visits of one shop.
    """
    further = np.arange(shops)
    dispersion, mean = np.exp(_SHAPES)[:, None], _MEANS[None, :]
    excess = (dispersion - 1) / dispersion
    chance = np.empty((shops, len(_SHAPES), len(_MEANS)))
    chance[0] = 1.0
    for k in range(1, shops):
        factor = excess + (mean / dispersion - excess) / k
        chance[k] = chance[k - 1] * np.maximum(factor, 0.0)
    chance /= chance.sum(axis=0)
    seen = further + 1.0
    each = np.tensordot(seen, chance, axes=1)
    twice = np.tensordot(seen * (seen - 1), chance, axes=1) / (shops * (shops - 1))
    missed = np.array([_missed(shops, int(k), few) for k in seen])
    some = 1 - np.tensordot(missed, chance, axes=1)
    per_shop = each / shops
    return each, twice / per_shop, some / per_shop


def _missed(shops: int, seen: int, few: int) -> float:
    """Return the probability that ``few`` random shops hold none of the ``seen`` ones."""
    left = (shops - seen - np.arange(few)) / (shops - np.arange(few))
    return float(np.prod(np.maximum(left, 0.0)))


def _matched(
    measured: Floats, unsure: float, mean: Floats, pair: Floats, some: Floats
) -> tuple[float, float]:
    """Return shops per visitor, given the measured pair and some, and its standard error.

    For each shape the mean is found by interpolation; shapes are weighed by how well they explain
    the measured some, and by a prior around Poisson.
    """
    per_shape = np.array([np.interp(measured[0], *each) for each in zip(pair, mean, strict=True)])
    sample = np.array([np.interp(measured[0], *each) for each in zip(pair, some, strict=True)])
    error = np.hypot(unsure, SAMPLE_ERROR * measured[1])
    far = ((sample - measured[1]) / error) ** 2 + (_SHAPES / SHAPE_SPREAD) ** 2
    weight = np.exp(-(far - far.min()) / 2)
    weight /= weight.sum()
    value = float(weight @ per_shape)
    return value, float(np.sqrt(weight @ (per_shape - value) ** 2))


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
