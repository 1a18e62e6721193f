"""What each ingredient of the estimators gains: leave it out, measure again."""

from collections.abc import Mapping

import numpy as np

from bench.utility.errors import ZONE_BEFORE, ZONE_STEP, Floats, pair_errors, sums, upper
from bench.utility.towns import BEFORE, MONTH, Truth
from chaland.hub.footfall.estimates import descriptions, pattern
from chaland.hub.footfall.estimates.covisits import TownDay
from chaland.hub.footfall.estimates.flows import shop_pairs
from chaland.hub.footfall.estimates.pattern import Days
from chaland.hub.footfall.estimates.zone_flows import zone_pairs


def shops(days: list[TownDay], truths: list[Truth]) -> Mapping[str, tuple[float, float]]:
    """Return errors of the month's shop pairs (strongest quarter, upper half) by estimator."""
    month = days[BEFORE:]
    true = np.sum([each.covisits for each in truths[BEFORE:]], axis=0)
    aligned = Days.of(month, month[0].shops)
    every = np.ones(MONTH, bool)
    mean = aligned.mean(every)
    usual = pattern.fit(aligned)
    unheld, descriptions.LEVEL_ERROR = descriptions.LEVEL_ERROR, 10.0
    free = pattern.fit(aligned)
    descriptions.LEVEL_ERROR = unheld
    raw = np.mean([day.covisits for day in month], axis=0)
    found = {
        "inner product, each pair for itself": raw * MONTH,
        "... not below 0": sums(month),
        "chance alone (visitors times visitors)": mean.chance() * MONTH,
        "low rank alone": descriptions.low_rank(mean) * MONTH,
        "log-bilinear alone": descriptions.bilinear(mean) * MONTH,
        "zones alone": descriptions.by_zones(mean, aligned.zones) * MONTH,
        "single pairs' ratios alone": descriptions.ratios(mean) * MONTH,
        "all five, weighed by unseen days": usual.covisits * MONTH,
        "... without holding shops to their visitors": free.covisits * MONTH,
        "... with eight weeks before": shop_pairs(month, days[:BEFORE]).value,
    }
    return {name: pair_errors(value, true) for name, value in found.items()}


def zones(days: list[TownDay], truths: list[Truth]) -> Mapping[str, float]:
    """Return median errors of a day's zone pairs by estimator."""
    wrong: dict[str, list[Floats]] = {}
    for at in range(BEFORE + ZONE_STEP - 1, BEFORE + MONTH, ZONE_STEP):
        before, day = days[at - ZONE_BEFORE : at], days[at]
        member = (day.zones == day.zone_ids[:, None]).astype(np.float64)
        aligned = Days.of([*before, day], day.shops)
        usual = pattern.fit(Days.of(before, day.shops))
        learned = pattern.fit(Days.of([day], day.shops)).covisits
        found = {
            "inner product, summed": np.nan_to_num(day.covisits),
            "the day's pairs shrunk together": learned,
            "four weeks' usual day": usual.covisits,
            "... brought to the day's visitors": usual.for_visitors(aligned.visitors[-1])[0],
        }
        sums_of = {name: member @ value @ member.T for name, value in found.items()}
        sums_of["... and moved by what the day itself says"] = zone_pairs([day], before).value
        for name, value in sums_of.items():
            true = upper(truths[at].zones)
            wrong.setdefault(name, []).append(np.abs(upper(value) / np.maximum(true, 1.0) - 1))
    return {name: float(np.median(each)) for name, each in wrong.items()}
