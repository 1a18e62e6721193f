"""How many people are in the shops now, from each shop's last two quarter hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import cells, estimates, people, rules, selectors
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate, Unit
from chaland.wire.periods import CELL_S, cell_start, local_day


@dataclass(frozen=True)
class PlaceNow:
    """People present in some shops; both None: not enough people to show, or nobody listens."""

    name: str
    slug: str
    present: Estimate | None
    index: Estimate | None
    listening: int
    sensors: int
    shops: int


@dataclass(frozen=True)
class Now:
    """The town and its zones at ``until``, the end of the newest quarter hour; None: no data."""

    until: datetime | None
    all: PlaceNow
    zones: list[PlaceNow]


@dataclass(frozen=True)
class _Presence:
    """People present by shop, (shops,), NaN where no fresh cell; typical for weekday and hour."""

    mean: Floats
    variance: Floats
    typical: Floats
    dwell_h: Floats
    scale_error: Floats
    units: list[Unit]
    sensors: list[bool]


def presence_now(shops: Sequence[Shop], timezone: ZoneInfo, now: datetime) -> Now:
    """Return presence now in some shops, which the viewer is known to be allowed to see."""
    ids = [shop.pk for shop in shops]
    since = cell_start(now - rules.FRESH_FOR)
    found = cells.read_many(ids, since, now)
    newest = max((int(f.start_s[-1]) for f in found.values() if len(f.start_s)), default=None)
    presence = _presence(ids, found, timezone, now)
    zones: dict[int, list[int]] = {}
    for i, shop in enumerate(shops):
        zones.setdefault(shop.zone_id, []).append(i)
    parts = [
        _place(presence, members, shops[members[0]].zone.name, shops[members[0]].zone.slug)
        for members in zones.values()
    ]
    return Now(
        until=None if newest is None else datetime.fromtimestamp(newest + CELL_S, UTC),
        all=_place(presence, list(range(len(ids))), "", ""),
        zones=sorted(parts, key=lambda part: part.name),
    )


def _presence(
    ids: Sequence[int], found: dict[int, cells.Cells], timezone: ZoneInfo, now: datetime
) -> _Presence:
    models = people.models_of(ids)
    pairs, used = [], []
    for shop_id in ids:
        mean, variance = people.present(found[shop_id], models[shop_id])
        pairs.append(estimates.occupancy_now(mean, variance))
        used.append(models[shop_id][people.mode_of(found[shop_id])])
    mean, variance = np.array(pairs, np.float64).reshape(-1, 2).T
    today = local_day(now, timezone)
    weeks = Period(today, today).before(rules.TYPICAL_WEEKS)
    cube = selectors.read_cube(ids, weeks.first, today)
    stay_h = np.nan_to_num(cube.mean_stay_h(), nan=1.0)
    cube = cube.at_stay(stay_h)
    usual = totals.weekday_means(cube.part(weeks.first, weeks.last))
    hour = (now - timedelta(minutes=15)).astimezone(timezone).hour
    return _Presence(
        mean=mean,
        variance=variance,
        typical=usual.visits[:, today.weekday(), hour] * stay_h,
        dwell_h=stay_h,
        scale_error=np.array([model.scale_error for model in used]),
        units=selectors.presence_units(used),
        sensors=selectors.have_sensor(ids),
    )


def _place(presence: _Presence, members: Sequence[int], name: str, slug: str) -> PlaceNow:
    heard = [i for i in members if not np.isnan(presence.mean[i])]
    counted = [i for i in heard if presence.units[i] is Unit.VISITS]
    used = counted or heard
    visits_an_hour = float((presence.mean[used] / presence.dwell_h[used]).sum())
    mean = float(presence.mean[used].sum())
    variance = float(presence.variance[used].sum())
    shared = float(((presence.scale_error * presence.mean)[used] ** 2).sum())
    known = [i for i in used if presence.typical[i] > 0]
    typical = float(presence.typical[known].sum())
    noise = float((presence.variance[used] / presence.dwell_h[used] ** 2).sum())
    enough = rules.enough_people(visits_an_hour, noise)
    index = rules.ratio(
        float(presence.mean[known].sum()), float(presence.variance[known].sum()), typical, 0.0
    )
    return PlaceNow(
        name=name,
        slug=slug,
        present=rules.estimate(mean, variance, shared) if enough and counted else None,
        index=_percent(index) if enough else None,
        listening=len(heard),
        sensors=sum(presence.sensors[i] for i in members),
        shops=len(members),
    )


def _percent(found: Estimate | None) -> Estimate | None:
    return found and Estimate(100 * found.value, 100 * found.low, 100 * found.high)
