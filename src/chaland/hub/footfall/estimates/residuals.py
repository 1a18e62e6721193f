"""Where a calibration's error comes from: noise, the cell, the day, the scale of it all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.noise import Floats
from chaland.hub.footfall.estimates.occupancy import Curve

Ints = NDArray[np.int64]

NEAR_CELLS = 3
"""Cells at most so far apart (an hour) tell how much neighbouring errors have in common."""

_FLOORS = np.geomspace(0.25, 8.0, 16)
_SIGNAL_ERRORS = np.linspace(0.0, 1.0, 26)


@dataclass(frozen=True)
class Residuals:
    """What is left of held-out errors once the release noise is taken out.

    ``signal`` is the relative error of the signal: rooms with as many people differ so much in what
    their phones send. Through the curve it becomes an error in people, large where the curve is
    steep. ``floor_sd`` is in people, whatever the signal. ``day`` is the relative error that cells
    less than an hour apart have in common: who is in the room, and how loud their phones are,
    changes slowly. Taken as common to a whole day it is right for hours and cautious for days.
    ``scale`` is the relative standard error of all figures' common scale.
    """

    floor_sd: float
    signal: float
    day: float
    scale: float


def residuals(
    curve: Curve, heard: Floats, noise: Floats, *, truth: Floats, held_out: Floats, day: Ints
) -> Residuals:
    """Split the held-out errors; all arrays (n,) in time order.

    ``heard`` is the signal and ``noise`` the variance of the release noise in it. Floor and signal
    error are those of greatest normal likelihood on a grid; the others by moments.
    """
    error = truth - held_out
    floor, relative = _likeliest(curve, heard, noise, error)
    people = np.maximum(held_out, 0.0)
    together = among = 0.0
    for lag in range(1, NEAR_CELLS + 1):
        near = day[lag:] == day[:-lag]
        together += float((error[lag:] * error[:-lag])[near].sum())
        among += float((people[lag:] * people[:-lag])[near].sum())
    common = max(together / among, 0.0) if among > 0 else 0.0
    return Residuals(floor, relative, float(np.sqrt(common)), _scale(truth, held_out, day))


def _likeliest(curve: Curve, heard: Floats, noise: Floats, error: Floats) -> tuple[float, float]:
    """Return the floor (people) and the relative error of the signal that explain the errors."""
    released = curve.noise(heard, noise)
    best, found = np.inf, (float(_FLOORS[0]), 0.0)
    for relative in _SIGNAL_ERRORS:
        own = curve.signal_error(heard, float(relative))
        for floor in _FLOORS:
            variance = released + own + floor**2
            surprise = float((np.log(variance) + error**2 / variance).sum())
            if surprise < best:
                best, found = surprise, (float(floor), float(relative))
    return found


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
