"""Whatever is said of a delivery, in whatever order, it ends in one state, and never falls back.

The queue itself, in any sequence and on the database: `test_any_sequence.py`.
"""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach.shapes import Kind, Result
from chaland.hub.loyalty.outreach.transitions import State, answered, reported


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
