"""Where a calibration's error comes from: noise, the cell, the day, the scale of it all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.noise import Floats

Ints = NDArray[np.int64]


NEAR_CELLS = 3
"""Cells at most so far apart (an hour) tell how much neighbouring errors have in common."""


@dataclass(frozen=True)
class Residuals:
    """What is left of held-out errors once the release noise is taken out.

    A cell's error variance is ``floor_sd ** 2 + (share * people) ** 2``. ``day`` is the relative
    error that cells less than an hour apart have in common: who is in the room, and how loud their
    phones are, changes slowly. Taken as common to a whole day it is right for hours and cautious
    for days. ``scale`` is the relative standard error of all figures' common scale.
    """

    floor_sd: float
    share: float
    day: float
    scale: float


def residuals(truth: Floats, held_out: Floats, noise: Floats, day: Ints) -> Residuals:
    """Split the held-out errors; all arrays (n,) in time order, ``noise`` the release noise's
    variance in people.

    Method of moments throughout; negative variances become 0.
    """
    error = truth - held_out
    people = np.maximum(held_out, 0.0)
    floor, share = _floor_and_share(error**2 - noise, people**2)
    together = among = 0.0
    for lag in range(1, NEAR_CELLS + 1):
        near = day[lag:] == day[:-lag]
        together += float((error[lag:] * error[:-lag])[near].sum())
        among += float((people[lag:] * people[:-lag])[near].sum())
    common = max(together / among, 0.0) if among > 0 else 0.0
    return Residuals(
        floor_sd=float(np.sqrt(floor)),
        share=float(np.sqrt(share)),
        day=float(np.sqrt(common)),
        scale=_scale(truth, held_out, day),
    )


def _floor_and_share(excess: Floats, square: Floats) -> tuple[float, float]:
    """Least squares of ``excess`` on 1 and ``square`` with both coefficients >= 0."""
    centred = square - square.mean()
    spread = float((centred**2).sum())
    share = float((centred * excess).sum()) / spread if spread > 0 else 0.0
    floor = float(excess.mean()) - share * float(square.mean())
    if share < 0:
        return max(float(excess.mean()), 0.0), 0.0
    if floor < 0:
        weight = float((square**2).sum())
        return 0.0, max(float((square * excess).sum()) / weight, 0.0) if weight > 0 else 0.0
    return floor, share


def _scale(truth: Floats, held_out: Floats, day: Ints) -> float:
    """Return the jackknife standard error, by days, of the ratio of all truth to all estimates."""
    _, place = np.unique(day, return_inverse=True)
    top, below = np.bincount(place, truth), np.bincount(place, held_out)
    days = len(top)
    without = below.sum() - below
    if days < 2 or below.sum() <= 0 or (without <= 0).any():
        return 0.0
    ratios = (top.sum() - top) / without
    spread = float(((ratios - ratios.mean()) ** 2).sum()) * (days - 1) / days
    return float(np.sqrt(spread) / ratios.mean()) if ratios.mean() > 0 else 0.0
