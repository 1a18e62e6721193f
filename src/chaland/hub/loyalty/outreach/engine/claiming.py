"""Claiming: which deliveries a worker takes next, decided and written in one transaction.

Consent, suppression, caps and the state of campaign and sale are looked at here, in the moment of
sending, whatever they were when the audience was drawn.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from chaland.hub.loyalty import bulk, contention
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import pressure, queue, waiting
from chaland.hub.loyalty.outreach.audience import reaching
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.shapes import Held, Outcome, Reach, Result, Waiting

LEASE = timedelta(minutes=2)
"""Renewed while a batch goes; for workers of other machines only, one's own are known dead."""
_State, _Reason = Delivery.State, Delivery.Reason
COLUMNS = ("pk", "key", "campaign_id", "member_id", "channel", "occasion", "expires_at")
"""Of a delivery, what `Waiting` has, in its order."""
_HELD_FIELDS = ("state", "reason", "not_before", "changed_at")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds, and whither it goes."""

    waiting: Waiting
    reach: Reach


@dataclass(frozen=True)
class Batch:
    """What one claim brought: what goes, and how many others were decided, by state and reason."""

    claimed: list[Claimed]
    decided: Counter[tuple[str, str]]


@contention.anew
def claim(
    gateway: Gateway, limits: Mapping[int, int], at_most: int, journal: Journal, now: datetime
) -> Batch:
    """Take up to ``at_most`` deliveries by a gateway, an equal share of each campaign; ``limits``:
    of each at most so many."""
    shares = _shares(limits, at_most)
    decided: Counter[tuple[str, str]] = Counter()
    rows: list[Waiting] = []
    with transaction.atomic(using="loyalty"):
        # Read again: a pause, and the end of a sale, hold from their commit on.
        running = Campaign.objects.filter(pk__in=shares, state=Campaign.State.RUNNING)
        for campaign in waiting.may_go(running, gateway, now):
            rows += _take(campaign, gateway.channel, shares[campaign.pk], now)
        rows = _not_left(rows, gateway, journal, now, decided)
        reached, held = _reached(rows, now)
        _hold(rows, held, now, decided)
        claimed = [Claimed(one, reached[one.id]) for one in rows if one.id in reached]
        Delivery.objects.filter(pk__in=[one.waiting.id for one in claimed]).update(
            state=_State.CLAIMED,
            reason=_Reason.NONE,
            lease=journal.worker,
            leased_until=now + LEASE,
            gateway=gateway,
            changed_at=now,
        )
    return Batch(claimed, decided)


def _shares(limits: Mapping[int, int], at_most: int) -> dict[int, int]:
    """Share a batch out: what a campaign may not use is the others'. Where there are more campaigns
    than places, the lot says which have one this time."""
    chosen = random.sample(sorted(limits), min(len(limits), at_most))
    shares: dict[int, int] = {}
    for number in sorted(chosen, key=limits.__getitem__):
        equal = (at_most - sum(shares.values())) // (len(chosen) - len(shares))
        shares[number] = min(limits[number], equal)
    return shares


def _take(campaign: Campaign, channel: str, at_most: int, now: datetime) -> list[Waiting]:
    rows = queue.waiting().filter(campaign=campaign, channel=channel, not_before__lte=now)
    rows = rows.order_by("not_before").select_for_update(skip_locked=True)
    return [Waiting(*row) for row in rows.values_list(*COLUMNS)[:at_most]]


def _not_left(
    rows: Sequence[Waiting],
    gateway: Gateway,
    journal: Journal,
    now: datetime,
    decided: Counter[tuple[str, str]],
) -> list[Waiting]:
    """Take out what left already, as the journal knows: this database came back from a back-up."""
    known = journal.known([one.key for one in rows])
    left = [one for one in rows if one.key in known]
    for one in left:
        _put_right(one, known[one.key], gateway, now)
        decided["left", ""] += 1
    pressure.count([one.id for one in left], now)
    return [one for one in rows if one.key not in known]


def _put_right(one: Waiting, outcome: Outcome, gateway: Gateway, now: datetime) -> None:
    accepted = outcome.result == Result.ACCEPTED
    Delivery.objects.filter(pk=one.id).update(
        state=_State.ACCEPTED if accepted else _State.UNKNOWN,
        reason=_Reason.NONE,
        gateway=gateway,
        provider_id=outcome.provider_id,
        segments=outcome.segments,
        cost_microcents=outcome.cost_microcents,
        code=outcome.code,
        attempts=F("attempts") + 1,
        sending_at=now,
        changed_at=now,
    )


def _reached(rows: Sequence[Waiting], now: datetime) -> tuple[dict[int, Reach], dict[int, Held]]:
    """Ask whether, and whither, each delivery may go, and take its place under the caps."""
    held = {
        one.id: Held(_Reason.EXPIRED if one.expires_at <= now else _Reason.GONE)
        for one in rows
        if one.expires_at <= now or one.member_id is None
    }
    asked = [one for one in rows if one.id not in held]
    # The members first: what one of them says after it waits for this transaction's end.
    held |= pressure.lock(asked, now) if asked else {}
    asked = [one for one in asked if one.id not in held]
    answers = reaching.reach(asked, now) if asked else {}
    held |= {number: answer for number, answer in answers.items() if isinstance(answer, Held)}
    asked = [one for one in asked if one.id not in held]
    held |= pressure.reserve(asked, now) if asked else {}
    reached = {
        number: answer
        for number, answer in answers.items()
        if isinstance(answer, Reach) and number not in held
    }
    return reached, held


def _hold(
    rows: Sequence[Waiting],
    held: dict[int, Held],
    now: datetime,
    decided: Counter[tuple[str, str]],
) -> None:
    """Write down why deliveries don't go now; for good, where they could only go too late."""
    changed = []
    for one in rows:
        why = held.get(one.id)
        if why is None:
            continue
        state, until = _State.HELD, why.until
        if until is None or until >= one.expires_at:
            state, until = _State.NOT_SENT, now
        elif not why.reason:
            state = _State.READY
        reason = why.reason or (_Reason.EXPIRED if state == _State.NOT_SENT else _Reason.NONE)
        changed.append((state, reason, until, now, one.id))
        decided[state, reason] += 1
    bulk.update(Delivery, _HELD_FIELDS, changed)
