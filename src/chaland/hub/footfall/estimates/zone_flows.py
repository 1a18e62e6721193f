"""Co-visits between zones, day by day, and between a shop and the zones.

A zone's figure is a sum over pairs of shops, so its noise is known too, with what neighbouring
pairs have in common. The usual day, learned shop by shop, is its prior; what the day itself
measured moves it as far as former days departed from the usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall.estimates import pattern
from chaland.hub.footfall.estimates.covisits import Ints, TownDay
from chaland.hub.footfall.estimates.deviation import departures, shift
from chaland.hub.footfall.estimates.distinct import overcount, zone_visits
from chaland.hub.footfall.estimates.flows import Pairs, pairs, shop_pairs
from chaland.hub.footfall.estimates.noise import NORMAL_90, Bools, Floats
from chaland.hub.footfall.estimates.pattern import Days, Pattern

SEEN_TWICE = 2.0
"""Variance of a zone pair's sum over its value: who sees several shops is in it several times."""
OWN_SPREAD = 0.02
"""Relative error of a zone's own visitors, when all days' shops per visitor stand for one day's."""


def zone_pairs(days: Sequence[TownDay], before: Sequence[TownDay] = ()) -> Pairs:
    """Return co-visits between zones, summed over ``days``: over all their compared pairs of shops.

    Who saw two shops of one zone and one of the other counts twice; ``overcount`` tells how many
    different visitors that makes. The diagonal is the zone's visits, a visitor once for each shop.
    Zones are those of the last day. ValueError without any day.
    """
    town = _Town.of(days, before)
    value, error = _daily(town)
    value, error = value[town.wanted].sum(axis=0), error[town.wanted].sum(axis=0)
    both = town.every.measured[town.wanted]
    count = (town.member @ both @ town.member.T > 0).sum(axis=0)
    own = town.visitors[town.wanted].sum(axis=0) @ town.member.T
    own_error = town.visitors_error[town.wanted].sum(axis=0) @ town.member.T
    np.fill_diagonal(value, own)
    np.fill_diagonal(error, own_error)
    np.fill_diagonal(count, town.wanted.sum())
    below = np.maximum(count, 1)
    return pairs(
        town.zone_ids, value / below, error / below**2, count, np.tile(own, (len(own), 1)).T
    )


def zone_visitors(days: Sequence[TownDay], before: Sequence[TownDay] = ()) -> Pairs:
    """Return different visitors seen in both zones on one day, summed over ``days``.

    The co-visits of ``zone_pairs`` over their ``overcount``; the diagonal and ``visitors``
    are the row zone's different visitors. NaN throughout where no day tells different visitors
    (zones of which one shop always came late, or too full).
    """
    return different(zone_pairs(days, before), [*before, *days])


def different(twice: Pairs, every: Sequence[TownDay]) -> Pairs:
    """Return co-visits between zones as different visitors, by what ``every`` day tells of them."""
    by, unsure = overcount(every, twice.ids)
    off = unsure / by
    shops_each, shops_error = zone_visits(every, twice.ids)
    np.fill_diagonal(by, shops_each)
    np.fill_diagonal(off, np.hypot(shops_error / shops_each, OWN_SPREAD))
    return _divided(twice, by, off, twice.visitors / shops_each[:, None])


