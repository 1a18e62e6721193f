"""Sketches come, are estimated once for the whole town, and are deleted, all within a day.

A day is estimated when all sensors that the charter lists have ended it, or WAIT after its end.
What came too late then is left out: the estimate of a day is drawn once.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from chaland.hub.association.models import Association, Shop
from chaland.hub.association.rules import Day
from chaland.hub.association.selectors import weeks_of
from chaland.hub.footfall import charters, keeping
from chaland.hub.footfall.estimates import covisits
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.hub.footfall.excluded import share_excluded
from chaland.hub.footfall.models import BudgetEntry, Cell, FlowDay, Sensor, Sketch
from chaland.hub.footfall.services import drops, erasure
from chaland.hub.footfall.services.drops import Drop
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds
from chaland.wire.sketch import SKETCH_ROW, DaySketch

WAIT = timedelta(hours=20)
"""After a day's end; a sensor that is back by then is still counted in."""
_SPARE = timedelta(minutes=5)
"""Sketches are deleted so long before they must be: the loop that does it runs each minute."""
_CELL = timedelta(seconds=CELL_S)
_DATABASE = "footfall"
_log = logging.getLogger(__name__)


def refusal(
    sensor: Sensor, town: Association, sketch: DaySketch, sensors: int, now: datetime
) -> Drop | None:
    """Say why a sketch can't be kept, None if it can. ``sensors`` of the shop may send one."""
    ours = DEFAULT_MECHANISM.sketch
    shape = (len(sketch.bits), len(sketch.symbols), sketch.epsilon)
    if shape != (ours.bits, ours.ordered, ours.epsilon):
        return Drop.SKETCH_FOREIGN_MECHANISM
    closed = FlowDay.objects.filter(association_id=town.pk, day=sketch.day).exists()
    if closed or now >= _expiry(town, sketch.day):
        return Drop.SKETCH_LATE
    entry = BudgetEntry.objects.filter(shop_id=sensor.shop_id, day=sketch.day, row=SKETCH_ROW)
    spent = entry.values_list("releases", flat=True).first() or 0
    own = Sketch.objects.filter(sensor=sensor, day=sketch.day).exists()
    return Drop.SKETCH_REPEATED if own or spent >= max(sensors, 1) else None


def keep(sensor: Sensor, town: Association, sketch: DaySketch, now: datetime) -> None:
    """Store a sketch that nothing speaks against, in intake's transaction."""
    Sketch.objects.create(
        sensor=sensor,
        association_id=town.pk,
        shop_id=sensor.shop_id,
        day=sketch.day,
        since=sketch.since,
        key=sketch.key,
        epsilon=sketch.epsilon,
        bits=sketch.bits,
        symbols=sketch.symbols,
        received_at=now,
        expires_at=_expiry(town, sketch.day),
    )


def _expiry(town: Association, day: date) -> datetime:
    return day_bounds(day, ZoneInfo(town.timezone))[1] + keeping.SKETCHES - _SPARE


def close_due(now: datetime) -> int:
    """Estimate the days that are due and delete their sketches; returns how many were estimated.

    A fault in the estimate is logged and tried again with the next call. Sketches that are too old
    are deleted first, whatever happens then.
    """
    expire(now)
    pairs = Sketch.objects.order_by().values_list("association_id", "day").distinct()
    closed = 0
    for town_id, day in list(pairs):
        town = Association.objects.filter(pk=town_id).first()
        if town is None or not _is_due(town, day, now):
            continue
        try:
            closed += _close(town, day, now)
        except Exception:  # noqa: BLE001 (whatever is wrong with one day must not stop the others)
            _log.exception("the flows of %s in town %s could not be estimated", day, town_id)
    return closed


def expire(now: datetime) -> int:
    """Delete the sketches that must not be kept longer; returns their number."""
    late = Sketch.objects.filter(expires_at__lte=now)
    if not late.exists():
        return 0  # asked with each message: no lock for nothing
    with transaction.atomic(using=_DATABASE):
        sensors = Counter(late.values_list("sensor", flat=True))
        if sensors:
            late.delete()
            _log.error("%d sketches are deleted unestimated: they are a day old", sensors.total())
    erasure.erase(now)  # it may be an intake that does this, where no worker runs
    for sensor in Sensor.objects.filter(pk__in=sensors):
        drops.count(Drop.SKETCH_UNESTIMATED, now, sensor, sensors[sensor.pk])
    return sensors.total()


