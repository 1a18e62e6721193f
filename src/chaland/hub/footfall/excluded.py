"""Who objects is not counted, nor is whoever shares a bit of the objection filter by chance.

An address that nobody objected for falls on a set bit with the share of bits that are set. So of
what is there, ``1 - share`` is counted, and counts times ``1 / (1 - share)`` are unbiased for all
but those who object themselves; they stay out, as they asked. Noise is stretched by that factor.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.association.models import Shop
from chaland.hub.footfall.hours import Floats, Ints
from chaland.hub.footfall.models import ObjectionDay
from chaland.wire.exchange import FILTER_BITS
from chaland.wire.periods import DAY_STARTS_AT

SHARE_AT_MOST = 0.5
"""A fuller filter blinds the town; no factor heals that, the alarm has long been raised."""


def share_excluded(association_id: int, day: date) -> float:
    """Return the share of addresses that a town's filter barred by chance on a local day."""
    return share_on(_days([association_id])[association_id], day)


def share_on(days: Sequence[tuple[date, int]], day: date) -> float:
    """Return the share by the newest of ``days`` (ascending: day, bits set) up to ``day``."""
    bits = 0
    for known, count in days:
        if known > day:
            break
        bits = count
    return min(bits / FILTER_BITS, SHARE_AT_MOST)


def factors(shop_ids: Sequence[int], starts: Mapping[int, Ints]) -> dict[int, Floats]:
    """Return what each cell's counts are multiplied by, per shop; only of towns that need it.

    ``starts`` (n,) are the cells' starts in epoch seconds.
    """
    rows = Shop.objects.filter(pk__in=shop_ids).values_list(
        "pk", "association_id", "association__timezone"
    )
    towns = {pk: (town, ZoneInfo(timezone)) for pk, town, timezone in rows}
    days = _days(sorted({town for town, _ in towns.values()}))
    found = {}
    for shop_id, (town, timezone) in towns.items():
        if any(bits for _, bits in days[town]):
            found[shop_id] = _factors(starts[shop_id], days[town], timezone)
    return found


def _factors(start_s: Ints, days: Sequence[tuple[date, int]], timezone: ZoneInfo) -> Floats:
    """The factor of each cell; the filter of a local day holds from its 04:00."""
    changes = np.array(
        [int(datetime.combine(day, DAY_STARTS_AT, timezone).timestamp()) for day, _ in days],
        np.int64,
    )
    shares = np.minimum([0, *(bits for _, bits in days)], SHARE_AT_MOST * FILTER_BITS) / FILTER_BITS
    place = np.searchsorted(changes, start_s, side="right")
    factor: Floats = 1 / (1 - shares[place])
    return factor


def _days(towns: Sequence[int]) -> dict[int, list[tuple[date, int]]]:
    found: dict[int, list[tuple[date, int]]] = {town: [] for town in towns}
    rows = ObjectionDay.objects.filter(association_id__in=towns).order_by("day")
    for town, day, bits in rows.values_list("association_id", "day", "bits"):
        found[town].append((day, bits))
    return found
