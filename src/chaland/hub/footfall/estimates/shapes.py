"""Candidate shapes of a shop's curve, from the simplest on.

The signal carries noise of known variance. Noise in a regressor flattens a fitted slope
(attenuation), and a flattened slope is wrong for sums of many cells. So the two straight candidates
take it out: the proportional one is a ratio of sums (noise has mean 0), the line divides by the
signal's variance less the noise's (errors in variables, method of moments). The curve is fitted to
what is released, and admitted only where noise is less than a tenth of the signal's variance.
"""

from collections.abc import Callable, Mapping

import numpy as np

from chaland.hub.footfall.estimates.noise import Floats
from chaland.hub.footfall.estimates.occupancy import Curve

LINE_RELIABILITY = 0.5
CURVE_RELIABILITY = 0.9
CURVE_CELLS_MIN = 60

_EXPONENTS = np.arange(0.3, 1.001, 0.05)
_THRESHOLDS = np.linspace(0.0, 1.0, 16)


def proportional(x: Floats, noise: Floats, y: Floats) -> Curve | None:
    """Fit people = slope * signal; a summed signal below its noise counts as its noise."""
    return Curve(float(y.sum() / max(x.sum(), np.sqrt(noise.sum()), 1.0)))


def line(x: Floats, noise: Floats, y: Floats) -> Curve | None:
    """Fit people = slope * (signal - background), background >= 0, slope free of attenuation."""
    spread = float(x.var())
    if reliability(x, noise) < LINE_RELIABILITY:
        return None
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / (spread - float(noise.mean()))
    intercept = float(y.mean() - slope * x.mean())
    return Curve(slope, intercept) if slope > 0 and intercept < 0 else None


def curve(x: Floats, noise: Floats, y: Floats) -> Curve | None:
    """Fit people = slope * (signal - threshold) ** exponent by least squares on a fixed grid.

    The threshold takes up devices and neighbours heard while the room is empty; the exponent (0.3
    to 1) that loud rooms hold phones that scan more, not only more phones.
    """
    if len(x) < CURVE_CELLS_MIN or reliability(x, noise) < CURVE_RELIABILITY:
        return None
    best, found = np.inf, None
    for threshold in _THRESHOLDS * max(float(np.median(x)), 0.0):
        above = np.maximum(x - threshold, 0.0)[:, None]
        bend = np.where(above > 0, above, 1.0) ** _EXPONENTS * (above > 0)
        slope = (y @ bend) / np.maximum((bend**2).sum(axis=0), 1e-12)
        miss = ((y[:, None] - slope * bend) ** 2).sum(axis=0)
        at = int(miss.argmin())
        if miss[at] < best:
            best, found = float(miss[at]), (slope[at], threshold, _EXPONENTS[at])
    if found is None:
        return None
    slope_, threshold_, exponent = map(float, found)
    return Curve(slope_, 0.0, threshold_, exponent, float(x.max()))


def reliability(x: Floats, noise: Floats) -> float:
    """Return the share of the signal's variance that is not noise; 0 or less: nothing but noise."""
    spread = float(x.var())
    return 1 - float(noise.mean()) / spread if spread > 0 else 0.0


Shape = Callable[[Floats, Floats, Floats], Curve | None]
"""Signal, noise variance, people, each (n,) -> curve, or None where the data can't carry it."""

SHAPES: Mapping[str, Shape] = {
    "proportional": proportional,
    "line": line,
    "curve": curve,
}
