"""Reads of the footfall plane: packed days as arrays, what a shop may show, who listens.

Nobody's rights are judged by a shop id from an address: callers pass the shops that
``association.access.visible_shops`` gave them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import DurationField, F, Sum

from chaland.hub.footfall import hours as clock
from chaland.hub.footfall import people, rules
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.models import (
    Calibration,
    DayFigure,
    DoorCount,
    DoorToken,
    EnrolmentCode,
    Sensor,
)
from chaland.wire.summary import State


@dataclass(frozen=True)
class Cube:
    """Hours of several shops over consecutive days, arrays of shape (shops, days, 24 clock hours).

    ``visits`` are person-hours over the mean stay, ``visits_variance`` their independent error;
    ``windows`` counts the observed 5-minute windows of each hour (0: nobody listened), of
    ``expected``: 12, but in the nights when clocks change.
    ``togetherness`` (shops, days) says by how much errors within a day add up: the day's variance
    over the sum of its hours'. ``scale_error`` (shops,) is the relative error that a shop's
    figures share. Days without a row are zeros with no window.
    """

    shop_ids: tuple[int, ...]
    first: date
    visits: Floats
    visits_variance: Floats
    arrivals: Floats
    passers_by: Floats
    followable_variance: Floats
    windows: Floats
    expected: Floats
    togetherness: Floats
    scale_error: Floats
    dwell_h: Floats

    @property
    def days(self) -> int:
        return int(self.visits.shape[1])

    def select(self, shops: Sequence[int]) -> "Cube":
        """Return the cube of the shops at these positions."""
        keep = list(shops)
        arrays = {name: getattr(self, name)[keep] for name in _SHOP_ARRAYS}
        return Cube(tuple(self.shop_ids[i] for i in keep), self.first, **arrays)

    def heard_share(self) -> Floats:
        """Return the observed share of each hour, (shops, days, 24)."""
        wanted = np.maximum(self.expected, rules.WINDOWS_IN_HOUR)
        share: Floats = np.minimum(self.windows / wanted, 1.0)
        return share

    def at_stay(self, stay_h: Floats) -> "Cube":
        """Return the cube as if each shop's mean stay had always been ``stay_h`` (shops,).

        A stay estimated anew every day moves visits though nobody came or went. What is compared
        is made with one stay: visits then change as person-hours do.
        """
        factor = self.dwell_h / stay_h[:, None]
        return replace(
            self,
            visits=self.visits * factor[..., None],
            visits_variance=self.visits_variance * factor[..., None] ** 2,
            dwell_h=np.broadcast_to(stay_h[:, None], self.dwell_h.shape),
        )

    def mean_stay_h(self) -> Floats:
        """Return each shop's mean stay over the days with data, (shops,); NaN without any."""
        heard = self.windows.sum(axis=2) > 0
        days = heard.sum(axis=1)
        mean: Floats = np.full(len(days), np.nan)
        np.divide((self.dwell_h * heard).sum(axis=1), days, out=mean, where=days > 0)
        return mean

    def part(self, first: date, last: date) -> "Cube":
        """Return the cube of the days ``first`` to ``last``, which it must hold."""
        span = slice((first - self.first).days, (last - self.first).days + 1)
        arrays = {name: getattr(self, name)[:, span] for name in _DAY_ARRAYS}
        return Cube(self.shop_ids, first, **arrays, scale_error=self.scale_error)


_DAY_ARRAYS = (
    "visits",
    "visits_variance",
    "arrivals",
    "passers_by",
    "followable_variance",
    "windows",
    "expected",
    "togetherness",
    "dwell_h",
)
_SHOP_ARRAYS = (*_DAY_ARRAYS, "scale_error")


