"""How often members will come back: the BG/NBD model, fitted by maximum likelihood. No Django.

Fader, Hardie, Lee: "Counting Your Customers" the Easy Way (Marketing Science 24:2, 2005), equations
(6) and (10). While active, a member buys at a Poisson rate drawn from a gamma distribution
(``r``, ``alpha``); after each purchase the member leaves for good with a probability drawn from a
beta distribution (``a``, ``b``). Money is the mean basket: no distribution of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types
from scipy.special import betaln, gammaln, hyp2f1  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

MEMBERS_MIN = 100
"""With fewer members no model is fitted."""
HOLD_OUT_ERROR_MAX = 0.20
"""A model that misses the repeats of its own hold-out by more is not shown."""
_RANGE_90 = 1.645
_HORIZON_WEEKS = 52.0


class NoModelFinal(Exception):
    """There is no model of these members; the text says why, for a log."""


@dataclass(frozen=True)
class Histories:
    """Members' purchases, each array of one entry a member: ``repeats`` after the first one,
    ``last`` repeat's age since the first, and ``age`` of the first, in weeks."""

    repeats: Floats
    last: Floats
    age: Floats

    @classmethod
    def of(cls, member: NDArray[np.int64], day: NDArray[np.int64], until: int) -> Self:
        """Count purchase days up to day ``until`` (included); two purchases of one day are one.

        ``member`` and ``day`` (a day's number) have one entry a purchase.
        """
        early = day <= until
        pairs = np.unique(np.stack([member[early], day[early]], axis=1), axis=0)
        _who, begins, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        first = pairs[begins, 1]
        last = pairs[begins + count - 1, 1]
        seen: Floats = np.stack([last - first, until - first]) / np.float64(7)
        return cls((count - 1).astype(np.float64), *seen)


@dataclass(frozen=True)
class Model:
    """A fitted model; ``log_likelihood`` of the histories that it was fitted to."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def expected(self, histories: Histories, weeks: float) -> Floats:
        """Return each member's expected purchases within the next ``weeks`` (equation 10)."""
        x, last, age = histories.repeats, histories.last, histories.age
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        grown = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
        shrunk = 1 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * grown
        many = (a + b + x - 1) / (a - 1) * shrunk
        left = a / np.maximum(b + x - 1, 1e-9) * ((alpha + age) / (alpha + last)) ** (r + x)
        found: Floats = many / (1 + np.where(x > 0, left, 0))
        return found


def fit(histories: Histories) -> Model:
    """Fit the model. Raises NoModelFinal where there are too few members or no maximum is found."""
    if len(histories.age) < MEMBERS_MIN or histories.repeats.sum() < MEMBERS_MIN:
        raise NoModelFinal(f"{len(histories.age)} members")
    # Equal histories are computed once: in a shop many members have none or one repeat.
    rows, weight = np.unique(
        np.stack([histories.repeats, histories.last, histories.age], axis=1),
        axis=0,
        return_counts=True,
    )
    # Times in tenths of the longest age: the optimiser likes numbers near 1.
    scale = 10.0 / rows[:, 2].max()
    x, last, age = rows[:, 0], rows[:, 1] * scale, rows[:, 2] * scale
    found = min(
        (
            minimize(_loss, start, args=(x, last, age, weight), method="L-BFGS-B")
            for start in (np.zeros(4), np.array([-1.0, 0.5, -0.5, 0.5]))
        ),
        key=lambda result: float(result.fun),
    )
    r, alpha, a, b = np.exp(found.x)
    if not np.isfinite(found.fun) or abs(a - 1) < 1e-6 or max(r, alpha, a, b) > 1e6:
        raise NoModelFinal("no maximum")
    # the likelihood in units of weeks: each repeat's density carries the scale
    log_likelihood = -float(found.fun) * weight.sum() + np.log(scale) * float((x * weight).sum())
    return Model(float(r), float(alpha / scale), float(a), float(b), float(log_likelihood))


def _loss(logs: Floats, x: Floats, last: Floats, age: Floats, weight: Floats) -> float:
    """Return the negative mean log-likelihood (equation 6)."""
    r, alpha, a, b = np.exp(np.clip(logs, -20, 20))
    ends = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    stays = -(r + x) * np.log(alpha + age)
    left = np.where(
        x > 0,
        np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last),
        -np.inf,
    )
    return -float(np.average(ends + np.logaddexp(stays, left), weights=weight))


@dataclass(frozen=True)
class Outlook:
    """What members will spend within the next 52 weeks, with the range that the hold-out allows.

    ``error`` is the relative error of the hold-out's repeats: ``modelled`` against ``counted``.
    """

    members: int
    purchases: float
    cents: float
    low_cents: float
    high_cents: float
    counted: int
    modelled: float
    error: float


def outlook(
    member: NDArray[np.int64], day: NDArray[np.int64], cents: NDArray[np.int64], today: int
) -> Outlook:
    """Fit on the first two thirds of the time, check on the last, and look 52 weeks ahead.

    One entry a purchase; days are numbers. Raises NoModelFinal where the model fails its own
    hold-out by more than ``HOLD_OUT_ERROR_MAX``, or where there is too little to fit.
    """
    if len(day) == 0:
        raise NoModelFinal("no purchases")
    split = today - (today - int(day.min())) // 3
    known = Histories.of(member, day, split)
    weeks = (today - split) / 7
    modelled = float(fit(known).expected(known, weeks).sum())
    counted = later(member, day, split)
    error = abs(modelled - counted) / max(counted, 1)
    if error > HOLD_OUT_ERROR_MAX:
        raise NoModelFinal(f"hold-out missed by {error:.0%}")
    histories = Histories.of(member, day, today)
    expected = fit(histories).expected(histories, _HORIZON_WEEKS)
    purchases = float(expected.sum())
    # the mean spent on a purchase day, which is what the model counts
    days_bought = len(np.unique(np.stack([member, day], axis=1), axis=0))
    basket = float(cents.sum()) / days_bought
    chance = _RANGE_90 * np.sqrt(2 * max(purchases, 1)) / max(purchases, 1)
    width = max(error, chance)
    return Outlook(
        members=len(expected),
        purchases=purchases,
        cents=purchases * basket,
        low_cents=purchases * basket * (1 - width),
        high_cents=purchases * basket * (1 + width),
        counted=counted,
        modelled=modelled,
        error=error,
    )


def later(member: NDArray[np.int64], day: NDArray[np.int64], split: int) -> int:
    """Count purchase days after the split, of those who were there before it."""
    there = np.unique(member[day <= split])
    later = (day > split) & np.isin(member, there)
    return len(np.unique(np.stack([member[later], day[later]], axis=1), axis=0))


def days_of(seconds: Sequence[int]) -> NDArray[np.int64]:
    """Number the days of instants given in seconds."""
    return np.asarray(seconds, np.int64) // 86_400
