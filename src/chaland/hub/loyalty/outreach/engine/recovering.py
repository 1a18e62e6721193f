"""What dead workers left, and what became of messages of which nothing is known."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach import pressure, queue
from chaland.hub.loyalty.outreach.engine import again, outcomes
from chaland.hub.loyalty.outreach.engine.journal import Flight, Journal
from chaland.hub.loyalty.outreach.transitions import State, lapsed

_State = Delivery.State
_AT_ONCE = 500
KEPT = timedelta(days=30)


def recover(journal: Journal, now: datetime) -> Counter[str]:
    """Take back what workers held that are dead, or whose lease is over; how many of each state."""
    counted: Counter[str] = Counter()
    for flight in journal.crashed():
        held = [key for _pk, key, _state, _at in _held_by(flight.worker)]
        second = set(journal.known(held))  # a first try is in the index only once it has an outcome
        journal.keep(flight.outcomes, now + KEPT)
        while rows := _held_by(flight.worker):
            counted += _land(rows, flight, second, now)
    while rows := _read(queue.leased().filter(leased_until__lt=now).exclude(lease=journal.worker)):
        counted += _lapse(rows, now)
    return counted


_Row = tuple[int, UUID, str, datetime | None]


def _held_by(worker: UUID) -> list[_Row]:
    return _read(queue.leased().filter(lease=worker))


def _read(rows: "QuerySet[Delivery]") -> list[_Row]:
    found = rows.order_by("leased_until").values_list("pk", "key", "state", "sending_at")
    return list(found[:_AT_ONCE])


def _land(
    rows: Sequence[_Row], flight: Flight, second: Collection[UUID], now: datetime
) -> Counter[str]:
    """Write down the outcomes that a dead worker's flight tells; the others lapse. ``second``: of
    these it was a second try."""
    told = {
        number: again.told(outcome) if key in second else outcome
        for number, key, state, _at in rows
        if state == _State.SENDING and (outcome := flight.outcomes.get(key))
    }
    counted = outcomes.write(told, now) if told else Counter()
    others = [row for row in rows if row[0] not in told]
    return counted + _lapse(others, now, second, whole=flight.whole)


def _lapse(
    rows: Sequence[_Row], now: datetime, second: Collection[UUID] = (), *, whole: bool = False
) -> Counter[str]:
    """Let go of rows; ``whole``: what has no outcome was surely not drawn. What is claimed and was
    once being sent is a second try, too."""
    counted: Counter[str] = Counter()
    tried = {number for number, key, _state, _at in rows if key in second}
    with transaction.atomic(using="loyalty"):
        found = Delivery.objects.select_for_update().filter(pk__in=[row[0] for row in rows])
        ready, unknown = [], []
        for number, state, sent_at in found.values_list("pk", "state", "sending_at"):
            after = lapsed(State(state), never_left=whole)
            if after == State.READY and (
                number in tried or (state == _State.CLAIMED and sent_at is not None)
            ):
                after = State.UNKNOWN
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
