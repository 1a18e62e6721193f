"""Whatever happens in whatever order, with the real queue on the real database: a provider that
counts is beside it, workers die in its calls, people pause and cancel, members say stop, back-ups
are put back. Nothing leaves twice, nothing that was stopped leaves, and the caps hold."""

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as hub
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chaland.hub.common import clock
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Gateway,
    Permission,
    Pressure,
    Purpose,
    ShopCustomer,
    Suppression,
)
from chaland.hub.loyalty.outreach import campaigns, choices, drivers, inbound, stopping
from chaland.hub.loyalty.outreach.engine import loop, sending
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Kind,
    Outcome,
    Result,
    Sms,
    Status,
)
from chaland.hub.loyalty.outreach.transitions import LEFT, UNDER_WAY, WAITING, State
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.outreach_builders import AGREED, NOON

pytestmark = pytest.mark.django_db
MEMBERS, CAMPAIGNS_AT_MOST = 3, 7
PARIS = ZoneInfo("Europe/Paris")
HOWS = (
    "accepted", "accepted", "refused", "later", "lost answer", "lost call", "down",
    "dies before", "dies after", "dies answered", "early report",
)  # fmt: skip
"""What a provider does with a message, or a worker in the middle of it."""


class Killed(BaseException):
    """The worker's process ends here: nothing of the program sees it."""


def die(*_: object) -> None:
    raise Killed


@dataclass
class Provider:
    """The other side. It takes a message or not, says so or not, and remembers what it took."""

    machine: "Queue"
    idempotent: bool
    hows: list[str] = field(default_factory=list)
    took: Counter[str] = field(default_factory=Counter)
    """By key: messages that arrive. An idempotent provider delivers one key once."""
    wrong: list[str] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.idempotent, looks_up=False, reports=True, batch=500)

    def send(self, batch: Iterable[Sms]) -> Iterator[Outcome]:
        for sms in batch:
            how = self.hows.pop(0) if self.hows else "accepted"
            if how == "dies before":
                raise Killed
            if how == "down":
                raise GatewayErrorTemporary("down")
            if how in ("refused", "later", "lost call"):
                results = {"refused": Result.REFUSED, "later": Result.LATER}
                yield Outcome(sms.key, results.get(how, Result.UNKNOWN))
                continue
            self._take(sms)
            if how == "dies after":
                raise Killed
            if how == "early report":
                self.machine.hear(sms.key, Kind.DELIVERED)
            yield Outcome(sms.key, Result.UNKNOWN if how == "lost answer" else Result.ACCEPTED)
            if how == "dies answered":
                raise Killed

    def _take(self, sms: Sms) -> None:
        if not (self.idempotent and self.took[sms.key]):
            self.took[sms.key] += 1
            self.machine.arrived(sms)

    def look_up(self, key: str, provider_id: str) -> Status | None:
        raise AssertionError("it can't be asked")

    def read(self, hook: Hook) -> list[Status | Heard]:
        told = json.loads(hook.body)
        return [Status(Kind(told["kind"]), clock.now(), told["key"])]

    def close(self) -> None:
        """Nothing is held."""


