"""Counting whom a campaign would reach, and drawing its audience, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign, Delivery
from chaland.hub.loyalty.outreach.audience import drawing, segments
from chaland.hub.loyalty.outreach.audience.drawing import Counted
from chaland.hub.loyalty.outreach.audience.segments import SegmentErrorFinal
from chaland.hub.loyalty.outreach.results import uplift
from chaland.hub.loyalty.sales.services import invite

_Reason = Delivery.Reason

EXPIRES_AFTER = timedelta(days=3)
"""What a campaign without a sale, or a receipt that was asked for, is still worth sending."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What freezing now would bring: chosen by channel (held-out ones not among them), kept apart,
    and left out by reason; each as `few.told` tells it, to a shop and to the association."""

    chosen: dict[str, int | None]
    held_out: int | None
    left_out: dict[str, int | None]
    readable: bool
    """Whether both groups will be large enough to read an effect, if enough buy."""
    against: str
    """Why it may not be announced: see `_too_few`."""


def estimate(campaign: Campaign) -> Estimate:
    """Count a campaign's audience, as freezing it now would draw it. The campaign needn't be saved.

    SegmentErrorFinal where its criteria are none.
    """
    now = clock.now()
    counted = drawing.count(campaign, segments.members(campaign, now), now)
    return Estimate(
        {channel: few.told(counted.chosen(channel)) for channel in campaign.channels},
        few.told(counted.held_out),
        {reason: few.told(counted.left_out(reason)) for reason in drawing.LEFT_OUT},
        min(counted.held_out, counted.drawn - counted.held_out) >= uplift.READABLE,
        _too_few(campaign, counted),
    )


def sizes(campaign: Campaign, now: datetime) -> dict[str, int]:
    """Count by channel whom a campaign would write to, for its line in the calendar; nobody is
    told the numbers. SegmentErrorFinal where its criteria are none, or choose too few."""
    counted = drawing.count(campaign, segments.members(campaign, now), now)
    _refuse_few(campaign, counted)
    return {channel: counted.chosen(channel) for channel in campaign.channels}


def freeze(campaign: Campaign, now: datetime) -> int:
    """Draw a campaign's audience, once, inside of the caller's transaction; return how many
    deliveries there are. A campaign that was drawn before stays as it is.

    Who is left out is counted by reason in ``campaign.counted``, and has no row. With a sale, who
    is written to is invited. SegmentErrorFinal where the criteria are none, or choose too few;
    SaleErrorFinal where the sale isn't announced.
    """
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    campaign.refresh_from_db(fields=["frozen_at", "counted"])
    if campaign.frozen_at is not None:
        return Delivery.objects.filter(campaign=campaign).count()
    send_at = campaign.send_at or now
    over = campaign.sale.ends_at if campaign.sale else send_at + EXPIRES_AFTER
    times = {
        "not_before": send_at,
        "expires_at": campaign.expires_at or over,
        "changed_at": now,
    }
    with drawing.drawn(campaign, segments.members(campaign, now), now) as counted:
        _refuse_few(campaign, counted)
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


def _too_few(campaign: Campaign, counted: Counted) -> str:
    """Say why an audience is too small for its criteria, or nothing: who may see a small group
    written to has learnt of each of them what the criteria say, whatever number is hidden."""
    if not campaign.criteria or counted.drawn - counted.held_out >= few.FROM:
        return ""
    text = _("Fewer than %(n)d people are chosen: choose more widely. So few would be known by it.")
    return text % {"n": few.FROM}


def _refuse_few(campaign: Campaign, counted: Counted) -> None:
    if why := _too_few(campaign, counted):
        raise SegmentErrorFinal("too-few", "criteria", why)
