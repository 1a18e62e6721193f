"""The hours-by-days table: dates for two weeks or less, the mean week for longer periods."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from chaland.hub.footfall import estimates, rules
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.figures.totals import Mask
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.selectors import Cube

DATES_MAX = 14
LEVELS = 6
"""Shown cells have a level from 0 to 6: their share of the largest, in equal steps."""

COVERED_MIN = 0.95
RUNNING_MAX = 0.9
"""The running hour never counts as covered more than this: it is not over."""


class CellState(StrEnum):
    SHOWN = "shown"
    FEW = "few"
    """Not enough people to show."""
    MISSING = "missing"
    """Nobody listened."""
    CLOSED = "closed"
    """Closed by the declared opening hours, and nobody to speak of."""
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
    """Sums over shops, (rows, 24): visits, both variances, covered share (NaN: ahead), closed."""

    visits: Floats
    variance: Floats
    shared: Floats
    covered: Floats
    closed: Mask


def heatmap(
    cube: Cube,
    running: tuple[date, int] | None,
    factor: float = 1.0,
    open_share: Floats | None = None,
) -> Heatmap:
    """Make the table of a cube whose shops all listen.

    ``running`` is the local day and the place of its running hour (0 is 04:00): later ones are
    still to come. ``open_share`` (days, 24) is the share of the shops that are open, NaN where
    unknown. ``factor`` turns visits into an index where the shops may show no people.
    """
    by_date = cube.days <= DATES_MAX
    if open_share is None:
        open_share = np.full((cube.days, 24), np.nan)
    grid = _date_grid(cube, running, open_share) if by_date else _week_grid(cube, open_share)
    hours = totals.hours_shown(grid.visits, grid.variance, _still_open(cube, running, open_share))
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
    visits = float(grid.visits[i, hour])
    if covered == 0 or not rules.enough_people(visits, float(grid.variance[i, hour])):
        if grid.closed[i, hour]:
            return HeatCell(hour, CellState.CLOSED)
        state = CellState.MISSING if covered == 0 else CellState.FEW
        return HeatCell(hour, state, covered=float(covered))
    estimate = rules.estimate(
        visits * factor,
        float(grid.variance[i, hour]) * factor**2,
        float(grid.shared[i, hour]) * factor**2,
    )
    level = min(int(visits / top * (LEVELS + 1)), LEVELS)
    return HeatCell(hour, CellState.SHOWN, estimate, level, float(covered))


def _still_open(cube: Cube, running: tuple[date, int] | None, open_share: Floats) -> Mask:
    """Tell which clock hours, (24,), to show of the running day: while half of the shops open."""
    row = (running[0] - cube.first).days if running else -1
    if not 0 <= row < cube.days or cube.days > DATES_MAX:
        return np.zeros(24, bool)
    return np.asarray(np.nan_to_num(open_share[row]) >= 0.5)


def _date_grid(cube: Cube, running: tuple[date, int] | None, open_share: Floats) -> _Grid:
    covered = _mean_over_shops(cube.heard_share())
    if running is not None:
        _cut_the_future(covered, (running[0] - cube.first).days, running[1])
    shared = (cube.scale_error[:, None, None] * cube.visits) ** 2
    between = totals.between_shops(cube.visits, totals.HOUR_BETWEEN)
    return _Grid(
        cube.visits.sum(axis=0),
        cube.visits_variance.sum(axis=0),
        shared.sum(axis=0) + between,
        covered,
        open_share == 0,
    )


def _cut_the_future(covered: Floats, row: int, place: int) -> None:
    """Make NaN what is still to come after the running hour, in place.

    What was heard of the running hour is in the sums already: it is shown, and not whole.
    """
    order = (np.arange(24) - 4) % 24
    covered[max(row + 1, 0) :] = np.nan
    if 0 <= row < len(covered):
        covered[row, order > place] = np.nan
        begun = covered[row, order == place]
        covered[row, order == place] = np.where(begun > 0, np.minimum(begun, RUNNING_MAX), np.nan)


def _week_grid(cube: Cube, open_share: Floats) -> _Grid:
    means = totals.weekday_means(cube)
    visits = np.nan_to_num(means.visits)
    expected = totals.weekday_count(cube)[None, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        covered = _mean_over_shops(np.where(expected > 0, means.days / expected, 0.0))
    return _Grid(
        visits.sum(axis=0),
        np.nan_to_num(means.variance).sum(axis=0),
        ((cube.scale_error[:, None, None] * visits) ** 2).sum(axis=0)
        + totals.between_shops(visits, estimates.DRIFT_ERROR),
        covered,
        _week_closed(cube, open_share),
    )


def _week_closed(cube: Cube, open_share: Floats) -> Mask:
    """Tell which weekdays' hours, (7, 24), no shop is open in."""
    closed = np.zeros((7, 24), bool)
    for i in range(min(cube.days, 7)):
        closed[(cube.first.weekday() + i) % 7] = open_share[i] == 0
    return closed


def _mean_over_shops(share: Floats) -> Floats:
    """Average (shops, rows, 24) over shops; no shop covers nothing."""
    mean: Floats = share.sum(axis=0) / max(len(share), 1)
    return mean
