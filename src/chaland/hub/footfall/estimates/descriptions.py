"""Descriptions of a mean day's co-visits that say in few numbers what pairs have in common.

"Chance and a few themes" (eigenvalues shrunk after Gavish and Donoho 2017), "likes attract" (a
log-bilinear model), "zones attract", and "some pairs attract" (empirical Bayes, Kiefer and
Wolfowitz 1956). ``pattern`` weighs them. Derivations: docs/explanation/co-visits.md.
"""

from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall.estimates.covisits import Ints
from chaland.hub.footfall.estimates.noise import Floats

TASTE_PENALTY = 30.0
"""Penalty on the bilinear model's coordinates, in units of the noise; chosen on simulated towns."""
LEVEL_ERROR = 0.05
"""How much shops differ in how many other shops their visitors see, as a standard deviation."""
ZONES_SPREAD = 1.0
"""How much zones' co-visits differ from chance, relative: draws those of few pairs to chance."""
RATIOS = np.r_[0.02, np.geomspace(0.08, 12.0, 40)]
"""Co-visits over chance between which ``ratios`` lets the pairs choose."""
RATIOS_BLUR = 0.15
"""Pairs' ratios are not the same few numbers: their law is blurred so much, in logarithms."""
_PASSES = 40


@dataclass(frozen=True)
class Mean:
    """Means of a day: ``covisits`` (S, S) with ``variance`` (inf: unknown), ``visitors`` (S,)."""

    covisits: Floats
    variance: Floats
    visitors: Floats

    @property
    def weight(self) -> Floats:
        """Return 1 / variance, 0 where unknown."""
        weight: Floats = 1 / self.variance
        return weight

    def chance(self) -> Floats:
        """Return the co-visits if shops were visited independently: as visitors times visitors."""
        product = np.outer(self.visitors, self.visitors)
        below = float((self.weight * product**2).sum())
        slope = float((self.weight * product * self.covisits).sum()) / below if below > 0 else 0.0
        chance: Floats = np.maximum(slope, 1e-9) * product
        return chance


def low_rank(mean: Mean, passes: int = 30) -> Floats:
    """Return chance plus the few themes that stand out of the noise, (S, S).

    In units of the noise, what exceeds chance is a symmetric matrix with unit noise: its
    eigenvalues up to 2 sqrt(S) may be nothing but noise. One of y sqrt(S) is set to
    sqrt(y^2 - 4) sqrt(S), which is best in squared error (Gavish and Donoho 2017). The unknown
    diagonal and unknown pairs are filled with what comes out, until it stays.
    """
    chance, sd = mean.chance(), np.sqrt(np.where(np.isinf(mean.variance), 1.0, mean.variance))
    known = np.isfinite(mean.variance) & ~np.eye(len(chance), dtype=bool)
    excess = (mean.covisits - chance) / sd
    edge = np.sqrt(max(len(chance) - 1, 1))
    themes = np.zeros_like(chance)
    for _ in range(passes):
        size, vectors = np.linalg.eigh(np.where(known, excess, themes))
        kept = np.sign(size) * np.sqrt(np.maximum((size / edge) ** 2 - 4, 0.0)) * edge
        before, themes = themes, (vectors * kept) @ vectors.T
        if np.abs(themes - before).max() < 1e-3:
            break
    return chance + themes * sd


def bilinear(mean: Mean) -> Floats:
    """Return chance * exp(level_s + level_t + taste_s . taste_t), (S, S).

    Penalised least squares by Gauss-Newton, all shops stepping at once, halfway. Shops that have
    visitors in common lie in a like direction, of which there may be as many as shops. Levels are
    held to LEVEL_ERROR: consistency with the shops' visitors.
    """
    chance, known = mean.chance(), np.isfinite(mean.variance)
    weight = np.where(known & ~np.eye(len(chance), dtype=bool), mean.weight, 0.0)
    taste = _first_tastes(mean, chance)
    shops, kinds = taste.shape
    level = np.zeros(shops)
    ridge = np.diag(np.r_[LEVEL_ERROR**-2, np.full(kinds, TASTE_PENALTY)])
    for _ in range(_PASSES):
        guess = chance * np.exp(np.clip(level[:, None] + level + taste @ taste.T, -6.0, 4.0))
        design = np.column_stack([np.ones(shops), taste])
        curve = np.einsum("st,ti,tj->sij", weight * guess**2, design, design, optimize=True) + ridge
        slope = (weight * (mean.covisits - guess) * guess) @ design
        slope -= np.column_stack([level - level.mean(), taste]) @ ridge
        step = np.clip(np.linalg.solve(curve, slope[..., None])[..., 0] / 2, -0.3, 0.3)
        level, taste = level + step[:, 0], taste + step[:, 1:]
        if np.abs(step).max() < 2e-3:
            break
    return chance * np.exp(np.clip(level[:, None] + level + taste @ taste.T, -6.0, 4.0))


def _first_tastes(mean: Mean, chance: Floats) -> Floats:
    """Return tastes to start from, (S, K): attracting directions of the log ratio to chance."""
    trust = chance**2 * mean.weight / (1 + chance**2 * mean.weight)
    ratio = np.log(np.clip(1 + trust * (mean.covisits / chance - 1), 0.1, 10.0))
    np.fill_diagonal(ratio, 0.0)
    size, vectors = np.linalg.eigh(ratio)
    wanted = size > max(size[-1], 1e-6) * 1e-3
    tastes: Floats = vectors[:, wanted] * np.sqrt(size[wanted])
    return tastes


def by_zones(mean: Mean, zones: Ints) -> Floats:
    """Return chance times a number for each two zones of ``zones`` (S,), (S, S).

    Weighted least squares over the pairs of shops, drawn to chance as ZONES_SPREAD says.
    """
    chance, each = mean.chance(), np.unique(zones, return_inverse=True)[1]
    weight = np.where(np.eye(len(chance), dtype=bool), 0.0, mean.weight)
    member = (each == np.arange(each.max() + 1)[:, None]).astype(np.float64)
    excess = member @ (weight * chance * (mean.covisits - chance)) @ member.T
    factor = 1 + excess / (member @ (weight * chance**2) @ member.T + ZONES_SPREAD**-2)
    described: Floats = chance * np.maximum(factor, 0.0)[np.ix_(each, each)]
    return described


def ratios(mean: Mean) -> Floats:
    """Return chance times each pair's expected ratio to it, (S, S): empirical Bayes.

    The law of the ratios is the one of greatest likelihood over RATIOS, by EM (Kiefer, Wolfowitz
    1956), then blurred. So the few pairs that stand far out stay as they are, which no smooth
    description allows, and the many that don't are drawn to what is common among them.
    """
    chance = mean.chance()
    upper = np.triu_indices(len(chance), 1)
    base, weight = chance[upper][:, None], mean.weight[upper][:, None]
    fit = -weight * (mean.covisits[upper][:, None] - base * RATIOS) ** 2 / 2
    likely = np.exp(fit - fit.max(axis=1, keepdims=True))
    known = weight[:, 0] > 0
    law = np.full(len(RATIOS), 1 / len(RATIOS))
    for _ in range(_PASSES if known.any() else 0):
        law *= likely[known].T @ (1 / (likely[known] @ law)) / known.sum()
    near = np.log(RATIOS)[:, None] - np.log(RATIOS)
    law = np.exp(-((near / RATIOS_BLUR) ** 2) / 2) @ law
    expected = np.zeros_like(chance)
    expected[upper] = base[:, 0] * (likely @ (law * RATIOS)) / (likely @ law)
    return expected + expected.T
