"""What a campaign brought: all whom it meant against those who were kept apart, by their receipts.

By intention to treat: a member who was drawn counts as treated, whether the message left or not.
Spending is over all shops for the association's campaigns, at the shop for a shop's own (L19).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.models import THE_ASSOCIATION, Campaign, Delivery
from chaland.hub.loyalty.outreach.results import takings, uplift
from chaland.hub.loyalty.outreach.results.uplift import Effect, Group

WINDOW = timedelta(days=14)
"""So long purchases count after a campaign without a sale began; with one, until the sale ends."""
SETTLES = timedelta(days=14)
"""So long after that returns, and receipts that are attached late, still change the figures."""
_AGAIN = timedelta(days=1)
_LOOKED_AT = timedelta(days=400)
"""Campaigns that finished longer ago than this have their results for good."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two groups. ``buyers`` kept what they bought; ``cents`` net of returns."""

    members: int
    buyers: int
    receipts: int
    cents: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A campaign's effect as it was last worked out.

    Effects are None where `uplift.readable` says so: too few, or too few who bought, and nothing of
    who bought is told then. ``buyers`` is in shares, the others in cents.
    """

    begins_at: datetime
    ends_at: datetime
    at: datetime
    final: bool
    """Nothing changes any more."""
    gone: int
    """Members who were drawn and have been erased since: in neither group."""
    treated_members: int
    held_out_members: int
    treated: Side | None = None
    held_out: Side | None = None
    buyers: Effect | None = None
    cents_each: Effect | None = None
    cents: Effect | None = None
    """Over all who were meant."""

    @property
    def readable(self) -> bool:
        return self.buyers is not None


def window_of(campaign: Campaign) -> tuple[datetime, datetime]:
    """Return the time within which purchases count."""
    begin = campaign.started_at or campaign.send_at or campaign.created_at
    return begin, max(campaign.sale.ends_at, begin) if campaign.sale else begin + WINDOW


def measure(campaign: Campaign, now: datetime) -> Measured:
    """Work a campaign's effect out, now; nothing is stored. Its audience must have been drawn."""
    begin, end = window_of(campaign)
    groups = _groups(campaign, begin, min(end, now))
    treated, held_out = (groups.get(held, _NOBODY) for held in (False, True))
    drawn = Delivery.objects.filter(campaign=campaign)
    basis: dict[str, Any] = {
        "begins_at": begin,
        "ends_at": end,
        "at": now,
        "final": now >= end + SETTLES,
        "gone": drawn.filter(member=None).count(),
        "treated_members": treated[0].members,
        "held_out_members": held_out[0].members,
    }
    if not uplift.readable(treated[0], held_out[0]):
        return Measured(**basis)
    each = uplift.spending(treated[0], held_out[0]).times(100)
    return Measured(
        **basis,
        treated=_side(*treated),
        held_out=_side(*held_out),
        buyers=uplift.buyers(treated[0], held_out[0]),
        cents_each=each,
        cents=uplift.over_audience(each, treated[0]),
    )


def store(campaign: Campaign, now: datetime) -> Measured:
    """Work a campaign's effect out and keep it."""
    found = measure(campaign, now)
    content = asdict(found)
    for name in _TIMES:
        content[name] = content[name].isoformat()
    campaign.results, campaign.results_at = content, now
    campaign.save(update_fields=["results", "results_at"])
    return found


def of(campaign: Campaign) -> Measured | None:
    """Return what is kept of a campaign's effect; None before it finished."""
    if not campaign.results:
        return None
    content: dict[str, Any] = dict(campaign.results)
    for name in _TIMES:
        content[name] = datetime.fromisoformat(content[name])
    for name, kind in _PARTS.items():
        stored: Mapping[str, Any] | None = content[name]
        content[name] = None if stored is None else kind(**stored)
    return Measured(**content)


def measure_due(now: datetime) -> int:
    """Work out campaigns that finished, each day until nothing changes any more; how many."""
    due = Campaign.objects.filter(
        Q(results_at=None) | Q(results_at__lte=now - _AGAIN, results__final=False),
        state=Campaign.State.FINISHED,
        automatic=Campaign.Automatic.NO,
        frozen_at__isnull=False,
        finished_at__gt=now - _LOOKED_AT,
    )
    found = list(due.select_related("sale"))
    for campaign in found:
        store(campaign, now)
    return len(found)


_TIMES = ("begins_at", "ends_at", "at")
_PARTS: Mapping[str, type[Side] | type[Effect]] = {
    "treated": Side,
    "held_out": Side,
    "buyers": Effect,
    "cents_each": Effect,
    "cents": Effect,
}
_NOBODY = (Group(0, 0, (0.0, 0.0, 0.0, 0.0)), 0)


def _side(group: Group, receipts: int) -> Side:
    return Side(group.members, group.buyers, receipts, round(group.powers[0] * 100))


def _groups(campaign: Campaign, begin: datetime, end: datetime) -> dict[bool, tuple[Group, int]]:
    """Return who was held out (True) and who wasn't, with the purchases of each group."""
    sql, params = takings.receipts(_shops(campaign), begin, end)
    powers = ", ".join(f"SUM({' * '.join(['COALESCE(s.euro, 0)'] * k)})" for k in range(1, 5))
    found = takings.rows(
        "WITH spent AS (SELECT member_id, SUM(cents) / 100.0e0 AS euro,"  # noqa: S608  # our own names
        f" SUM(purchase) AS receipts FROM ({sql}) taken"
        " WHERE member_id IS NOT NULL GROUP BY member_id)"
        " SELECT CASE WHEN d.reason = %s THEN 1 ELSE 0 END AS held, COUNT(*),"
        " SUM(CASE WHEN s.euro > 0 THEN 1 ELSE 0 END), SUM(COALESCE(s.receipts, 0)),"
        f" {powers} FROM {Delivery._meta.db_table} d"
        " LEFT JOIN spent s ON s.member_id = d.member_id"
        " WHERE d.campaign_id = %s AND d.member_id IS NOT NULL"
        " GROUP BY CASE WHEN d.reason = %s THEN 1 ELSE 0 END",
        [*params, _HELD_OUT, campaign.pk, _HELD_OUT],
    )
    return {
        bool(held): (
            Group(members, int(buyers), tuple(map(float, sums))),  # type: ignore[arg-type]
            int(receipts),
        )
        for held, members, buyers, receipts, *sums in found
    }


_HELD_OUT = str(Delivery.Reason.HELD_OUT)


def _shops(campaign: Campaign) -> list[int]:
    """Return the shops in which spending counts."""
    if campaign.controller != THE_ASSOCIATION:
        return [campaign.controller]
    shops = Shop.objects.filter(association=campaign.association_id)
    return list(shops.values_list("pk", flat=True))
