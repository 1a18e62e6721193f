"""One signal out of two counts: fingerprints while they last, the scan rate in a crowd.

Phones of one model share a fingerprint, so a crowd of few models fills each minute with the same
pairs and ``fingerprints`` stops growing. ``scans`` counts the same phones in 5-second slots, which
fill twelve times later: it is the additive scan rate of RateCount (arXiv 2507.03873; Matte and
Cunche 2016), but a few phones that scan all the time weigh heavily in it. So fingerprints serve
until the scan rate is ahead of them beyond doubt; what it is ahead by is then added: no jump.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall.estimates.noise import Bools, Floats, laplace_variance

SLOTS_PER_MINUTE = 12
CROWDED_RATIO = 2.5
"""Scans per fingerprint-minute from which a crowd is suspected: a quiet room shows 1 to 2."""
DOUBT_SD = 2.0
"""The suspicion must hold with both counts this many standard deviations of noise against it."""

_MU = np.geomspace(1e-3, 60, 4000)
_RATIO_OF_MU = SLOTS_PER_MINUTE * -np.expm1(-_MU / SLOTS_PER_MINUTE) / -np.expm1(-_MU)


@dataclass(frozen=True)
class Signal:
    """Per cell, shape (n,): ``value`` is the signal as mean per window, NaN where not observed.

    ``variance`` is that of its noise. ``crowded`` flags cells whose two counts disagree: there the
    value follows the scan rate, in units of fingerprints.
    """

    value: Floats
    variance: Floats
    crowded: Bools


def signal(
    counts: Mapping[str, Floats], windows: Floats, scales: Mapping[str, Floats | float]
) -> Signal:
    """Join the released counts (sums over the observed ``windows``) of each cell.

    ``counts`` holds "fingerprints" and "scans", each (n,), or one of them ("scans" alone is the
    strict mode); ``scales`` the Laplace scale of each sum, 0 where the count is exact.
    """
    listened = np.where(windows > 0, windows, np.nan).astype(np.float64)
    variances = {name: laplace_variance(scales[name]) + 0 * counts[name] for name in counts}
    first = "fingerprints" if "fingerprints" in counts else "scans"
    value, variance = counts[first], variances[first]
    crowded = np.zeros(len(value), np.bool_)
    if len(counts) == 2:
        at_most = value + DOUBT_SD * np.sqrt(variance)
        at_least = counts["scans"] - DOUBT_SD * np.sqrt(variances["scans"])
        hidden = np.maximum(scan_rate(at_most, at_least) - at_most, 0.0)
        crowded = hidden > 0
        value = value + hidden
        variance = np.where(crowded, variances["scans"] / CROWDED_RATIO**2, variance)
    return Signal(value / listened, variance / listened**2, crowded)


def scan_rate(fingerprints: Floats, scans: Floats) -> Floats:
    """Return the scan rate in units of fingerprints, corrected for scans that share a slot.

    With mu scans a minute from phones of one fingerprint, arriving at random, a minute is filled
    with probability 1 - exp(-mu) and a slot with 1 - exp(-mu / 12) (linear counting). The ratio of
    the two counts gives mu, and mu how many scans hide behind those seen. The result equals
    ``fingerprints`` where the ratio is ``CROWDED_RATIO``, so that one can lead on from the other.
    """
    ratio = np.clip(scans / np.maximum(fingerprints, 1.0), 1.0, SLOTS_PER_MINUTE - 1.0)
    return scans * _hidden(ratio) / (CROWDED_RATIO * _hidden(np.array(CROWDED_RATIO)))


def _hidden(ratio: Floats) -> Floats:
    """Return true scans per scan seen, >= 1, for a ratio of scans to fingerprints."""
    per_slot = np.interp(ratio, _RATIO_OF_MU, _MU) / SLOTS_PER_MINUTE
    return per_slot / -np.expm1(-per_slot)