def read_cube(shop_ids: Sequence[int], first: date, last: date) -> Cube:
    """Read the days ``first`` to ``last`` of some shops: one query, whatever their number."""
    rows = list(
        DayFigure.objects.filter(shop_id__in=shop_ids, day__gte=first, day__lte=last).values_list(
            "shop_id", "day", "visits_variance", "dwell_s", "scale_error", "hours"
        )
    )
    shape = (len(shop_ids), (last - first).days + 1)
    row_of = {shop_id: i for i, shop_id in enumerate(shop_ids)}
    shop = np.array([row_of[row[0]] for row in rows], np.intp)
    day = np.array([(row[1] - first).days for row in rows], np.intp)
    hours = np.zeros((*shape, clock.HOURS, len(clock.FIELDS)))
    hours[shop, day] = clock.unpack([bytes(row[5]) for row in rows])
    day_variance = np.zeros(shape)
    dwell_h = np.ones(shape)
    day_variance[shop, day] = [row[2] for row in rows]
    dwell_h[shop, day] = [row[3] / 3600 for row in rows]
    error = np.zeros(shape)
    error[shop, day] = [row[4] for row in rows]
    summed = hours[..., clock.VARIANCE].sum(axis=2)
    together = np.divide(day_variance, summed, out=np.ones(shape), where=summed > 0)
    return Cube(
        shop_ids=tuple(shop_ids),
        first=first,
        visits=hours[..., clock.PERSON_HOURS] / dwell_h[..., None],
        visits_variance=hours[..., clock.VARIANCE],
        arrivals=hours[..., clock.ARRIVALS],
        passers_by=hours[..., clock.PASSERS_BY],
        followable_variance=hours[..., clock.FOLLOWABLE_VARIANCE],
        windows=hours[..., clock.WINDOWS],
        expected=hours[..., clock.EXPECTED],
        togetherness=together,
        scale_error=_mean_error(error, hours[..., clock.PERSON_HOURS].sum(axis=2)),
        dwell_h=dwell_h,
    )


def _mean_error(error: Floats, person_hours: Floats) -> Floats:
    """Return each shop's shared relative error over a period, days weighted as in the sum."""
    weight = np.maximum(person_hours, 1e-9)
    mean: Floats = (error * weight).sum(axis=1) / weight.sum(axis=1)
    return mean


def units(shop_ids: Sequence[int], scale_errors: Floats) -> list[rules.Unit]:
    """Return what each shop may show: visits, or an index."""
    calibrations = current_calibrations(shop_ids)
    return [
        rules.unit(
            shop_id in calibrations,
            calibrations[shop_id].visits_error if shop_id in calibrations else None,
            float(scale_error),
        )
        for shop_id, scale_error in zip(shop_ids, scale_errors, strict=True)
    ]


def presence_units(models: Sequence[people.Model]) -> list[rules.Unit]:
    """Return what shops may show of people present, which needs no stay: people, or an index."""
    return [
        rules.unit(model.held_out_error is not None, model.held_out_error, model.scale_error)
        for model in models
    ]


def current_calibrations(shop_ids: Sequence[int]) -> dict[int, Calibration]:
    """Return the newest calibration of each shop that has one, whatever its mode."""
    newest: dict[int, Calibration] = {}
    for (shop_id, _mode), row in people.latest_calibrations(shop_ids).items():
        if shop_id not in newest or row.fitted_at > newest[shop_id].fitted_at:
            newest[shop_id] = row
    return newest


@dataclass(frozen=True)
class Listening:
    """How a shop is listened to: its best sensor's state and when it was last heard."""

    state: rules.SensorState
    last_seen_at: datetime | None


def listening(shop_ids: Sequence[int], now: datetime) -> dict[int, Listening]:
    """Return each shop's listening; a shop with two sensors counts as its better one."""
    found = dict.fromkeys(shop_ids, Listening(rules.SensorState.NO_SENSOR, None))
    order = list(rules.SensorState)
    for sensor in Sensor.objects.filter(shop_id__in=shop_ids, revoked_at=None):
        state = sensor_state(sensor, now)
        if order.index(state) > order.index(found[sensor.shop_id].state):
            found[sensor.shop_id] = Listening(state, sensor.last_seen_at)
    return found


