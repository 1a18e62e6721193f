"""A worker's round: what is due is drawn, claimed, handed over; what is unclear is asked for."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import close_old_connections

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Channel, Delivery, Gateway
from chaland.hub.loyalty.outreach import (
    automatic,
    drivers,
    inbound,
    pressure,
    queue,
    receipt_messages,
    running,
    waiting,
)
from chaland.hub.loyalty.outreach.engine import (
    again,
    claiming,
    machines,
    outcomes,
    recovering,
    sending,
    unknowns,
)
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.engine.pace import Pace
from chaland.hub.loyalty.outreach.engine.sending import Sender, Way
from chaland.hub.loyalty.outreach.mail import dns
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal

_log = logging.getLogger(__name__)
BATCH = 250
"""Deliveries of one claim: three commits share out over as many."""
_BATCH_S = 5
"""A batch takes no longer at the gateway's rate: a pause, an end and others' turns wait for it."""
IDLE_S = 2.0


@dataclass
class Done:
    """What a round did: deliveries by the state that they came to, and other things by name."""

    states: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    """Deliveries that were decided without being handed over, by reason."""
    other: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.states or self.held or self.other)

    def __str__(self) -> str:
        told = {**self.states, **{f"({name})": n for name, n in self.held.items()}, **self.other}
        return ", ".join(f"{name}: {number}" for name, number in told.items() if number)


class Worker:
    """One process that sends; any number of them may run at once. Close it."""

    def __init__(self, now: datetime) -> None:
        sent = Delivery.objects.filter(sending_at__isnull=False)
        self.journal = Journal(settings.OUTREACH_DIR, now, sent.exists)
        self.ending = threading.Event()
        self.shut: set[int] = set()
        """Gateways that nothing could be handed over to when they were last looked at."""
        self._ways: dict[int, tuple[tuple[object, ...], Way]] = {}

    def way(self, gateway: Gateway) -> Way:
        """Return a gateway opened; anew where its row has changed. GatewayErrorFinal: it can't."""
        told = (gateway.driver, gateway.settings, gateway.sender, gateway.rate_per_s, gateway.hook)
        before = self._ways.get(gateway.pk)
        if before and before[0] == told:
            before[1].gateway = gateway
            return before[1]
        if before:
            before[1].driver.close()
            del self._ways[gateway.pk]
        way = Way(gateway, drivers.open_gateway(gateway), Pace(gateway.rate_per_s))
        self._ways[gateway.pk] = told, way
        return way

    def suspect(self, now: datetime) -> None:
        """A person says: a back-up was put back. Holds on all machines."""
        self.journal.suspect(now)
        machines.tell(self.journal, now)

    def trust(self, now: datetime) -> None:
        """A person says: nothing left that the database doesn't know of. Holds on all machines."""
        self.journal.trust()
        machines.tell(self.journal, now)

    def close(self) -> None:
        for _told, way in self._ways.values():
            way.driver.close()
        self._ways.clear()
        self.journal.close(lambda: machines.end(self.journal))


@contextmanager
def open_worker(now: datetime) -> Iterator[Worker]:
    """Open a worker, and close it."""
    worker = Worker(now)
    try:
        yield worker
    finally:
        worker.close()


def run_once(now: datetime, worker: Worker | None = None) -> Done:
    """Do all that is due at ``now``, until nothing more can go; return what was done.

    With a gateway's rate it takes as long as the rate asks; in tests and in the demo it is 0.
    """
    if worker is None:
        with open_worker(now) as opened:
            return run_once(now, opened)
    done = Done()
    while part := round_of(worker, now):
        done.states += part.states
        done.held += part.held
        done.other += part.other
        if worker.ending.is_set():
            break
    return done


def round_of(worker: Worker, now: datetime) -> Done:
    """Do one round: at most one batch by each gateway."""
    done = Done()
    done.other += Counter(
        started=running.start_due(now),
        planned=automatic.plan_automatic(now) + receipt_messages.plan_receipts(now),
        read=inbound.read_due(now),
    )
    done.states += recovering.recover(worker.journal, now)
    doubt = machines.look(worker.journal, now)
    for gateway in Gateway.objects.filter(active=True).order_by("pk"):
        if worker.ending.is_set():
            break
        _turn(worker, gateway, doubt, now, done)
    done.held += Counter(expired=running.expire_due(now))
    done.other += Counter(finished=running.finish_due(now))
    return done


