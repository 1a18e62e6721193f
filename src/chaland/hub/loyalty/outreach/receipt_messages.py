"""Receipts by link, to members who asked for them: planned as receipts come in.

A receipt goes once, from its shop where that sends receipts, else from the association. An attached
receipt waits for as long as the till may undo it.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.models import THE_ASSOCIATION, Campaign, MessageChoice, Receipt
from chaland.hub.loyalty.outreach import campaigns

LOOKS_EACH = timedelta(seconds=15)
UNDONE_FOR = timedelta(seconds=30)
"""The till page undoes within ten seconds by the hub's clock."""
LATEST = timedelta(days=1)
"""A receipt that is found later (a till that was offline, a worker that stood) is no news."""
_OVERLAP = timedelta(minutes=10)
"""A transaction that began before the last look may have ended after it."""


def plan_receipts(now: datetime) -> int:
    """Plan the receipts that came in since the last look; return how many."""
    sending = list(
        Campaign.objects.filter(
            state=Campaign.State.RUNNING, automatic=Campaign.Automatic.RECEIPT
        ).order_by("pk")
    )
    own = {each.controller for each in sending if each.controller != THE_ASSOCIATION}
    return sum(_plan(each, own, now) for each in sending)


def _plan(campaign: Campaign, own: set[int], now: datetime) -> int:
    looked = campaign.frozen_at
    if looked is not None and now - LOOKS_EACH < looked <= now:
        return 0
    begun = campaign.send_at or campaign.created_at
    since = max(begun, (looked or begun) - _OVERLAP, now - LATEST)
    chose = MessageChoice.objects.annotate(kinds=Cast("automatic", TextField())).filter(
        member=OuterRef("member"), kinds__contains=f'"{Campaign.Automatic.RECEIPT}"'
    )
    rows = Receipt.objects.filter(
        Exists(chose),
        shop_id__in=_shops(campaign, own),
        issued_at__gt=now - LATEST,
        attached_at__gt=since,
        attached_at__lte=now - UNDONE_FOR,
        gross_cents__gt=0,
    )
    made = sum(
        campaigns.send_receipt(campaign, row.member, row.pk, now)
        for row in rows.select_related("member").order_by("pk")
        if row.member is not None
    )
    Campaign.objects.filter(pk=campaign.pk).update(frozen_at=now)
    return made


def _shops(campaign: Campaign, own: set[int]) -> list[int]:
    """Return whose receipts a campaign sends; the association those of shops that send none."""
    if campaign.controller != THE_ASSOCIATION:
        return [campaign.controller]
    shops = Shop.objects.filter(association=campaign.association_id).exclude(pk__in=own)
    return list(shops.values_list("pk", flat=True))
