"""Days of flows for tests: simulated visits, sampled sketches, the real estimator, stored."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall.estimates import covisits
from chaland.hub.footfall.estimates.sketches import Sketches
from chaland.hub.footfall.models import FlowDay
from chaland.simulate import sketches
from chaland.simulate.movement import MODELS, Visits
from chaland.wire.mechanism import DEFAULT_MECHANISM

SPLIT_S = 3600.0 * DEFAULT_MECHANISM.sketch.afternoon_from.hour


def build_flow_days(
    shops: Sequence[Shop],
    first: date,
    days: int,
    *,
    visitors: int = 1500,
    model: str = "clustered",
    silent: Mapping[date, Sequence[int]] | None = None,
    seed: int = 5,
) -> list[Visits]:
    """Store ``days`` days of a town's flows; return the visits, shops numbered as given.

    ``silent`` names shops (by position) whose sketch doesn't come on a day.
    """
    rng = np.random.default_rng(seed)
    zones = np.array([shop.zone_id for shop in shops])
    zone = np.unique(zones, return_inverse=True)[1].astype(np.int64)
    truth = list(MODELS[model](zone, visitors, days, rng))
    rows = []
    for i, visits in enumerate(truth):
        day = first + timedelta(days=i)
        missing = set((silent or {}).get(day, ()))
        kept = [s for s in range(len(shops)) if s not in missing]
        rows.append(_flow_day(shops, zones, day, kept, visits, rng))
    FlowDay.objects.bulk_create(rows)
    return truth


def _flow_day(
    shops: Sequence[Shop],
    zones: np.ndarray,
    day: date,
    kept: list[int],
    visits: Visits,
    rng: np.random.Generator,
) -> FlowDay:
    after = visits.time_s >= SPLIT_S
    bits, symbols = sketches.sample(visits.visitor, visits.shop, after, len(shops), rng)
    town = covisits.close_day(
        Sketches(
            shops=np.array([shops[s].pk for s in kept], np.int64),
            zones=zones[kept].astype(np.int64),
            keys=["0" * 16] * len(kept),
            bits=bits[kept],
            symbols=symbols[kept],
            epsilon=float(DEFAULT_MECHANISM.sketch.epsilon),
            counted=np.ones(len(kept)),
        )
    )
    return FlowDay(
        association_id=shops[0].association_id,
        day=day,
        shop_ids=[shops[s].pk for s in kept],
        estimates=covisits.pack(town),
        sensors=len(kept),
        sensors_expected=len(shops),
    )
