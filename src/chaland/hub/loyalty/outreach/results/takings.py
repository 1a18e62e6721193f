"""What was bought in some shops within a time, as a part of SQL that others aggregate: no list of
people leaves the database.

A return counts where its purchase does, whenever it came: else what a campaign or a sale sold would
look better than it was. One whose purchase isn't known counts at its own time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connections

from chaland.hub.loyalty.models import Receipt

Sql = tuple[str, list[Any]]


def receipts(shop_ids: Sequence[int], begin: datetime, end: datetime) -> Sql:
    """Return the SELECT of (shop_id, member_id, attached, cents, purchase) of the receipts within
    [begin, end): ``purchase`` is 1, of a return 0; ``attached`` is 1 where it is a member's, even
    one who was erased since."""
    adapted = connections["loyalty"].ops.adapt_datetimefield_value
    table = Receipt._meta.db_table
    places = ", ".join(["%s"] * len(shop_ids)) or "NULL"
    sql = (
        "SELECT r.shop_id, r.member_id, r.gross_cents AS cents,"  # noqa: S608  # our own names
        " CASE WHEN r.attached_at IS NULL THEN 0 ELSE 1 END AS attached,"
        " CASE WHEN r.returns_id IS NULL AND r.gross_cents >= 0 THEN 1 ELSE 0 END AS purchase"
        f" FROM {table} r LEFT JOIN {table} p ON p.id = r.returns_id"
        f" WHERE r.shop_id IN ({places}) AND r.issued_at >= %s"
        " AND COALESCE(p.issued_at, r.issued_at) >= %s"
        " AND COALESCE(p.issued_at, r.issued_at) < %s"
    )
    since = adapted(begin)
    return sql, [*shop_ids, since, since, adapted(end)]


def rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of an aggregate."""
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
