"""How far a day or a month departs from the usual: little as a rule, much at an event."""

import numpy as np

from chaland.hub.footfall.estimates.noise import Floats

DEPARTURES = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
"""Relative departures between which the data choose, as standard deviations."""
USUAL_COUNTS = 2.0
"""Weight in favour of no departure beside chance, as so many figures that showed none."""
EVENT_SHARE = 0.02
"""Share of figures that are always taken to depart by any of DEPARTURES: an event is possible."""
SHIFT_SHARE = 0.4
"""Relative departure to be expected for a shift of 1 (see ``shift``), as a standard deviation.

Measured on days of events: 0.25 at a shift of 0.7.
"""
_PASSES = 200


def shift(visitors: Floats, usual: Floats) -> Floats:
    """Return how far days' visitors (..., n) went to other places than ``usual`` (n,): (...,).

    The root mean square of the logarithm of each place's growth over the town's; 0 on a day with
    twice as many people everywhere, or without places. Visitors are told far more surely than
    pairs are, so an event shows here when its pairs are still drowned in noise.
    """
    usual = np.maximum(usual, 1.0)  # a place that nobody was seen in can't grow
    whole = np.maximum(np.maximum(visitors, 0.0).sum(axis=-1, keepdims=True), 1.0)
    town = whole / max(usual.sum(), 1.0)
    own = np.log(np.clip(visitors / usual / town, 0.05, 20.0))
    root: Floats = np.sqrt((own**2).sum(axis=-1) / max(len(usual), 1))
    return root


def departures(
    missed: Floats,
    noise: Floats,
    usual: Floats,
    chance: Floats,
    shifted: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """Return the expected departure from ``usual`` and its variance, (n,) each.

    ``missed`` (n,) is what was measured less ``usual``, with noise of variance ``noise``;
    ``chance`` the variance that the true figure has anyway (who happens to come). Empirical Bayes:
    a mixture of normals around 0 (Stephens 2017), one for each of DEPARTURES times ``usual``, its
    weights those of greatest likelihood (EM) over all n. Large departures are so believed, small
    ones, that noise explains, not. Figures of days that ``shifted`` (n,) depart at least as far as
    such days do: few of them can't teach the mixture. NaN stays NaN.
    """
    least = np.broadcast_to(SHIFT_SHARE * np.asarray(shifted), missed.shape)
    relative = np.hypot(DEPARTURES, least[:, None])
    spread = chance[:, None] + (relative * np.maximum(usual, 0.0)[:, None]) ** 2
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