def shop_zones(days: Sequence[TownDay], before: Sequence[TownDay] = ()) -> tuple[Pairs, Ints, Ints]:
    """Return visitors of each shop (row) who saw another shop of each zone (column), (S, Z).

    With the zones' ids (Z,) and how many other shops of the zone that rests on (S, Z). A union of
    shops is too noisy for one shop, so it is co-visits over the root of ``overcount`` between the
    two zones: of its two sides, one. The errors of a row's pairs are taken to go together.
    """
    shops = shop_pairs(days, before)
    zone_ids, member = _members(shops.ids, days)
    by, unsure = overcount([*before, *days], zone_ids)
    others = ~np.eye(len(shops.ids), dtype=bool) & (shops.days > 0)
    half = np.where(others, shops.high - shops.value, 0.0) / NORMAL_90
    summed = np.where(others, shops.value, 0.0) @ member.T
    # Neighbouring pairs' errors have something in common: between independent and the same.
    apart, same = half**2 @ member.T, (half @ member.T) ** 2
    error = np.sqrt(0.8 * apart + 0.2 * same)
    rests = (others @ member.T).astype(np.int64)
    total = np.where(rests > 0, summed, np.nan)
    days_of = (np.where(others, shops.days, 0) @ member.T) // np.maximum(rests, 1)
    own = np.diag(shops.value)[:, None] * np.ones(len(zone_ids))
    found = Pairs(
        shops.ids,
        total,
        np.maximum(total - NORMAL_90 * error, 0.0),
        total + NORMAL_90 * error,
        days_of.astype(np.int64),
        own,
    )
    home = (np.arange(len(zone_ids)) @ member).astype(np.int64)
    root, off = np.sqrt(by)[home], (unsure / by / 2)[home]
    return _divided(found, root, off, own), zone_ids, rests


def zone_order(days: Sequence[TownDay]) -> Pairs:
    """Return who was last in a shop of the row's zone before the hour, of the column's after it.

    Co-visits, summed over ``days``; not symmetric, NaN on the diagonal. Only the ordered places of
    a sketch tell, and only of those who were on either side of the hour: as a rule not separable
    for less than a season. There is no prior: each figure stands on its own days.
    """
    shops = np.unique(np.concatenate([day.shops for day in days]))
    zone_ids, _ = _members(shops, days)
    size = len(zone_ids)
    value, error, count = np.zeros((3, size, size))
    for day in days:
        member = (day.zones == zone_ids[:, None]).astype(np.float64)
        known = np.isfinite(day.directed)
        value += member @ np.nan_to_num(day.directed) @ member.T
        count += member @ known @ member.T > 0
        # Estimates below nobody are noise, and make no error the root of less than nothing.
        shared = np.maximum(np.nan_to_num(day.covisits), 0.0)
        common = day.coupling * shared / np.sqrt(np.outer(day.noise, day.noise))
        np.fill_diagonal(common, 1.0)
        before, after = (
            np.diag(member @ (common * np.sqrt(np.outer(each, each))) @ member.T)
            for each in (day.noise_before, day.noise_after)
        )
        error += np.outer(before, after)
    np.fill_diagonal(count, 0)
    total = np.where(count > 0, np.maximum(value, 0.0), np.nan)
    half = NORMAL_90 * np.sqrt(error)
    visitors = np.full_like(total, np.nan)
    low, high = np.maximum(value - half, 0.0), np.maximum(value + half, 0.0)
    return Pairs(zone_ids, total, low, high, count.astype(np.int64), visitors)


def _divided(found: Pairs, by: Floats, off: Floats, visitors: Floats) -> Pairs:
    """Return totals over ``by``, whose relative error is ``off``; all (n, m)."""
    value = found.value / by
    half = np.hypot((found.high - found.value) / by, NORMAL_90 * off * value)
    return Pairs(
        found.ids, value, np.maximum(value - half, 0.0), value + half, found.days, visitors
    )


def _members(shops: Ints, days: Sequence[TownDay]) -> tuple[Ints, Floats]:
    """Return zone ids (Z,) and 1 where a shop is in the zone, (Z, S), by the latest day of each."""
    zone_of: dict[int, int] = {}
    for day in days:
        zone_of |= dict(zip(day.shops.tolist(), day.zones.tolist(), strict=True))
    zone = np.array([zone_of[shop] for shop in shops.tolist()], np.int64)
    zone_ids = np.unique(zone)
    return zone_ids, (zone == zone_ids[:, None]).astype(np.float64)


