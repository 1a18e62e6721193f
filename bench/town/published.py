"""A simulated town in the hub's tables, and its published visits beside the truth."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from django.core.management import call_command
from django.db import connections
from numpy.typing import NDArray

from bench.report import table
from chaland.demo.founding import enrol, found, places
from chaland.demo.load import Loader, Span, door_rows, in_one_transaction
from chaland.demo.past import TownSeed, released_days
from chaland.hub.association.models import Association
from chaland.hub.footfall import rules, selectors, services
from chaland.hub.footfall.estimates import CalibrationFinal
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.models import Calibration, Cell, DayFigure, DoorCount, DwellDay, FlowDay
from chaland.hub.footfall.selectors import Cube
from chaland.simulate.air import TIMEZONE
from chaland.simulate.history import DayCounts
from chaland.simulate.town import drawn_town
from chaland.wire.periods import day_bounds

Floats = NDArray[np.float64]
FIRST = date(2026, 8, 31)
"""A Monday: weeks are whole."""
WEEKS = 8
COUNTED_WEEKS = 2
PLANS = ((1, 0), (1, 6), (2, 3), (3, 6))
"""Seeds of the town, and the week in which its two weeks of counting begin."""


@dataclass
class Judged:
    """What became of published figures: whether intervals held, and relative errors."""

    held: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)

    def add(self, found: rules.Estimate, truth: float) -> None:
        """Judge one figure."""
        self.held.append(found.low <= truth <= found.high)
        if truth > 0:
            self.errors.append(found.value / truth - 1)

    @property
    def share_held(self) -> float:
        return float(np.mean(self.held))

    def row(self, name: str) -> tuple[str, ...]:
        """Return the row of the table."""
        errors = np.array(self.errors)
        return (
            name,
            f"{len(self.held):,}",
            f"{100 * self.share_held:.0f} %",
            f"{100 * np.median(errors):+.0f} %",
            f"{100 * np.median(np.abs(errors)):.0f} %",
        )


NAMES = ("hours of a shop", "days of a shop", "weeks of a shop", "hours of the town",
         "days of the town", "weeks of the town", "change of a shop, week by week",
         "change of the town, week by week")  # fmt: skip


def measure() -> str:
    """Return the section as Markdown."""
    for database in connections:
        call_command("migrate", database=database, verbosity=0)
    judged = {name: Judged() for name in NAMES}
    shown: list[int] = []
    followed: list[float] = []
    shops = 0
    for seed, week in PLANS:
        town = load(TownSeed(30, seed), week)
        published = judge(town, judged)
        shown.append(published)
        followed += followed_stays(town)
        shops = len(town.ids)
    off = np.abs(followed)
    return "\n".join(
        [
            f"{len(PLANS)} towns of {shops} shops, {WEEKS} weeks; door counters in each shop for "
            f"{COUNTED_WEEKS} of them. Judged: the other weeks, in the shops that show visits "
            f"({min(shown)} to {max(shown)} of {shops}).\n",
            table(("", "figures", "90 % holds", "median bias", "median error"), rows_of(judged)),
            "\nThe mean stay of devices that can be followed, against the true one: off by "
            f"{100 * np.median(off):.0f} % in the median shop, "
            f"{100 * np.sqrt(np.mean(off**2)):.0f} % in quadratic mean.",
        ]
    )


def rows_of(judged: dict[str, Judged]) -> list[tuple[str, ...]]:
    return [found.row(name) for name, found in judged.items()]


@dataclass(frozen=True)
class Town:
    """Shops in the hub by id, the days of truth, and which of them were counted."""

    ids: list[int]
    days: Sequence[DayCounts]
    counted: NDArray[np.bool_]

    def truth(self) -> Floats:
        """Return who came in, (shops, days, 24 clock hours)."""
        came = np.zeros((len(self.ids), len(self.days), 24))
        for d, day in enumerate(self.days):
            for entries, start_s in zip(day.entries, day.start_s.tolist(), strict=True):
                came[:, d, datetime.fromtimestamp(start_s, UTC).astimezone(TIMEZONE).hour] += (
                    entries
                )
        return came


def load(
    seed: TownSeed, week: int, *, weeks: int = WEEKS, counted_weeks: int = COUNTED_WEEKS
) -> Town:
    """Put a town into emptied tables, count at its doors, calibrate, and make all figures."""
    for model in (Cell, DwellDay, FlowDay, DayFigure, DoorCount, Calibration):
        model.objects.all().delete()
    dates = [FIRST + timedelta(days=i) for i in range(7 * weeks)]
    until = day_bounds(dates[-1], TIMEZONE)[1]
    if not Association.objects.filter(simulated=True).exists():
        enrol(found(drawn_town(seed.shops), until), until)
    here = places()
    spans = {place.slug: Span(datetime.fromtimestamp(0, UTC), until) for place in here}
    # founded long after: none of the demo's troubles falls into these weeks
    founded = dates[-1] + timedelta(days=1000)
    released = [day for some in released_days(seed, dates, founded) for day in some]
    days = [day.counts for day in released]
    with in_one_transaction():
        Loader(here, spans, founded).load(released)
    counted = np.zeros(len(dates), bool)
    counted[7 * week : 7 * (week + counted_weeks)] = True
    rng = np.random.default_rng([seed.seed, 8])
    order = {shop.slug: i for i, shop in enumerate(drawn_town(seed.shops).shops)}
    ids = [0] * len(here)
    for place in here:
        index = order[place.slug]
        ids[index] = place.shop_id
        rows = door_rows([days[i] for i in np.flatnonzero(counted)], index, rng)
        services.record_door_counts(place.shop_id, rows, "door")
        with suppress(CalibrationFinal):  # the demo's latecomer has not heard anything yet
            services.fit_calibration(place.shop_id, until)
    return Town(ids, days, counted)


def judge(town: Town, judged: dict[str, Judged]) -> int:
    """Judge all published figures of the days that were not counted; return the shops shown."""
    whole = selectors.read_cube(town.ids, town.days[0].day, town.days[-1].day)
    units = selectors.units(town.ids, whole.scale_error)
    shown = [i for i, unit in enumerate(units) if unit is rules.Unit.VISITS]
    cube, truth = whole.select(shown), town.truth()[shown]
    one = [cube.select([i]) for i in range(len(shown))]
    for d in np.flatnonzero(~town.counted).tolist():
        _hours(cube, truth, d, judged)
        _sums(cube, one, truth, slice(d, d + 1), [judged[NAMES[1]], judged[NAMES[4]]])
    spans = [slice(d, d + 7) for d in range(0, len(town.days), 7) if not town.counted[d]]
    for span in spans:
        _sums(cube, one, truth, span, [judged[NAMES[2]], judged[NAMES[5]]])
    for then, now in pairwise(spans):
        for i, shop in enumerate(one):
            _change(shop, truth[[i]], now, then, judged[NAMES[6]])
        _change(cube, truth, now, then, judged[NAMES[7]])
    return len(shown)


def _change(cube: Cube, truth: Floats, now: slice, then: slice, into: Judged) -> None:
    """Judge a comparison as the factor by which visits grew."""
    change = totals.change(_part(cube, now), _part(cube, then))
    before = float(truth[:, then].sum())
    if change is not None and before > 0:
        ends = change.percent
        factors = (1 + end / 100 for end in (ends.value, ends.low, ends.high))
        into.add(rules.Estimate(*factors), float(truth[:, now].sum()) / before)


def _part(cube: Cube, span: slice) -> Cube:
    return cube.part(
        cube.first + timedelta(days=span.start), cube.first + timedelta(days=span.stop - 1)
    )


def _sums(
    cube: Cube, one: Sequence[Cube], truth: Floats, span: slice, into: Sequence[Judged]
) -> None:
    for i, shop in enumerate(one):
        if truth[i, span].any():
            into[0].add(totals.totals(_part(shop, span)).all(), float(truth[i, span].sum()))
    into[1].add(totals.totals(_part(cube, span)).all(), float(truth[:, span].sum()))


def _hours(cube: Cube, truth: Floats, d: int, judged: dict[str, Judged]) -> None:
    visits, variance = cube.visits[:, d], cube.visits_variance[:, d]
    shared = (cube.scale_error[:, None] * visits) ** 2
    for i, hour in np.ndindex(visits.shape):
        value, spread = float(visits[i, hour]), float(variance[i, hour])
        if rules.enough_people(value, spread):
            found = rules.estimate(value, spread, float(shared[i, hour]))
            judged[NAMES[0]].add(found, float(truth[i, d, hour]))
    between = totals.between_shops(visits, totals.HOUR_BETWEEN)
    for hour in range(24):
        value, spread = float(visits[:, hour].sum()), float(variance[:, hour].sum())
        if rules.enough_people(value, spread):
            found = rules.estimate(value, spread, float(shared[:, hour].sum() + between[hour]))
            judged[NAMES[3]].add(found, float(truth[:, d, hour].sum()))


def followed_stays(town: Town) -> Iterable[float]:
    """Return by how much each shop's stay, as followed, differs from the true one (relative)."""
    Calibration.objects.update(stay=None)
    services.rebuild_figures(town.ids)
    present_s = sum(day.visitors.sum(axis=0) for day in town.days) * 900
    came = sum(day.entries.sum(axis=0) for day in town.days)
    for i, shop_id in enumerate(town.ids):
        newest = DayFigure.objects.filter(shop_id=shop_id).order_by("day").last()
        if newest is not None:
            yield float(newest.dwell_s * came[i] / present_s[i] - 1)
