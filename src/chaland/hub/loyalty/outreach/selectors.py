"""Reads for pages: how a campaign goes, what became of each message, and who tires people."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from chaland.hub.loyalty.members.rules import masked_name
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Member,
    ShopCustomer,
    Suppression,
)
from chaland.hub.loyalty.outreach.transitions import LEFT, WAITING


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a campaign's deliveries are where; ``reasons`` of those that wait or don't go;
    ``waiting``: by channel, how many wait without a reason of their own."""

    states: Mapping[str, int]
    reasons: Mapping[str, int]
    waiting: Mapping[str, int]
    segments: int
    cost_microcents: int

    @property
    def all(self) -> int:
        return sum(self.states.values())


def progress(campaign: Campaign) -> Progress:
    """Count a campaign's deliveries, in one read of its index and one of its costs."""
    rows = Delivery.objects.filter(campaign=campaign)
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    waiting: dict[str, int] = {}
    counted = rows.values_list("state", "reason", "channel").annotate(n=Count("pk")).order_by()
    for state, reason, channel, n in counted:
        states[state] = states.get(state, 0) + n
        if reason:
            reasons[reason] = reasons.get(reason, 0) + n
        elif state in WAITING:
            waiting[channel] = waiting.get(channel, 0) + n
    paid = rows.filter(segments__gt=0).aggregate(
        segments=Sum("segments", default=0), cost=Sum("cost_microcents", default=0)
    )
    return Progress(states, reasons, waiting, paid["segments"], paid["cost"])


@dataclass(frozen=True, slots=True)
class Told:
    """One person's message, as a shop or the association sees it: a masked name, what became of
    it, and why."""

    delivery_id: int
    name: str
    channel: str
    state: str
    reason: str
    code: str
    changed_at: datetime


def people(campaign: Campaign, shop_id: int | None) -> QuerySet[Delivery]:
    """Return a campaign's deliveries for the page that lists each person, in order of writing; read
    slices of it, and show them by `told`. A shop (not None) sees its own campaign's only, and of
    it those who are its customers still."""
    rows = Delivery.objects.filter(campaign=campaign).select_related("member")
    if shop_id is not None:
        own = ShopCustomer.objects.filter(member=OuterRef("member"), shop_id=shop_id)
        rows = rows.filter(Exists(own), campaign__controller=shop_id)
    return rows.order_by("pk")


def told(delivery: Delivery, why: Mapping[str, str] | None = None) -> Told:
    """Return a delivery as it is shown; ``why``: what `waiting.why_waits` says of its campaign."""
    member = delivery.member
    reason = delivery.reason
    if why and not reason and delivery.state in WAITING:
        reason = why.get(delivery.channel, "")
    return Told(
        delivery.pk,
        masked_name(member.first_name, member.last_name) if member else _("no longer a member"),
        delivery.get_channel_display(),
        delivery.get_state_display(),
        str(Delivery.Reason(reason).label) if reason else "",
        delivery.code,
        delivery.changed_at,
    )


@dataclass(frozen=True, slots=True)
class Tiring:
    """What a controller sent in a period, and how many answered by stop, or as spam; bounces say
    how old its addresses are."""

    controller: int
    sent: int
    stops: int
    complaints: int
    bounces: int


def _left(association_id: int, first: datetime, until: datetime) -> QuerySet[Delivery]:
    """Return what an association's shops sent in a period, found by its time: of a year's messages
    those of thirty days are read alone."""
    own = Campaign.objects.filter(pk=OuterRef("campaign_id"), association_id=association_id)
    return Delivery.objects.filter(
        Exists(own), state__in=LEFT, sending_at__gte=first, sending_at__lt=until
    )


def tiring(association_id: int, first: datetime, until: datetime) -> list[Tiring]:
    """Return, for the association, what each shop sent and what came of it, by stops per message,
    the most first."""
    by_campaign = dict(
        _left(association_id, first, until).values_list("campaign_id").annotate(n=Count("pk"))
    )
    whose = Campaign.objects.filter(pk__in=by_campaign).values_list("pk", "controller")
    sent: Counter[int] = Counter()
    for campaign, controller in whose:
        sent[controller] += by_campaign[campaign]
    causes = Suppression.Cause
    rows = (
        Suppression.objects.filter(
            association_id=association_id, at__gte=first, at__lt=until, delivery__isnull=False
        )
        .values_list("delivery__campaign__controller")
        .annotate(
            stops=Count("pk", filter=Q(cause__in=(causes.STOP, causes.UNSUBSCRIBED))),
            complaints=Count("pk", filter=Q(cause=causes.COMPLAINED)),
            bounces=Count("pk", filter=Q(cause=causes.BOUNCED)),
        )
    )
    answered = {controller: counts for controller, *counts in rows}
    found = [
        Tiring(controller, sent[controller], *answered.get(controller, (0, 0, 0)))
        for controller in sent.keys() | answered.keys()
    ]
    return sorted(found, key=lambda t: (-(t.stops + t.complaints) / max(t.sent, 1), t.controller))


@dataclass(frozen=True, slots=True)
class PerMember:
    """Messages that members got in a period: members with any, messages, and the most of one."""

    members: int
    messages: int
    most: int


def per_member(association_id: int, first: datetime, until: datetime) -> PerMember:
    """Return how many messages members got in a period, all shops together."""
    rows = (
        _left(association_id, first, until)
        .filter(member__isnull=False)
        .values("member")
        .annotate(n=Count("pk"))
        .aggregate(members=Count("member"), messages=Sum("n", default=0), most=Max("n", default=0))
    )
    return PerMember(rows["members"], rows["messages"], rows["most"])


def sent_by_month(association_id: int, zone: ZoneInfo, first: date, last: date) -> dict[date, int]:
    """Count what was sent, all shops together, by local month, from one month to another."""
    begins = datetime.combine(first, time(), zone)
    ends = datetime.combine(last + timedelta(days=31), time(), zone).replace(day=1)
    rows = (
        _left(association_id, begins, ends)
        .annotate(month=TruncMonth("sending_at", tzinfo=zone))
        .values_list("month")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return {month.date(): n for month, n in rows if month is not None}


def messages_of(member: Member, at_most: int = 100) -> list[Delivery]:
    """List what a member was sent, or wasn't and why, the newest first; with who wrote."""
    rows = Delivery.objects.filter(member=member)
    return list(rows.select_related("campaign").order_by("-changed_at", "-pk")[:at_most])
