"""Days of exact counts without frames: what the sensor's pipeline would count, as arrays.

The same sightings that ``air`` turns into bytes are counted here by the sensor's own rules
(docs/explanation/counting.md). tests/simulate holds the two ways against each other. What comes
out is exact and would never leave a sensor: callers add the sensor's own noise before storing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chaland.simulate.air import TIMEZONE
from chaland.simulate.phones import SET_NAMES, Address
from chaland.simulate.radio import NO_ELEMENTS, Sightings, hear
from chaland.simulate.walkers import DAY_S, Day, Role, Walkers
from chaland.wire.periods import CELL_S, WINDOW_S, day_bounds

VISITOR_GATE_DBM = -70
PASSER_BY_GATE_DBM = -85
MINUTE_S, SCAN_SLOT_S = 60, 5
FORGET_AFTER_S = 300.0
"""A token's entry is zeroed this long after its last sighting: its life is over."""
STAYING_AFTER_S = 6900.0
"""A life this long is somebody who stays: from then on it counts as nothing."""

_Number = TypeVar("_Number", bound=np.generic)
_CELLS = int(DAY_S // CELL_S)


@dataclass(frozen=True)
class Followed:
    """Who was where, of the devices that can be followed: one entry a person and shop visited.

    ``came_s`` is the person's last arrival there, in seconds since the local day began.
    """

    who: NDArray[np.int64]
    shop: NDArray[np.int64]
    came_s: NDArray[np.float64]


@dataclass(frozen=True)
class DayCounts:
    """One local day of a town. ``n`` cells (96, or 92 or 100 at clock changes) from 04:00.

    ``start_s`` (n,) is in seconds since the epoch; ``counts`` maps released names to exact counts
    of shape (n, shops); ``dwell`` (shops, bins) counts closed visits; ``visitors`` (n, shops) is
    the true mean number of customers inside, ``entries`` (n, shops) how many came in; ``followed``
    is what the day's co-visit sketches are made of.
    """

    day: date
    start_s: NDArray[np.int64]
    counts: Mapping[str, NDArray[np.int64]]
    dwell: NDArray[np.int64]
    visitors: NDArray[np.float64]
    entries: NDArray[np.int64]
    followed: Followed


def count_day(walkers: Walkers, day: date, dwell_edges_s: tuple[int, ...]) -> DayCounts:
    """Simulate and count one local day of the whole town."""
    people = walkers.day(day)
    heard = hear(people, walkers.seed)
    shops = len(people.town.shops)
    objects = people.phones.objects[people.stays.who[heard.stay]]
    heard = heard.select(~objects)
    fingerprints, scans = count_probes(people, heard, shops)
    arrivals, passers_by, dwell, followed = count_followable(people, heard, dwell_edges_s)
    counts = {
        "fingerprints": fingerprints,
        "scans": scans,
        "arrivals": arrivals,
        "passers_by": passers_by,
    }
    visitors, entries = _truth(people)
    start, end = day_bounds(day, TIMEZONE)
    start_s = np.arange(int(start.timestamp()), int(end.timestamp()), CELL_S)
    n = len(start_s)
    return DayCounts(
        day=day,
        start_s=start_s,
        counts={name: _fit(values, n) for name, values in counts.items()},
        dwell=dwell,
        visitors=_fit(visitors, n),
        entries=_fit(entries, n),
        followed=followed,
    )


def _fit(values: NDArray[_Number], n: int) -> NDArray[_Number]:
    """Cut a day of 24 hours to its cells, or go on with its last hour, at clock changes."""
    if n <= len(values):
        return values[:n]
    return np.concatenate([values, values[len(values) - n :]])


def count_probes(
    day: Day, heard: Sightings, shops: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (fingerprints, scans) of shape (cells, shops): row E1.

    Of each address in each window the first probe request inside the gate counts: once per
    (element set, minute) for fingerprints, once per (element set, 5 seconds) for scans.
    """
    inside = (heard.element_set != NO_ELEMENTS) & (heard.rssi_dbm >= VISITOR_GATE_DBM)
    index = np.flatnonzero(inside)
    who = day.stays.who[heard.stay[index]]
    shop = day.stays.shop[heard.stay[index]].astype(np.int64)
    time_s = heard.time_s[index]
    kept = np.flatnonzero(day.phones.address[who] != Address.ROTATING)
    order = kept[np.argsort(time_s[kept], kind="stable")]
    windows = int(DAY_S // WINDOW_S)
    key = (who[order] * np.int64(shops) + shop[order]) * windows + (
        time_s[order] // WINDOW_S
    ).astype(np.int64)
    counted = np.ones(len(index), bool)
    counted[order] = False
    counted[order[np.unique(key, return_index=True)[1]]] = True
    label = heard.element_set[index][counted].astype(np.int64)
    shop, time_s = shop[counted], time_s[counted]
    return (
        _distinct(shop, time_s, label, MINUTE_S, shops),
        _distinct(shop, time_s, label, SCAN_SLOT_S, shops),
    )


def _distinct(
    shop: NDArray[np.int64],
    time_s: NDArray[np.float64],
    label: NDArray[np.int64],
    slot_s: int,
    shops: int,
) -> NDArray[np.int64]:
    """Return distinct (label, slot) pairs per cell and shop, shape (cells, shops)."""
    slots = int(DAY_S // slot_s)
    slot = (time_s // slot_s).astype(np.int64)
    pair = np.sort((slot * shops + shop) * len(SET_NAMES) + label)  # np.unique takes 10 x longer
    pair = pair[np.flatnonzero(np.diff(pair, prepend=-1))] // len(SET_NAMES)
    cell_shop = pair // shops // (slots // _CELLS) * shops + pair % shops
    return np.bincount(cell_shop, minlength=_CELLS * shops).reshape(_CELLS, shops)


def count_followable(
    day: Day, heard: Sightings, edges_s: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Followed]:
    """Return (arrivals, passers_by) of shape (cells, shops) and dwell (shops, bins): E2, E3, E4.

    ``edges_s`` begins with the minimum stay. The last part says who visited which shop: E5's input.
    """
    shops = len(day.town.shops)
    address = day.phones.address[day.stays.who[heard.stay]]
    followable = (heard.element_set == NO_ELEMENTS) | (address == Address.GLOBAL)
    index = np.flatnonzero(followable & (heard.rssi_dbm >= PASSER_BY_GATE_DBM))
    token = day.stays.who[heard.stay[index]] * np.int64(shops) + day.stays.shop[heard.stay[index]]
    # one integer key sorts several times faster than a lexical sort
    order = np.argsort(token * (1 << 27) + (heard.time_s[index] * 1000).astype(np.int64))
    index, token = index[order], token[order]
    lives = _lives(token, heard.time_s[index], heard.rssi_dbm[index] >= VISITOR_GATE_DBM)
    came_s, dwell_s = _stays_inside(lives, edges_s[0])
    shop = token[lives.begin] % shops
    came = came_s >= 0
    arrivals = _by_cell(came_s[came], shop[came], shops)
    passed = (np.bincount(lives.life[lives.inside], minlength=len(shop)) == 0) & ~lives.stays
    # counted as the row is zeroed; on the stroke of a cell's end, before that cell is closed
    passers_by = _by_cell(np.minimum(lives.end_s, DAY_S)[passed] - 1, shop[passed], shops)
    closed = came & ~lives.stays & (lives.end_s <= DAY_S)
    bins = len(edges_s) - 1
    bin_ = np.searchsorted(edges_s, dwell_s[closed], "right") - 1
    dwell = np.bincount(shop[closed] * bins + bin_, minlength=shops * bins)
    visits = _last_arrivals(token[lives.begin][came], came_s[came], shops)
    return arrivals, passers_by, dwell.reshape(shops, bins), visits


def _last_arrivals(token: NDArray[np.int64], came_s: NDArray[np.float64], shops: int) -> Followed:
    """Keep the last arrival of each token; they come sorted by token and time."""
    last = np.append(np.diff(token) != 0, True)[: len(token)]
    return Followed(token[last] // shops, token[last] % shops, came_s[last])


def _by_cell(time_s: NDArray[np.float64], shop: NDArray[np.int64], shops: int) -> NDArray[np.int64]:
    """Count events per cell and shop, shape (cells, shops)."""
    place = (time_s // CELL_S).astype(np.int64) * shops + shop
    return np.bincount(place, minlength=_CELLS * shops).reshape(_CELLS, shops)


@dataclass(frozen=True)
class _Lives:
    """Sightings in order, with the number of the ``life`` of each, and the lives themselves.

    Per life: index of its first sighting, the whole second that zeroes it, whether it *stays*.
    """

    time_s: NDArray[np.float64]
    inside: NDArray[np.bool_]
    life: NDArray[np.int64]
    begin: NDArray[np.int64]
    end_s: NDArray[np.float64]
    stays: NDArray[np.bool_]


def _lives(
    token: NDArray[np.int64], time_s: NDArray[np.float64], inside: NDArray[np.bool_]
) -> _Lives:
    """Divide the sightings of each token: a whole second five minutes after one ends its life."""
    new = np.ones(len(token), bool)
    silent = np.floor(time_s[1:]) >= time_s[:-1] + FORGET_AFTER_S
    new[1:] = (np.diff(token) != 0) | silent
    begin = np.flatnonzero(new)
    last_s = time_s[np.append(begin[1:], len(token)) - 1]
    stays = last_s - time_s[begin] >= STAYING_AFTER_S
    return _Lives(
        time_s, inside, np.cumsum(new) - 1, begin, np.ceil(last_s + FORGET_AFTER_S), stays
    )


def _stays_inside(
    lives: _Lives, minimum_stay_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return per life when it arrived (-1: never), and first to last sighting inside, seconds."""
    age_s = lives.time_s - lives.time_s[lives.begin][lives.life]
    at = np.flatnonzero(lives.inside & (age_s < STAYING_AFTER_S))
    life, time_s = lives.life[at], lives.time_s[at]
    found, first = np.unique(life, return_index=True)
    enter_s = np.full(len(lives.begin), np.nan)
    enter_s[found] = time_s[first]
    stayed_s = time_s - enter_s[life]
    long = np.flatnonzero(stayed_s >= minimum_stay_s)
    arrived, first = np.unique(life[long], return_index=True)
    came_s = np.full(len(lives.begin), -1.0)
    came_s[arrived] = time_s[long[first]]
    dwell_s = np.zeros(len(lives.begin))
    dwell_s[life] = stayed_s  # the last one written stays
    return came_s, dwell_s


def _truth(day: Day) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean number of customers inside and how many came in, (cells, shops) each."""
    edges_s = np.arange(0.0, DAY_S + 1, CELL_S)
    shops = len(day.town.shops)
    visitors = [day.people_inside(shop, with_staff=False).means(edges_s) for shop in range(shops)]
    came = day.stays.select(day.stays.role == Role.VISITOR)
    key = (came.start_s // CELL_S).astype(np.int64) * shops + came.shop
    entries = np.bincount(key, minlength=_CELLS * shops).reshape(_CELLS, shops)
    return np.stack(visitors, axis=1), entries
