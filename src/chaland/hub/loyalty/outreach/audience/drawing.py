"""Who of a segment can be written to, by which channel, and who is kept apart; as sets, in SQL.

Two joins for each channel, whatever the segment: consents and suppressions are read once, not for
each member. Both engines compute the same keys and the same hold-out (MD5 of a secret and the
member's number; Django gives SQLite the function).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import QuerySet

from chaland.hub.loyalty.models import (
    Campaign,
    Channel,
    Delivery,
    Member,
    Permission,
    Suppression,
)
from chaland.hub.loyalty.outreach import keys
from chaland.hub.loyalty.outreach.stopping import INDEX_OF

_AT_ONCE = 50_000
_CHANNELS = ", ".join(f"'{channel}'" for channel in INDEX_OF)
DRAWN = "outreach_drawn"
"""The temporary table in which an audience lies between drawing and writing."""
_Reason, _State = Delivery.Reason, Delivery.State
LEFT_OUT = (_Reason.SUPPRESSED, _Reason.NO_CONSENT, _Reason.NO_CONTACT)
"""Why members of a segment are left out; of two channels' reasons the first of these is told."""
Sql = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Counted:
    """Members by what was found: a channel or a reason, and whether they are kept apart."""

    found: Mapping[tuple[str, bool], int]

    def chosen(self, channel: str) -> int:
        return self.found.get((channel, False), 0)

    def left_out(self, reason: str) -> int:
        return self.found.get((reason, False), 0) + self.found.get((reason, True), 0)

    @property
    def held_out(self) -> int:
        return sum(self.found.get((channel, True), 0) for channel in Channel.values)

    @property
    def drawn(self) -> int:
        return self.held_out + sum(self.chosen(channel) for channel in Channel.values)


def held_out(campaign: Campaign, member_id: int) -> bool:
    """Say whether a member is kept apart in a campaign; the same as the databases find."""
    told = f"{_holdout_salt(campaign)}{member_id}".encode()
    return md5(told, usedforsecurity=False).hexdigest()[:8] < _threshold(campaign)


def count(campaign: Campaign, segment: QuerySet[Member], now: datetime) -> Counted:
    """Count an audience without drawing it."""
    sql, params = judged(campaign, segment, now)
    return _counted(f"({sql}) judged", params)


@contextmanager
def drawn(campaign: Campaign, segment: QuerySet[Member], now: datetime) -> Iterator[Counted]:
    """Draw an audience into the table `DRAWN` (member_id, found, held), for this block."""
    sql, params = judged(campaign, segment, now)
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {DRAWN}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {DRAWN} (member_id bigint, found varchar(14), held boolean)"
        )
        cursor.execute(f"INSERT INTO {DRAWN} {sql}", params)  # our own names
        try:
            yield _counted(DRAWN, ())
        finally:
            cursor.execute(f"DROP TABLE {DRAWN}")


def write(campaign: Campaign, values: Mapping[str, Any]) -> int:
    """Make the deliveries of `DRAWN`; return how many. ``values``: fields that are one for all
    (``not_before``, ``expires_at``, ``changed_at``, ``occasion``)."""
    made = 0
    connection = connections["loyalty"]
    for channel in campaign.channels:
        salted = keys.salt(campaign.seed, channel, values.get("occasion", ""))
        key = f"md5('{salted}' || member_id)"
        same = {**values, "campaign": campaign.pk, "channel": channel}
        own = {
            "key": f"{key}::uuid" if connection.vendor == "postgresql" else key,
            "member": "member_id",
            "state": f"CASE WHEN held THEN '{_State.NOT_SENT}' ELSE '{_State.PLANNED}' END",
            "reason": f"CASE WHEN held THEN '{_Reason.HELD_OUT}' ELSE '' END",
        }
        columns, selected, params = _columns(same, own)
        table = connection.ops.quote_name(Delivery._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {selected} FROM {DRAWN}"  # noqa: S608
                " WHERE found = %s ORDER BY member_id",
                [*params, channel],
            )
            made += cursor.rowcount
    return made


def _columns(same: Mapping[str, Any], own: Mapping[str, str]) -> tuple[str, str, list[Any]]:
    """Return the columns of a delivery, what is selected into them, and the values of that."""
    connection = connections["loyalty"]
    fields = [f for f in Delivery._meta.concrete_fields if not isinstance(f, models.BigAutoField)]
    selected, params = [], []
    for field in fields:
        if field.name in own:
            selected.append(own[field.name])
            continue
        value = same[field.name] if field.name in same else field.get_default()
        selected.append("%s")
        params.append(field.get_db_prep_save(value, connection))
    quote = connection.ops.quote_name
    return ", ".join(quote(field.column or "") for field in fields), ", ".join(selected), params


