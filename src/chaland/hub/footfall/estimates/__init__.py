"""From released, noised counts to people: pure NumPy, no Django, nothing random.

``signal`` joins the counts of a cell, ``fit`` calibrates a shop, ``occupancy`` estimates people
present with a variance, ``hours`` and ``days`` average it, ``mean_dwell`` and ``visits`` turn it
into visits. The method and its measured errors: docs/explanation/counting.md.
"""

from chaland.hub.footfall.estimates.calibration import CalibrationFinal, Fit, Refusal, fit
from chaland.hub.footfall.estimates.crowd import Signal, signal
from chaland.hub.footfall.estimates.dwell import capture_rate, mean_dwell, visits
from chaland.hub.footfall.estimates.noise import interval, laplace_variance
from chaland.hub.footfall.estimates.occupancy import DEFAULT_COEFFICIENTS, Curve, occupancy
from chaland.hub.footfall.estimates.totals import Averages, average, days, hours, occupancy_now

__all__ = [
    "DEFAULT_COEFFICIENTS",
    "Averages",
    "CalibrationFinal",
    "Curve",
    "Fit",
    "Refusal",
    "Signal",
    "average",
    "capture_rate",
    "days",
    "fit",
    "hours",
    "interval",
    "laplace_variance",
    "mean_dwell",
    "occupancy",
    "occupancy_now",
    "signal",
    "visits",
]
