"""Sums, means and comparisons of hours, each with its interval. Pure NumPy on a Cube.

Three kinds of error, three ways of adding up: noise and the model's error of single hours average
out over days; within a day they go together by the cube's ``togetherness``; the error of a shop's
scale and stay is shared by all its figures, and never averages out. Shops share a part of the last
two: a town's days have one public, and its shops were counted in the same weeks.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall import estimates, rules
from chaland.hub.footfall.hours import HOURS, Floats
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.selectors import Cube

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Totals:
    """Visits by shop, (shops,): sum, independent variance, variance of the shared error.

    ``between`` is twice the covariances of the shops' days, added up: a scalar.
    """

    visits: Floats
    variance: Floats
    shared: Floats
    between: float

    def all(self) -> Estimate:
        """The sum of the shops."""
        drift = float(between_shops(self.visits, estimates.DRIFT_ERROR))
        return rules.estimate(
            float(self.visits.sum()),
            float(self.variance.sum()) + self.between,
            float(self.shared.sum()) + drift,
        )

    def shop(self, i: int) -> Estimate:
        return rules.estimate(float(self.visits[i]), float(self.variance[i]), float(self.shared[i]))


def between_shops(visits: Floats, error: float) -> Floats:
    """Return what a relative error common to all shops adds to the variance of their sum.

    ``visits`` has the shops first; each shop's own variance, which holds the error too, is not in
    it. One shop alone: 0.
    """
    seen = np.maximum(visits, 0.0)
    added: Floats = error**2 * (seen.sum(axis=0) ** 2 - (seen**2).sum(axis=0))
    return added


HOUR_BETWEEN = math.hypot(
    estimates.DRIFT_ERROR, estimates.TOWN_DAY_ERROR, estimates.TOWN_HOUR_ERROR
)
"""The common error of single hours."""
CHANGE_DRIFT = estimates.DRIFT_ERROR / 2**0.5
"""Relative error of either of two compared periods: half of the drift is the same in both."""


def totals(cube: Cube, mask: Mask | None = None) -> Totals:
    """Add the visits of all hours, or of those in ``mask`` (shops, days, 24), shop by shop."""
    kept = np.ones(cube.visits.shape, bool) if mask is None else mask
    visits = (cube.visits * kept).sum(axis=(1, 2))
    variance = ((cube.visits_variance * kept).sum(axis=2) * cube.togetherness).sum(axis=1)
    days = (cube.visits * kept).sum(axis=2)
    common = float(between_shops(days, estimates.TOWN_DAY_ERROR).sum())
    return Totals(visits, variance, (cube.scale_error * visits) ** 2, common)


def complete(cube: Cube) -> Mask:
    """Tell which hours were listened to as a whole."""
    whole: Mask = (cube.expected > 0) & (cube.windows >= cube.expected - rules.WINDOWS_MISSED_MAX)
    return whole


def comparable(now: Cube, then: Cube) -> Mask:
    """Tell which hours of two periods of one length were listened to in both, and as long."""
    same_length = np.abs(now.windows - then.windows) <= 1
    return complete(now) & complete(then) & same_length


def matched_share(now: Cube, then: Cube) -> float:
    """Return the share of the period's observed hours that the other period has too; 0 if none."""
    observed = int(complete(now).sum())
    return float(comparable(now, then).sum()) / observed if observed else 0.0


def typical_share(now: Cube, usual: "HourMeans") -> float:
    """Return the share of the period's observed hours that have a typical value; 0 if none."""
    weekdays = (now.first.weekday() + np.arange(now.days)) % 7
    observed = complete(now)
    known = observed & (usual.days[:, weekdays] > 0)
    return float(known.sum()) / int(observed.sum()) if observed.any() else 0.0


