"""People present now, from the latest quarter hours."""

import numpy as np

from chaland.hub.footfall.estimates.noise import Floats

NOW_WEIGHTS = (2 / 3, 1 / 3)
"""The last cell and the one before it: halves the noise at the price of a quarter hour's lag."""


def occupancy_now(mean: Floats, variance: Floats) -> tuple[float, float]:
    """Return people present now and the variance, from a shop's latest cells in time order.

    Uses the last two cells; a missing one (NaN) leaves the other. Both NaN: NaN.
    """
    last = mean[-2:][::-1]
    weights = np.array(NOW_WEIGHTS[: len(last)]) * ~np.isnan(last)
    if not weights.any():
        return float("nan"), float("nan")
    weights /= weights.sum()
    now = float(np.nansum(weights * last))
    return now, float(np.nansum(weights**2 * variance[-2:][::-1]))
