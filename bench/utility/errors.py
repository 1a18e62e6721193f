"""Errors of shop pairs, zone pairs and different visitors, counted as the aims count them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.utility.towns import BEFORE, MONTH, WEEK, Truth
from chaland.hub.footfall.estimates.covisits import TownDay
from chaland.hub.footfall.estimates.distinct import town_visitors
from chaland.hub.footfall.estimates.flows import Pairs, shop_pairs
from chaland.hub.footfall.estimates.zone_flows import different, zone_pairs

Floats = NDArray[np.float64]

ZONE_BEFORE = 28
ZONE_STEP = 5
"""Zone pairs are estimated on every fifth day of the month, to save time; the last day is one."""


@dataclass(frozen=True)
class PairErrors:
    """Mean relative errors of shop pairs; ``held`` is the share of intervals that held the truth,
    ``shown`` the share of figures that stand out of their noise."""

    strongest: float
    upper: float
    held: float = np.nan
    shown: float = np.nan


def upper(matrix: Floats) -> Floats:
    """Return the pairs of a symmetric matrix, once each."""
    return matrix[..., *np.triu_indices(matrix.shape[-1], 1)]


def pair_errors(value: Floats, true: Floats) -> tuple[float, float]:
    """Return mean relative errors over the strongest quarter, and over those above the median."""
    wanted, found = upper(true), upper(value)
    order = np.argsort(-wanted)
    wrong = np.abs(found - wanted)[order] / np.maximum(wanted[order], 1.0)
    return float(wrong[: len(wrong) // 4].mean()), float(wrong[: len(wrong) // 2].mean())


def sums(days: Sequence[TownDay]) -> Floats:
    """Return the plain sum of what each day's sketches say, without any prior."""
    return np.maximum(np.sum([day.covisits for day in days], axis=0), 0.0)


def covered(found: Pairs, true: Floats) -> tuple[float, float]:
    """Return how many intervals held the truth, and how many figures may be shown."""
    low, high, wanted = upper(found.low), upper(found.high), upper(true)
    return float(((low <= wanted) & (wanted <= high)).mean()), float(upper(found.separable).mean())


def of_shops(
    days: Sequence[TownDay], before: Sequence[TownDay], truths: Sequence[Truth]
) -> PairErrors:
    """Measure the shop pairs of a period."""
    true = np.sum([each.covisits for each in truths], axis=0)
    found = shop_pairs(days, before)
    return PairErrors(*pair_errors(found.value, true), *covered(found, true))


@dataclass(frozen=True)
class Errors:
    """What one town at one epsilon is measured by; everything relative.

    ``zones_*`` are medians over zone pairs and days: sums of co-visits as they come, with four
    weeks of history, different visitors in both; ``first_week`` has no more than a week to learn.
    """

    plain: PairErrors
    first_month: PairErrors
    month: PairErrors
    week: PairErrors
    zones_plain: float
    zones_first_week: float
    zones: float
    zones_held: float
    zones_shown: float
    both: float
    both_held: float
    visitors: float
    visitors_held: float


def measure(days: list[TownDay], truths: list[Truth]) -> Errors:
    """Measure BEFORE + MONTH days of one town: the last month, and what a beginner would have."""
    history, month = days[:BEFORE], days[BEFORE:]
    true = truths[BEFORE:]
    daily = _zone_days(days, truths)
    plain, raw = sums(month), np.sum([each.covisits for each in true], axis=0)
    return Errors(
        plain=PairErrors(*pair_errors(plain, raw)),
        first_month=of_shops(month, (), true),
        month=of_shops(month, history, true),
        week=of_shops(month[-WEEK:], days[-WEEK - BEFORE : -WEEK], true[-WEEK:]),
        zones_first_week=_first_week(days, truths),
        **daily,
    )


def _zone_days(days: list[TownDay], truths: list[Truth]) -> dict[str, float]:
    plain, zones, held, shown, both, both_held, town, town_held = ([] for _ in range(8))
    for at in range(BEFORE + ZONE_STEP - 1, BEFORE + MONTH, ZONE_STEP):
        day, before, true = days[at], days[at - ZONE_BEFORE : at], truths[at]
        sums_of = zone_pairs([day], before)
        apart = different(sums_of, [*before, day])
        plain.append(_wrong(_zone_sums(day), true.zones))
        zones.append(_wrong(sums_of.value, true.zones))
        both.append(_wrong(apart.value, true.both))
        inside, separable = covered(sums_of, true.zones)
        held.append(inside)
        shown.append(separable)
        both_held.append(covered(apart, true.both)[0])
        value, low, high = town_visitors(day, before)
        town.append(abs(value / true.visitors - 1))
        town_held.append(low <= true.visitors <= high)
    return {
        "zones_plain": float(np.median(plain)),
        "zones": float(np.median(zones)),
        "zones_held": float(np.mean(held)),
        "zones_shown": float(np.mean(shown)),
        "both": float(np.median(both)),
        "both_held": float(np.mean(both_held)),
        "visitors": float(np.median(town)),
        "visitors_held": float(np.mean(town_held)),
    }


def _first_week(days: list[TownDay], truths: list[Truth]) -> float:
    wrong = [
        _wrong(zone_pairs([days[at]], days[:at]).value, truths[at].zones)
        for at in range(0, WEEK, 2)
    ]
    return float(np.median(wrong))


def _wrong(value: Floats, true: Floats) -> Floats:
    return np.abs(upper(value) / np.maximum(upper(true), 1.0) - 1)


def _zone_sums(day: TownDay) -> Floats:
    member = (day.zones == day.zone_ids[:, None]).astype(np.float64)
    return member @ np.nan_to_num(day.covisits) @ member.T
