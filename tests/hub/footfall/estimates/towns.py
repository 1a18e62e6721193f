"""Small towns of known truth for the tests of co-visits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.covisits import TownDay, close_day
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.simulate.movement import LAWS, MODELS, Visits, zones_of_five
from chaland.simulate.sketches import sample
from chaland.wire.mechanism import SketchMechanism

SMALL = SketchMechanism(epsilon="2", bits=1024, ordered=256)
NOISELESS = SketchMechanism(epsilon="60", bits=300_000, ordered=300_000)
AFTERNOON_S = 14 * 3600


@dataclass(frozen=True)
class Known:
    """A day: its visits, what was estimated, and the truth (S, S), visitors on the diagonal."""

    visits: Visits
    told: TownDay
    true: NDArray[np.float64]
    visitors: int


def sketches_of(
    visits: Visits, shops: int, seed: int, mechanism: SketchMechanism = SMALL
) -> Sketches:
    bits, symbols = sample(
        visits.visitor,
        visits.shop,
        visits.time_s >= AFTERNOON_S,
        shops,
        np.random.default_rng(seed),
        mechanism=mechanism,
    )
    epsilon = float(mechanism.epsilon)
    ids = np.arange(shops, dtype=np.int64)
    keys = ["k"] * shops
    return Sketches(ids, zones_of_five(shops), keys, bits, symbols, epsilon, np.ones(shops))


def town(
    model: str, shops: int, visitors: int, days: int, seed: int, mechanism: SketchMechanism = SMALL
) -> list[Known]:
    rng = np.random.default_rng(seed)
    found, movement = [], {**MODELS, **LAWS}[model]
    for number, visits in enumerate(movement(zones_of_five(shops), visitors, days, rng)):
        seen = visits.matrix(shops).astype(float)
        told = close_day(sketches_of(visits, shops, 1000 * seed + number, mechanism))
        found.append(Known(visits, told, seen.T @ seen, len(seen)))
    return found


def told(days: Sequence[Known]) -> list[TownDay]:
    return [day.told for day in days]


def zone_truth(day: Known) -> NDArray[np.float64]:
    """Different visitors seen in both zones, on the diagonal in the zone."""
    seen = day.visits.matrix(len(day.true))
    zone = zones_of_five(len(day.true))
    inside = np.stack([seen[:, zone == each].any(axis=1) for each in np.unique(zone)], axis=1)
    return inside.T.astype(float) @ inside.astype(float)
