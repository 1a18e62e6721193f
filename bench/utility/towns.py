"""Towns of known truth, and the estimates that their sketches of each day allow."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates.covisits import TownDay, close_day
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.simulate.movement import Movement, Visits, zones_of_five
from chaland.simulate.sketches import sample
from chaland.wire.mechanism import DEFAULT_MECHANISM, SketchMechanism

Floats = NDArray[np.float64]

SHIPPED = DEFAULT_MECHANISM.sketch
PLAIN = SketchMechanism(epsilon="2", bits=2048, ordered=0)
"""The sketch of the published trial."""
MONTH, WEEK, BEFORE = 30, 7, 56
SEED = 2017


@dataclass(frozen=True)
class Size:
    """A town: ``shops`` in zones of five, ``visitors`` followable ones a day."""

    shops: int
    visitors: int

    def __str__(self) -> str:
        return f"{self.shops} shops, {self.visitors:,} a day"


@dataclass(frozen=True)
class Truth:
    """One day: ``covisits`` (S, S) with visitors on the diagonal; different ``visitors`` in all.

    ``zones`` (Z, Z) sums co-visits over pairs of shops, ``both`` (Z, Z) counts different visitors
    seen in both zones, on the diagonal those of one.
    """

    covisits: Floats
    zones: Floats
    both: Floats
    visitors: int


def days_of(model: Movement, size: Size, count: int, seed: int = SEED) -> list[Visits]:
    """Return ``count`` days of a town, the same ones at each call."""
    zone = zones_of_five(size.shops)
    return list(model(zone, size.visitors, count, np.random.default_rng(seed)))


def truth(visits: Visits, size: Size) -> Truth:
    """Count a day exactly."""
    seen = visits.matrix(size.shops).astype(np.float32)
    zone = zones_of_five(size.shops)
    member = (zone == np.unique(zone)[:, None]).astype(np.float64)
    covisits = (seen.T @ seen).astype(np.float64)
    inside = (seen @ member.T.astype(np.float32) > 0).astype(np.float32)
    return Truth(
        covisits=covisits,
        zones=member @ covisits @ member.T,
        both=(inside.T @ inside).astype(np.float64),
        visitors=len(seen),
    )


def told(visits: list[Visits], size: Size, mechanism: SketchMechanism) -> list[TownDay]:
    """Return what the hub keeps of days: sketches sampled, estimated, thrown away."""
    rng = np.random.default_rng(SEED + 1)
    afternoon_s = mechanism.afternoon_from.hour * 3600
    zone = zones_of_five(size.shops)
    found = []
    for day in visits:
        bits, symbols = sample(
            *(day.visitor, day.shop, day.time_s >= afternoon_s, size.shops, rng),
            mechanism=mechanism,
        )
        sketches = Sketches(
            shops=np.arange(size.shops),
            zones=zone,
            keys=["k"] * size.shops,
            bits=bits,
            symbols=symbols,
            epsilon=float(mechanism.epsilon),
            counted=np.ones(size.shops),
        )
        found.append(close_day(sketches))
    return found


def at_epsilon(epsilon: str) -> SketchMechanism:
    """Return the shipped sketch at another epsilon."""
    return replace(SHIPPED, epsilon=epsilon)
