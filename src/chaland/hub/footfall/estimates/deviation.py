"""How far a day or a month departs from the usual: little as a rule, much at an event."""

import numpy as np

from chaland.hub.footfall.estimates.noise import Floats

DEPARTURES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
"""Relative departures between which the data choose, as standard deviations."""
USUAL_COUNTS = 2.0
"""Weight in favour of no departure beside chance, as so many figures that showed none."""
EVENT_SHARE = 0.02
"""Share of figures that are always taken to depart by any of DEPARTURES: an event is possible."""
_PASSES = 200


def departures(
    missed: Floats, noise: Floats, usual: Floats, chance: Floats
) -> tuple[Floats, Floats]:
    """Return the expected departure from ``usual`` and its variance, (n,) each.

    ``missed`` (n,) is what was measured less ``usual``, with noise of variance ``noise``;
    ``chance`` the variance that the true figure has anyway (who happens to come). Empirical Bayes:
    a mixture of normals around 0 (Stephens 2017), one for each of DEPARTURES times ``usual``, its
    weights those of greatest likelihood (EM) over all n. Large departures are so believed, small
    ones, that noise explains, not. NaN stays NaN.
    """
    spread = chance[:, None] + (DEPARTURES * np.maximum(usual, 0.0)[:, None]) ** 2
    total = np.maximum(spread + noise[:, None], 1e-9)
    known = np.isfinite(total).all(axis=1) & np.isfinite(missed)
    fit = np.where(known[:, None], -(missed[:, None] ** 2) / total - np.log(total), 0.0) / 2
    likely = np.exp(fit - fit.max(axis=1, keepdims=True))
    weight = np.full(len(DEPARTURES), 1 / len(DEPARTURES))
    prior = np.r_[USUAL_COUNTS, np.zeros(len(DEPARTURES) - 1)]
    for _ in range(_PASSES):
        belief = likely * weight
        belief /= belief.sum(axis=1, keepdims=True)
        weight = belief[known].sum(axis=0) + prior
        weight /= weight.sum()
    weight = (1 - EVENT_SHARE) * weight + EVENT_SHARE / len(weight)
    belief = likely * weight
    belief /= belief.sum(axis=1, keepdims=True)
    trust = spread / total
    mean = (belief * trust).sum(axis=1) * missed
    each = trust * noise[:, None] + (trust * missed[:, None]) ** 2
    variance = (belief * each).sum(axis=1) - mean**2
    return np.where(known, mean, np.nan), np.where(known, variance, np.nan)
