"""What became of a batch, written down: in the journal's index first, then in the database."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chaland.hub.loyalty import bulk, contention
from chaland.hub.loyalty.models import Delivery, Gateway, Suppression
from chaland.hub.loyalty.outreach import pressure, queue, stopping
from chaland.hub.loyalty.outreach.shapes import Outcome, Result, Waiting
from chaland.hub.loyalty.outreach.transitions import State, answered

_State, _Reason = Delivery.State, Delivery.Reason
_FIELDS = (
    "state", "reason", "not_before", "provider_id", "segments", "cost_microcents", "code",
    "attempts", "leased_until", "changed_at",
)  # fmt: skip
_REASONS = {State.NOT_SENT: _Reason.REFUSED, State.HELD: _Reason.GATEWAY}
_AGAIN = timedelta(minutes=1)
_LONGEST = timedelta(hours=1)


@contention.anew
def write(outcomes: Mapping[int, Outcome], now: datetime) -> Counter[str]:
    """Write down the outcomes of deliveries, by their ids; return how many of each state.

    A report that came first stands. What surely was not handed over gives its place back; an
    address that doesn't exist is suppressed in the same transaction.
    """
    counted: Counter[str] = Counter()
    rows, free, dead = [], [], []
    with transaction.atomic(using="loyalty"):
        found = Delivery.objects.select_for_update(no_key=True).filter(pk__in=list(outcomes))
        told = found.order_by("pk").values_list("pk", "state", "reason", "not_before", "attempts")
        for number, before, why, when, attempts in told:
            outcome = outcomes[number]
            state = answered(State(before), outcome.result)
            reason = why if state == before else _REASONS.get(state, _Reason.NONE)
            backoff = min(_AGAIN * 2 ** min(attempts, 6), _LONGEST)
            not_before = now + backoff if state == State.HELD else when
            if state in (State.HELD, State.NOT_SENT):
                free.append(number)
            dead += [number] if outcome.bad_address else []
            counted[state] += 1
            rows.append(
                (state, reason, not_before, outcome.provider_id[:120], outcome.segments,
                 outcome.cost_microcents, outcome.code[:80], attempts + 1, None, now, number)
            )  # fmt: skip
        bulk.update(Delivery, _FIELDS, rows)
        # What is held has not been sent: who finds `sending_at` in a claim knows of a first try.
        held = [row[-1] for row in rows if row[0] == State.HELD]
        Delivery.objects.filter(pk__in=held).update(sending_at=None)
        if free:
            pressure.release(free)
        for number in dead:
            stopping.suppress_delivery(number, Suppression.Cause.BOUNCED, now)
    return counted


def write_alike(
    outcomes: Mapping[int, Outcome], worker: UUID, now: datetime
) -> Counter[str] | None:
    """Write down that all that a worker is sending was accepted in the same words, in one
    statement; None where it isn't so simple, then nothing was written."""
    first, *others = outcomes.values() or (None,)
    if first is None or first.result != Result.ACCEPTED:
        return None
    if any(dataclasses.replace(other, key=first.key) != first for other in others):
        return None
    with transaction.atomic(using="loyalty"):
        rows = queue.leased().filter(lease=worker, state=_State.SENDING)
        written = rows.update(
            state=_State.ACCEPTED,
            reason=_Reason.NONE,
            provider_id=first.provider_id[:120],
            segments=first.segments,
            cost_microcents=first.cost_microcents,
            code=first.code[:80],
            attempts=F("attempts") + 1,
            leased_until=None,
            changed_at=now,
        )
        if written != len(outcomes):  # a report was faster, or not all was drawn
            transaction.set_rollback(True, using="loyalty")
            return None
    return Counter({State.ACCEPTED: written})


@contention.anew
def give_back(rows: Sequence[Waiting], worker: UUID, now: datetime) -> int:
    """Make deliveries ready again that this worker held and never drew; how many."""
    with transaction.atomic(using="loyalty"):
        ids = _mine(rows, worker)
        Delivery.objects.filter(pk__in=ids).update(
            state=_State.READY, leased_until=None, sending_at=None, changed_at=now
        )
        pressure.release(ids)
    return len(ids)


@contention.anew
def put_off(
    rows: Sequence[Waiting], worker: UUID, now: datetime, until: datetime, why: str
) -> None:
    """Hold deliveries of this worker's that surely were not handed over; ``why``: a
    `Delivery.Reason`. What another worker has taken since is that one's."""
    with transaction.atomic(using="loyalty"):
        ids = _mine(rows, worker)
        Delivery.objects.filter(pk__in=ids).update(
            state=_State.HELD,
            reason=why,
            not_before=until,
            leased_until=None,
            sending_at=None,
            attempts=F("attempts") + 1,
            changed_at=now,
        )
        pressure.release(ids)


def _mine(rows: Sequence[Waiting], worker: UUID) -> list[int]:
    """Lock those of some deliveries that a worker holds still."""
    mine = queue.leased().select_for_update(no_key=True)
    mine = mine.filter(pk__in=[one.id for one in rows], lease=worker)
    return list(mine.values_list("pk", flat=True))


def trouble(gateway: Gateway, text: str) -> None:
    """Say, or no longer say, to the association why nothing can be handed over to a gateway."""
    if gateway.trouble != text[:200]:
        Gateway.objects.filter(pk=gateway.pk).update(trouble=text[:200])
        gateway.trouble = text[:200]
