"""The tests behind the verdicts, with error rates that hold for every distribution of the counts.

No asymptotics decide about epsilon: limits of a probability come from the Chernoff bound, which
holds for every sample size (Langford 2005, "Tutorial on practical prediction theory", lemma 3.6).
"""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_THRESHOLDS = 60
_STEPS = 60


def limits(hits: Floats, runs: int, chance: float) -> tuple[Floats, Floats]:
    """Return lower and upper limits of probabilities estimated by ``hits`` of ``runs``.

    Each limit is wrong with probability ``chance`` at most: KL(hits / runs, limit) =
    log(1 / chance) / runs, solved by bisection.
    """
    seen, room = hits / runs, log(1 / chance) / runs
    return _solve(seen, np.zeros_like(seen), room), _solve(seen, np.ones_like(seen), room)


def _solve(seen: Floats, end: Floats, room: float) -> Floats:
    near, far = seen.copy(), end.copy()
    for _ in range(_STEPS):
        middle = (near + far) / 2
        inside = _divergence(seen, middle) <= room
        near, far = np.where(inside, middle, near), np.where(inside, far, middle)
    return near


def _divergence(p: Floats, q: Floats) -> Floats:
    q = np.clip(q, 1e-300, 1 - 1e-16)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(p > 0, p * np.log(p / q), 0.0)
        other = np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - q)), 0.0)
    result: Floats = one + other
    return result


def epsilon_shown(present: Integers, absent: Integers, chance: float) -> tuple[float, float]:
    """Return (most likely, surely exceeded) privacy loss between two samples of one output.

    The attacker asks whether the output is at least (at most) a threshold; log ratios of the two
    probabilities, in both directions, over all thresholds. The second number exceeds the true loss
    with probability ``chance`` at most.
    """
    low, high = np.quantile(np.concatenate([present, absent]), [0.0005, 0.9995])
    at = np.unique(np.linspace(low, high, _THRESHOLDS).astype(np.int64))
    each = chance / (4 * 2 * at.size)
    point = sure = 0.0
    for sign in (1, -1):
        tails = [_at_least(sign * sample, sign * at) for sample in (present, absent)]
        ends = [limits(tail, present.size, each) for tail in tails]
        for one, other in ((0, 1), (1, 0)):
            some = tails[one] > 0.001 * present.size
            if not some.any():
                continue
            more, fewer = tails[one][some], np.maximum(tails[other][some], 0.5)
            point = max(point, float(np.log(more / fewer).max()))
            lower, upper = ends[one][0][some], np.maximum(ends[other][1][some], 1e-12)
            sure = max(sure, float(np.log(np.maximum(lower, 1e-300) / upper).max()))
    return point, sure


def _at_least(sample: Integers, thresholds: Integers) -> Floats:
    hits = sample.size - np.searchsorted(np.sort(sample), thresholds, side="left")
    return hits.astype(np.float64)


def laplace_masses(scale: float, values: Integers) -> Floats:
    """Return P(X = value) of discrete Laplace noise of a scale."""
    a = 1 / scale
    masses: Floats = (1 - exp(-a)) / (1 + exp(-a)) * np.exp(-a * np.abs(values))
    return masses


def misfit(noise: Integers, scale: float) -> float:
    """Return how many standard deviations a sample is from discrete Laplace noise of ``scale``.

    Chi-square over values that are expected at least 20 times (the tails pooled), turned into a
    normal deviate by Wilson and Hilferty (1931).
    """
    reach = 1
    while laplace_masses(scale, np.array([reach + 1]))[0] * noise.size >= 20:
        reach += 1
    width = max(1, (2 * reach + 1) // 80)
    edges = np.arange(-reach, reach + 2, width)
    wide = np.arange(-60 * int(scale + 1), 60 * int(scale + 1) + 1)
    cells = np.searchsorted(edges, wide, side="right")
    expected = np.bincount(cells, laplace_masses(scale, wide), edges.size + 1) * noise.size
    seen = np.bincount(np.searchsorted(edges, noise, side="right"), minlength=edges.size + 1)
    used = expected >= 5
    square = float(((seen - expected)[used] ** 2 / expected[used]).sum())
    degrees = int(used.sum()) - 1
    third = float(square / degrees) ** (1 / 3)
    return float((third - (1 - 2 / (9 * degrees))) / sqrt(2 / (9 * degrees)))


def deviate(chance: float) -> float:
    """Return the normal deviate that is exceeded with probability ``chance``."""
    return NormalDist().inv_cdf(1 - chance)


def correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two samples in standard deviations from none.

    Of signs against the median, so that no tail decides: exact variance 1 / n.
    """
    left, right = (np.sign(x - np.median(x)) for x in (one, other))
    return float((left * right).mean() * sqrt(left.size))


def repeats(one: Integers, other: Integers) -> float:
    """Return by how many standard deviations two samples are most alike, over all shifts.

    Signs against the median, correlated by a fast Fourier transform; of a sample with itself, all
    shifts but none. Under independence each shift's sum has mean 0 and variance 1 / n, about.
    """
    left, right = (np.sign(x - np.median(x) - 0.5).astype(np.float64) for x in (one, other))
    turned = np.fft.rfft(left - left.mean()) * np.conj(np.fft.rfft(right - right.mean()))
    sums = np.fft.irfft(turned, left.size) / (left.std() * right.std() * np.sqrt(left.size))
    if one is other:
        sums = sums[1:]
    return float(np.abs(sums).max())
