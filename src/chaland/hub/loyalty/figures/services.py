"""Releases the figures of closed months: what others than the shop may read, once and for good.

Cost grows with an association's receipts: all are read once a month (docs/reference).
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.core.cache import cache
from django.db import transaction
from django.db.models import F

from chaland.hub.association.models import Association
from chaland.hub.loyalty.figures.measures import (
    History,
    hours_content,
    month_content,
    month_number,
    month_of,
    shared_members,
)
from chaland.hub.loyalty.models import MonthFigures, Receipt
from chaland.hub.loyalty.models.figures import THE_TOWN

GRACE = timedelta(days=2)
"""A month is released this long after its end: late attaching and the last files are in it."""
QUARTER = 3
_LOOK_AGAIN_S = 24 * 3600
"""A month that was too small to be released may still grow, by receipts that come late."""


def release_due(now: datetime) -> int:
    """Release each association's closed months that aren't yet; return the rows made."""
    return sum(release(association, now) for association in Association.objects.all())


def release(association: Association, now: datetime) -> int:
    """Release the closed months of a town. Returns the number of rows made; 0 where it is done.

    A shop's month that was too small, or not there, when the town's was released comes in with the
    next month's release; what is released is never changed.
    """
    timezone = ZoneInfo(association.timezone)
    last = month_number((now - GRACE).astimezone(timezone).date()) - 1
    own = MonthFigures.objects.filter(association_id=association.pk)
    if own.filter(shop_id=THE_TOWN, month=month_of(last)).exists():
        return 0
    looked = f"figures-looked:{association.pk}:{last}"
    if not cache.add(looked, True, _LOOK_AGAIN_S):
        return 0  # a town below the threshold: all its receipts were read today
    end = datetime.combine(month_of(last + 1), datetime.min.time(), timezone)
    history = history_of(association.pk, timezone, until=end)
    if not len(history):
        return 0
    there = {(row.shop_id, row.month) for row in own}
    made: list[MonthFigures] = []
    for month in range(int(history.month.min()), last + 1):
        made += _month(association.pk, history, month, there, ahead=month == last)
    for row in made:
        row.released_at = now
    with transaction.atomic(using="loyalty"):
        MonthFigures.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _month(
    association_id: int,
    history: History,
    month: int,
    there: set[tuple[int, date]],
    *,
    ahead: bool,
) -> list[MonthFigures]:
    """Make a month's rows that aren't there; ``ahead`` for the newest month: it takes long."""

    def row(shop: int, content: dict[str, object]) -> MonthFigures:
        return MonthFigures(
            association_id=association_id, shop_id=shop, month=month_of(month), content=content
        )

    made, shown = [], []
    for shop in np.unique(history.shop[history.month == month]).tolist():
        if (shop, month_of(month)) in there:
            shown.append(shop)
            continue
        content = month_content(history.where(history.shop == shop), month, ahead=ahead)
        if content is not None:
            shown.append(shop)
            made.append(row(shop, content))
    if (THE_TOWN, month_of(month)) in there:
        return made
    # only shops that are shown: the town less these leaves no small shop's month
    town = history.where(np.isin(history.shop, shown))
    content = month_content(town, month, ahead=ahead)
    if content is not None:
        content["shops"] = shown
        content["hours"] = hours_content(town.where(town.month == month))
        if (month + 1) % QUARTER == 0:
            quarter = town.where((town.month <= month) & (town.month > month - QUARTER))
            content["shared"] = shared_members(quarter)
        made.append(row(THE_TOWN, content))
    return made


def history_of(
    association_id: int,
    timezone: ZoneInfo,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    shop_id: int | None = None,
) -> History:
    """Read receipts as columns: a town's, or a shop's; within [since, until)."""
    receipts = Receipt.objects.filter(association_id=association_id)
    if shop_id is not None:
        receipts = receipts.filter(shop_id=shop_id)
    if since is not None:
        receipts = receipts.filter(issued_at__gte=since)
    if until is not None:
        receipts = receipts.filter(issued_at__lt=until)
    rows = receipts.values_list(
        "shop_id", "member_id", "issued_at", "attached_at", "gross_cents", F("returns_id")
    )
    columns = (
        (
            shop,
            -1 if member is None else member,
            int(issued.timestamp()),
            -1 if attached is None else max(int((attached - issued).total_seconds()), 0),
            cents,
            returns is not None or cents < 0,
        )
        for shop, member, issued, attached, cents, returns in rows.iterator(chunk_size=2_000)
    )
    # row by row into the array: as tuples, the same receipts take six times the memory
    read = np.fromiter(columns, np.dtype((np.int64, 6))).astype(np.int64, copy=False)
    return History.of(read.T, timezone)
