"""What the sensor's noise does to a count."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

NORMAL_90 = 1.6448536269514722
"""Half-width, in standard deviations, of a two-sided 90 % normal interval."""


QUIET = 0.01
"""Below this scale noise is 0 with all but exp(-100) of its probability."""


def laplace_variance(scale: Floats | float) -> Floats:
    """Return the variance of discrete Laplace noise of ``scale`` = bound / epsilon.

    P(k) is proportional to exp(-|k| / scale) on the integers; its variance is 2 p / (1 - p)^2 with
    p = exp(-1 / scale) (Ghosh, Roughgarden, Sundararajan 2012), a little less than 2 scale^2.
    """
    width = np.asarray(scale, np.float64)
    quiet = width < QUIET
    p = np.exp(-1 / np.where(quiet, 1.0, width))
    return np.where(quiet, 0.0, 2 * p / (1 - p) ** 2)
