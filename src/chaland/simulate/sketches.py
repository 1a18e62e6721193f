"""Samples a town's released sketches of a day from its visits, all sensors at once.

The distribution is the mechanism's, exactly (tests hold it against its definition); the
draws are not the sensor's: NumPy's generator is seeded, fast, and no source of privacy.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from chaland.wire.mechanism import DEFAULT_MECHANISM, SketchMechanism

Symbols = NDArray[np.uint8]


def sample(
    visitor: NDArray[np.int64],
    shop: NDArray[np.int64],
    after: NDArray[np.bool_],
    shops: int,
    rng: Generator,
    *,
    mechanism: SketchMechanism = DEFAULT_MECHANISM.sketch,
) -> tuple[Symbols, Symbols]:
    """Return ``bits`` (shops, bits) of 0 or 1 and ``symbols`` (shops, ordered) of 0, 1 or 2.

    One entry a visit, any order: ``visitor`` numbers people, ``shop`` from 0, ``after`` whether
    the visit began at ``mechanism.afternoon_from`` or later. Each visitor's place is random.
    """
    everybody = int(visitor.max(initial=-1)) + 1
    place = rng.integers(0, mechanism.places, everybody)[visitor]
    truth = np.zeros((shops, mechanism.places), np.uint8)
    truth[shop, place] = 1
    # The last visit counts, and afternoons come last: anybody after makes the symbol "after".
    truth[shop[after], place[after]] = 2
    bits = np.minimum(truth[:, : mechanism.bits], 1)
    epsilon = float(mechanism.epsilon)
    return (
        randomised(bits, 2, epsilon, rng),
        randomised(truth[:, mechanism.bits :], 3, epsilon, rng),
    )


def randomised(truth: Symbols, kinds: int, epsilon: float, rng: Generator) -> Symbols:
    """Return randomised responses: the truth with e^eps / (e^eps + kinds - 1), else another."""
    told = np.exp(epsilon) / (np.exp(epsilon) + kinds - 1)
    other = rng.integers(1, kinds, truth.shape, dtype=np.uint8)
    return np.where(rng.random(truth.shape) < told, truth, (truth + other) % kinds).astype(np.uint8)
