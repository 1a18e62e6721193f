"""The hours-by-days table: dates for two weeks or less, the mean week for longer periods."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from chaland.hub.footfall import rules
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.selectors import Cube

DATES_MAX = 14
LEVELS = 6
"""Shown cells have a level from 0 to 6: their share of the largest, in equal steps."""

COVERED_MIN = 0.95


class CellState(StrEnum):
    SHOWN = "shown"
    FEW = "few"
    """Not enough people to show."""
    MISSING = "missing"
    """Nobody listened."""
    AHEAD = "ahead"
    """The hour has not come yet."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    hour: int
    state: CellState
    visits: Estimate | None = None
    level: int = 0
    covered: float | None = None

    @property
    def incomplete(self) -> bool:
        """Whether a part of the hour was not listened to."""
        return self.covered is not None and 0 < self.covered < COVERED_MIN


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A date, or a weekday (0 is Monday) with ``day`` None."""

    weekday: int
    day: date | None
    cells: list[HeatCell]


@dataclass(frozen=True, slots=True)
class Heatmap:
    hours: list[int]
    rows: list[HeatRow]

    @property
    def by_date(self) -> bool:
        return bool(self.rows) and self.rows[0].day is not None


@dataclass(frozen=True)
class _Grid:
    """Sums over shops, (rows, 24): visits, both variances, and the covered share (NaN: ahead)."""

    visits: Floats
    variance: Floats
    shared: Floats
    covered: Floats


def heatmap(cube: Cube, ahead_from: tuple[date, int] | None, factor: float = 1.0) -> Heatmap:
    """Make the table of a cube whose shops all listen.

    ``ahead_from`` is the local day and its place (0 is 04:00) from which hours are still to come;
    ``factor`` turns visits into an index where the shops may show no people.
    """
    by_date = cube.days <= DATES_MAX
    grid = _date_grid(cube, ahead_from) if by_date else _week_grid(cube)
    hours = totals.hours_shown(grid.visits, grid.variance)
    top = float(np.nan_to_num(grid.visits).max(initial=0.0))
    rows = []
    for i in range(len(grid.visits)):
        day = cube.first + timedelta(days=i) if by_date else None
        weekday = day.weekday() if day else i
        rows.append(HeatRow(weekday, day, [_cell(grid, i, hour, top, factor) for hour in hours]))
    return Heatmap(hours, rows)


def _cell(grid: _Grid, i: int, hour: int, top: float, factor: float) -> HeatCell:
    covered = grid.covered[i, hour]
    if np.isnan(covered):
        return HeatCell(hour, CellState.AHEAD)
    if covered == 0:
        return HeatCell(hour, CellState.MISSING, covered=0.0)
    visits = float(grid.visits[i, hour])
    if not rules.enough_people(visits, float(grid.variance[i, hour])):
        return HeatCell(hour, CellState.FEW, covered=float(covered))
    estimate = rules.estimate(
        visits * factor,
        float(grid.variance[i, hour]) * factor**2,
        float(grid.shared[i, hour]) * factor**2,
    )
    level = min(int(visits / top * (LEVELS + 1)), LEVELS)
    return HeatCell(hour, CellState.SHOWN, estimate, level, float(covered))


def _date_grid(cube: Cube, ahead_from: tuple[date, int] | None) -> _Grid:
    covered = _mean_over_shops(np.minimum(cube.windows / rules.WINDOWS_IN_HOUR, 1.0))
    if ahead_from is not None:
        day, place = ahead_from
        row = (day - cube.first).days
        order = (np.arange(24) - 4) % 24
        covered[max(row + 1, 0) :] = np.nan
        if 0 <= row < cube.days:
            covered[row, order >= place] = np.nan
    shared = (cube.scale_error[:, None, None] * cube.visits) ** 2
    return _Grid(
        cube.visits.sum(axis=0), cube.visits_variance.sum(axis=0), shared.sum(axis=0), covered
    )


def _week_grid(cube: Cube) -> _Grid:
    means = totals.weekday_means(cube)
    visits = np.nan_to_num(means.visits)
    expected = totals.weekday_count(cube)[None, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        covered = _mean_over_shops(np.where(expected > 0, means.days / expected, 0.0))
    return _Grid(
        visits.sum(axis=0),
        np.nan_to_num(means.variance).sum(axis=0),
        ((cube.scale_error[:, None, None] * visits) ** 2).sum(axis=0),
        covered,
    )


def _mean_over_shops(share: Floats) -> Floats:
    """Average (shops, rows, 24) over shops; no shop covers nothing."""
    mean: Floats = share.sum(axis=0) / max(len(share), 1)
    return mean
