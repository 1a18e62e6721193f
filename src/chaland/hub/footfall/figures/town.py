"""All figures of the director's page, for one period and one choice of shops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import estimates, rules, selectors
from chaland.hub.footfall.figures import opening, totals
from chaland.hub.footfall.figures.heatmap import Heatmap, heatmap
from chaland.hub.footfall.figures.period import Against, Period
from chaland.hub.footfall.figures.totals import Change
from chaland.hub.footfall.hours import HOURS, Floats
from chaland.hub.footfall.rules import Estimate, Unit
from chaland.hub.footfall.selectors import Cube, Listening


@dataclass(frozen=True)
class Busiest:
    """The weekday and clock hour with the most visits on average, and the same hour compared."""

    weekday: int
    hour: int
    visits: Estimate
    compared: Estimate | None


@dataclass(frozen=True)
class CurvePoint:
    """Mean visits of a clock hour; ``None`` where too few people, or nobody listened."""

    hour: int
    visits: Estimate | None
    typical: Estimate | None


@dataclass(frozen=True)
class ShopRow:
    """A shop in the list: its visits or its index (typical = 100), its share, and its listening."""

    shop: Shop
    unit: Unit
    visits: Estimate | None
    index: Estimate | None
    share: Estimate | None
    change: Change | None
    held_out_error: float | None
    coverage: float | None
    listening: Listening


@dataclass(frozen=True)
class Places:
    """Shops and what they may show, in one order; ``reporting`` have data in the period."""

    shops: list[Shop]
    units: list[Unit]
    reporting: list[int]

    @property
    def counted(self) -> list[int]:
        """Positions of the shops that the sums are made of: those that may show visits."""
        counted = [i for i in self.reporting if self.units[i] is Unit.VISITS]
        return counted or self.reporting


@dataclass(frozen=True)
class Figures:
    """Everything the page, its chart and its CSV say. Numbers exist once, here."""

    period: Period
    compared: Period
    unit: Unit
    visits: Estimate | None
    index: Estimate | None
    change: Change | None
    busiest: Busiest | None
    capture: Estimate | None
    capture_compared: Estimate | None
    heat: Heatmap
    curve: list[CurvePoint]
    typical_days: int
    rows: list[ShopRow]
    shops_counted: int
    shops_reporting: int
    coverage: float | None
    incomplete_days: list[date]

    @property
    def held_out_error(self) -> float | None:
        """The median error, on unseen days, of the shops that show visits."""
        errors = [row.held_out_error for row in self.rows if row.visits and row.held_out_error]
        return float(np.median(errors)) if errors else None

    @property
    def counted_too_poorly(self) -> bool:
        """Whether some shop was counted in and still shows an index, for its error."""
        return any(row.held_out_error is not None and row.unit is Unit.INDEX for row in self.rows)


@dataclass(frozen=True)
class Cubes:
    """The same shops in the period, in the compared period, and in the weeks before the period."""

    now: Cube
    then: Cube
    before: Cube

    def one_stay(self) -> "Cubes":
        """Give each shop one mean stay in all three: the period's, or else an earlier one."""
        stay_h = self.now.mean_stay_h()
        for other in (self.before.mean_stay_h(), self.then.mean_stay_h(), 1.0):
            stay_h = np.where(np.isnan(stay_h), other, stay_h)
        return Cubes(*(cube.at_stay(stay_h) for cube in (self.now, self.then, self.before)))

    def select(self, shops: Sequence[int]) -> "Cubes":
        return Cubes(self.now.select(shops), self.then.select(shops), self.before.select(shops))


def read_cubes(shop_ids: Sequence[int], period: Period, against: Against) -> Cubes:
    """Read what a page needs, in at most three queries."""
    compared = period.compared(against)
    before = period.before(rules.TYPICAL_WEEKS)
    spans = [(period.first, period.last), (compared.first, compared.last)]
    now, then = (selectors.read_cube(shop_ids, *span) for span in spans)
    return Cubes(now, then, selectors.read_cube(shop_ids, before.first, before.last)).one_stay()


def figures(
    shops: Sequence[Shop], period: Period, against: Against, timezone: ZoneInfo, now: datetime
) -> Figures:
    """Make the figures of some shops, which the viewer is known to be allowed to see."""
    ids = [shop.pk for shop in shops]
    cubes = read_cubes(ids, period, against)
    listened = cubes.now.windows.sum(axis=(1, 2))
    reporting = [i for i in range(len(ids)) if listened[i] > 0]
    places = Places(list(shops), selectors.units(ids, cubes.now.scale_error), reporting)
    counted = cubes.select(places.counted)
    usual = totals.weekday_means(counted.before)
    hours = opening.read_opening(ids)
    covered = opening.coverage(cubes.now, opening.expected(hours, cubes.now, timezone, now))
    people = bool(places.counted) and places.units[places.counted[0]] is Unit.VISITS
    unit = Unit.VISITS if people else Unit.INDEX
    factor = 1.0 if people else _index_factor(counted.now)
    matched = totals.matched_share(cubes.now, cubes.then) >= rules.COMPARED_SHARE_MIN
    typical = totals.typical_share(counted.now, usual) >= rules.COMPARED_SHARE_MIN
    return Figures(
        period=period,
        compared=period.compared(against),
        unit=unit,
        visits=totals.totals(counted.now).all() if people else None,
        index=_mean_index(counted.now, usual),
        change=totals.change(counted.now, counted.then),
        busiest=_busiest(counted, factor),
        capture=totals.capture_rate(cubes.now),
        capture_compared=totals.capture_rate(cubes.then) if matched else None,
        heat=heatmap(
            counted.now,
            opening.running_hour(timezone, now),
            factor,
            hours.select(places.counted).days(counted.now),
        ),
        curve=_curve(counted.now, usual if typical else None, factor),
        typical_days=int(usual.days.max(initial=0)) if typical else 0,
        rows=_rows(places, cubes, covered, now),
        shops_counted=len(places.counted),
        shops_reporting=len(reporting),
        coverage=opening.mean_coverage(covered[reporting]),
        incomplete_days=_incomplete(period, covered[reporting]),
    )