@dataclass(frozen=True)
class Change:
    """A change in percent with its interval, and the share of the hours that could be compared."""

    percent: Estimate
    compared_share: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves no doubt about the direction."""
        return self.percent.low > 0 or self.percent.high < 0


def change(now: Cube, then: Cube) -> Change | None:
    """Compare two periods on the hours observed in both; each shop with itself.

    The shared error of a shop cancels, because both sides carry it and have one stay (see
    ``Cube.at_stay``), but for the drift. ``None`` where too few hours can be compared, or the
    earlier period is not clearly more than nothing.
    """
    matched = matched_share(now, then)
    if matched < rules.COMPARED_SHARE_MIN:
        return None
    both = comparable(now, then)
    a, b = totals(now, both), totals(then, both)
    quotient = rules.ratio(
        float(a.visits.sum()), _change_variance(a), float(b.visits.sum()), _change_variance(b)
    )
    if quotient is None:
        return None
    percent = Estimate(
        *(100 * (side - 1) for side in (quotient.value, quotient.low, quotient.high))
    )
    return Change(percent, matched)


def _change_variance(side: Totals) -> float:
    drift = CHANGE_DRIFT**2 * float((side.visits**2).sum())
    between = float(between_shops(side.visits, CHANGE_DRIFT))
    return float(side.variance.sum()) + side.between + drift + between


@dataclass(frozen=True)
class HourMeans:
    """Mean visits in one hour, by shop, weekday (0 is Monday) and clock hour: (shops, 7, 24).

    Means over the whole hours that were observed; ``days`` says over how many. NaN where none was.
    """

    visits: Floats
    variance: Floats
    days: Floats


def weekday_means(cube: Cube) -> HourMeans:
    """Average the complete hours of each weekday, shop by shop, so that a gap weighs nothing."""
    weekdays = (cube.first.weekday() + np.arange(cube.days)) % 7
    onehot = (weekdays[None, :] == np.arange(7)[:, None]).astype(np.float64)
    kept = complete(cube).astype(np.float64)
    days = np.einsum("wd,sdh->swh", onehot, kept)
    with np.errstate(invalid="ignore", divide="ignore"):
        visits = np.einsum("wd,sdh->swh", onehot, cube.visits * kept) / days
        variance = np.einsum("wd,sdh->swh", onehot, cube.visits_variance * kept) / days**2
    return HourMeans(visits, variance, days)


def over_weekdays(means: HourMeans, weekday_days: Floats) -> tuple[Floats, Floats]:
    """Average hour means over weekdays by how often each comes; (shops, 24) mean and variance.

    ``weekday_days`` (7,) is the number of days of each weekday in the period. Weekdays that were
    never observed are left out of the mean.
    """
    weight = np.where(means.days > 0, weekday_days[None, :, None], 0.0)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * np.nan_to_num(means.visits)).sum(axis=1) / total
        variance = (weight**2 * np.nan_to_num(means.variance)).sum(axis=1) / total**2
    return mean, variance


def weekday_count(cube: Cube) -> Floats:
    """Count the days of each weekday in a cube: (7,)."""
    weekdays = (cube.first.weekday() + np.arange(cube.days)) % 7
    return np.bincount(weekdays, minlength=7).astype(np.float64)


@dataclass(frozen=True)
class Index:
    """Observed visits over typical ones for the same hours, times 100; (shops,) or (shops, days).

    NaN where no typical hour is known, or it is not clearly more than nothing.
    """

    value: Floats
    variance: Floats


def index(cube: Cube, typical: HourMeans, *, by_day: bool = False) -> Index:
    """Compare each shop with its typical weekdays and hours (typical = 100).

    Only hours that were observed, and have a typical value, count on either side.
    """
    weekdays = (cube.first.weekday() + np.arange(cube.days)) % 7
    usual = typical.visits[:, weekdays]
    kept = complete(cube) & ~np.isnan(usual)
    axes = (2,) if by_day else (1, 2)
    together = cube.togetherness[..., None]
    seen = (cube.visits * kept).sum(axis=axes)
    seen_variance = (cube.visits_variance * together * kept).sum(axis=axes)
    seen_variance = seen_variance + (CHANGE_DRIFT * seen) ** 2
    expected = (np.nan_to_num(usual) * kept).sum(axis=axes)
    expected_variance = (np.nan_to_num(typical.variance[:, weekdays]) * kept).sum(axis=axes)
    sure = (expected > 0) & (expected > 2 * np.sqrt(expected_variance))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(sure, seen / expected, np.nan)
        variance = (seen_variance + value**2 * expected_variance) / expected**2
    return Index(100 * value, 1e4 * variance)


def mean_index(found: Index) -> tuple[Floats, Floats, Floats]:
    """Average shops' indices with equal weight, so that no shop's figure shows through.

    Returns mean, variance, and the number of shops in it; scalars or (days,).
    """
    known = ~np.isnan(found.value)
    shops = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, found.value, 0.0).sum(axis=0) / shops
        variance = np.where(known, found.variance, 0.0).sum(axis=0) / shops**2
        # by day (shops, days), the shops share the day's public, too
        error = np.hypot(CHANGE_DRIFT, estimates.TOWN_DAY_ERROR if found.value.ndim > 1 else 0.0)
        common = between_shops(np.where(known, found.value, 0.0), error)
        variance = variance + common / shops**2
    return mean, variance, shops


def capture_rate(cube: Cube) -> Estimate | None:
    """Return visitors over visitors and passers-by, followable devices only, as a share.

    ``None`` where the sample is small or its interval too wide to say anything.
    """
    share, variance = estimates.capture_rate(
        cube.arrivals.sum(), cube.passers_by.sum(), cube.followable_variance.sum()
    )
    phones = float(cube.arrivals.sum() + cube.passers_by.sum())
    if np.isnan(share) or phones < rules.CAPTURE_PHONES_MIN:
        return None
    found = rules.estimate(float(share), float(variance))
    if found.high - found.value > rules.CAPTURE_HALF_WIDTH_MAX:
        return None
    return Estimate(found.value, found.low, min(found.high, 1.0))


def hours_shown(visits: Floats, variance: Floats, wanted_too: Mask | None = None) -> list[int]:
    """Return the clock hours, in the order of the local day, that have enough people anywhere.

    Both have shape (rows, 24); ``wanted_too`` (24,) hours are shown in any case. Never fewer than
    9 to 19, so that an empty page keeps its form.
    """
    order = [(4 + i) % HOURS for i in range(HOURS)]
    shown = np.nan_to_num(visits) >= np.fmax(
        rules.VISITS_SHOWN_MIN, rules.VERY_CLEAR_SD * np.sqrt(np.nan_to_num(variance))
    )
    also = np.zeros(HOURS, bool) if wanted_too is None else wanted_too
    wanted = [i for i, hour in enumerate(order) if shown[:, hour].any() or also[hour]]
    first, last = min([*wanted, order.index(9)]), max([*wanted, order.index(18)])
    return order[first : last + 1]
