"""What dead workers left, and what became of messages of which nothing is known."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach import pressure, queue
from chaland.hub.loyalty.outreach.engine import outcomes
from chaland.hub.loyalty.outreach.engine.journal import Flight, Journal
from chaland.hub.loyalty.outreach.transitions import State, lapsed

_State = Delivery.State
_AT_ONCE = 500
_KEPT = timedelta(days=30)


def recover(journal: Journal, now: datetime) -> Counter[str]:
    """Take back what workers held that are dead, or whose lease is over; how many of each state."""
    counted: Counter[str] = Counter()
    for flight in journal.crashed():
        journal.keep(flight.outcomes, now + _KEPT)
        while rows := _held_by(flight.worker):
            counted += _land(rows, flight, now)
    while rows := _read(queue.leased().filter(leased_until__lt=now).exclude(lease=journal.worker)):
        counted += _lapse(rows, now)
    return counted


def _held_by(worker: UUID) -> list[tuple[int, UUID, str]]:
    return _read(queue.leased().filter(lease=worker))


def _read(rows: "QuerySet[Delivery]") -> list[tuple[int, UUID, str]]:
    return list(rows.order_by("leased_until").values_list("pk", "key", "state")[:_AT_ONCE])


def _land(rows: Sequence[tuple[int, UUID, str]], flight: Flight, now: datetime) -> Counter[str]:
    """Write down the outcomes that a dead worker's flight tells; the others lapse."""
    told = {
        number: flight.outcomes[key]
        for number, key, state in rows
        if key in flight.outcomes and state == _State.SENDING
    }
    counted = outcomes.write(told, now) if told else Counter()
    return counted + _lapse([row for row in rows if row[0] not in told], now, whole=flight.whole)


def _lapse(
    rows: Sequence[tuple[int, UUID, str]], now: datetime, *, whole: bool = False
) -> Counter[str]:
    """Let go of rows; ``whole``: what has no outcome was surely not drawn."""
    counted: Counter[str] = Counter()
    with transaction.atomic(using="loyalty"):
        found = Delivery.objects.select_for_update().filter(pk__in=[row[0] for row in rows])
        ready, unknown = [], []
        for number, state in found.values_list("pk", "state"):
            after = lapsed(State(state), never_left=whole)
            counted[after] += 1
            if after == State.READY:
                ready.append(number)
            elif after == State.UNKNOWN:
                unknown.append(number)
        Delivery.objects.filter(pk__in=ready).update(
            state=_State.READY, sending_at=None, leased_until=None, changed_at=now
        )
        Delivery.objects.filter(pk__in=unknown).update(
            state=_State.UNKNOWN, leased_until=None, changed_at=now
        )
        pressure.release(ready)
    return counted
