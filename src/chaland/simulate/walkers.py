"""People in a drawn town over one local day: who is near which sensor, from when to when.

Visitors come by the town's rhythm, choose an open shop by its pull, stay a log-normal time, and go
on to the next by gravity (on average one and a half more). Others only walk past. Staff stay as
long as the shop is open; a neighbour sleeps upstairs, a card terminal is always there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from chaland.simulate.phones import Phones, draw_phones
from chaland.simulate.rhythm import Rhythm, day_factor
from chaland.simulate.town import Opening, Shop, Town

SLOT_S = 300
SLOTS = 24 * 3600 // SLOT_S
DAY_S = 24 * 3600.0
DAY_STARTS_S = 4 * 3600
"""The local day starts at 04:00; times here are seconds since then."""

MORE_SHOPS_MEAN = 1.5
STAY_SIGMA = 0.7
STAY_RANGE_S = (20.0, 3 * 3600.0)
WALKING_M_PER_S = 1.2
PASSING_PER_DAY = 1100.0
"""People who walk past a shop of the main street on a mean day."""
PASSING_MEDIAN_S = 35.0
WIFI_ON_SHARE = 0.86
OBJECTING_SHARE = 0.003


class Role(IntEnum):
    """Why somebody is near a sensor."""

    VISITOR = 0
    PASSER_BY = 1
    STAFF = 2
    NEIGHBOUR = 3
    TERMINAL = 4


_ASSOCIATED = np.array([0.17, 0.10, 0.8, 0.9, 1.0], np.float32)
"""Chance that a phone is on a network, by role: one town network in all shops makes them many."""


_AT_HOME: Mapping[Role, list[tuple[float, float]]] = {
    Role.STAFF: [],
    Role.NEIGHBOUR: [(0.0, 4.5 * 3600), (14.5 * 3600, DAY_S)],
    Role.TERMINAL: [(0.0, DAY_S)],
}


@dataclass(frozen=True)
class Stays:
    """Times near a sensor, one entry each: ``who`` stands ``distance_m`` from ``shop``'s sensor."""

    who: NDArray[np.int32]
    shop: NDArray[np.int16]
    role: NDArray[np.int8]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    distance_m: NDArray[np.float32]
    behind_wall: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.who)

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Stays":
        """Return some of the stays, by mask or index."""
        return Stays(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Day:
    """A day of a town. ``phones`` has an entry per person; ``wifi_on`` tells whose is heard."""

    town: Town
    day: date
    stays: Stays
    phones: Phones
    wifi_on: NDArray[np.bool_]

    def people_inside(self, shop: int, with_staff: bool = True) -> "Presence":
        """Return the ground truth of one shop: people inside over the day."""
        inside = self.stays.role == Role.VISITOR
        if with_staff:
            inside |= self.stays.role == Role.STAFF
        there = self.stays.select(inside & (self.stays.shop == shop))
        return Presence.of(there.start_s, there.end_s)


@dataclass(frozen=True)
class Presence:
    """A step function: from ``at_s[i]`` on there are ``people[i]``."""

    at_s: NDArray[np.float64]
    people: NDArray[np.int64]

    @classmethod
    def of(cls, start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> "Presence":
        """Count overlapping stays."""
        at = np.concatenate([[0.0], start_s, end_s])
        step = np.concatenate([[0], np.ones(len(start_s), int), -np.ones(len(end_s), int)])
        order = np.argsort(at, kind="stable")
        return cls(at[order], np.cumsum(step[order]))

    def means(self, edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean number of people between successive edges."""
        seconds = np.concatenate([[0.0], np.cumsum(np.diff(self.at_s) * self.people[:-1])])
        place = np.searchsorted(self.at_s, edges_s, side="right") - 1
        reached = seconds[place] + self.people[place] * (edges_s - self.at_s[place])
        means: NDArray[np.float64] = np.diff(reached) / np.diff(edges_s)
        return means


def generator(seed: int, purpose: int, *more: int) -> np.random.Generator:
    """Return the random source of one purpose: any part of a simulation can be made alone."""
    return np.random.default_rng([seed, purpose, *more])


class Walkers:
    """Makes days of one town. Keeps what depends on the weekday only."""

    def __init__(self, town: Town, rhythm: Rhythm, seed: int) -> None:
        self.town, self.rhythm, self.seed = town, rhythm, seed
        self._median = np.array([shop.stay_median_s for shop in town.shops])
        self._depth = np.array([shop.depth_m for shop in town.shops])
        self._passing = np.array([shop.passing for shop in town.shops])
        self._usual = np.array([self._open_mass(shop) for shop in town.shops])

    def _open_mass(self, shop: Shop) -> float:
        """Return the rhythm that a mean open day of a shop holds, in hours of mean rhythm."""
        masses = []
        for weekday in range(7):
            openings = [opening for opening in shop.openings if opening.weekday == weekday]
            if openings:
                open_, _ = _open_slots(openings)
                hours = np.concatenate([self.rhythm.hours[weekday, 4:], np.zeros(4)])
                masses.append(float(np.sum(np.repeat(hours, 3600 // SLOT_S) * open_)))
        return sum(masses) / len(masses)

    def day(self, day: date) -> Day:
        """Return everybody of a local day, by the seed and the date alone."""
        rng = generator(self.seed, 1, day.toordinal())
        busy = self.rhythm.of_day(day).repeat(3600 // SLOT_S) * day_factor(self.seed, day)
        stays = _join(
            [self._visitors(rng, day, busy), self._passers_by(rng, busy), self._fixed(rng, day)]
        )
        roles = np.zeros(int(stays.who.max()) + 1, np.int8)
        roles[stays.who] = stays.role
        phones = draw_phones(rng, _ASSOCIATED[roles], OBJECTING_SHARE)
        always_on = (roles == Role.NEIGHBOUR) | (roles == Role.TERMINAL)
        wifi_on = always_on | (rng.random(len(roles), np.float32) < WIFI_ON_SHARE)
        return Day(self.town, day, stays, phones, wifi_on)

    def _visitors(self, rng: np.random.Generator, day: date, busy: NDArray[np.float64]) -> Stays:
        opens = [_open_slots(shop.openings_on(day)) for shop in self.town.shops]
        is_open = np.stack([open_ for open_, _ in opens], axis=1)
        closes_s = np.stack([closes for _, closes in opens], axis=1)
        share = self.town.visits_per_day / self._usual / (1 + MORE_SHOPS_MEAN)
        slot, shop = _arrivals(rng, busy[:, None] * is_open * share)
        at = (slot + rng.random(len(slot))) * SLOT_S
        who = np.arange(len(slot), dtype=np.int32)
        more = rng.poisson(MORE_SHOPS_MEAN, len(slot))
        parts = []
        for _step in range(8):
            here = (at / SLOT_S).astype(np.intp)
            stay = np.exp(STAY_SIGMA * rng.standard_normal(len(shop))) * self._median[shop]
            end = np.minimum(at + np.clip(stay, *STAY_RANGE_S), closes_s[here, shop])
            ok = end > at
            who, shop, at, end, more = who[ok], shop[ok], at[ok], end[ok], more[ok]
            distance = self._spread(rng, shop)
            parts.append(
                _stays(who, shop, role=Role.VISITOR, start_s=at, end_s=end, distance_m=distance)
            )
            on = more > len(parts) - 1
            who, more = who[on], more[on]
            at, shop = self._next_shop(rng, shop[on], end[on], is_open)
            going = shop >= 0
            who, more, at, shop = who[going], more[going], at[going], shop[going]
        return _join(parts, renumber=False)

    def _next_shop(
        self,
        rng: np.random.Generator,
        shop: NDArray[np.intp],
        leaves_s: NDArray[np.float64],
        is_open: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return when and where each walker goes on; -1 where no shop is open any more."""
        slot = np.minimum(leaves_s / SLOT_S + 1, SLOTS - 1).astype(np.intp)
        reached = np.cumsum(self.town.pull[shop] * is_open[slot], axis=1)
        total = reached[:, -1]
        chosen = np.sum(reached <= (rng.random(len(shop)) * total)[:, None], axis=1)
        chosen = np.where(total > 0, np.minimum(chosen, len(self.town.shops) - 1), -1)
        at = (
            leaves_s
            + self.town.walk_m[shop, chosen] / WALKING_M_PER_S
            + 120 * rng.random(len(shop))
        )
        late = at >= DAY_S
        return at, np.where(late, -1, chosen)

    def _passers_by(self, rng: np.random.Generator, busy: NDArray[np.float64]) -> Stays:
        rate = busy[:, None] * self._passing * (PASSING_PER_DAY / SLOTS)
        slot, shop = _arrivals(rng, rate)
        n = len(slot)
        at = (slot + rng.random(n)) * SLOT_S
        lasts = np.clip(PASSING_MEDIAN_S * np.exp(0.5 * rng.standard_normal(n)), 8, 240)
        distance = 0.6 * self._depth[shop] + 3 + 12 * rng.random(n, np.float32)
        who = np.arange(n, dtype=np.int32)
        end = np.minimum(at + lasts, DAY_S)
        return _stays(
            who,
            shop,
            role=Role.PASSER_BY,
            start_s=at,
            end_s=end,
            distance_m=distance,
            behind_wall=True,
        )

    def _fixed(self, rng: np.random.Generator, day: date) -> Stays:
        """Return staff while a shop is open, a neighbour by night and a card terminal always."""
        who, shop, role, start, end = [], [], [], [], []
        for index, place in enumerate(self.town.shops):
            openings = place.openings_on(day)
            for member in range(place.staff + 2):
                kind = [Role.NEIGHBOUR, Role.TERMINAL][member] if member < 2 else Role.STAFF
                spans = _AT_HOME[kind] or [_at_work(opening) for opening in openings]
                for begins, ends in spans:
                    who.append(index * 100 + member)
                    shop.append(index)
                    role.append(kind)
                    start.append(begins)
                    end.append(ends)
        roles = np.array(role, np.int8)
        near = self._spread(rng, np.array(shop))
        distance = np.where(roles == Role.NEIGHBOUR, 9 + 6 * rng.random(len(who)), near)
        people = np.unique(np.array(who), return_inverse=True)[1]
        return _stays(
            people,
            np.array(shop),
            role=roles,
            start_s=np.array(start),
            end_s=np.array(end),
            distance_m=distance,
            behind_wall=roles == Role.NEIGHBOUR,
        )

    def _spread(self, rng: np.random.Generator, shop: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return how far people inside stand from the sensor, in metres: more of them far away."""
        far = rng.random(len(shop), np.float32) ** 0.7
        distance: NDArray[np.float32] = (1 + far * (self._depth[shop] - 1)).astype(np.float32)
        return distance


def _open_slots(openings: list[Opening]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return per slot of the local day whether a shop is open, and when it then closes."""
    middle = (np.arange(SLOTS) + 0.5) * SLOT_S + DAY_STARTS_S
    is_open, closes_s = np.zeros(SLOTS, bool), np.zeros(SLOTS)
    for opening in openings:
        within = (middle >= opening.opens_s) & (middle < opening.closes_s)
        is_open |= within
        closes_s[within] = opening.closes_s - DAY_STARTS_S
    return is_open, closes_s


def _at_work(opening: Opening) -> tuple[float, float]:
    return opening.opens_s - DAY_STARTS_S - 600.0, opening.closes_s - DAY_STARTS_S + 600.0


def _arrivals(
    rng: np.random.Generator, rate: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw Poisson arrivals of rates of shape (slots, shops): the slot and shop of each."""
    counts = rng.poisson(rate)
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    return np.divmod(cell, rate.shape[1])


def _stays(
    who: NDArray[np.int32] | NDArray[np.intp],
    shop: NDArray[np.intp],
    *,
    role: Role | NDArray[np.int8],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
    distance_m: NDArray[np.floating],
    behind_wall: bool | NDArray[np.bool_] = False,
) -> Stays:
    """Make stays of columns of any number type; a single role or wall holds for all."""
    n = len(who)
    return Stays(
        who=who.astype(np.int32),
        shop=shop.astype(np.int16),
        role=np.broadcast_to(np.asarray(role, np.int8), n).copy(),
        start_s=start_s,
        end_s=end_s,
        distance_m=distance_m.astype(np.float32),
        behind_wall=np.broadcast_to(np.asarray(behind_wall), n).copy(),
    )


def _join(parts: list[Stays], renumber: bool = True) -> Stays:
    """Put groups of stays one after the other; ``renumber`` keeps their people apart."""
    columns = {name: [getattr(part, name) for part in parts] for name in Stays.__dataclass_fields__}
    if renumber:
        offset = 0
        for index, part in enumerate(parts):
            columns["who"][index] = part.who + np.int32(offset)
            offset += int(part.who.max(initial=-1)) + 1
    return Stays(**{name: np.concatenate(values) for name, values in columns.items()})