def _is_due(town: Association, day: date, now: datetime) -> bool:
    end = day_bounds(day, ZoneInfo(town.timezone))[1]
    if now >= end + WAIT:
        return True
    if now < end:
        return False
    expected = set(_listed(town.pk))
    sent = set(Sketch.objects.filter(association_id=town.pk, day=day).values_list("sensor_id"))
    # A sensor without a key that day, or with a full table, ends the day without a sketch.
    ended = Cell.objects.filter(sensor__in=expected, start__gte=end - _CELL)
    return expected <= {pk for (pk,) in sent} | set(ended.values_list("sensor_id", flat=True))


def _listed(town_id: int) -> list[int]:
    charter = charters.current(town_id)
    names = [each.sensor for each in charter.sensors] if charter else []
    listed = Sensor.objects.filter(identifier__in=names, revoked_at=None)
    return list(listed.values_list("pk", flat=True))


def _close(town: Association, day: date, now: datetime) -> int:
    """Estimate a day and delete its sketches, both or neither. Returns 1, or 0 if it was closed."""
    with transaction.atomic(using=_DATABASE):
        found = list(
            Sketch.objects.select_for_update()
            .filter(association_id=town.pk, day=day)
            .select_related("sensor")
            .order_by("shop_id", "since", "pk")
        )
        left_out = {each: Drop.SKETCH_LATE for each in found}
        first = found and not FlowDay.objects.filter(association_id=town.pk, day=day).exists()
        if first:
            counted, left_out = _sort(found)
            FlowDay.objects.create(
                association_id=town.pk,
                day=day,
                shop_ids=[each.shop_id for each in counted],
                estimates=_estimate(town, day, counted),
                sensors=len(counted),
                sensors_expected=max(len(_listed(town.pk)), len(counted)),
                simulated=town.simulated,
            )
        Sketch.objects.filter(pk__in=[each.pk for each in found]).delete()
    for each, reason in left_out.items():
        drops.count(reason, now, each.sensor)
    return int(bool(first))


def _sort(found: Sequence[Sketch]) -> tuple[list[Sketch], dict[Sketch, Drop]]:
    """Choose what is estimated: under the key of most shops, one sketch a shop, the longest.

    Sketches of two keys can't be compared, and two of one shop can't be added: both sensors hear
    the same phones.
    """
    shops = Counter({key: 0 for key in sorted({each.key for each in found})})
    for key, _shop in {(each.key, each.shop_id) for each in found}:
        shops[key] += 1
    chosen = shops.most_common(1)[0][0]
    counted: dict[int, Sketch] = {}
    left_out = {}
    for each in found:  # by shop, the earliest first
        if each.key != chosen:
            left_out[each] = Drop.SKETCH_OTHER_KEY
        elif each.shop_id in counted:
            left_out[each] = Drop.SKETCH_REPEATED
        else:
            counted[each.shop_id] = each
    return list(counted.values()), left_out


def _estimate(town: Association, day: date, counted: Sequence[Sketch]) -> bytes:
    shops = Shop.objects.in_bulk([each.shop_id for each in counted])
    weeks = weeks_of(list(shops.values()))
    timezone = ZoneInfo(town.timezone)

    def share(each: Sketch) -> float:
        opening = weeks[each.shop_id][day.weekday()] if each.shop_id in weeks else ()
        return counted_share(day, opening, each.since, timezone)

    sketches = Sketches(
        shops=np.array([each.shop_id for each in counted], np.int64),
        zones=np.array(
            [shops[each.shop_id].zone_id if each.shop_id in shops else 0 for each in counted],
            np.int64,
        ),
        keys=tuple(each.key for each in counted),
        bits=_rows([bytes(each.bits) for each in counted]),
        symbols=_rows([bytes(each.symbols) for each in counted]),
        epsilon=float(counted[0].epsilon),
        counted=np.array([share(each) for each in counted]),
        excluded=share_excluded(town.pk, day),
    )
    return covisits.pack(covisits.close_day(sketches))


def _rows(places: Sequence[bytes]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.stack([np.frombuffer(each, np.uint8) for each in places])


def counted_share(day: date, opening: Day, since: datetime, timezone: ZoneInfo) -> float:
    """Return the share of a day's opening that was counted from ``since`` on.

    Without declared hours that day, the share of the whole local day.
    """
    spans = [_span(day, each.opens, each.closes, timezone) for each in opening]
    spans = spans or [day_bounds(day, timezone)]
    whole = sum((end - begin).total_seconds() for begin, end in spans)
    counted = sum(max((end - max(begin, since)).total_seconds(), 0) for begin, end in spans)
    return counted / whole


def _span(day: date, opens: time, closes: time, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    end_day = day if closes > opens else day + timedelta(days=1)
    begin = datetime.combine(day, opens, timezone).astimezone(UTC)
    return begin, datetime.combine(end_day, closes, timezone).astimezone(UTC)
