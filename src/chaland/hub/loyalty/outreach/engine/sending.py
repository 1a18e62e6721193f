"""Handing over: one batch by one gateway, and each message's outcome."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import drivers, queue
from chaland.hub.loyalty.outreach.engine import outcomes
from chaland.hub.loyalty.outreach.engine.claiming import LEASE, Claimed
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.engine.pace import Pace
from chaland.hub.loyalty.outreach.shapes import (
    Driver,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Mail,
    Outcome,
    Result,
    Sms,
)

_log = logging.getLogger(__name__)
_State = Delivery.State
_LOOKS_EVERY_S = 1.0
_SOON, _LATER = timedelta(minutes=1), timedelta(minutes=15)


@dataclass
class Way:
    """A gateway as a worker has it open."""

    gateway: Gateway
    driver: Driver
    pace: Pace
    rests_until: datetime | None = None
    composers: dict[int, drivers.Composer] = field(default_factory=dict)


class Draw:
    """The messages of a batch, drawn by the driver when it is about to hand one over."""

    def __init__(
        self,
        messages: Sequence[tuple[Claimed, Mail | Sms]],
        journal: Journal,
        pace: Pace,
        go_on: Callable[[], bool],
    ) -> None:
        self.messages, self._journal = messages, journal
        self._pace, self._go_on = pace, go_on
        self._looked = time.monotonic()
        self.drawn: dict[UUID, Claimed] = {}

    def __iter__(self) -> Iterator[Mail | Sms]:
        for claimed, message in self.messages:
            self._pace.wait()
            if time.monotonic() - self._looked >= _LOOKS_EVERY_S:
                self._looked = time.monotonic()
                if not self._go_on():
                    return
            key = claimed.waiting.key
            self.drawn[key] = claimed
            self._journal.drawn(key)
            yield message


def send(
    batch: Sequence[Claimed], way: Way, journal: Journal, ending: threading.Event, now: datetime
) -> Counter[str]:
    """Hand a claimed batch over and write down what became of it; how many of each state."""
    messages = _composed(batch, way, now)
    mine = _committed([claimed for claimed, _message in messages], journal, now)
    messages = [pair for pair in messages if pair[0].waiting.id in mine]
    if not messages:
        return Counter()
    going_on = lambda: not ending.is_set() and _still_runs(batch, journal)  # noqa: E731
    draw = Draw(messages, journal, way.pace, going_on)
    said: dict[UUID, Outcome] = {}
    try:
        for outcome in way.driver.send(draw):  # type: ignore[arg-type]  # all of one channel
            journal.said(outcome)
            said[UUID(outcome.key)] = outcome
    except GatewayErrorTemporary as error:
        _rest(way, now + _SOON, str(error))
    except GatewayErrorFinal as error:
        _rest(way, now + _LATER, str(error))
    except Exception:  # noqa: BLE001  # a driver's fault: what it drew is unknown, the rest goes on
        _log.exception("the driver %s failed", way.gateway.driver)
        for key in draw.drawn.keys() - said.keys():
            said[key] = Outcome(key.hex, Result.UNKNOWN, code="driver failed")
        way.rests_until = now + _SOON
    else:
        outcomes.trouble(way.gateway, "")
        for key in draw.drawn.keys() - said.keys():
            said[key] = Outcome(key.hex, Result.UNKNOWN, code="no answer")
    return _landed(draw, said, way, journal, now)


def _composed(
    batch: Sequence[Claimed], way: Way, now: datetime
) -> list[tuple[Claimed, Mail | Sms]]:
    """Write the messages; a campaign whose messages can't be written waits, others go on."""
    made = []
    faulty: dict[int, str] = {}
    for claimed in batch:
        number = claimed.waiting.campaign_id
        if number in faulty:
            continue
        try:
            made.append((claimed, _composer(number, way).message(claimed.waiting, claimed.reach)))
        except (KeyError, ValueError, GatewayErrorFinal) as error:
            _log.error("campaign %d can’t be written: %s", number, type(error).__name__)
            faulty[number] = str(error)
    if faulty:
        back = [claimed.waiting for claimed in batch if claimed.waiting.campaign_id in faulty]
        outcomes.put_off(back, now, now + _LATER)
        outcomes.trouble(way.gateway, next(iter(faulty.values())))
    return [pair for pair in made if pair[0].waiting.campaign_id not in faulty]


def _composer(campaign_id: int, way: Way) -> drivers.Composer:
    found = way.composers.get(campaign_id)
    if found is None:
        found = drivers.composer(Campaign.objects.get(pk=campaign_id), way.gateway)
        way.composers[campaign_id] = found
    return found


def _committed(batch: Sequence[Claimed], journal: Journal, now: datetime) -> set[int]:
    """Write SENDING and commit it, before any call; return what this worker still holds."""
    ids = {claimed.waiting.id for claimed in batch}
    # A worker holds one batch at a time: by its lease the rows are found without naming each.
    mine = queue.leased().filter(lease=journal.worker)
    with transaction.atomic(using="loyalty"):
        held = mine.filter(state=_State.CLAIMED).update(
            state=_State.SENDING, sending_at=now, leased_until=now + LEASE, changed_at=now
        )
    if held == len(ids):
        return ids
    return ids & set(mine.filter(state=_State.SENDING).values_list("pk", flat=True))


def _still_runs(batch: Sequence[Claimed], journal: Journal) -> bool:
    """Renew the lease; say whether all campaigns of a batch still run, and it is still ours."""
    numbers = {claimed.waiting.campaign_id for claimed in batch}
    running = Campaign.objects.filter(pk__in=numbers, state=Campaign.State.RUNNING).count()
    if running < len(numbers):
        return False
    held = Delivery.objects.filter(lease=journal.worker, state=_State.SENDING)
    return held.update(leased_until=clock.now() + LEASE) > 0


def _landed(
    draw: Draw, said: Mapping[UUID, Outcome], way: Way, journal: Journal, now: datetime
) -> Counter[str]:
    """Write all of it down: what has an outcome, what surely did not leave, what wasn't drawn."""
    drawn, batch = draw.drawn, [claimed.waiting for claimed, _message in draw.messages]
    journal.keep(said, max(one.expires_at for one in batch))
    told = {drawn[key].waiting.id: outcome for key, outcome in said.items()}
    counted = outcomes.write_alike(told, journal.worker, now) or outcomes.write(told, now)
    if refused := [claimed.waiting for key, claimed in drawn.items() if key not in said]:
        outcomes.put_off(refused, now, way.rests_until or now + _SOON)
    if back := [one for one in batch if one.key not in drawn]:
        outcomes.give_back(back, journal.worker, now)
    journal.landed()
    return counted


def listens(way: Way, now: datetime) -> bool:
    """Let a driver that hears reports on its own connection open it; False: it can't just now."""
    listen = getattr(way.driver, "listen", None)
    if listen is None:
        return True
    try:
        listen()
    except GatewayErrorTemporary as error:
        _rest(way, now + _SOON, str(error))
    except GatewayErrorFinal as error:
        _rest(way, now + _LATER, str(error))
    else:
        return True
    return False


def _rest(way: Way, until: datetime, why: str) -> None:
    """Leave a gateway alone for a while, and tell the association why."""
    _log.warning("the gateway %d does not take messages: %s", way.gateway.pk, why)
    way.rests_until = until
    outcomes.trouble(way.gateway, why)
