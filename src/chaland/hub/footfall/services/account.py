"""The privacy account counted anew out of the stored releases: for proof, and after bulk loads.

Sketches are deleted within a day, so row E5 can't be counted anew: its entries are all there is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import transaction

from chaland.hub.footfall.cells import COUNTS, EpochSeconds
from chaland.hub.footfall.models import BudgetEntry, Cell, DwellDay, FlowDay, Mechanism
from chaland.hub.footfall.services.budget import cost_of, entered, limit, of_counts
from chaland.hub.footfall.services.figures import timezones
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.sketch import SKETCH_ROW
from chaland.wire.summary import DWELL_ROW

_DATABASE = "footfall"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a shop's releases spent on one row of one local day."""

    releases: int
    epsilon: Decimal

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.releases + other.releases, self.epsilon + other.epsilon)


Key = tuple[int, date, str]
"""Shop, local day, row."""


def recount(
    shop_ids: Sequence[int] | None = None, days: tuple[date, date] | None = None
) -> dict[Key, Spent]:
    """Count what the stored releases spent: of all shops, of all local days, or first to last."""
    if shop_ids is None:
        shop_ids = list(Cell.objects.order_by().values_list("shop_id", flat=True).distinct())
    noised = {row.pk: row.counts for row in Mechanism.objects.all()}
    found: dict[Key, Spent] = {}
    for shop_id, timezone in timezones(list(shop_ids)).items():
        for (day, pattern), number in _patterns(shop_id, timezone, days).items():
            for row, cost in _costs(pattern, noised):
                _add(found, (shop_id, day, row), Spent(number, number * cost))
    dwells = DwellDay.objects.filter(shop_id__in=shop_ids)
    for dwell in dwells.filter(day__range=days) if days else dwells:
        cost = entered(cost_of(DEFAULT_MECHANISM.dwell, dwell.bound, dwell.epsilon))
        _add(found, (dwell.shop_id, dwell.day, DWELL_ROW), Spent(1, cost))
    return found


def differences() -> list[str]:
    """Compare the entries with the stored releases; return a sentence for each that differs."""
    counted = recount()
    kept = BudgetEntry.objects.exclude(row=SKETCH_ROW)
    noted = {(e.shop_id, e.day, e.row): Spent(e.releases, e.epsilon) for e in kept}
    nothing = Spent(0, Decimal(0))
    return [
        f"shop {key[0]}, {key[1]}, row {key[2]}: {noted.get(key, nothing).releases} releases "
        f"({noted.get(key, nothing).epsilon}) entered, {counted.get(key, nothing).releases} "
        f"({counted.get(key, nothing).epsilon}) stored"
        for key in sorted(counted.keys() | noted.keys())
        if counted.get(key, nothing) != noted.get(key, nothing)
    ]


def rebuild(shop_ids: Sequence[int], days: tuple[date, date] | None = None) -> int:
    """Write the entries anew, out of the stored releases, of all local days or first to last.

    Row E5's stay, and are made for days of flows that have none. Returns the others' number.

    For releases that did not come through intake (the demo's history) and for those that were
    deleted (a replay's): never to make room for more.
    """
    zones = timezones(list(shop_ids))
    sensors = _sensors(shop_ids)
    with transaction.atomic(using=_DATABASE):
        entries = BudgetEntry.objects.filter(shop_id__in=shop_ids).exclude(row=SKETCH_ROW)
        (entries.filter(day__range=days) if days else entries).delete()
        made = [
            BudgetEntry(
                shop_id=shop_id,
                day=day,
                row=row,
                releases=spent.releases,
                epsilon=spent.epsilon,
                limit=limit(day, row, zones[shop_id], sensors.get(shop_id, 1)),
            )
            for (shop_id, day, row), spent in recount(shop_ids, days).items()
        ]
        BudgetEntry.objects.bulk_create(made, batch_size=500)
        # Of sketches the estimates alone are left; entries that intake made stand.
        BudgetEntry.objects.bulk_create(
            _of_flows(shop_ids, zones, days), batch_size=500, ignore_conflicts=True
        )
    return len(made)


def _of_flows(
    shop_ids: Sequence[int], zones: Mapping[int, ZoneInfo], days: tuple[date, date] | None
) -> list[BudgetEntry]:
    cost = entered(Fraction(DEFAULT_MECHANISM.sketch.epsilon))
    flows = FlowDay.objects.filter(day__range=days) if days else FlowDay.objects.all()
    return [
        BudgetEntry(
            shop_id=shop_id,
            day=day,
            row=SKETCH_ROW,
            releases=1,
            epsilon=cost,
            limit=limit(day, SKETCH_ROW, zones[shop_id]),
        )
        for day, found in flows.values_list("day", "shop_ids")
        for shop_id in sorted({*found} & {*shop_ids})
    ]


def _add(found: dict[Key, Spent], key: Key, more: Spent) -> None:
    found[key] = found.get(key, Spent(0, Decimal(0))) + more


_Pattern = tuple[int, tuple[bool, ...]]
"""A mechanism, and which of COUNTS were released under it."""


def _patterns(
    shop_id: int, timezone: ZoneInfo, days: tuple[date, date] | None
) -> Counter[tuple[date, _Pattern]]:
    """Count a shop's cells by local day, mechanism and what was released."""
    day_of = lru_cache(maxsize=None)(
        lambda quarter: local_day(datetime.fromtimestamp(quarter * CELL_S, UTC), timezone)
    )
    found: Counter[tuple[date, _Pattern]] = Counter()
    cells = Cell.objects.filter(shop_id=shop_id)
    if days:
        begin, end = day_bounds(days[0], timezone)[0], day_bounds(days[1], timezone)[1]
        cells = cells.filter(start__gte=begin, start__lt=end)
    rows = cells.values_list(EpochSeconds("start"), "mechanism_id", *COUNTS)
    for start_s, mechanism, *counts in rows.iterator():
        pattern = (mechanism, tuple(count is not None for count in counts))
        found[day_of(start_s // CELL_S), pattern] += 1
    return found


def _costs(
    pattern: _Pattern, noised: Mapping[int, Mapping[str, Mapping[str, str]]]
) -> Iterator[tuple[str, Decimal]]:
    mechanism, released = pattern
    counts = {
        name: (int(noised[mechanism][name]["bound"]), noised[mechanism][name]["epsilon"])
        for name, there in zip(COUNTS, released, strict=True)
        if there
    }
    return ((row, entered(cost)) for row, cost in of_counts(counts).items())


def _sensors(shop_ids: Sequence[int]) -> dict[int, int]:
    """Return how many sensors of each shop ever released a cell: no limit may be below that."""
    pairs = Cell.objects.filter(shop_id__in=shop_ids).order_by().values_list("shop_id", "sensor_id")
    return dict(Counter(shop_id for shop_id, _ in pairs.distinct()))