def have_sensor(shop_ids: Sequence[int]) -> list[bool]:
    """Tell of each shop, in this order, whether it has a sensor that is not revoked."""
    sensors = Sensor.objects.filter(shop_id__in=shop_ids, revoked_at=None)
    having = set(sensors.values_list("shop_id", flat=True))
    return [shop_id in having for shop_id in shop_ids]


def sensor_state(sensor: Sensor, now: datetime) -> rules.SensorState:
    """Tell a deaf sensor from a silent one from one that was never heard."""
    if sensor.last_seen_at is None:
        return rules.SensorState.NEVER_HEARD
    if now - sensor.last_seen_at > rules.FRESH_FOR:
        return rules.SensorState.NO_DATA
    return rules.SensorState.OK if sensor.last_state == State.OK else rules.SensorState.DEAF


def latest_day(shop_ids: Sequence[int]) -> date | None:
    """Return the newest day that any of the shops has a figure for."""
    return (
        DayFigure.objects.filter(shop_id__in=shop_ids)
        .order_by("-day")
        .values_list("day", flat=True)
        .first()
    )


def counted_hours(shop_ids: Sequence[int]) -> dict[int, float]:
    """Return the hours of ground truth of each shop that has any."""
    rows = (
        DoorCount.objects.filter(shop_id__in=shop_ids)
        .values("shop_id")
        .annotate(lasted=Sum(F("end") - F("start"), output_field=DurationField()))
    )
    return {row["shop_id"]: row["lasted"].total_seconds() / 3600 for row in rows}


@dataclass(frozen=True)
class CountedDay:
    """A calendar day's ground truth in one shop."""

    day: date
    counts: int
    hours: float
    mean_present: float | None
    arrivals: int | None


def counted_days(shop_id: int, timezone: ZoneInfo) -> list[CountedDay]:
    """List the days with ground truth, newest first, 60 at most."""
    days: dict[date, list[DoorCount]] = {}
    for count in DoorCount.objects.filter(shop_id=shop_id).order_by("-start")[:3_000]:
        days.setdefault(count.start.astimezone(timezone).date(), []).append(count)
    return [_counted_day(day, counts) for day, counts in list(days.items())[:60]]


def _counted_day(day: date, counts: list[DoorCount]) -> CountedDay:
    present = [count.occupancy for count in counts if count.occupancy is not None]
    arrivals = [count.arrivals for count in counts if count.arrivals is not None]
    lasted = sum((count.end - count.start).total_seconds() for count in counts)
    return CountedDay(
        day=day,
        counts=len(counts),
        hours=lasted / 3600,
        mean_present=sum(present) / len(present) if present else None,
        arrivals=sum(arrivals) if arrivals else None,
    )


def door_tokens(shop_id: int) -> list[DoorToken]:
    """List a shop's valid tokens."""
    return list(DoorToken.objects.filter(shop_id=shop_id, revoked_at=None).order_by("created_at"))


@dataclass(frozen=True)
class SensorRow:
    """A sensor in the list, and its state."""

    sensor: Sensor
    state: rules.SensorState


def sensor_rows(shop_ids: Sequence[int], now: datetime) -> list[SensorRow]:
    """List the sensors of some shops that are not revoked."""
    sensors = Sensor.objects.filter(shop_id__in=shop_ids, revoked_at=None).order_by("pk")
    return [SensorRow(sensor, sensor_state(sensor, now)) for sensor in sensors]


def open_codes(shop_ids: Sequence[int], now: datetime) -> list[EnrolmentCode]:
    """List the enrolment codes that can still be used."""
    return list(
        EnrolmentCode.objects.filter(
            shop_id__in=shop_ids, used_at=None, expires_at__gt=now
        ).order_by("created_at")
    )
