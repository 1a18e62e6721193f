"""Counting whom a campaign would reach, and drawing its audience, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chaland.hub.common import clock
from chaland.hub.loyalty.models import THE_ASSOCIATION, Campaign, Delivery
from chaland.hub.loyalty.outreach.audience import drawing, segments
from chaland.hub.loyalty.outreach.pressure_rules import FEW
from chaland.hub.loyalty.outreach.results import uplift
from chaland.hub.loyalty.sales.services import invite

_Reason = Delivery.Reason

_EXPIRES_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What freezing now would bring: chosen by channel (held-out ones not among them), kept apart,
    and left out by reason (of them a shop learns fives). None: fewer than ten."""

    chosen: dict[str, int | None]
    held_out: int | None
    left_out: dict[str, int | None]
    readable: bool
    """Whether both groups will be large enough to read an effect."""


def estimate(campaign: Campaign) -> Estimate:
    """Count a campaign's audience, as freezing it now would draw it. The campaign needn't be saved.

    SegmentErrorFinal where its criteria are none.
    """
    now = clock.now()
    counted = drawing.count(campaign, segments.members(campaign, now), now)
    shop = campaign.controller != THE_ASSOCIATION

    def told(people: int, step: int = 1) -> int | None:
        if not shop:
            return people
        return None if 0 < people < FEW else people - people % step

    return Estimate(
        {channel: told(counted.chosen(channel)) for channel in campaign.channels},
        told(counted.held_out),
        {reason: told(counted.left_out(reason), 5) for reason in drawing.LEFT_OUT},
        min(counted.held_out, counted.drawn - counted.held_out) >= uplift.READABLE,
    )


def freeze(campaign: Campaign, now: datetime) -> int:
    """Draw a campaign's audience, once, inside of the caller's transaction; return how many
    deliveries there are. A campaign that was drawn before stays as it is.

    Who is left out is counted by reason in ``campaign.counted``, and has no row. With a sale, who
    is written to is invited. SegmentErrorFinal where the criteria are none; SaleErrorFinal where
    the sale isn't announced.
    """
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    campaign.refresh_from_db(fields=["frozen_at", "counted"])
    if campaign.frozen_at is not None:
        return Delivery.objects.filter(campaign=campaign).count()
    send_at = campaign.send_at or now
    over = campaign.sale.ends_at if campaign.sale else send_at + _EXPIRES_AFTER
    times = {
        "not_before": send_at,
        "expires_at": campaign.expires_at or over,
        "changed_at": now,
    }
    with drawing.drawn(campaign, segments.members(campaign, now), now) as counted:
        made = drawing.write(campaign, times)
        if campaign.sale:
            invite(campaign.sale.pk, drawing.written_to())
    campaign.frozen_at = now
    campaign.counted = {
        **{channel: counted.chosen(channel) for channel in campaign.channels},
        **{reason: counted.left_out(reason) for reason in drawing.LEFT_OUT},
        str(_Reason.HELD_OUT): counted.held_out,
    }
    campaign.save(update_fields=["frozen_at", "counted"])
    return made