@dataclass(frozen=True)
class _Town:
    """The days of one question side by side: ``wanted`` (D,) are those asked for.

    ``member`` (Z, S) is 1 where a shop is in a zone; ``visitors`` (D, S) are each day's, drawn to
    the usual, with ``visitors_error``.
    """

    every: Days
    wanted: Bools
    zone_ids: Ints
    member: Floats
    usual: Pattern
    visitors: Floats
    visitors_error: Floats

    @classmethod
    def of(cls, days: Sequence[TownDay], before: Sequence[TownDay]) -> "_Town":
        if not days:
            raise ValueError("co-visits of no day at all: pass one day at least")
        shops = np.unique(np.concatenate([day.shops for day in days]))
        zone_ids, member = _members(shops, days)
        every = Days.of([*before, *days], shops)
        wanted = np.arange(len(every.covisits)) >= len(before)
        usual = pattern.fit(every)
        return cls(every, wanted, zone_ids, member, usual, *_visitors(every, usual))


def _visitors(days: Days, usual: Pattern) -> tuple[Floats, Floats]:
    """Return each day's visitors of each shop, drawn to the usual share of the town's, (D, S).

    A shop that was not measured on a day is taken to have had its usual share.
    """
    seen = ~np.isnan(days.visitors)
    whole = np.where(seen, days.visitors, 0.0).sum(axis=1, keepdims=True)
    town = np.maximum(whole, 1.0) / np.maximum((seen * usual.visitors).sum(axis=1)[:, None], 1.0)
    expected = town * usual.visitors
    departed, unsure = departures(
        missed=(days.visitors - expected).ravel(),
        noise=days.visitors_variance.ravel(),
        usual=expected.ravel(),
        chance=expected.ravel(),
    )
    departed, unsure = departed.reshape(expected.shape), unsure.reshape(expected.shape)
    unknown = expected + (0.5 * expected) ** 2
    return expected + np.nan_to_num(departed), np.where(seen, unsure, unknown)


def _daily(town: _Town) -> tuple[Floats, Floats]:
    """Return each day's co-visits between zones and the variance of their error, (D, Z, Z).

    First what all days say together against the usual day that was learned shop by shop: it may
    lean to one side for all pairs of two zones, by as much as noise would, and perhaps by more.
    Then what each day says for itself: more, where its visitors went to other zones than usual.
    """
    usual, _ = town.usual.for_visitors(town.visitors)
    both = town.every.measured
    member, count = town.member, len(both)
    row, column = np.triu_indices(len(member), 1)
    raw = (member @ np.where(both, town.every.covisits, 0.0) @ member.T)[:, row, column]
    expected = (member @ np.where(both, usual, 0.0) @ member.T)[:, row, column]
    noise = _noise(town, usual)[:, row, column]
    level = expected.mean(axis=0)
    together = noise.sum(axis=0) / count**2
    lean, unsure = departures(
        missed=(raw - expected).mean(axis=0),
        noise=together,
        usual=level,
        chance=together,
    )
    by = expected / np.maximum(level, 1e-9)
    expected = expected + lean * by
    departed, spread = departures(
        missed=(raw - expected).ravel(),
        noise=noise.ravel(),
        usual=expected.ravel(),
        chance=SEEN_TWICE * np.maximum(expected, 0.0).ravel(),
        shifted=np.repeat(shift(town.visitors @ member.T, member @ town.usual.visitors), len(row)),
    )
    value, error = np.zeros((2, count, len(member), len(member)))
    value[:, row, column] = expected + departed.reshape(expected.shape)
    error[:, row, column] = spread.reshape(expected.shape) + unsure * by**2
    return value + value.transpose(0, 2, 1), error + error.transpose(0, 2, 1)


def _noise(town: _Town, usual: Floats) -> Floats:
    """Return the variance that noise makes in each day's sums of zones, (D, Z, Z).

    The sum over A x B of pairs whose noise covaries by N (see ``sketches.covisits``) has the
    variance (a'Na)(b'Nb) + (a'Nb)^2, a and b being 1 in the zone.
    """
    days = town.every
    full = days.coupling[:, None, None] * np.where(days.measured, usual, 0.0)
    diagonal = np.arange(full.shape[1])
    full[:, diagonal, diagonal] = np.nan_to_num(days.noise)
    inside = town.member @ full @ town.member.T
    own = np.diagonal(inside, axis1=1, axis2=2)
    return own[:, :, None] * own[:, None, :] + inside**2
