"""What a town's sketches of one day tell at once, before any history: unbiased, with its noise.

Derivations: docs/explanation/co-visits.md. In short: an address has one place among ``M``; so a
place is empty in shop s with probability exp(-visitors / M), and in s and t at once more often than
chance by the factor exp(co-visits / M). Randomised response is undone by a linear map, so all means
over places are unbiased.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.noise import Floats

EMPTY_MIN = 0.1
"""A sketch with fewer empty places than this share is saturated: its shop is not measured."""
COUNTED_MIN = 0.5
"""A shop that counted less than half of its day is not measured: the rest would be a guess."""


@dataclass(frozen=True)
class Sketches:
    """A town's decoded sketches of one day, a row a shop, S of them.

    ``shops`` and ``zones`` (S,) are ids, shops ascending; ``keys`` name the town's key of the day,
    only equal ones compare; ``bits`` (S, bits) holds 0 or 1, ``symbols`` (S, ordered) 0 to 2.
    ``counted`` (S,) is the share of the shop's day since the key came; ``excluded`` the share of
    addresses that objections bar by accident.
    """

    shops: NDArray[np.int64]
    zones: NDArray[np.int64]
    keys: Sequence[str]
    bits: NDArray[np.uint8]
    symbols: NDArray[np.uint8]
    epsilon: float
    counted: Floats
    excluded: float = 0.0

    @property
    def places(self) -> int:
        """Return in how many places an address could have fallen."""
        return int(self.bits.shape[1] + self.symbols.shape[1])


@dataclass(frozen=True)
class Part:
    """The places of one kind: ``empty`` (S, m) is unbiased for "nobody came", mean ``share`` (S,).

    ``noise`` is the variance of one entry that randomised response makes at an empty place.
    """

    empty: Floats
    share: Floats
    noise: float

    @property
    def places(self) -> int:
        return int(self.empty.shape[1])

    @property
    def spread(self) -> Floats:
        """Return the relative variance of one place's entry, (S,): noise, and who fell where."""
        return (self.noise + np.maximum(self.share * (1 - self.share), 0.0)) / self.share**2


def parts(sketches: Sketches) -> list[Part]:
    """Undo the randomised response of both kinds of places; kinds without places are left out."""
    e = np.exp(sketches.epsilon)
    kinds = [
        (sketches.bits == 0, e / (e + 1), 1 / (e + 1)),
        (sketches.symbols == 0, e / (e + 2), 1 / (e + 2)),
    ]
    return [
        _part((seen - false) / (true - false), true * (1 - true) / (true - false) ** 2)
        for seen, true, false in kinds
        if seen.shape[1]
    ]


def _part(empty: Floats, noise: float) -> Part:
    return Part(empty, np.maximum(empty.mean(axis=1), EMPTY_MIN / 2), noise)


def is_saturated(kinds: Sequence[Part]) -> NDArray[np.bool_]:
    """Tell which shops' sketches are too full to be read, (S,)."""
    full: NDArray[np.bool_] = np.any([part.share < EMPTY_MIN for part in kinds], axis=0)
    return full


def visitors(kinds: Sequence[Part], places: int) -> tuple[Floats, Floats]:
    """Return each shop's distinct visitors and their variance, (S,) each.

    Linear counting (Whang et al. 1990) of a noised bitmap. Balls in bins vary less than
    independent places would: by ``load * share**2`` a place.
    """
    values, weights = [], []
    for part in kinds:
        load = -np.log(part.share)
        values.append(places * load)
        own = np.maximum(part.spread - load, part.noise / part.share**2)
        weights.append(part.places / (own * places**2))
    total = np.sum(weights, axis=0)
    return np.sum(np.multiply(values, weights), axis=0) / total, 1 / total


def covisits(kinds: Sequence[Part], places: int) -> tuple[Floats, Floats, float]:
    """Return co-visits (S, S), their noise (S,) and the coupling of the noise of several pairs.

    C = M log(P00 / (P0 P0)), each kind of place weighed by what it tells. The noise of two pairs
    has the covariance N_su N_tv + N_sv N_tu, where N has ``noise`` on its diagonal and
    ``coupling * C`` beside it; so var(C_st) is about noise_s noise_t. The diagonal of C is NaN.
    """
    weight = np.array([part.places / np.mean(part.spread) ** 2 for part in kinds])
    weight /= weight.sum()
    together = np.zeros((len(kinds[0].share),) * 2)
    own = np.zeros(len(together))
    for part, w in zip(kinds, weight, strict=True):
        relative = part.empty / part.share[:, None]
        both = relative @ relative.T / part.places
        # The logarithm bends: half its variance comes back.
        bent = np.outer(part.spread, part.spread) / (2 * part.places)
        together += w * places * (np.log(np.maximum(both, 0.1)) + bent)
        own += (w * places * part.spread) ** 2 / part.places
    np.fill_diagonal(together, np.nan)
    sizes = np.array([part.places for part in kinds])
    return together, np.sqrt(own), float(np.sqrt((weight**2 / sizes).sum()))


def before_after(sketches: Sketches) -> tuple[Floats, Floats, Floats]:
    """Return who came to the row's shop before the hour and to the column's after it, (S, S).

    Last visits count, and their noise is row[s] * column[t] in variance, (S,) each. A symbol is
    "after" if anybody of its place came after, so log P(A, B) / (P(A) P(B)), B = "nobody after in
    t", tells who did A's contrary in s and came after to t; "anybody" less "after" is "before".
    """
    e, places = np.exp(sketches.epsilon), sketches.places
    true, false = e / (e + 2), 1 / (e + 2)
    nobody = ((sketches.symbols == 0) - false) / (true - false)
    nobody_after = 1 - ((sketches.symbols == 2) - false) / (true - false)
    anybody = nobody / np.maximum(nobody.mean(axis=1, keepdims=True), EMPTY_MIN / 2)
    after = nobody_after / np.maximum(nobody_after.mean(axis=1, keepdims=True), EMPTY_MIN / 2)
    m = sketches.symbols.shape[1]
    rows = np.log(np.maximum(anybody @ after.T / m, 0.1))
    columns = np.log(np.maximum(after @ after.T / m, 0.1))
    directed = places * (rows - columns)
    np.fill_diagonal(directed, np.nan)
    scale = places / np.sqrt(m)
    return directed, scale * (anybody - after).var(axis=1), scale * after.var(axis=1)


def unions(kinds: Sequence[Part], groups: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return how many places are empty in all shops of a group, as a share; and its variance.

    ``groups`` (G, S) are disjoint. Returned: (G, G) for two groups together, the diagonal for one
    alone, from the kind that has most places. The product of unbiased entries with independent
    noise is unbiased; its variance grows by 1 + noise with each shop.
    """
    part = max(kinds, key=lambda each: each.places)
    product = np.stack([part.empty[group].prod(axis=0) for group in groups])
    value = product @ product.T / part.places
    square = product**2 @ (product**2).T / part.places
    np.fill_diagonal(value, product.mean(axis=1))
    np.fill_diagonal(square, (product**2).mean(axis=1))
    # Of places that are all alike, as no honest sketch's are, rounding makes it negative.
    return value, np.maximum(square - value**2, 0.0) / part.places
