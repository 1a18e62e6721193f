"""What a shopkeeper learns of flows: where else the own shop's visitors went, by zone.

No rival shows through: a zone is told only through three or more other shops of it, together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall import rules
from chaland.hub.footfall.estimates import zone_flows
from chaland.hub.footfall.figures import flow_people, flows
from chaland.hub.footfall.figures.flows import Level, Place, Sample
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.figures.remembered import TABLES
from chaland.hub.footfall.flow_reads import StoredDay
from chaland.hub.footfall.rules import Estimate

OTHER_SHOPS_MIN = 3
"""A zone is told only through this many other shops of it: none of them can be told apart."""


@dataclass(frozen=True)
class ZoneShare:
    """The share of a shop's visitors who were in at least one other shop of a zone, the same day.

    ``both`` counts them over the period's days, ``shops`` is how many other shops that rests on:
    fewer than three are not told, and then both are None. ``share`` is None, too, where ``both``
    reaches none or is too uncertain.
    """

    zone: Place
    share: Estimate | None
    both: Estimate | None
    shops: int
    separable: bool


@dataclass(frozen=True)
class ShopFlows:
    """A shop's answer: its followable visitors over the period, and where else they were."""

    period: Period
    shop: Place
    visitors: Estimate | None
    zones: list[ZoneShare]
    followable: Estimate | None
    sample: Sample

    @property
    def told(self) -> list[ZoneShare]:
        """The zones that can be told, largest share first."""
        found = [zone for zone in self.zones if zone.separable and zone.share]
        return sorted(found, key=lambda zone: -zone.share.value if zone.share else 0.0)


def shop_flows(shop: Shop, town: Sequence[Shop], period: Period, today: date) -> ShopFlows:
    """Answer for one shop, which the viewer may see; ``town`` are all shops of its association."""
    days, before = flows.read_days(town, period)
    visitors = _visitors(days, shop.pk)
    return ShopFlows(
        period=period,
        shop=flows.places_of(town, Level.SHOPS)[shop.pk],
        visitors=visitors,
        zones=list(_zones(shop, town, days, before, visitors)) if visitors else [],
        followable=flow_people.followable_share([shop], days),
        sample=flows.sample(days, period, today),
    )


def _visitors(days: Sequence[StoredDay], shop_id: int) -> Estimate | None:
    """Return a shop's followable visitors, added over the days on which it had a sketch."""
    rows = [(day.town, np.flatnonzero(day.town.shops == shop_id)) for day in days]
    seen = [(town.visitors[at], town.variance[at]) for town, at in rows if len(at)]
    if not seen:
        return None
    value, variance = (float(sum(column).sum()) for column in zip(*seen, strict=True))
    return rules.estimate(value, variance)


def _zones(
    shop: Shop,
    town: Sequence[Shop],
    days: Sequence[StoredDay],
    before: Sequence[StoredDay],
    visitors: Estimate,
) -> Iterator[ZoneShare]:
    """Yield all zones, those that the shop's keeper may not see without a number."""
    found, zone_ids, rests = TABLES.ask(zone_flows.shop_zones, days, before)
    row = found.ids.tolist().index(shop.pk)
    column_of = {pk: i for i, pk in enumerate(zone_ids.tolist())}
    for pk, zone in flows.places_of(town, Level.ZONES).items():
        column = column_of.get(pk)
        others = 0 if column is None else int(rests[row, column])
        if column is None or others < OTHER_SHOPS_MIN or np.isnan(found.value[row, column]):
            yield ZoneShare(zone, None, None, others, separable=False)
            continue
        both = flow_people.estimate_at(found, row, column)
        yield ZoneShare(
            zone=zone,
            share=flow_people.share_of(both, float(found.visitors[row, column]), visitors),
            both=both,
            shops=others,
            separable=bool(found.separable[row, column]),
        )
