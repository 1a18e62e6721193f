"""Calibrate a shop on counted truth, and say what error it makes on days that it has not seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.crowd import signal
from chaland.hub.footfall.estimates.noise import Floats
from chaland.hub.footfall.estimates.occupancy import Curve
from chaland.hub.footfall.estimates.residuals import Residuals, residuals
from chaland.hub.footfall.estimates.shapes import SHAPES, Shape

CELLS_MIN = 12
"""Three hours of counting; fewer say nothing about other hours."""
HEARD_SD = 3.0
"""The summed signal must exceed its noise by this many standard deviations."""
DAYS_MIN = 4
"""From so many days on a fold is a day; with fewer it is a quarter of the cells."""
FOLDS_MAX = 40
GAIN = 0.05
"""A more complex shape must lower the held-out error by this share."""
BUSY = 5.0
"""People from which relative errors are quoted, as in the published measurements."""
BUSY_CELLS_MIN = 10

Ints = NDArray[np.int64]


class Refusal(StrEnum):
    """Why no calibration could be made."""

    TOO_FEW_CELLS = "too-few-cells"
    NOBODY_COUNTED = "nobody-counted"
    NOTHING_HEARD = "nothing-heard"


class CalibrationFinal(ValueError):
    """The truth at hand can't calibrate the shop: ``reason`` says why, the message what to do."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Fit:
    """A shop's calibration. Its errors are those on cells of days that the fit had not seen.

    ``coefficients`` and ``residual_sd`` go back into ``occupancy`` unread. ``scale_error`` is the
    relative error of the curve's scale, which all figures share; ``day_error`` the relative error
    that neighbouring cells share. ``held_out_mape`` is the mean relative error at 5 people or
    more, None with fewer than 10 such cells; ``held_out_share`` is the error to judge by: the same,
    or else the total absolute error over the total of people. ``held_out`` (n,) are the estimates
    themselves, each made without its own day; NaN for cells not used.
    """

    shape: str
    coefficients: Mapping[str, float]
    residual_sd: float
    scale_error: float
    day_error: float
    held_out_mae: float
    held_out_mape: float | None
    held_out_share: float
    cells: int
    days: int
    held_out: Floats


def fit(
    counts: Mapping[str, Floats],
    windows: Floats,
    scales: Mapping[str, Floats | float],
    truth: Floats,
    days: Ints,
) -> Fit:
    """Fit mean people present to released counts; arrays (n,) over cells in time order.

    ``counts``, ``windows``, ``scales`` as in ``occupancy`` ("scans" alone: strict mode); ``truth``
    is mean people present during the cell, NaN where nobody counted; ``days`` numbers local days.
    The error is by leave-days-out; with fewer than 4 days by leaving out consecutive quarters of
    the cells. Raises ``CalibrationFinal`` when the data are too few.
    """
    heard = signal(counts, windows, scales)
    used = np.flatnonzero(~np.isnan(heard.value) & ~np.isnan(truth))
    x, noise, y = heard.value[used], heard.variance[used], truth[used]
    _refuse(x, noise, y)
    fold = _folds(days[used])
    shape, curve, held_out = _choose(x, noise, y, fold)
    error = np.abs(held_out - y)
    busy = y >= BUSY
    mape = float(np.mean(error[busy] / y[busy])) if busy.sum() >= BUSY_CELLS_MIN else None
    left = residuals(curve, x, noise, truth=y, held_out=held_out, day=fold)
    everywhere = np.full(len(truth), np.nan)
    everywhere[used] = held_out
    return Fit(
        shape=shape,
        coefficients=_stored("fingerprints" if "fingerprints" in counts else "scans", curve, left),
        residual_sd=left.floor_sd,
        scale_error=left.scale,
        day_error=left.day,
        held_out_mae=float(error.mean()),
        held_out_mape=mape,
        held_out_share=float(error.sum() / y.sum()) if mape is None else mape,
        cells=len(used),
        days=len(np.unique(days[used])),
        held_out=everywhere,
    )


def _refuse(x: Floats, noise: Floats, y: Floats) -> None:
    if len(y) < CELLS_MIN:
        raise CalibrationFinal(
            Refusal.TOO_FEW_CELLS,
            f"only {len(y)} quarter hours have both a count of people and a sensor that listened: "
            f"count for {(CELLS_MIN - len(y) + 3) // 4} more hours",
        )
    if y.sum() <= 0:
        raise CalibrationFinal(
            Refusal.NOBODY_COUNTED, "all counts are 0: count at times when people are present"
        )
    if x.sum() <= HEARD_SD * np.sqrt(noise.sum()):
        raise CalibrationFinal(
            Refusal.NOTHING_HEARD,
            "people were counted but the sensor heard no more than its own noise: "
            "check its place and the signal threshold, or count at busier times",
        )


def _folds(days: Ints) -> Ints:
    """Number the fold of each cell: its day, groups of days when there are many, or a quarter."""
    _, day = np.unique(days, return_inverse=True)
    count = int(day.max()) + 1
    if count >= DAYS_MIN:
        return day if count <= FOLDS_MAX else day * FOLDS_MAX // count
    return np.arange(len(days)) * DAYS_MIN // len(days)


def _choose(x: Floats, noise: Floats, y: Floats, fold: Ints) -> tuple[str, Curve, Floats]:
    """Return the shape with the best held-out error, its curve, and the procedure's estimates.

    Each fold's estimate is by the shape that is best on the *other* folds, so that choosing is part
    of what is measured.
    """
    curves: dict[str, Curve] = {}
    estimates: dict[str, Floats] = {}
    for name, shape in SHAPES.items():
        curve, guess = shape(x, noise, y), _held_out(shape, x, noise, y, fold)
        if curve is not None and guess is not None:
            curves[name], estimates[name] = curve, guess
    errors = {name: np.abs(guess - y) for name, guess in estimates.items()}
    held_out = np.empty(len(y))
    for k in np.unique(fold):
        others = fold != k
        chosen = _best({name: float(error[others].mean()) for name, error in errors.items()})
        held_out[~others] = estimates[chosen][~others]
    best = _best({name: float(error.mean()) for name, error in errors.items()})
    return best, curves[best], held_out


def _best(errors: Mapping[str, float]) -> str:
    names = iter(errors)
    best = next(names)
    for name in names:
        if errors[name] < errors[best] * (1 - GAIN):
            best = name
    return best


def _held_out(shape: Shape, x: Floats, noise: Floats, y: Floats, fold: Ints) -> Floats | None:
    """Estimate each fold by the shape fitted to the others; None where it can't be fitted."""
    guess = np.empty(len(y))
    for k in np.unique(fold):
        train = fold != k
        curve = shape(x[train], noise[train], y[train])
        if curve is None:
            return None
        guess[~train] = curve.people(x[~train])
    return guess


def _stored(first: str, curve: Curve, left: Residuals) -> dict[str, float]:
    """Return what ``occupancy`` needs as plain numbers."""
    shape = {"intercept": curve.intercept, "threshold": curve.threshold, "exponent": curve.exponent}
    reach = {} if np.isinf(curve.reach) else {"reach": curve.reach}
    return {first: curve.slope, **shape, **reach, "signal_error": left.signal}
