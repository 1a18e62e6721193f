"""The privacy account: every release is entered before it is stored; who overspends is refused.

One account for each shop, local day and row of the estimand table. What is counted in it:

- **E1**: each cell with its counts spends the sum of their epsilons (fingerprints and scans are two
  answers about the same phones).
- **E2, E3**: arrivals and passers-by share one budget, because a visit moves one of them, by one.
  So a cell spends the larger of the two, once, and it stands in E2; E3 counts its releases at 0.
- **E4**: a day's dwell histogram. **E5**: a day's sketch.

What is entered is what the noise really costs: our bound of a count over the scale of its noise,
whatever bound the message claims. The sum over a day is what one phone would lose that did its most
in every cell; most lose far less (``wire.losses``). The hidden test whether a visit table is full
(``Mechanism.flood``) is in ``Mechanism.visit_loss`` and not here: nothing of it is released.

A day's limit is what the mechanism spends by one sensor in the cells of that local day (92, 96 or
100), times the sensors that the signed charter lists for the shop. So two sensors in one shop
double what a phone there may lose, by a signed decision, and the account shows it. A sensor that
replaces another is one sensor: what the shop released of a cell or a day already, by whichever
sensor, it can't release again. That is checked for each cell, not for the day's sum alone: noise
drawn anew over the same quarter hour is never taken, so it can't be averaged away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from chaland.hub.footfall.models import BudgetEntry, Cell
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism, Noised
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.sketch import SKETCH_ROW
from chaland.wire.summary import COUNT_ROWS, DWELL_ROW, CellCounts

ROWS = (*dict.fromkeys(COUNT_ROWS.values()), DWELL_ROW, SKETCH_ROW)
_STEP = Decimal("0.0001")


class OverBudgetFinal(ValueError):
    """A release would spend more than there is; the message says of what, and which limit."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one release enters: the local day, the row, and its epsilon (0 where it is shared)."""

    day: date
    row: str
    epsilon: Fraction


def spendings(cell: CellCounts, timezone: ZoneInfo) -> list[Spending]:
    """Return what a summary's cell spends, in the order of days and rows."""
    day = local_day(cell.start, timezone)
    noised = {name: (count.bound, count.epsilon) for name, count in cell.counts.items()}
    found = [Spending(day, row, epsilon) for row, epsilon in of_counts(noised).items()]
    if cell.dwell is not None:
        dwell = cost_of(DEFAULT_MECHANISM.dwell, cell.dwell.bound, cell.dwell.epsilon)
        found.append(Spending(cell.dwell.day, DWELL_ROW, dwell))
    if cell.sketch is not None:
        found.append(Spending(cell.sketch.day, SKETCH_ROW, Fraction(cell.sketch.epsilon)))
    return sorted(found, key=lambda each: (each.day, each.row))


def of_counts(noised: Mapping[str, tuple[int, str]]) -> dict[str, Fraction]:
    """Return what the counts of one cell spend by row; ``noised``: bound and epsilon by name."""
    rows: dict[str, Fraction] = {}
    visits = [Fraction(0)]
    for name, (bound, epsilon) in noised.items():
        row, cost = COUNT_ROWS[name], cost_of(_ours(name), bound, epsilon)
        if row == "E1":
            rows["E1"] = rows.get("E1", Fraction(0)) + cost
        else:
            visits.append(cost)
            rows[row] = Fraction(0)
    if len(visits) > 1:
        rows["E2"] = max(visits)
    return rows


def cost_of(ours: Noised, bound: int, epsilon: str) -> Fraction:
    """What noise of scale bound / epsilon costs, by the bound that really holds."""
    return ours.bound * Fraction(epsilon) / bound


def _ours(name: str) -> Noised:
    return next(counts[name] for counts in DEFAULT_MECHANISM.counts.values() if name in counts)


def per_release(mechanism: Mechanism = DEFAULT_MECHANISM) -> Mapping[str, Fraction]:
    """Return the most that one release may spend, by row: of a cell (E1-E3), of a day (E4, E5)."""
    modes = mechanism.counts.values()
    e1 = max(
        sum((_eps(n) for name, n in counts.items() if COUNT_ROWS[name] == "E1"), Fraction())
        for counts in modes
    )
    e2 = max(_eps(n) for counts in modes for name, n in counts.items() if COUNT_ROWS[name] != "E1")
    dwell, sketch = _eps(mechanism.dwell), Fraction(mechanism.sketch.epsilon)
    return {"E1": e1, "E2": e2, "E3": Fraction(0), DWELL_ROW: dwell, SKETCH_ROW: sketch}


def _eps(noised: Noised) -> Fraction:
    return Fraction(noised.epsilon)


def limit(day: date, row: str, timezone: ZoneInfo, sensors: int = 1) -> Decimal:
    """Return what a shop with so many listed sensors may spend on a row of a local day."""
    begin, end = day_bounds(day, timezone)
    cells = (end - begin).total_seconds() // CELL_S if row in COUNT_ROWS.values() else 1
    return entered(per_release()[row]) * int(cells) * max(sensors, 1)


def spend(shop_id: int, cell: CellCounts, timezone: ZoneInfo, sensors: int) -> None:
    """Enter what a summary's cell spends, or raise OverBudgetFinal and enter nothing.

    Call it in intake's transaction, before the cell is stored: the account's rows are locked until
    its end, so that two sensors of a shop can't spend the same rest.
    """
    releases = spendings(cell, timezone)
    entries = _locked(shop_id, releases, timezone, sensors)
    _released_once(shop_id, cell, sensors)
    allowed = per_release()
    for each in releases:
        entry = entries[each.day, each.row]
        if each.epsilon > allowed[each.row]:
            raise OverBudgetFinal(
                f"Row {each.row} spends {float(each.epsilon):g} in one release; the mechanism "
                f"spends {float(allowed[each.row]):g}."
            )
        spent = entry.epsilon + entered(each.epsilon)
        if spent > entry.limit:
            raise OverBudgetFinal(
                f"Row {each.row} of {each.day} would have spent {spent} of {entry.limit}."
            )
        entry.epsilon, entry.releases = spent, entry.releases + 1
        entry.save(update_fields=["epsilon", "releases", "limit"])


def _locked(
    shop_id: int, releases: Iterable[Spending], timezone: ZoneInfo, sensors: int
) -> dict[tuple[date, str], BudgetEntry]:
    """Lock the account's rows, always in the same order; empty ones are made to be locked."""
    found = {}
    for each in releases:
        most = limit(each.day, each.row, timezone, sensors)
        new = BudgetEntry(shop_id=shop_id, day=each.day, row=each.row, limit=most)
        BudgetEntry.objects.bulk_create([new], ignore_conflicts=True)
        entry = BudgetEntry.objects.select_for_update().get(
            shop_id=shop_id, day=each.day, row=each.row
        )
        # A charter with fewer sensors, signed during the day, takes nothing back that was spent.
        entry.limit = max(entry.limit, most)
        found[each.day, each.row] = entry
    return found


def _released_once(shop_id: int, cell: CellCounts, sensors: int) -> None:
    before = Cell.objects.filter(shop_id=shop_id, start=cell.start, windows__gt=0).count()
    if cell.counts and before >= max(sensors, 1):
        raise OverBudgetFinal(
            f"The shop's cell of {cell.start:%Y-%m-%dT%H:%M:%SZ} was released already, by another "
            "sensor of the shop."
        )


def entered(value: Fraction) -> Decimal:
    """Return an epsilon as it is entered: rounded up, so never less than what was spent."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(_STEP, ROUND_CEILING)
