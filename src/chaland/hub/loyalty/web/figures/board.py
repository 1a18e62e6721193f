"""A month's figures, gathered for the page and its file: own months live, all others released."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.figures import rules, selectors
from chaland.hub.loyalty.figures.measures import MONTHS_BACK, Attach, month_number, month_of
from chaland.hub.loyalty.figures.selectors import OwnMonth
from chaland.hub.loyalty.models.figures import THE_TOWN
from chaland.hub.loyalty.web.figures.question import Asked

OTHER_SHOPS_MIN = 3
"""A shopkeeper reads the town's figures where this many other shops are in them: else they would
be the neighbour's."""

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Cohort:
    """Members by the month of their first purchase: how many, and per month since who bought
    (None: too few, or still to come)."""

    month: date
    size: int
    back: list[int | None]


@dataclass(frozen=True)
class Board:
    """What is known of a month. ``newest`` is the newest released content up to it, of the month
    ``newest_month``; ``own`` a shopkeeper's live month."""

    asked: Asked
    month: date
    attach: Attach | None
    members: int | None
    newcomers: int | None
    own: OwnMonth | None
    newest: Content | None
    newest_month: date | None
    town: Content | None
    town_month: date | None
    months: list[date]
    trend: dict[date, Attach]
    town_trend: dict[date, Attach]
    hours: list[tuple[int, Attach | None]]
    shops: list[tuple[Shop, Content | None]] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)
    shared: list[tuple[Shop, Shop, int, int]] = field(default_factory=list)
    shared_until: date | None = None


def board(asked: Asked, month: date) -> Board:
    """Gather a month."""
    months = [month_of(month_number(month) - back) for back in range(MONTHS_BACK, -1, -1)]
    released, town = _released(asked, months)
    own, trend = None, {m: Attach(**content["attach"]) for m, content in released.items()}
    if asked.shop and not asked.director:
        own = selectors.own_month(asked.shop.pk, month, asked.timezone)
        trend = selectors.own_trend(asked.shop.pk, months, asked.timezone)
    here = released.get(month)
    newest_month, town_month = max(released, default=None), max(town, default=None)
    shared, shared_until = _shared(asked, town)
    return Board(
        asked=asked,
        month=month,
        attach=own.whole if own else _attach(here),
        members=own.members if own else (here or {}).get("members"),
        newcomers=own.newcomers if own else (here or {}).get("newcomers"),
        own=own,
        newest=released[newest_month] if newest_month else None,
        newest_month=newest_month,
        town=town[town_month] if town_month else None,
        town_month=town_month,
        months=months,
        trend=trend,
        town_trend={m: Attach(**content["attach"]) for m, content in town.items()},
        hours=_hours(own, here),
        shops=_shops(asked, month) if asked.director and not asked.shop else [],
        cohorts=_cohorts(released, months),
        shared=shared,
        shared_until=shared_until,
    )


def _released(
    asked: Asked, months: Sequence[date]
) -> tuple[dict[date, Content], dict[date, Content]]:
    """Return the released months of the place asked for, and of the town as far as it may be
    read."""
    town = selectors.released(asked.association_id, THE_TOWN, months[0], months[-1])
    if asked.shop is None:
        return town, town
    own = selectors.released(asked.association_id, asked.shop.pk, months[0], months[-1])
    if not asked.director:
        town = {m: content for m, content in town.items() if _others(content, asked.shop.pk)}
    return own, town


def _others(content: Content, shop: int) -> bool:
    others = [other for other in content["shops"] if other != shop]
    return len(others) >= OTHER_SHOPS_MIN


def _attach(content: Content | None) -> Attach | None:
    return Attach(**content["attach"]) if content else None


def _hours(own: OwnMonth | None, here: Content | None) -> list[tuple[int, Attach | None]]:
    if own:
        return sorted(own.hours.items())
    rows = here.get("hours", []) if here else []  # the town's: no shop's hours are released
    return [(row["hour"], Attach(**row["attach"]) if row["attach"] else None) for row in rows]


def _shops(asked: Asked, month: date) -> list[tuple[Shop, Content | None]]:
    """Return the shops of the town with their month, the highest attach rate first, then those
    of too few receipts to tell it, by name; those that have nothing to show last."""
    found = selectors.released_shops(asked.association_id, month)
    rows = [(shop, found.get(shop.pk)) for shop in asked.shops.values()]

    def order(row: tuple[Shop, Content | None]) -> tuple[float, str]:
        attach = _attach(row[1])
        told = rules.share(attach.attached, attach.receipts) if attach else None
        return (-told.value if told else 1 if attach else 2, row[0].name)

    return sorted(rows, key=order)


def _cohorts(released: Mapping[date, Content], months: Sequence[date]) -> list[Cohort]:
    """Put the released diagonals together to a triangle."""
    cells = {
        (cohort, month_number(month) - cohort): members
        for month, content in released.items()
        for cohort, members in content["cohorts"]
    }
    last = month_number(months[-1])
    found = []
    for month in months[:-1]:
        cohort = month_number(month)
        if size := cells.get((cohort, 0)):
            back = [cells.get((cohort, since)) for since in range(1, last - cohort + 1)]
            found.append(Cohort(month, size, back))
    return found


def _shared(
    asked: Asked, town: Mapping[date, Content]
) -> tuple[list[tuple[Shop, Shop, int, int]], date | None]:
    """Return (shop, other, members of both, members of the shop) of the newest quarter."""
    quarters = [month for month, content in town.items() if "shared" in content]
    if not quarters or not asked.director:
        return [], None
    rows = town[max(quarters)]["shared"]
    alone = {a: n for a, b, n in rows if a == b}
    found = [
        (asked.shops[x], asked.shops[y], n, alone[x])
        for a, b, n in rows
        for x, y in ((a, b), (b, a))
        if a != b and {a, b} <= asked.shops.keys() and x in alone
    ]
    if asked.shop:
        found = [row for row in found if row[0] == asked.shop]
    found.sort(key=lambda row: (-row[2] / row[3], row[0].name, row[1].name))
    return found, max(quarters)
