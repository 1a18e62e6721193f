"""From released, noised counts to people: pure NumPy, no Django, nothing random.

``signal`` joins the counts of a cell, ``fit`` calibrates a shop, ``occupancy`` estimates people
present with a variance, ``fit_stay`` turns it into visits where people who came in were counted,
``mean_dwell`` elsewhere. The method and its measured errors: docs/explanation/counting.md.

Co-visits are imported from their modules: ``covisits`` (a day's sketches into what is kept),
``flows`` and ``zone_flows`` (figures of periods), ``distinct`` (different people). The method and
its measured errors: docs/explanation/co-visits.md.
"""

from chaland.hub.footfall.estimates.calibration import CalibrationFinal, Fit, Refusal, fit
from chaland.hub.footfall.estimates.crowd import Signal, signal
from chaland.hub.footfall.estimates.dwell import (
    DEFAULT_DWELL_S,
    FOLLOWED_STAY_ERROR,
    capture_rate,
    mean_dwell,
    visits,
)
from chaland.hub.footfall.estimates.noise import laplace_variance
from chaland.hub.footfall.estimates.now import occupancy_now
from chaland.hub.footfall.estimates.occupancy import DEFAULT_COEFFICIENTS, Curve, occupancy
from chaland.hub.footfall.estimates.stay import (
    DRIFT_ERROR,
    TOWN_DAY_ERROR,
    TOWN_HOUR_ERROR,
    Stay,
    fit_stay,
)

__all__ = [
    "DEFAULT_COEFFICIENTS",
    "DEFAULT_DWELL_S",
    "DRIFT_ERROR",
    "FOLLOWED_STAY_ERROR",
    "TOWN_DAY_ERROR",
    "TOWN_HOUR_ERROR",
    "CalibrationFinal",
    "Curve",
    "Fit",
    "Refusal",
    "Signal",
    "Stay",
    "capture_rate",
    "fit",
    "fit_stay",
    "laplace_variance",
    "mean_dwell",
    "occupancy",
    "occupancy_now",
    "signal",
    "visits",
]
