"""Whatever is said of a delivery, in whatever order, it ends in one state, and never falls back."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach.shapes import Kind, Result
from chaland.hub.loyalty.outreach.transitions import (
    LEFT,
    UNDER_WAY,
    WAITING,
    State,
    answered,
    ended,
    lapsed,
    reported,
)

_REPORTED = {State.ACCEPTED, State.DELIVERED, State.BOUNCED, State.FAILED}


def test_the_states_are_the_models() -> None:
    assert {s.value for s in State} == set(Delivery.State.values)


@given(st.sampled_from(State), st.lists(st.sampled_from(Kind), max_size=8), st.randoms())
def test_the_order_of_reports_changes_nothing(
    state: State, kinds: list[Kind], chance: random.Random
) -> None:
    ends = set()
    for _ in range(5):
        end = state
        for kind in kinds:
            end = reported(end, kind)
            assert reported(end, kind) == end, "the same report again changes nothing"
        ends.add(end)
        chance.shuffle(kinds)
    assert len(ends) == 1


def test_a_report_before_the_answer_of_its_call_stands() -> None:
    for kind, result in itertools.product(Kind, Result):
        state = reported(State.SENDING, kind)
        if state != State.SENDING:
            assert answered(state, result) == state


class OneDelivery(RuleBasedStateMachine):
    """A delivery, its worker, its provider, and the campaign's people, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.PLANNED
        self.calls = 0
        """Calls of which it isn't sure that nothing was handed over."""
        self.heard: list[Kind] = []

    @precondition(lambda self: self.state in WAITING)
    @rule(held=st.booleans())
    def claim(self, held: bool) -> None:
        self.state = State.HELD if held else State.CLAIMED

    @precondition(lambda self: self.state == State.CLAIMED)
    @rule(result=st.sampled_from(Result), early=st.lists(st.sampled_from(Kind), max_size=2))
    def call(self, result: Result, early: list[Kind]) -> None:
        self.state = State.SENDING
        self.calls += 1
        for kind in early if result == Result.ACCEPTED else []:
            self.report(kind)
        self.state = answered(self.state, result)
        if result in (Result.REFUSED, Result.LATER):
            self.calls -= 1

    @precondition(lambda self: self.state == State.CLAIMED)
    @rule(drawn=st.booleans(), whole=st.booleans())
    def die_while_sending(self, drawn: bool, whole: bool) -> None:
        self.calls += drawn
        self.state = lapsed(State.SENDING, never_left=whole and not drawn)

    @precondition(lambda self: self.state == State.CLAIMED)
    @rule()
    def die(self) -> None:
        self.state = lapsed(self.state)

    @precondition(lambda self: self.state in LEFT and self.calls)
    @rule(kind=st.sampled_from(Kind))
    def report(self, kind: Kind) -> None:
        self.heard.append(kind)
        self.state = reported(self.state, kind)

    @rule()
    def cancel(self) -> None:
        self.state = ended(self.state)

    @invariant()
    def it_left_at_most_once(self) -> None:
        assert self.calls <= 1

    @invariant()
    def what_may_have_left_is_never_ready_again(self) -> None:
        assert not (self.calls and self.state in (*WAITING, State.CLAIMED, State.NOT_SENT))

    @invariant()
    def a_delivery_that_arrived_stays_so(self) -> None:
        if Kind.DELIVERED in self.heard:
            assert self.state == State.DELIVERED

    @invariant()
    def what_a_provider_names_is_settled(self) -> None:
        if set(self.heard) - {Kind.UNSUBSCRIBED}:
            assert self.state in _REPORTED
            assert self.state not in UNDER_WAY


TestOneDelivery = OneDelivery.TestCase