def _incomplete(period: Period, covered: Floats) -> list[date]:
    if not len(covered):
        return []
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(covered)
        share = np.where(known, covered, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    days = period.dates()
    return [
        days[i]
        for i in range(len(days))
        if known[:, i].any() and share[i] < rules.DAY_COMPLETE_SHARE
    ]


def _index_factor(cube: Cube) -> float:
    """Return what turns visits into an index whose mean hour with enough people is 100."""
    hours = cube.visits.sum(axis=0)
    busy = hours[hours >= rules.VISITS_SHOWN_MIN]
    return 100 / float(busy.mean()) if busy.size else 0.0


def _mean_index(cube: Cube, usual: totals.HourMeans) -> Estimate | None:
    mean, variance, shops = totals.mean_index(totals.index(cube, usual))
    return rules.estimate(float(mean), float(variance)) if shops > 0 else None


def _busiest(cubes: Cubes, factor: float) -> Busiest | None:
    means = totals.weekday_means(cubes.now)
    visits = np.nan_to_num(means.visits).sum(axis=0)
    weekday, hour = divmod(int(visits.argmax()), HOURS)
    found = _hour(means, weekday, hour, cubes.now.scale_error, factor)
    if found is None:
        return None
    if totals.matched_share(cubes.now, cubes.then) < rules.COMPARED_SHARE_MIN:
        return Busiest(weekday, hour, found, None)
    earlier = totals.weekday_means(cubes.then)
    return Busiest(
        weekday, hour, found, _hour(earlier, weekday, hour, cubes.then.scale_error, factor)
    )


def _hour(
    means: totals.HourMeans, weekday: int, hour: int, scale_error: Floats, factor: float
) -> Estimate | None:
    visits = np.nan_to_num(means.visits[:, weekday, hour])
    variance = np.nan_to_num(means.variance[:, weekday, hour])
    return _shown(visits, variance, scale_error, factor)


def _shown(visits: Floats, variance: Floats, scale_error: Floats, factor: float) -> Estimate | None:
    """Add shops (shops,) up to one shown estimate; None where there are not enough people."""
    if not rules.enough_people(float(visits.sum()), float(variance.sum())):
        return None
    shared = float(((scale_error * visits) ** 2).sum())
    shared += float(totals.between_shops(visits, estimates.DRIFT_ERROR))
    return rules.estimate(
        float(visits.sum()) * factor, float(variance.sum()) * factor**2, shared * factor**2
    )


def _curve(cube: Cube, usual: totals.HourMeans | None, factor: float) -> list[CurvePoint]:
    count = totals.weekday_count(cube)
    mean, variance = totals.over_weekdays(totals.weekday_means(cube), count)
    typical, typical_variance = np.full((2, *mean.shape), np.nan)
    if usual is not None:
        typical, typical_variance = totals.over_weekdays(usual, count)
    hours = totals.hours_shown(
        np.nan_to_num([mean, typical]).sum(axis=1),
        np.nan_to_num([variance, typical_variance]).sum(axis=1),
    )

    def point(values: Floats, spread: Floats, hour: int) -> Estimate | None:
        at, at_spread = np.nan_to_num(values[:, hour]), np.nan_to_num(spread[:, hour])
        return _shown(at, at_spread, cube.scale_error, factor)

    return [
        CurvePoint(hour, point(mean, variance, hour), point(typical, typical_variance, hour))
        for hour in hours
    ]


def _rows(places: Places, cubes: Cubes, covered: Floats, now: datetime) -> list[ShopRow]:
    sums = totals.totals(cubes.now)
    usual = totals.weekday_means(cubes.before)
    found = totals.index(cubes.now, usual)
    town = float(sums.visits[places.counted].sum())
    calibrations = selectors.current_calibrations(cubes.now.shop_ids)
    listening = selectors.listening(cubes.now.shop_ids, now)
    rows = []
    for i, shop in enumerate(places.shops):
        people = places.units[i] is Unit.VISITS and i in places.reporting
        calibration = calibrations.get(shop.pk)
        visits = sums.shop(i) if people else None
        part = visits if visits and town > 0 else None
        one = cubes.now.select([i]), cubes.then.select([i])
        rows.append(
            ShopRow(
                shop=shop,
                unit=places.units[i],
                visits=visits,
                index=_shop_index(found, i),
                share=Estimate(part.value / town, part.low / town, min(part.high / town, 1.0))
                if part
                else None,
                change=totals.change(*one) if i in places.reporting else None,
                held_out_error=calibration.visits_error if calibration else None,
                coverage=opening.mean_coverage(covered[i]),
                listening=listening[shop.pk],
            )
        )
    return rows


def _shop_index(found: totals.Index, i: int) -> Estimate | None:
    if np.isnan(found.value[i]):
        return None
    return rules.estimate(float(found.value[i]), float(found.variance[i]))
