"""What keeps a campaign's messages from going just now: asked before each claim, each second of a
batch, and by the page that says why a message waits."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from chaland.hub.association.models import Association
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import hours, running
from chaland.hub.loyalty.outreach.engine import machines
from chaland.hub.loyalty.outreach.engine.pace import allowed
from chaland.hub.loyalty.outreach.pressure import promotional
from chaland.hub.loyalty.outreach.transitions import WAITING

_Reason = Delivery.Reason


def may_go(campaigns: "QuerySet[Campaign]", gateway: Gateway, now: datetime) -> list[Campaign]:
    """Return those of some campaigns of a gateway's association whose messages may leave by it now:
    their sale isn't over, and these are their hours. Their state is the caller's to ask for."""
    found = campaigns.filter(association_id=gateway.association_id)
    found = found.exclude(running.sale_over(now)).order_by("started_at", "pk")
    of_channel = [campaign for campaign in found if gateway.channel in campaign.channels]
    if not of_channel:
        return []
    town = Association.objects.get(pk=gateway.association_id)
    return [each for each in of_channel if _open(each, gateway.channel, town, now)]


def left(campaign: Campaign, gateway: Gateway, now: datetime) -> int | None:
    """Return how many a campaign's slow start lets through; None: all."""
    at_most = allowed(gateway.first_hour, campaign.started_at or now, now)
    if at_most is None:
        return None
    gone = Delivery.objects.filter(campaign=campaign, channel=gateway.channel).exclude(
        state__in=(*WAITING, Delivery.State.NOT_SENT)
    )
    return max(0, at_most - gone.count())


def why_waits(campaign: Campaign, now: datetime) -> dict[str, str]:
    """Return by channel why what waits there can't go now, as a `Delivery.Reason`; a channel that
    isn't named has nothing in its way. Where a delivery has a reason of its own, that one holds."""
    gateways = {
        gateway.channel: gateway
        for gateway in Gateway.objects.filter(
            association_id=campaign.association_id, active=True, channel__in=campaign.channels
        )
    }
    why = {ch: _why(campaign, ch, gateways.get(ch), now) for ch in campaign.channels}
    return {channel: reason for channel, reason in why.items() if reason}


def _why(campaign: Campaign, channel: str, gateway: Gateway | None, now: datetime) -> str:
    if campaign.state == Campaign.State.PAUSED:
        return _Reason.PAUSED
    if Campaign.objects.filter(running.sale_over(now), pk=campaign.pk).exists():
        return _Reason.SALE_OVER
    if gateway is None or gateway.trouble:
        return _Reason.GATEWAY if gateway else _Reason.NO_GATEWAY
    if _doubted(campaign, now):
        return _Reason.DOUBT
    town = Association.objects.get(pk=campaign.association_id)
    if not _open(campaign, channel, town, now):
        return _Reason.QUIET
    return _Reason.SLOW if left(campaign, gateway, now) == 0 else _Reason.NONE


def _doubted(campaign: Campaign, now: datetime) -> bool:
    doubt = machines.ask(now)
    return bool(doubt and (campaign.send_at is None or campaign.send_at < doubt.since))


def _open(campaign: Campaign, channel: str, town: Association, now: datetime) -> bool:
    part = hours.subdivision_of(ZoneInfo(town.timezone), town.department)
    return hours.opens(channel, promotional(campaign), now, town.timezone, part) <= now
