"""Puts days of released counts into the hub's tables, many at a time.

Intake takes one signed message at a time and refuses what is older than a month; a year of
history goes in beside it, with the same content. The live day goes through intake.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
from django.db import connections, transaction
from numpy.typing import NDArray

from chaland.demo import cast
from chaland.demo.founding import Place
from chaland.demo.past import Released
from chaland.hub.association.models import Shop
from chaland.hub.footfall.estimates.covisits import pack
from chaland.hub.footfall.intake.services import mechanism_of
from chaland.hub.footfall.models import Cell, DwellDay, FlowDay, Sensor
from chaland.hub.footfall.services import CountRow
from chaland.simulate.history import DayCounts
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, WINDOWS_PER_CELL
from chaland.wire.summary import CellCounts, Count, Mode, State

_COLUMNS = (
    "sensor_id",
    "shop_id",
    "start",
    "windows",
    "state",
    "mechanism_id",
    "fingerprints",
    "scans",
    "arrivals",
    "passers_by",
)
_COUNTS = _COLUMNS[6:]
_Row: TypeAlias = tuple[int | str | None, ...]


@dataclass(frozen=True)
class Span:
    """What of a shop's history to load: cells that start in [since, until)."""

    since: datetime
    until: datetime

    def of(self, start_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which cell starts lie inside."""
        since, until = self.since.timestamp(), self.until.timestamp()
        inside: NDArray[np.bool_] = (start_s >= since) & (start_s < until)
        return inside


class Loader:
    """Loads the days of the demo's shops. Open it within one transaction, close at its end."""

    def __init__(self, places: Sequence[Place], spans: Mapping[str, Span], founded: date) -> None:
        self._places, self._spans, self._founded = places, spans, founded
        self._heard = mechanism_of(_example(windows=WINDOWS_PER_CELL)).pk
        self._deaf = mechanism_of(_example(windows=0)).pk
        shops = Shop.objects.filter(pk__in=[place.shop_id for place in places])
        self._association_id = shops.values_list("association_id", flat=True)[0]
        self._zones = dict(shops.values_list("pk", "zone_id"))
        self.loaded = dict.fromkeys((place.slug for place in places), 0)

    def load(self, released: Sequence[Released]) -> None:
        """Store the cells, dwell histograms and flows of some days."""
        days = [day.counts for day in released]
        rows = [row for day in days for row in self._cells(day)]
        quote = connections["footfall"].ops.quote_name
        columns = ", ".join(quote(name) for name in _COLUMNS)
        marks = ", ".join(["%s"] * len(_COLUMNS))
        table = quote(Cell._meta.db_table)
        with connections["footfall"].cursor() as cursor:
            # names of columns and of the table only; the values are parameters
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608
        DwellDay.objects.bulk_create(dwell for day in days for dwell in self._dwell(day))
        FlowDay.objects.bulk_create(flows for day in released for flows in self._flows(day))

    def close(self) -> None:
        """Let each sensor go on numbering after what was loaded."""
        for place in self._places:
            sensor = Sensor.objects.select_for_update().get(pk=place.sensor_id)
            sensor.last_sequence += self.loaded[place.slug]
            sensor.last_seen_at = self._spans[place.slug].until
            deaf = cast.is_deaf(place.slug, self._founded, self._founded)
            sensor.last_state = State.DEAF if deaf else State.OK
            sensor.save(update_fields=["last_sequence", "last_seen_at", "last_state"])

    def _cells(self, day: DayCounts) -> Iterator[_Row]:
        adapt = connections["footfall"].ops.adapt_datetimefield_value
        starts = [adapt(datetime.fromtimestamp(s, UTC)) for s in day.start_s.tolist()]
        for index, place in enumerate(self._places):
            if cast.is_silent(place.slug, day.day, self._founded):
                continue
            wanted = np.flatnonzero(self._spans[place.slug].of(day.start_s))
            self.loaded[place.slug] += len(wanted)
            head = (place.sensor_id, place.shop_id)
            if cast.is_deaf(place.slug, day.day, self._founded):
                nothing = (0, State.DEAF, self._deaf, None, None, None, None)
                yield from ((*head, starts[i], *nothing) for i in wanted)
                continue
            mind = (WINDOWS_PER_CELL, State.OK, self._heard)
            counts = np.stack([day.counts[name][wanted, index] for name in _COUNTS], axis=1)
            for i, values in zip(wanted, counts.tolist(), strict=True):
                yield (*head, starts[i], *mind, *values)

    def _dwell(self, day: DayCounts) -> Iterator[DwellDay]:
        """Yield the histograms of days that were wholly loaded."""
        mechanism = DEFAULT_MECHANISM
        for index, place in enumerate(self._places):
            whole = bool(self._spans[place.slug].of(day.start_s).all())
            silent = cast.is_silent(place.slug, day.day, self._founded)
            if whole and not silent and not cast.is_deaf(place.slug, day.day, self._founded):
                yield DwellDay(
                    sensor_id=place.sensor_id,
                    shop_id=place.shop_id,
                    day=day.day,
                    edges_s=list(mechanism.dwell_edges_s),
                    counts=day.dwell[index].tolist(),
                    bound=mechanism.dwell.bound,
                    epsilon=mechanism.dwell.epsilon,
                )

    def _flows(self, day: Released) -> Iterator[FlowDay]:
        """Yield a town's flows of a day that was wholly loaded in all shops."""
        spans = [self._spans[place.slug] for place in self._places]
        if not all(span.of(day.counts.start_s).all() for span in spans):
            return
        ids = np.array([place.shop_id for place in self._places], np.int64)
        zones = np.array(sorted(set(self._zones.values())), np.int64)
        flows = replace(
            day.flows,
            shops=ids[day.flows.shops],
            zones=zones[day.flows.zones],
            zone_ids=zones[day.flows.zone_ids],
        )
        yield FlowDay(
            association_id=self._association_id,
            day=day.counts.day,
            shop_ids=flows.shops.tolist(),
            estimates=pack(flows),
            sensors=len(ids) - len(day.absent),
            sensors_expected=len(ids),
            simulated=True,
        )


def _example(windows: int) -> CellCounts:
    """Return a cell as the sensor's mechanism releases it, to look its mechanism up."""
    counts = {
        name: Count(0, noised.bound, noised.epsilon)
        for name, noised in DEFAULT_MECHANISM.counts[Mode.DEFAULT].items()
        if windows
    }
    state = State.OK if windows else State.DEAF
    return CellCounts(datetime.fromtimestamp(0, UTC), windows, state, Mode.DEFAULT, counts)


def door_rows(
    days: Sequence[DayCounts], shop: int, rng: np.random.Generator, *, entries: bool = True
) -> list[CountRow]:
    """Return what a door counter says of some days: the truth, with a few per cent of error.

    It says how many are inside and, with ``entries``, how many came in.
    """
    rows = []
    for day in days:
        error = 1 + 0.04 * rng.standard_normal(len(day.start_s))
        for i, start_s in enumerate(day.start_s.tolist()):
            start = datetime.fromtimestamp(start_s, UTC)
            end = start + timedelta(seconds=CELL_S)
            inside = max(round(float(day.visitors[i, shop] * error[i]), 2), 0.0)
            came = int(day.entries[i, shop]) if entries else None
            rows.append(CountRow(start, end, inside, came))
    return rows


def in_one_transaction() -> transaction.Atomic:
    """Return the transaction for a load: all of it is seen, or nothing."""
    return transaction.atomic(using="footfall")
