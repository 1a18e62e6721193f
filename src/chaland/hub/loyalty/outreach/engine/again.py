"""Second tries: messages of which nothing is known, handed over again where that is safe.

Whatever becomes of a second try, the first one may have arrived: its delivery is never ready, held
or not sent again, and keeps its place under the caps.
"""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import pressure, queue, waiting
from chaland.hub.loyalty.outreach.audience import reaching
from chaland.hub.loyalty.outreach.engine.claiming import COLUMNS, LEASE, Claimed
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.shapes import Outcome, Reach, Result, Waiting

STATES = (Campaign.State.RUNNING, Campaign.State.FINISHED)
"""Of campaigns whose messages are tried again."""
_AFTER = timedelta(minutes=1)
"""A report of an unknown message may still be on its way."""
_KEPT = timedelta(days=30)
_State = Delivery.State


def campaigns(gateway: Gateway) -> list[int]:
    """Return the campaigns of which a gateway has messages that are unknown."""
    rows = queue.unknown().filter(gateway=gateway, member__isnull=False)
    return list(rows.values_list("campaign_id", flat=True).order_by().distinct())


@contention.anew
def claim(
    gateway: Gateway,
    numbers: Sequence[int],
    journal: Journal,
    now: datetime,
    *,
    attempts: int,
    at_most: int,
) -> list[Claimed]:
    """Take unknown deliveries of some campaigns that were handed over less than ``attempts`` times,
    to hand them over again with the same key. Who may no longer be written to stays unknown."""
    with transaction.atomic(using="loyalty"):
        going = waiting.may_go(
            Campaign.objects.filter(pk__in=numbers, state__in=STATES), gateway, now
        )
        found = queue.unknown().filter(
            gateway=gateway,
            attempts__lt=attempts,
            member__isnull=False,
            expires_at__gt=now,
            changed_at__lte=now - _AFTER,
            campaign__in=[campaign.pk for campaign in going],
        )
        found = found.order_by("sending_at").select_for_update(skip_locked=True, of=("self",))
        rows = [Waiting(*row) for row in found.values_list(*COLUMNS)[:at_most]]
        busy = pressure.lock(rows, now) if rows else {}
        free = [one for one in rows if one.id not in busy]
        reached = reaching.reach(free, now) if free else {}
        claimed = [
            Claimed(one, reach) for one in free if isinstance(reach := reached[one.id], Reach)
        ]
        # Whatever becomes of this try: what may have left stays known as such.
        unknown = {c.waiting.key: Outcome(c.waiting.key.hex, Result.UNKNOWN) for c in claimed}
        journal.keep(unknown, now + _KEPT)
        Delivery.objects.filter(pk__in=[one.id for one in rows]).update(changed_at=now)
        Delivery.objects.filter(pk__in=[one.waiting.id for one in claimed]).update(
            state=_State.CLAIMED, lease=journal.worker, leased_until=now + LEASE
        )
    return claimed


def told(outcome: Outcome) -> Outcome:
    """Return what a second try's answer says of the message."""
    if outcome.result == Result.ACCEPTED:
        return outcome
    return dataclasses.replace(outcome, result=Result.UNKNOWN)


@contention.anew
def let_go(rows: Sequence[Waiting], worker: UUID, now: datetime) -> None:
    """Leave deliveries of this worker's unknown whose second try was surely not handed over."""
    mine = queue.leased().filter(pk__in=[one.id for one in rows], lease=worker)
    mine.update(state=_State.UNKNOWN, leased_until=None, changed_at=now)
