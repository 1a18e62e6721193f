"""A sale begun anew from another: what it was called off for by mistake, or last winter's."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, PrivateSale
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.sales import services
from chaland.hub.loyalty.web.outreach.scope import Scope, campaigns_of
from chaland.hub.loyalty.web.sales import planning, plans, proposals
from chaland.hub.loyalty.web.sales.planning import SAVE
from chaland.hub.loyalty.web.sales.plans import Plan

_WEEK = timedelta(days=7)


def copied(scope: Scope, sale: PrivateSale) -> PrivateSale:
    """Return a new sale in preparation with all that was prepared: days, slots, offers, shops to
    ask, audience and texts; on the same weekday in a week or more where its day is past.

    ValueError, in words: it can't be kept as it was."""
    now = clock.now()
    campaign = campaigns_of(scope).filter(sale=sale).order_by("pk").first()
    moved = _moved(sale, now)
    first, last = (at.astimezone(scope.zone) for at in (sale.starts_at, sale.ends_at))
    plan = _anew(plans.of(scope, sale, campaign, now), first, last, moved)
    with transaction.atomic(using="loyalty"):
        looked = planning.do(scope, plan, None, SAVE)
        if looked.sale is None or not looked.kept:
            raise ValueError(" ".join(looked.faults))
        if plan.slot == plans.NO_SLOTS:  # there were none, or each was its own
            for slot in sale.slots.all():
                begins, ends = (at.astimezone(scope.zone) for at in (slot.starts_at, slot.ends_at))
                services.set_slot(looked.sale.pk, begins + moved, ends + moved, slot.capacity)
        if campaign is not None and looked.campaign is not None:
            _same_people(campaign, looked.campaign)
    return looked.sale


def _moved(sale: PrivateSale, now: datetime) -> timedelta:
    if sale.starts_at > now:
        return timedelta(0)
    return ((now - sale.starts_at) // _WEEK + 2) * _WEEK


def _anew(plan: Plan, first: datetime, last: datetime, moved: timedelta) -> Plan:
    """Return a plan moved to other days, with the texts that were left as they were proposed."""
    was = proposals.texts(first, last)
    will = proposals.texts(first + moved, last + moved)
    last_day = (last + moved).date().isoformat() if plan.last_day else ""
    return replace(
        plan,
        day=(first + moved).date().isoformat(),
        last_day=last_day,
        slot=plans.NO_SLOTS if plan.slot == plans.KEPT else plan.slot,
        who="all",
        at=None,
        words={p: will[p] if w == was.get(p) else w for p, w in plan.words.items()},
    )


def _same_people(old: Campaign, new: Campaign) -> None:
    if old.criteria:
        campaigns.edit(new.pk, criteria=old.criteria)
