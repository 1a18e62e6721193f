"""What receipts say of members, in NumPy columns; a month's figures as they may be told. No Django.

Cost grows with the number of receipts looked at: some 20 numbers are made by one pass over them.
"""

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.hub.loyalty.figures import lifetime, rules

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NOBODY = -1
DAY_S = 86_400
MONTHS_BACK = 12
THIRDS = 3
_CONTENT_MONTHS = range(13)
"""A cohort is followed for a year."""


def month_number(day: date) -> int:
    """Return a month as a number that counts on over years."""
    return day.year * 12 + day.month - 1


def month_of(number: int) -> date:
    """Return the first day of a month given by its number."""
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class History:
    """Receipts as columns, in any order. ``delay_s`` from purchase to attaching, -1 where it is
    nobody's; ``member`` is -1 there, and where the member was erased since; ``day``, ``hour`` and
    ``month`` are local (calendar days from midnight)."""

    shop: Ints
    member: Ints
    issued_s: Ints
    delay_s: Ints
    cents: Ints
    is_return: Mask
    day: Ints
    hour: Ints
    month: Ints

    @classmethod
    def of(cls, columns: Ints, timezone: ZoneInfo) -> Self:
        """Make a history of six columns (the first ones above, ``is_return`` as 0 or 1) in rows of
        an array, with the local times of ``issued_s``."""
        shop, member, issued_s, delay_s, cents, is_return = columns
        # clocks change on a whole hour: ask once for each
        hours, which = np.unique(issued_s // 3600, return_inverse=True)
        local = [datetime.fromtimestamp(int(h) * 3600, timezone) for h in hours]
        day = np.array([at.date().toordinal() for at in local], np.int64)
        hour = np.array([at.hour for at in local], np.int64)
        month = np.array([month_number(at.date()) for at in local], np.int64)
        times = (day[which], hour[which], month[which])
        return cls(shop, member, issued_s, delay_s, cents, is_return > 0, *times)

    def __len__(self) -> int:
        return len(self.shop)

    def where(self, mask: Mask) -> Self:
        """Return the receipts of a mask."""
        return type(self)(*(getattr(self, field.name)[mask] for field in fields(self)))

    @property
    def purchases(self) -> Self:
        """Receipts that are no returns."""
        return self.where(~self.is_return)

    @property
    def of_members(self) -> Self:
        """Purchases of members who are still there."""
        return self.where(~self.is_return & (self.member != NOBODY))

    @property
    def people(self) -> int:
        """How many members bought."""
        return len(np.unique(self.member[self.member != NOBODY]))


@dataclass(frozen=True)
class Attach:
    """How many purchases, and how much of the revenue, found their member; at the till or within
    24 hours, and at any time."""

    receipts: int
    attached: int
    attached_24h: int
    cents: int
    attached_cents: int

    @classmethod
    def of(cls, history: History) -> Self:
        """Count purchases; returns are none."""
        bought = history.purchases
        found = bought.delay_s >= 0
        soon = found & (bought.delay_s <= DAY_S)
        return cls(
            receipts=len(bought),
            attached=int(found.sum()),
            attached_24h=int(soon.sum()),
            cents=int(bought.cents.sum()),
            attached_cents=int(bought.cents[found].sum()),
        )

    @property
    def rate(self) -> float | None:
        """The share of receipts; None where there are none."""
        return self.attached / self.receipts if self.receipts else None

    @property
    def rate_24h(self) -> float | None:
        return self.attached_24h / self.receipts if self.receipts else None

    @property
    def revenue_rate(self) -> float | None:
        return self.attached_cents / self.cents if self.cents > 0 else None

    def added(self, other: "Attach") -> "Attach":
        """Return both together."""
        return Attach(
            **{name: value + getattr(other, name) for name, value in asdict(self).items()}
        )


def month_content(history: History, month: int, *, ahead: bool = True) -> dict[str, Any] | None:
    """Return what may be told of a month of some shops, from all their receipts up to its end;
    with ``ahead``, what members will spend within a year after it.

    None where the month stands on too few members to tell anything.
    """
    today = month_of(month + 1).toordinal() - 1
    so_far = history.where(history.month <= month)
    now = so_far.where(so_far.month == month)
    if not rules.enough(now.people):
        return None
    bought = so_far.of_members
    year = bought.where(bought.month > month - MONTHS_BACK)
    firsts = _first_months(bought)
    newcomers = int((firsts[1] == month).sum())
    newcomers_told = rules.part(newcomers, now.people)
    return {
        "attach": asdict(Attach.of(now)),
        "members": rules.fives(now.people),
        "newcomers": newcomers_told[0] if newcomers_told else None,
        "joined": rules.fives(newcomers) if rules.enough(newcomers) else None,
        "cohorts": _cohorts(bought, firsts, month),
        "rfm": _rfm(year, today),
        "outlook": _outlook(bought, today) if ahead else None,
        **_repeat(year),
    }


def _first_months(bought: History) -> tuple[Ints, Ints]:
    """Return the members and the month of the first purchase of each."""
    order = np.lexsort((bought.month, bought.member))
    members, at = np.unique(bought.member[order], return_index=True)
    return members, bought.month[order][at]


def hours_content(now: History) -> list[dict[str, Any]]:
    """Return a month's attach rate by local hour, small hours hidden with what they could be found
    by. For the town only: the town's hour less all shops' but one would be that one's."""
    bought = now.purchases
    hours = sorted({int(hour) for hour in bought.hour})
    each = [bought.where(bought.hour == hour) for hour in hours]
    shown = rules.told([part.people for part in each])
    return [
        {"hour": hour, "attach": asdict(Attach.of(part)) if tell else None}
        for hour, part, tell in zip(hours, each, shown, strict=True)
    ]


def _cohorts(bought: History, firsts: tuple[Ints, Ints], month: int) -> list[tuple[int, int]]:
    """Return (cohort's month, members of it who bought this month): one diagonal of the triangle.

    Each cell is told once, in the month that it is about.
    """
    here = np.unique(bought.member[bought.month == month])
    began = firsts[1][np.isin(firsts[0], here)]
    found = [(month - back, int((began == month - back).sum())) for back in _CONTENT_MONTHS]
    return [(cohort, rules.fives(n)) for cohort, n in found if rules.enough(n)]


def _repeat(year: History) -> dict[str, Any]:
    """Return the members of the last twelve months, and those of them who came on two days."""
    pairs = np.unique(np.stack([year.member, year.day]), axis=1)
    _members, days = np.unique(pairs[0], return_counts=True)
    parts = rules.part(int((days > 1).sum()), len(days))
    active = rules.fives(len(days)) if rules.enough(len(days)) else None
    return {"active": active, "repeating": parts[0] if parts else None}


def _rfm(year: History, today: int) -> dict[str, Any] | None:
    """Return members by thirds of recency and frequency, with the mean spent: RFM in a 3 x 3."""
    members, which = np.unique(year.member, return_inverse=True)
    if not rules.enough(len(members)):
        return None
    last = np.zeros(len(members), np.int64)
    np.maximum.at(last, which, year.day)
    days = np.unique(np.stack([which, year.day]), axis=1)
    often = np.bincount(days[0], minlength=len(members))
    spent = np.bincount(which, year.cents, len(members))
    ago = today - last
    ago_ends, often_ends = _thirds(ago), _thirds(often)
    cell = np.searchsorted(ago_ends, ago, "left") * THIRDS + np.searchsorted(
        often_ends, often, "left"
    )
    count = np.bincount(cell, minlength=THIRDS**2)
    cents = np.bincount(cell, spent, THIRDS**2)
    shown = rules.told(count.tolist())
    return {
        "ago_ends": ago_ends,
        "often_ends": often_ends,
        "cells": [
            {"members": rules.fives(int(n)), "spent": round(float(c) / int(n)) if n else 0}
            if tell
            else None
            for n, c, tell in zip(count.tolist(), cents.tolist(), shown, strict=True)
        ],
    }


def _thirds(values: Ints) -> list[int]:
    """Return the highest value of the first and of the second third."""
    return [int(np.quantile(values, i / THIRDS, method="lower")) for i in (1, 2)]


def _outlook(bought: History, today: int) -> dict[str, Any] | None:
    """Return what members will spend within a year; None where the model fails its hold-out."""
    try:
        found = lifetime.outlook(bought.member, bought.day, bought.cents, today)
    except lifetime.NoModelFinal:
        return None
    return asdict(found) | {"members": rules.fives(found.members)}


def shared_members(history: History) -> list[tuple[int, int, int]]:
    """Return (shop, other shop, members of both), each of enough members; a shop with itself has
    all its members."""
    bought = history.of_members
    shops = np.unique(bought.shop)
    members, which = np.unique(bought.member, return_inverse=True)
    here = np.zeros((len(shops), len(members)), np.int32)
    here[np.searchsorted(shops, bought.shop), which] = 1
    both = here @ here.T
    return [
        (int(shops[a]), int(shops[b]), rules.fives(int(both[a, b])))
        for a in range(len(shops))
        for b in range(a, len(shops))
        if rules.enough(int(both[a, b]))
    ]
