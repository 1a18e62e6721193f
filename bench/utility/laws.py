"""The town's visitors when people see more or fewer shops than anybody supposed."""

from collections.abc import Iterator

import numpy as np

from bench.report import table
from bench.utility.towns import SEED, SHIPPED, Size, days_of, told, truth
from chaland.hub.footfall.estimates.distinct import town_visitors
from chaland.simulate.movement import LAWS, Movement

BEFORE = (0, 6, 28)
LATER_DAYS, STEP, TOWNS = 12, 2, 3


def by_law(size: Size) -> str:
    """Return the table: bias, median error and coverage by law and days before."""
    head = ["shops per visitor", *(f"{before} days before" for before in BEFORE)]
    return table(head, ([name, *_cells(model, size)] for name, model in LAWS.items()))


def _cells(model: Movement, size: Size) -> Iterator[str]:
    most = max(BEFORE) + LATER_DAYS
    found: dict[int, list[tuple[float, bool]]] = {before: [] for before in BEFORE}
    for number in range(TOWNS):
        visits = days_of(model, size, most, SEED + number)
        days, people = told(visits, size, SHIPPED), [truth(day, size).visitors for day in visits]
        for at in range(max(BEFORE), most, STEP):
            for before, into in found.items():
                value, low, high = town_visitors(days[at], days[at - before : at])
                into.append((value / people[at] - 1, low <= people[at] <= high))
    for each in found.values():
        wrong = np.array([off for off, _ in each])
        held = np.mean([inside for _, inside in each])
        yield f"{wrong.mean():+.1%}, {np.median(np.abs(wrong)):.1%}, {held:.0%}"
