"""Whatever members and shop do in whatever order: never over capacity, order kept, nobody lost."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
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
from chaland.hub.loyalty.models import Invitation, Slot
from chaland.hub.loyalty.sales import services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.undoing import undo_arrival
from tests.builders import build_cast
from tests.hub.loyalty.sales.conftest import BEGINS, NOW, Time, Town
from tests.loyalty_builders import build_loyalty

pytestmark = pytest.mark.django_db
GUESTS, SLOTS = 7, 2
who, where = st.integers(0, GUESTS - 1), st.integers(0, SLOTS - 1)


class Door(RuleBasedStateMachine):
    """Seven guests, two slots; the model keeps each slot's queue as a list."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        for alias in ("default", "loyalty"):
            self._undo.enter_context(transaction.atomic(using=alias))
            self._undo.callback(transaction.set_rollback, True, using=alias)
        self._before, self.time = clock._read, Time()
        clock.use(lambda: self.time.now)

    def teardown(self) -> None:
        clock.use(self._before)
        self._undo.close()

    @initialize()
    def open(self) -> None:
        self.time.now = NOW
        town = Town(build_loyalty(build_cast(), members=0), self.time)
        self.sale, self.shop = town.announced(), town.shop
        self.guests = [each.pk for each in town.invited(self.sale, GUESTS)]
        self.slots = [town.slot(self.sale, 2, hour).pk for hour in range(SLOTS)]
        self.capacity = dict.fromkeys(self.slots, 2)
        self.queue: dict[int, list[int]] = {slot: [] for slot in self.slots}
        self.places: dict[int, list[int]] = {slot: [] for slot in self.slots}
        self.inside: set[int] = set()
        self.gone: set[int] = set()

    def _leave(self, guest: int) -> None:
        for lists in (self.queue, self.places):
            for each in lists.values():
                if guest in each:
                    each.remove(guest)

    def _fill(self) -> None:
        for slot in self.slots:
            while self.queue[slot] and len(self.places[slot]) < self.capacity[slot]:
                self.places[slot].append(self.queue[slot].pop(0))

    @rule(number=who, at=where)
    def book(self, number: int, at: int) -> None:
        guest, slot = self.guests[number], self.slots[at]
        self.time.now += timedelta(seconds=1)
        if guest in self.gone:
            with pytest.raises(SaleErrorFinal):
                services.book(guest, slot)
            return
        has = [s for s in self.slots if guest in self.places[s]]
        here = guest in self.places[slot] or guest in self.queue[slot]
        full = len(self.places[slot]) >= self.capacity[slot]
        if guest in self.inside or here:
            services.book(guest, slot)
        elif full and has:
            with pytest.raises(SaleErrorFinal):
                services.book(guest, slot)
        else:
            services.book(guest, slot)
            self._leave(guest)
            (self.queue if full else self.places)[slot].append(guest)
            self._fill()

    @rule(number=who, declines=st.booleans())
    def leave(self, number: int, declines: bool) -> None:
        guest = self.guests[number]
        if guest in self.gone:
            return
        (services.decline if declines else services.give_back)(guest)
        if guest not in self.inside:
            self._leave(guest)
            self._fill()

    @rule(number=who)
    def arrive(self, number: int) -> None:
        guest, before = self.guests[number], self.time.now
        self.time.now = BEGINS
        if guest not in self.gone:
            assert services.arrive(guest, self.shop, "till:1").first == (guest not in self.inside)
            for queue in self.queue.values():
                if guest in queue:
                    queue.remove(guest)
            self.inside.add(guest)
        self.time.now = before

    @rule(number=who)
    def arrive_by_mistake(self, number: int) -> None:
        """Checked in, and taken back at once: as if nothing had been."""
        guest, before = self.guests[number], self.time.now
        if guest in self.gone or guest in self.inside:
            return
        was = Invitation.objects.get(pk=guest)
        self.time.now = BEGINS
        services.arrive(guest, self.shop, "till:1")
        for _twice in range(2):
            undo_arrival(guest, self.shop, was.state, was.slot_id, was.asked_at)
        self.time.now = before

    @rule(number=who)
    def erase(self, number: int) -> None:
        guest = self.guests[number]
        member = Invitation.objects.get(pk=guest).member_id
        if member is None:
            return
        services.forget(member)
        Invitation.objects.filter(pk=guest).update(member=None)
        self.gone.add(guest)
        if guest not in self.inside:
            self._leave(guest)
            self._fill()

    @rule(at=where, capacity=st.integers(1, 4))
    def change(self, at: int, capacity: int) -> None:
        slot = Slot.objects.get(pk=self.slots[at])
        asked = (self.sale.pk, slot.starts_at, slot.ends_at, capacity, slot.pk)
        if capacity < len(self.places[slot.pk]):
            with pytest.raises(SaleErrorFinal):
                services.set_slot(*asked)
            return
        services.set_slot(*asked)
        self.capacity[slot.pk] = capacity
        self._fill()

    @invariant()
    def the_database_says_the_same(self) -> None:
        if not hasattr(self, "guests"):
            return
        for slot in Slot.objects.all():
            held = slot.invitations.filter(state__in=("booked", "arrived"))
            waiting = slot.invitations.filter(state="queued").order_by("asked_at", "pk")
            assert set(held.values_list("pk", flat=True)) == set(self.places[slot.pk])
            assert list(waiting.values_list("pk", flat=True)) == self.queue[slot.pk]
            assert slot.taken == held.count() <= slot.capacity == self.capacity[slot.pk]
            assert not (waiting.exists() and slot.taken < slot.capacity)
        assert Invitation.objects.count() == GUESTS
        arrived = Invitation.objects.filter(state="arrived").values_list("pk", flat=True)
        assert set(arrived) == self.inside


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(12, 20), pytest.param(1_000, 60, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_slots_and_queue_in_any_sequence(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Door,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
