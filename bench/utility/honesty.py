"""Do intervals hold where it is hardest: on days of events, and in a page's first rows?"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bench.report import table
from bench.utility.errors import ZONE_BEFORE, Floats, covered, upper
from bench.utility.towns import BEFORE, MONTH, SEED, SHIPPED, WEEK, Size, days_of, told, truth
from chaland.hub.footfall.estimates.flows import Pairs, shop_pairs
from chaland.hub.footfall.estimates.zone_flows import zone_pairs
from chaland.simulate.movement import MODELS, Movement

EVENT_TOWNS, ROW_TOWNS = 2, 3
EVERY, USUAL = 7, 3
"""Each seventh day of the model is an event, the last one included; compared with its third."""
ROWS = 12
"""So many pairs of shops a page shows first."""


def events(sizes: Iterable[Size]) -> str:
    """Return the table of zone pairs on event days and others: errors and coverage by town."""
    head = ["town", "event days", "usual days"]
    return table(head, ([str(size), *_events(size)] for size in sizes))


def _events(size: Size) -> Iterator[str]:
    count = BEFORE + MONTH
    found: dict[int, list[tuple[float, ...]]] = {0: [], USUAL: []}
    for seed in range(SEED, SEED + EVENT_TOWNS):
        visits = days_of(MODELS["event"], size, count, seed)
        days, truths = told(visits, size, SHIPPED), [truth(day, size).zones for day in visits]
        for at in range(ZONE_BEFORE, count):
            into = found.get((count - 1 - at) % EVERY)
            if into is not None:
                sums = zone_pairs([days[at]], days[at - ZONE_BEFORE : at])
                wrong = np.abs(upper(sums.value) / np.maximum(upper(truths[at]), 1.0) - 1)
                held, _ = covered(sums, truths[at])
                into.append((float(wrong.mean()), float(np.median(wrong)), held))
    for each in found.values():
        mean, median, held = np.mean(each, axis=0)
        yield f"{mean:.1%} / {median:.1%}, {held:.0%} held"


def first_rows(models: Mapping[str, Movement], size: Size) -> str:
    """Return the table of intervals that held the truth, of the strongest rows / of all pairs."""
    head = ["model", "first month", "third month", "week"]
    return table(head, ([name, *_first_rows(model, size)] for name, model in models.items()))


def _first_rows(model: Movement, size: Size) -> Iterator[str]:
    count = BEFORE + MONTH
    periods = {"first": (BEFORE, BEFORE), "third": (0, BEFORE), "week": (0, count - WEEK)}
    found: dict[str, list[tuple[float, float]]] = {period: [] for period in periods}
    for seed in range(SEED, SEED + ROW_TOWNS):
        visits = days_of(model, size, count, seed)
        days, truths = told(visits, size, SHIPPED), [truth(day, size).covisits for day in visits]
        for period, (since, start) in periods.items():
            pairs = shop_pairs(days[start:], days[since:start])
            true = np.sum(truths[start:], axis=0)
            found[period].append((top_held(pairs, true), covered(pairs, true)[0]))
    for each in found.values():
        top, all_pairs = np.mean(each, axis=0)
        yield f"{top:.0%} / {all_pairs:.0%}"


def top_held(found: Pairs, true: Floats) -> float:
    """Return how many of the ROWS strongest pairs, as estimated, hold the truth."""
    first = np.argsort(-upper(found.value))[:ROWS]
    low, high, wanted = (upper(each)[first] for each in (found.low, found.high, true))
    return float(((low <= wanted) & (wanted <= high)).mean())