class Queue(RuleBasedStateMachine):
    """An association, two shops, three members who agreed to all of them, one gateway."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        for alias in ("default", "loyalty"):
            self._undo.enter_context(transaction.atomic(using=alias))
            self._undo.callback(transaction.set_rollback, True, using=alias)
        self._folder = Path(self._undo.enter_context(tempfile.TemporaryDirectory()))
        self._undo.callback(clock.use, clock._read)
        self._undo.callback(setattr, hub, "OUTREACH_DIR", hub.OUTREACH_DIR)
        self._undo.callback(setattr, drivers, "open_gateway", drivers.open_gateway)
        self.now = NOON
        clock.use(lambda: self.now)

    def teardown(self) -> None:
        try:
            if hasattr(self, "provider") and sys.exc_info()[0] is None:
                self.all_is_over()
                self.nothing_left_that_must_not()
                self.the_database_says_what_is()
        finally:
            self._undo.close()

    @initialize(idempotent=st.booleans(), machines=st.integers(1, 2))
    def begin(self, idempotent: bool, machines: int) -> None:
        cast = build_cast(2)
        self.town = cast.association.pk
        self.shops = [0, *(shop.pk for shop in cast.shops[:2])]
        self.members = build.build_reachable(self.town, MEMBERS)
        for shop in self.shops[1:]:
            for member in self.members:
                ShopCustomer.objects.create(
                    member=member, shop_id=shop, since=AGREED, how=ShopCustomer.How.BOUGHT
                )
                Permission.objects.create(
                    member=member,
                    controller=shop,
                    purpose=Purpose.OFFERS,
                    channel="sms",
                    given=True,
                    since=AGREED,
                )
        self.gateway = build.build_gateway(self.town)
        self.provider = Provider(self, idempotent)
        drivers.open_gateway = lambda _gateway: self.provider  # type: ignore[assignment]
        self.machines = machines
        self.stopped: set[str] = set()
        self.caps = {member.phone: (2, 4) for member in self.members}
        self.arrivals: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self.ends: dict[str, str] = {}
        self.heard: set[str] = set()
        for machine in range(machines):
            hub.OUTREACH_DIR = self._folder / str(machine)
            loop.run_once(self.now)
        for where in (0, 1):
            self.announce(where, in_hours=0, lasts_days=4, kept_apart=0)
        self.take_a_backup()

    # What the other side sees

    def arrived(self, sms: Sms) -> None:
        """A message is there: might it have been sent now?"""
        local, row = self.now.astimezone(PARIS), Delivery.objects.get(key=sms.key)
        faults = {
            "stopped": sms.to in self.stopped,
            "no state to send in": row.campaign.state
            not in (Campaign.State.RUNNING, Campaign.State.FINISHED),
            "out of date": row.expires_at <= self.now,
            "too early": row.not_before > self.now,
            "quiet hours": not 10 <= local.hour < 20 or local.weekday() == 6,
            "not in SENDING": row.state != State.SENDING,
            "no place under the caps": not Pressure.objects.filter(delivery=row).exists(),
        }
        self.arrivals[sms.to].append((self.now, sms.key))
        for days, cap in zip((7, 30), self.caps[sms.to], strict=True):
            since = self.now - timedelta(days=days)
            faults[f"over the cap of {days} days"] = cap < sum(
                at > since for at, _key in self.arrivals[sms.to]
            )
        self.provider.wrong += [name for name, is_so in faults.items() if is_so]

    def hear(self, key: str, kind: Kind) -> None:
        """A report comes in, and is kept."""
        told = json.dumps({"key": key, "kind": kind}).encode()
        inbound.store(Gateway.objects.get(), Hook("POST", {}, {}, told))
        self.heard.add(key)

    # What happens

    @rule(
        where=st.integers(0, 2),
        in_hours=st.integers(0, 30),
        lasts_days=st.integers(1, 9),
        kept_apart=st.sampled_from((0, 0, 30)),
    )
    def announce(self, where: int, in_hours: int, lasts_days: int, kept_apart: int) -> None:
        if Campaign.objects.count() >= CAMPAIGNS_AT_MOST:
            return
        send_at = self.now + timedelta(hours=in_hours)
        build.build_campaign(
            self.town,
            controller=self.shops[where],
            seed=len(self.ends) * 100 + int(self.now.timestamp()) + Campaign.objects.count(),
            state=Campaign.State.SCHEDULED,
            frozen_at=None,
            started_at=None,
            send_at=send_at,
            expires_at=send_at + timedelta(days=lasts_days),
            holdout_percent=kept_apart,
        )

    @rule(
        machine=st.integers(0, 1),
        hows=st.lists(st.sampled_from(HOWS), max_size=6),
        minutes=st.sampled_from((0, 2, 5)),
        dies_first=st.sampled_from((False, False, True)),
    )
    def work(self, machine: int, hows: list[str], minutes: int, dies_first: bool) -> None:
        """A worker runs, on one of the machines, until nothing is due or it dies: in a call, or
        with what it has claimed before it says that it sends."""
        self.now += timedelta(minutes=minutes)
        hub.OUTREACH_DIR = self._folder / str(machine % self.machines)
        self.provider.hows = hows
        with suppress(Killed), pytest.MonkeyPatch.context() as patched:
            if dies_first:
                patched.setattr(sending, "_committed", die)
            loop.run_once(self.now)

    @rule(hours=st.sampled_from((1, 1, 9, 24, 24, 48, 168, 169)))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(which=st.integers(0, 9), what=st.sampled_from(("pause", "resume", "cancel")))
    def decide(self, which: int, what: str) -> None:
        rows = list(Campaign.objects.order_by("pk").values_list("pk", flat=True))
        if not rows:
            return
        number = rows[which % len(rows)]
        with suppress(campaigns.CampaignErrorFinal):
            if what == "pause":
                campaigns.pause(number)
            elif what == "resume":
                campaigns.resume(number, self.now)
            else:
                campaigns.cancel(number, self.now)

    @rule(which=st.integers(0, MEMBERS - 1))
    def stop(self, which: int) -> None:
        phone = self.members[which].phone
        stopping.stop(self.town, "sms", phone, Suppression.Cause.STOP, self.now)
        self.stopped.add(phone)

    @rule(which=st.integers(0, MEMBERS - 1), week=st.integers(0, 2), month=st.integers(0, 4))
    def want_fewer(self, which: int, week: int, month: int) -> None:
        member = self.members[which]
        choices.choose(member.pk, per_week=week, per_month=month, automatic=[])
        self.caps[member.phone] = (week, month)

    @rule(which=st.integers(0, 50), kinds=st.lists(st.sampled_from(Kind), min_size=1, max_size=3))
    def report(self, which: int, kinds: list[Kind]) -> None:
        """The provider tells of what it took, in any order, twice, late."""
        if not self.provider.took:
            return
        key = sorted(self.provider.took)[which % len(self.provider.took)]
        for kind in kinds:
            self.hear(key, kind)

    @rule()
    def take_a_backup(self) -> None:
        self.backup = (
            transaction.savepoint(using="loyalty"), set(self.stopped), dict(self.caps)
        )  # fmt: skip

    @rule()
    def put_the_backup_back(self) -> None:
        """An hour is lost: all of the database is as it was, and what left, left. Where several
        machines send, a person says so to each (`chaland outreach --restored`)."""
        savepoint, stopped, caps = self.backup
        self.stopped, self.caps = set(stopped), dict(caps)
        transaction.savepoint_rollback(savepoint, using="loyalty")
        there = {key.hex for key in Delivery.objects.values_list("key", flat=True)}
        for phone, arrivals in self.arrivals.items():  # of the others nothing knows any more
            self.arrivals[phone] = [one for one in arrivals if one[1] in there]
        self.ends.clear()
        self.heard.clear()
        for machine in range(self.machines if self.machines > 1 else 0):
            hub.OUTREACH_DIR = self._folder / str(machine)
            with loop.open_worker(self.now) as worker:
                worker.journal.suspect(self.now)

    @rule()
    def all_is_over(self) -> None:
        """Everything is out of date: nothing waits any more, and nothing was forgotten."""
        self.now += timedelta(days=40)
        for machine in range(self.machines):
            hub.OUTREACH_DIR = self._folder / str(machine)
            self.provider.hows = []
            loop.run_once(self.now)
        assert not Delivery.objects.filter(state__in=UNDER_WAY).exists()

    # What holds

    @invariant()
    def nothing_left_that_must_not(self) -> None:
        if hasattr(self, "provider"):
            assert not self.provider.wrong
            assert all(times == 1 for times in self.provider.took.values())

    @invariant()
    def the_database_says_what_is(self) -> None:
        if not hasattr(self, "provider"):
            return
        counted = set(Pressure.objects.values_list("delivery_id", flat=True))
        for row in Delivery.objects.all():
            key, state = row.key.hex, State(row.state)
            if state in (State.NOT_SENT, State.HELD):
                assert row.reason, f"{state}, and nobody knows why"
            if state in (*WAITING, State.NOT_SENT):
                assert row.pk not in counted
            if state in LEFT:
                assert row.pk in counted
            if state in (State.ACCEPTED, State.DELIVERED):
                assert self.provider.took[key] == 1, f"{state}, and nobody has got it"
            before = self.ends.get(key)
            if before == State.DELIVERED:
                assert state == State.DELIVERED
            if before in (State.BOUNCED, State.FAILED, State.NOT_SENT) and state != before:
                assert key in self.heard, f"from {before} to {state} by itself"
            if before in LEFT:
                assert state not in (*WAITING, State.NOT_SENT), f"from {before} to {state}"
            self.ends[key] = state


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(20, 20), pytest.param(1_500, 60, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_the_queue_in_any_sequence(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