def _turn(
    worker: Worker, gateway: Gateway, doubt: machines.Doubt | None, now: datetime, done: Done
) -> None:
    """Hand over one batch by a gateway, and ask what is unknown there."""
    if (way := _opened(worker, gateway, now)) is None:
        return
    way.composers.clear()  # a text may have been changed since
    done.states += unknowns.settle(way, now)
    if (tries := unknowns.tries(way)) > 1 and (numbers := again.campaigns(gateway)):
        numbers = _sure(numbers, doubt)
        rows = again.claim(
            gateway, numbers, worker.journal, now, attempts=tries, at_most=_batch(gateway)
        )
        if rows:
            sender = Sender(way, worker.journal, worker.ending, again=True)
            done.states += sender.send(rows, now)
    if not (limits := _due(gateway, doubt, now)):
        return
    batch = claiming.claim(gateway, limits, _batch(gateway), worker.journal, now)
    for (state, reason), number in batch.decided.items():
        done.held[reason or state] += number
    if batch.claimed:
        done.states += Sender(way, worker.journal, worker.ending).send(batch.claimed, now)


def _opened(worker: Worker, gateway: Gateway, now: datetime) -> Way | None:
    """Return the way by a gateway; None: nothing can go by it now, and the association reads why,
    until it is right again or nothing is left that would show it."""
    way, why = None, ""
    try:
        way = worker.way(gateway)
    except GatewayErrorFinal as error:
        why = str(error)
    if way and way.rests_until and now < way.rests_until:
        return None
    if way:
        way.rests_until = None
        if not sending.listens(way, now):
            worker.shut.add(gateway.pk)
            return None
        why = _gate(gateway, now)
    if why:
        worker.shut.add(gateway.pk)
        outcomes.trouble(gateway, why)
        return None
    if gateway.trouble and (gateway.pk in worker.shut or not _waits(gateway)):
        outcomes.trouble(gateway, "")
    worker.shut.discard(gateway.pk)
    return way


def _gate(gateway: Gateway, now: datetime) -> str:
    """Say why a gateway must not send, whatever waits (L10)."""
    if gateway.channel != Channel.EMAIL or gateway.driver == "outbox":
        return ""
    return dns.reason_not_to_send(gateway, now)


def _due(gateway: Gateway, doubt: machines.Doubt | None, now: datetime) -> dict[int, int]:
    """Return the campaigns that may send by a gateway now, and how much of each at once."""
    due = Campaign.objects.filter(
        queue.has_due(gateway.channel, now),
        association_id=gateway.association_id,
        state=Campaign.State.RUNNING,
    )
    going = {campaign.pk: campaign for campaign in waiting.may_go(due, gateway, now)}
    limits = {}
    for number in _sure(list(going), doubt):
        left = waiting.left(going[number], gateway, now)
        limits[number] = _batch(gateway) if left is None else left
    return {number: limit for number, limit in limits.items() if limit}


def _waits(gateway: Gateway) -> bool:
    """Whether anything is left that shows, sooner or later, whether a gateway takes it."""
    campaigns = Campaign.objects.filter(association_id=gateway.association_id)
    running = campaigns.filter(state=Campaign.State.RUNNING).values("pk")
    return queue.waiting().filter(campaign__in=running, channel=gateway.channel).exists()


def _sure(numbers: Sequence[int], doubt: machines.Doubt | None) -> list[int]:
    """Return those campaigns of which it is known what left."""
    if doubt is None:
        return list(numbers)
    sure = Campaign.objects.filter(pk__in=numbers, send_at__gte=doubt.since)
    return list(sure.order_by("started_at", "pk").values_list("pk", flat=True))


def _batch(gateway: Gateway) -> int:
    return min(BATCH, max(1, gateway.rate_per_s * _BATCH_S)) if gateway.rate_per_s else BATCH


def serve(worker: Worker, parent: int | None = None) -> None:
    """Do round after round, until ``worker.ending`` is set or ``parent`` ended; a batch that goes
    is brought to its end. A fault of the database ends the process: whoever starts it again loses
    nothing."""
    if doubt := machines.look(worker.journal, clock.now()):
        _log.warning(
            "what was due before %s waits for `chaland outreach --trust`: %s",
            doubt.since.isoformat(),
            doubt.why,
        )
    pruned = mailed = tidied = ""
    while not worker.ending.is_set() and parent in (None, os.getppid()):
        close_old_connections()
        now = clock.now()
        done = round_of(worker, now)
        if done:
            _log.info("messages: %s", done)
        else:
            worker.ending.wait(IDLE_S)
        if pruned != (ten := f"{now:%Y-%m-%d %H:%M}"[:-1]):
            pruned = ten
            worker.journal.prune(now)
            inbound.fetch_stops()
            inbound.prune(now)
        if tidied != (day := f"{now:%Y-%m-%d}"):
            tidied = day
            pressure.prune(now)
        if mailed != (minute := f"{now:%Y-%m-%d %H:%M}"):
            mailed = minute
            inbound.fetch()
