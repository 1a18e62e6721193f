"""Claiming: which deliveries a worker takes next, decided and written in one transaction.

Consent, suppression, caps and the state of campaign and sale are looked at here, in the moment of
sending, whatever they were when the audience was drawn.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from chaland.hub.loyalty import bulk, contention
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import pressure, queue
from chaland.hub.loyalty.outreach.audience import reaching
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.shapes import Held, Outcome, Reach, Result, Waiting

LEASE = timedelta(minutes=2)
"""Renewed while a batch goes; for workers of other machines only, one's own are known dead."""
AGAIN_AFTER = timedelta(minutes=1)
"""A report of an unknown message may still be on its way."""
_KEPT = timedelta(days=30)
_State, _Reason = Delivery.State, Delivery.Reason
_COLUMNS = ("pk", "key", "campaign_id", "member_id", "channel", "occasion", "expires_at")
_HELD_FIELDS = ("state", "reason", "not_before", "changed_at")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds, and whither it goes."""

    waiting: Waiting
    reach: Reach


@dataclass(frozen=True)
class Batch:
    """What one claim brought: what goes, how many others were decided (by state and reason), and
    the campaigns in which something was still waiting."""

    claimed: list[Claimed]
    decided: Counter[tuple[str, str]]
    lively: list[Campaign]


@contention.anew
def claim(
    gateway: Gateway, campaigns: Sequence[Campaign], at_most: int, journal: Journal, now: datetime
) -> Batch:
    """Take up to ``at_most`` deliveries of ``campaigns`` by a gateway, an equal share of each."""
    share = max(1, at_most // max(1, len(campaigns)))
    decided: Counter[tuple[str, str]] = Counter()
    rows: list[Waiting] = []
    lively = []
    with transaction.atomic(using="loyalty"):
        for campaign in _running(campaigns):
            found = _take(campaign, gateway.channel, share, now)
            rows += found
            lively += [campaign] if found else []
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
    return Batch(claimed, decided, lively)


@contention.anew
def claim_again(
    gateway: Gateway, attempts: int, at_most: int, journal: Journal, now: datetime
) -> list[Claimed]:
    """Take unknown deliveries that were handed over less than ``attempts`` times, to hand them over
    again with the same key. Who may no longer be written to stays unknown."""
    asked_by = now - AGAIN_AFTER
    with transaction.atomic(using="loyalty"):
        found = queue.unknown().filter(
            gateway=gateway,
            attempts__lt=attempts,
            member__isnull=False,
            expires_at__gt=now,
            changed_at__lte=asked_by,
            campaign__state__in=(Campaign.State.RUNNING, Campaign.State.FINISHED),
        )
        found = found.order_by("sending_at").select_for_update(skip_locked=True, of=("self",))
        rows = [Waiting(*row) for row in found.values_list(*_COLUMNS)[:at_most]]
        reached = reaching.reach(rows, now) if rows else {}
        claimed = [
            Claimed(one, reach) for one in rows if isinstance(reach := reached.get(one.id), Reach)
        ]
        # Whatever becomes of this try: what may have left stays known as such.
        journal.keep({c.waiting.key: _unknown(c.waiting) for c in claimed}, now + _KEPT)
        ids = [one.waiting.id for one in claimed]
        Delivery.objects.filter(pk__in=[one.id for one in rows]).update(changed_at=now)
        Delivery.objects.filter(pk__in=ids).update(
            state=_State.CLAIMED, lease=journal.worker, leased_until=now + LEASE
        )
    return claimed


def _unknown(one: Waiting) -> Outcome:
    return Outcome(one.key.hex, Result.UNKNOWN)


def _running(campaigns: Iterable[Campaign]) -> Iterable[Campaign]:
    """Read again which campaigns run: a pause holds from its commit on."""
    ids = [campaign.pk for campaign in campaigns]
    return Campaign.objects.filter(pk__in=ids, state=Campaign.State.RUNNING)


def _take(campaign: Campaign, channel: str, at_most: int, now: datetime) -> list[Waiting]:
    rows = queue.waiting().filter(campaign=campaign, channel=channel, not_before__lte=now)
    rows = rows.order_by("not_before").select_for_update(skip_locked=True)
    return [Waiting(*row) for row in rows.values_list(*_COLUMNS)[:at_most]]


def _not_left(
    rows: Sequence[Waiting],
    gateway: Gateway,
    journal: Journal,
    now: datetime,
    decided: Counter[tuple[str, str]],
) -> list[Waiting]:
    """Take out what left already, as the journal knows: this database came back from a back-up."""
    known = journal.known([one.key for one in rows])
    for one in rows:
        if outcome := known.get(one.key):
            _put_right(one, outcome, gateway, now)
            decided["left", ""] += 1
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
    reached: dict[int, Reach] = {}
    for number, answer in reaching.reach(asked, now).items() if asked else ():
        if isinstance(answer, Held):
            held[number] = answer
        else:
            reached[number] = answer
    asked = [one for one in asked if one.id in reached]
    refused = pressure.reserve(asked, now) if asked else {}
    for number in refused:
        del reached[number]
    return reached, held | refused


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
