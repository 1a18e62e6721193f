"""People present, from released counts: the curve of a shop, and how sure it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from chaland.hub.footfall.estimates.crowd import signal
from chaland.hub.footfall.estimates.noise import Floats

COUNTS = ("fingerprints", "scans")

DEFAULT_COEFFICIENTS: Mapping[str, Mapping[str, float]] = {
    "default": {"fingerprints": 0.70, "signal_error": 0.5},
    "strict": {"scans": 0.5, "signal_error": 0.6},
}
"""Rough people per count and window for a shop that was never calibrated: for an index only."""


@dataclass(frozen=True)
class Curve:
    """People as a function of the signal (mean per window).

    ``slope * max(signal - threshold, 0) ** exponent + intercept`` up to ``reach``, the strongest
    signal seen in calibration; beyond it people grow in proportion, because nothing tells how the
    room bends there. A straight line has exponent 1 and threshold 0 and goes below 0, so that the
    noise of empty hours cancels in sums.
    """

    slope: float
    intercept: float = 0.0
    threshold: float = 0.0
    exponent: float = 1.0
    reach: float = np.inf

    @classmethod
    def of(cls, coefficients: Mapping[str, float]) -> Self:
        """Read the curve out of stored coefficients; other keys are not its business."""
        first = "fingerprints" if "fingerprints" in coefficients else "scans"
        shape = {
            name: coefficients[name]
            for name in ("intercept", "threshold", "exponent", "reach")
            if name in coefficients
        }
        return cls(coefficients[first], **shape)

    def people(self, value: Floats) -> Floats:
        """Return people for each signal value, same shape."""
        if self.exponent == 1.0 and self.threshold == 0.0:
            return self.intercept + self.slope * value
        seen = np.clip(value, self.threshold, self.reach) - self.threshold
        beyond = np.maximum(value - self.threshold, 0.0) / np.maximum(seen, 1e-9)
        bend = self.slope * seen**self.exponent
        return self.intercept + bend * np.where(value > self.reach, beyond, 1.0)

    def noise(self, value: Floats, variance: Floats) -> Floats:
        """Return the variance in people that noise of ``variance`` in the signal makes, (n,).

        Half the difference over one standard deviation to each side: right for a straight line,
        and finite at the threshold, where the slope of the curve is not.
        """
        step = np.sqrt(variance)
        spread: Floats = ((self.people(value + step) - self.people(value - step)) / 2) ** 2
        return spread

    def signal_error(self, value: Floats, relative: float) -> Floats:
        """Return the variance in people that a ``relative`` error of the signal makes, (n,)."""
        return self.noise(value, (relative * np.maximum(value, 0.0)) ** 2)


def occupancy(
    counts: Mapping[str, Floats],
    windows: Floats,
    scales: Mapping[str, Floats | float],
    coefficients: Mapping[str, float],
    residual_sd: float,
) -> tuple[Floats, Floats]:
    """Return mean people present in each cell and the variance of that estimate, (n,) each.

    ``counts`` are released sums over the observed ``windows`` (0 to 3), ``scales`` the Laplace
    scales of the sums; ``coefficients`` and ``residual_sd`` come from ``fit`` or
    ``DEFAULT_COEFFICIENTS``. NaN where nothing was observed. The variance adds the noise, an error
    of the signal itself (``signal_error`` of it), both through the curve, and ``residual_sd``.
    Errors of one day go together: ``Fit.day_error``.
    """
    used = COUNTS if "fingerprints" in coefficients else COUNTS[1:]
    heard = signal({name: counts[name] for name in used if name in counts}, windows, scales)
    curve = Curve.of(coefficients)
    mean = curve.people(heard.value)
    own = curve.signal_error(heard.value, coefficients.get("signal_error", 0.0))
    return mean, curve.noise(heard.value, heard.variance) + own + residual_sd**2
