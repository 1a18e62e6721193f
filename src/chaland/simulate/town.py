"""A town as numbers: streets, zones, shops with their place, pull, stay and opening hours."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chaland.simulate import plan

_METRES_PER_DEGREE = 111_320.0
WALK_DECAY_M = 180.0
"""A shop twice this far away draws e^-2 as much from the one just left."""


@dataclass(frozen=True)
class Opening:
    """One opening on a weekday, in seconds of the wall clock since midnight."""

    weekday: int
    opens_s: int
    closes_s: int

    def times(self) -> tuple[time, time]:
        """Return opening and closing as wall-clock times."""
        opens, closes = divmod(self.opens_s // 60, 60), divmod(self.closes_s // 60, 60)
        return time(*opens), time(*closes)


@dataclass(frozen=True)
class Shop:
    """An invented shop. ``visits_per_day`` is the mean of an open day."""

    name: str
    slug: str
    trade: str
    zone: str
    east_m: float
    north_m: float
    visits_per_day: float
    stay_median_s: float
    depth_m: float
    staff: int
    passing: float
    openings: tuple[Opening, ...]

    @property
    def latitude(self) -> float:
        return plan.ORIGIN_LATITUDE + self.north_m / _METRES_PER_DEGREE

    @property
    def longitude(self) -> float:
        narrowing = math.cos(math.radians(plan.ORIGIN_LATITUDE))
        return plan.ORIGIN_LONGITUDE + self.east_m / (_METRES_PER_DEGREE * narrowing)

    def openings_on(self, day: date) -> list[Opening]:
        """Return the openings on a date, none on a public holiday."""
        if is_public_holiday(day):
            return []
        return [opening for opening in self.openings if opening.weekday == day.weekday()]


@dataclass(frozen=True)
class Town:
    """A town of simulated shops."""

    name: str
    association: str
    shops: tuple[Shop, ...]
    zones: tuple[str, ...] = field(default=())

    @cached_property
    def visits_per_day(self) -> NDArray[np.float64]:
        """Mean visits of an open day, shape (shops,)."""
        return np.array([shop.visits_per_day for shop in self.shops])

    @cached_property
    def walk_m(self) -> NDArray[np.float64]:
        """Walking distance between shops, shape (shops, shops): 1.3 times the straight line."""
        place = np.array([(shop.east_m, shop.north_m) for shop in self.shops])
        between: NDArray[np.float64] = np.linalg.norm(place[:, None] - place[None], axis=2)
        return 1.3 * between

    @cached_property
    def pull(self) -> NDArray[np.float64]:
        """Gravity from each shop to each other, shape (shops, shops), 0 on the diagonal."""
        pull = self.visits_per_day[None, :] * np.exp(-self.walk_m / WALK_DECAY_M)
        np.fill_diagonal(pull, 0)
        return pull

    def shop(self, slug: str) -> Shop:
        """Return a shop by its slug; ``ValueError`` names those that exist."""
        for shop in self.shops:
            if shop.slug == slug:
                return shop
        known = ", ".join(shop.slug for shop in self.shops)
        raise ValueError(f"no shop '{slug}' in {self.name}; there are: {known}")


def drawn_town(shops: int | None = None) -> Town:
    """Return the demo's town of thirty shops, or one of the first ``shops`` taken across zones."""
    rows = [row for row in plan.SHOPS_TABLE.strip().splitlines() if row.strip()]
    every = [_shop(row) for row in rows]
    if shops is not None:
        every = _across_zones(every)[:shops]
    zones = tuple(zone for zone in plan.ZONES if any(shop.zone == zone for shop in every))
    return Town(plan.TOWN_NAME, plan.ASSOCIATION_NAME, tuple(every), zones)


def _across_zones(shops: list[Shop]) -> list[Shop]:
    rank = {id(shop): sum(s.zone == shop.zone for s in shops[:i]) for i, shop in enumerate(shops)}
    return sorted(shops, key=lambda shop: rank[id(shop)])


def _shop(row: str) -> Shop:
    name, trade, zone, at, visits, stay, depth, staff, hours = (
        part.strip() for part in row.split("|")
    )
    street, passing = plan.ZONES[zone]
    east, north = _along(plan.STREETS[street], float(at))
    return Shop(
        name=name,
        slug=slug_of(name),
        trade=trade,
        zone=zone,
        east_m=east,
        north_m=north,
        visits_per_day=float(visits),
        stay_median_s=60 * float(stay),
        depth_m=float(depth),
        staff=int(staff),
        passing=passing,
        openings=_openings(hours),
    )


def slug_of(name: str) -> str:
    """Return a name in ASCII, lower case, words joined by dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _openings(pattern: str) -> tuple[Opening, ...]:
    found = [
        Opening(int(weekday), *(_seconds(clock) for clock in span.split("-")))
        for weekdays, spans in plan.HOURS[pattern].items()
        for weekday in weekdays
        for span in spans.split()
    ]
    return tuple(sorted(found, key=lambda opening: (opening.weekday, opening.opens_s)))


def _seconds(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes)


def _along(line: tuple[tuple[float, float], ...], share: float) -> tuple[float, float]:
    """Return the point at a share of a line's length."""
    points = np.array(line, float)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    reached = np.concatenate([[0], np.cumsum(steps)])
    target = share * reached[-1]
    return float(np.interp(target, reached, points[:, 0])), float(
        np.interp(target, reached, points[:, 1])
    )


def _easter(year: int) -> date:
    """Return Easter Sunday, by the anonymous Gregorian algorithm (Meeus, 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def is_public_holiday(day: date) -> bool:
    """Tell whether a date is a public holiday in France, when most shops stay closed."""
    fixed = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
    after_easter = (day - _easter(day.year)).days
    return (day.month, day.day) in fixed or after_easter in {1, 39, 50}
