"""Messages that go by themselves when their moment comes: points about to lapse, a stamp card
nearly full, the birthday month. (A receipt's goes when it is made: the queue plans it.)

Each is drawn once a day, of the members who chose it and agreed to reminders, and says one thing
once: the ``occasion`` names the month, the card or the year.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from chaland.hub.loyalty.models import Campaign, Delivery, Member, MessageChoice
from chaland.hub.loyalty.outreach.audience import drawing, segments

_Automatic = Campaign.Automatic
NOTICE = timedelta(days=21)
"""So long before a month begins, what lapses in it is told."""
NEAR = 2
"""Stamps that lack at most on a card that is nearly full."""
LIVES = timedelta(days=10)
"""So long a message may wait for a place among the promotional ones; then it is out of date."""


def plan_automatic(now: datetime) -> int:
    """Plan the automatic messages whose moment has come; return how many. Once a day does it: done
    again, it looks at nothing."""
    running = Campaign.objects.filter(state=Campaign.State.RUNNING).exclude(
        automatic__in=(_Automatic.NO, _Automatic.RECEIPT)
    )
    return sum(_plan(each.pk, now) for each in running if not _done(each, now))


def _done(campaign: Campaign, now: datetime) -> bool:
    """Say whether a campaign was planned this day already."""
    scope = segments.scope_of(campaign, now)
    return campaign.frozen_at is not None and _day(campaign.frozen_at, scope) == _day(now, scope)


def _plan(campaign_id: int, now: datetime) -> int:
    with transaction.atomic(using="loyalty"):
        campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
        if _done(campaign, now):
            return 0
        scope = segments.scope_of(campaign, now)
        occasion, moment = _occasion(campaign.automatic, scope)
        values = {
            "occasion": occasion,
            "not_before": now,
            "expires_at": now + LIVES,
            "changed_at": now,
        }
        chosen = _chose(segments.members(campaign, now).filter(moment), campaign, occasion)
        with drawing.drawn(campaign, chosen, now):
            made = drawing.write(campaign, values)
        campaign.frozen_at = now
        campaign.save(update_fields=["frozen_at"])
    return made


def _day(at: datetime, scope: segments.Scope) -> int:
    return at.astimezone(scope.timezone).date().toordinal()


def _occasion(automatic: str, scope: segments.Scope) -> tuple[str, Q]:
    """Return what for, and whose moment has come."""
    today = scope.now.astimezone(scope.timezone).date()
    if automatic == _Automatic.BIRTHDAY:
        return f"birthday {today.year}", Q(birth_month=today.month)
    if automatic == _Automatic.STAMPS:
        quarter = (today.month + 2) // 3
        return f"stamps {today.year}-{quarter}", segments.stamps_left(scope, NEAR)
    month = (today + NOTICE).replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    lapsing = segments.lapsing(scope, max(month, today + timedelta(days=1)), after)
    return f"points {month:%Y-%m}", lapsing


def _chose(members: QuerySet[Member], campaign: Campaign, occasion: str) -> QuerySet[Member]:
    """Keep those who chose this message, and weren't sent it on this occasion."""
    choices = MessageChoice.objects.annotate(kinds=Cast("automatic", TextField())).filter(
        member=OuterRef("pk"), kinds__contains=f'"{campaign.automatic}"'
    )
    told = Delivery.objects.filter(campaign=campaign.pk, member=OuterRef("pk"), occasion=occasion)
    return members.filter(Exists(choices), ~Exists(told))