def judged(campaign: Campaign, segment: QuerySet[Member], now: datetime) -> Sql:
    """Return the SQL of (member_id, found, held) for each member of a segment: ``found`` is the
    first of the campaign's channels that reaches, or why none does."""
    connection = connections["loyalty"]
    rows = segment.order_by().values_list("id", *INDEX_OF.values())
    try:
        inner, inner_params = rows.query.get_compiler("loyalty").as_sql()
    except EmptyResultSet:
        return "SELECT 0 AS member_id, '' AS found, false AS held WHERE false", ()
    joins, params, reasons = [], [*inner_params], []
    for channel in campaign.channels:
        join, join_params, reason = _channel(campaign, channel, now)
        joins.append(join)
        params += join_params
        reasons.append((channel, reason))
    found = _found(reasons)
    collation = '"C"' if connection.vendor == "postgresql" else "BINARY"
    held = f"substr(md5('{_holdout_salt(campaign)}' || m.id), 1, 8) COLLATE {collation}"
    return (
        f"SELECT m.id AS member_id, {found} AS found,"  # noqa: S608  # our own names
        f" {held} < '{_threshold(campaign)}' AS held"
        f" FROM ({inner}) m {' '.join(joins)}"
    ), params


def _channel(campaign: Campaign, channel: str, now: datetime) -> tuple[str, list[Any], str]:
    """Return the joins of a channel, their values, and the SQL of why it doesn't reach (or '')."""
    connection = connections["loyalty"]
    index = INDEX_OF[Channel(channel)]
    moment = connection.ops.adapt_datetimefield_value(now)
    join = (
        f"LEFT JOIN {Permission._meta.db_table} p_{channel}"  # noqa: S608  # our own names
        f" ON p_{channel}.member_id = m.id"
        f" AND p_{channel}.controller = %s AND p_{channel}.purpose = %s"
        f" AND p_{channel}.channel = %s AND p_{channel}.given AND p_{channel}.since <= %s"
        f' LEFT JOIN (SELECT "index", MAX(at) AS at FROM {Suppression._meta.db_table}'
        f' WHERE association_id = %s AND channel = %s GROUP BY "index") s_{channel}'
        f' ON s_{channel}."index" = m.{index}'
    )
    params = [campaign.controller, campaign.purpose, channel, moment]
    reason = (
        f"CASE WHEN m.{index} IS NULL THEN '{_Reason.NO_CONTACT}'"
        f" WHEN p_{channel}.id IS NULL THEN '{_Reason.NO_CONSENT}'"
        f" WHEN s_{channel}.at >= p_{channel}.since THEN '{_Reason.SUPPRESSED}' ELSE '' END"
    )
    return join, [*params, campaign.association_id, channel], reason


def _found(reasons: Sequence[tuple[str, str]]) -> str:
    reached = "".join(f" WHEN {reason} = '' THEN '{channel}'" for channel, reason in reasons)
    listed = ", ".join(reason for _channel, reason in reasons)
    why = "".join(f" WHEN '{reason}' IN ({listed}) THEN '{reason}'" for reason in LEFT_OUT)
    return f"CASE{reached}{why} END"


def _counted(source: str, params: Sequence[Any]) -> Counted:
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(
            f"SELECT found, held, COUNT(*) FROM {source} GROUP BY found, held",  # noqa: S608
            params,
        )
        return Counted({(found, bool(held)): n for found, held, n in cursor.fetchall()})


def _holdout_salt(campaign: Campaign) -> str:
    return keys.salt(campaign.seed, "held out")


def _threshold(campaign: Campaign) -> str:
    return f"{min(campaign.holdout_percent * 2**32 // 100, 2**32 - 1):08x}"


def written_to() -> Iterator[int]:
    """Yield the members of `DRAWN` who are written to, in order of their numbers."""
    last, rows = 0, [(0,)]
    while rows:
        with connections["loyalty"].cursor() as cursor:
            cursor.execute(
                f"SELECT member_id FROM {DRAWN} WHERE member_id > %s AND NOT held"  # noqa: S608
                f" AND found IN ({_CHANNELS}) ORDER BY member_id LIMIT {_AT_ONCE}",
                [last],
            )
            rows = cursor.fetchall()
        for (last,) in rows:
            yield last
