"""Handing over: one batch by one gateway, and each message's outcome."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway
from chaland.hub.loyalty.outreach import drivers, queue, waiting
from chaland.hub.loyalty.outreach.audience import reaching
from chaland.hub.loyalty.outreach.engine import again, machines, outcomes
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
    Waiting,
)

_log = logging.getLogger(__name__)
_State, _Reason = Delivery.State, Delivery.Reason
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
    """The messages of a batch, drawn by the driver when it is about to hand one over.

    ``look`` says each second which of those that are left may still go, by their ids.
    """

    def __init__(
        self,
        messages: Sequence[tuple[Claimed, Mail | Sms]],
        journal: Journal,
        pace: Pace,
        look: Callable[[Sequence[Waiting]], set[int]],
    ) -> None:
        self.messages, self._journal = messages, journal
        self._pace, self._look = pace, look
        self._looked = time.monotonic()
        self.drawn: dict[UUID, Claimed] = {}

    def __iter__(self) -> Iterator[Mail | Sms]:
        going = {claimed.waiting.id for claimed, _message in self.messages}
        for number, (claimed, message) in enumerate(self.messages):
            if claimed.waiting.id not in going:
                continue
            self._pace.wait()
            if time.monotonic() - self._looked >= _LOOKS_EVERY_S:
                self._looked = time.monotonic()
                going = self._look([other.waiting for other, _message in self.messages[number:]])
                if claimed.waiting.id not in going:
                    continue
            key = claimed.waiting.key
            self.drawn[key] = claimed
            self._journal.drawn(key)
            yield message


@dataclass(frozen=True, slots=True)
class Sender:
    """What hands a batch over: by which way, whose journal, and when it is told to end."""

    way: Way
    journal: Journal
    ending: threading.Event
    again: bool = False
    """These are second tries."""

    @contention.anew
    def going(self, rest: Sequence[Waiting]) -> set[int]:
        """Return which of what is left of a batch may still go: its lease is ours (and renewed),
        its campaign runs, these are its hours, and its member hasn't said otherwise since."""
        if self.ending.is_set():
            return set()
        now = clock.now()
        mine = queue.leased().filter(lease=self.journal.worker, state=_State.SENDING)
        mine.update(leased_until=now + LEASE)
        held = set(mine.values_list("pk", flat=True))
        states = again.STATES if self.again else (Campaign.State.RUNNING,)
        asked = Campaign.objects.filter(pk__in={one.campaign_id for one in rest}, state__in=states)
        running = {each.pk for each in waiting.may_go(asked, self.way.gateway, now)}
        rest = [
            one
            for one in rest
            if one.id in held and one.campaign_id in running and one.expires_at > now
        ]
        return {one.id for one in rest} - reaching.refused(rest, now).keys()

    def put_off(self, rows: Sequence[Waiting], now: datetime, until: datetime, why: str) -> None:
        """Let go of what was surely not handed over, for a while."""
        if self.again:
            again.let_go(rows, self.journal.worker, now)
        else:
            outcomes.put_off(rows, self.journal.worker, now, until, why)

    def give_back(self, rows: Sequence[Waiting], now: datetime) -> None:
        """Let go of what wasn't drawn."""
        if self.again:
            again.let_go(rows, self.journal.worker, now)
        else:
            outcomes.give_back(rows, self.journal.worker, now)

    def send(self, batch: Sequence[Claimed], now: datetime) -> Counter[str]:
        """Hand a claimed batch over and write down what became of it; how many of each state."""
        way = self.way
        messages = _composed(batch, self, now)
        mine = _committed([claimed for claimed, _message in messages], self.journal, now)
        messages = [pair for pair in messages if pair[0].waiting.id in mine]
        if not messages:
            return Counter()
        draw = Draw(messages, self.journal, way.pace, self.going)
        said: dict[UUID, Outcome] = {}
        try:
            for outcome in way.driver.send(draw):  # type: ignore[arg-type]  # all of one channel
                self.journal.said(outcome)
                said[UUID(outcome.key)] = again.told(outcome) if self.again else outcome
        except GatewayErrorTemporary as error:
            _rest(way, now + _SOON, str(error))
        except GatewayErrorFinal as error:
            _rest(way, now + _LATER, str(error))
        except (OperationalError, InterfaceError):
            raise  # the database's fault, in `going`: the flight tells the next worker what left
        except Exception:  # noqa: BLE001  # a driver's fault: what it drew is unknown
            _log.exception("the driver %s failed", way.gateway.driver)
            for key in draw.drawn.keys() - said.keys():
                said[key] = Outcome(key.hex, Result.UNKNOWN, code="driver failed")
            way.rests_until = now + _SOON
        else:
            outcomes.trouble(way.gateway, "")
            for key in draw.drawn.keys() - said.keys():
                said[key] = Outcome(key.hex, Result.UNKNOWN, code="no answer")
        return _landed(draw, said, self, now)


def _composed(
    batch: Sequence[Claimed], sender: Sender, now: datetime
) -> list[tuple[Claimed, Mail | Sms]]:
    """Write the messages; a campaign whose messages can't be written waits, others go on."""
    made, way = [], sender.way
    faulty: dict[int, str] = {}
    for claimed in batch:
        number = claimed.waiting.campaign_id
        if number in faulty:
            continue
        try:
            made.append((claimed, _composer(number, way).message(claimed.waiting, claimed.reach)))
        except (KeyError, ValueError, GatewayErrorFinal) as error:
            _log.error("campaign %d can’t be written: %s", number, type(error).__name__)
            faulty[number] = str(error.args[0]) if error.args else type(error).__name__
    made = [pair for pair in made if pair[0].waiting.campaign_id not in faulty]
    for number, why in faulty.items():
        back = [claimed.waiting for claimed in batch if claimed.waiting.campaign_id == number]
        sender.put_off(back, now, now + _LATER, _Reason.UNWRITTEN)
        Campaign.objects.filter(pk=number).update(trouble=why[:200])
    fine = {claimed.waiting.campaign_id for claimed, _message in made}
    Campaign.objects.filter(pk__in=fine).exclude(trouble="").update(trouble="")
    return made


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
        count = machines.count(journal)
    journal.note_count(count)
    if held == len(ids):
        return ids
    return ids & set(mine.filter(state=_State.SENDING).values_list("pk", flat=True))


def _landed(
    draw: Draw, said: Mapping[UUID, Outcome], sender: Sender, now: datetime
) -> Counter[str]:
    """Write all of it down: what has an outcome, what surely did not leave, what wasn't drawn."""
    journal = sender.journal
    drawn, batch = draw.drawn, [claimed.waiting for claimed, _message in draw.messages]
    journal.keep(said, max(one.expires_at for one in batch))
    told = {drawn[key].waiting.id: outcome for key, outcome in said.items()}
    counted = outcomes.write_alike(told, journal.worker, now) or outcomes.write(told, now)
    if refused := [claimed.waiting for key, claimed in drawn.items() if key not in said]:
        sender.put_off(refused, now, sender.way.rests_until or now + _SOON, _Reason.GATEWAY)
    if back := [one for one in batch if one.key not in drawn]:
        sender.give_back(back, now)
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
