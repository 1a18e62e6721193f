"""How long people stay and how many come: from person-hours and the dwell histogram."""

from collections.abc import Sequence

import numpy as np

from chaland.hub.footfall.estimates.noise import Floats, laplace_variance

DEFAULT_DWELL_S = 1200.0
"""Stand-in for the mean stay where too few stays were seen; its error forbids showing people."""
DEFAULT_DWELL_ERROR = 0.5
FOLLOWED_STAY_ERROR = 0.5
"""Relative error of a mean stay that nobody counted, beside its noise. Who can be followed is not
everybody, and short or broken lives count in other ways than visits: in the simulated town such
stays are off by half in the median (``python -m bench visits``). Too much to show visits."""
CLEAR_SD = 4.0
"""Stays seen must exceed their noise by this many standard deviations to make a mean."""


def bin_means(edges_s: Sequence[int]) -> Floats:
    """Return the mean stay within each bin for a density that falls as 1 / t, seconds, (bins,).

    Stays are many short and few long ones: the middle of a wide bin is too late. The first bin, if
    it starts at 0, takes its middle.
    """
    low, high = np.asarray(edges_s[:-1], np.float64), np.asarray(edges_s[1:], np.float64)
    start = np.maximum(low, 1.0)
    return np.where(low > 0, (high - start) / np.log(high / start), (low + high) / 2)


def mean_dwell(edges_s: Sequence[int], counts: Floats, scale: float) -> tuple[float, float]:
    """Return the mean stay in seconds and its variance, from a noised histogram (row E4).

    ``edges_s`` (bins + 1,), ``counts`` (bins,) summed over the days pooled, ``scale`` the Laplace
    scale of one bin of that sum (the root of the sum of squares of the days' scales). Delta method:
    each bin's count varies by itself (Poisson) and by its noise; stays spread evenly inside a bin.
    Too few stays above the noise: the default stay, with an error of half of it.
    """
    centre = bin_means(edges_s)
    noise = float(laplace_variance(scale))
    total = float(counts.sum())
    if total <= CLEAR_SD * np.sqrt(noise * len(counts) + max(total, 1.0)):
        return DEFAULT_DWELL_S, (DEFAULT_DWELL_ERROR * DEFAULT_DWELL_S) ** 2
    mean = float(np.clip(counts @ centre / total, centre[0], centre[-1]))
    stays = np.maximum(counts, 0.0)
    inside = stays * np.diff(np.asarray(edges_s, np.float64)) ** 2 / 12
    spread = (stays + noise) * (centre - mean) ** 2
    return mean, float((spread + inside).sum()) / total**2


def visits(
    person_hours: Floats, person_hours_variance: Floats, dwell_s: Floats, dwell_variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return visits = person-hours / mean stay (row D1, Little's law), with both kinds of error.

    All arrays have one shape. Returned: visits; the variance that comes from the person-hours and
    averages out over periods; the relative error from the mean stay, which all periods that use
    the same stay share. The mean of 1 / stay exceeds 1 / mean stay by its squared relative error:
    corrected.
    """
    share = np.sqrt(dwell_variance) / dwell_s
    per_person_hour = 3600.0 / dwell_s / (1 + share**2)
    return (
        person_hours * per_person_hour,
        person_hours_variance * per_person_hour**2,
        share,
    )


def capture_rate(visitors: Floats, passers_by: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return visitors / (visitors + passers-by) and its variance, any shape (row D2, from E2, E3).

    ``variance`` is the noise variance of either sum (they share one budget). NaN where the two
    together are not clear of the noise: a ratio of noise says nothing.
    """
    heard = visitors + passers_by
    clear = heard > CLEAR_SD * np.sqrt(2 * variance)
    below = np.where(clear, heard, np.nan)
    counted = np.maximum(visitors, 0) * np.maximum(passers_by, 0) / np.maximum(heard, 1)
    noise = variance * (visitors**2 + passers_by**2) / below**2
    return visitors / below, (noise + counted) / below**2
