"""A delivery's states, and what leads from one to the next. Pure; no Django.

What providers say comes in any order, twice, and before the answer of the call it belongs to. So
what they say is a height (`_HEIGHT`), and a delivery only ever rises: whichever order reports come
in, it ends in the same state. Below stand the states in which only this program acts.
"""

from enum import StrEnum

from chaland.hub.loyalty.outreach.shapes import Kind, Result


class State(StrEnum):
    """As ``models.Delivery.State``."""

    PLANNED = "planned"
    HELD = "held"
    READY = "ready"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    NOT_SENT = "not_sent"


WAITING = (State.PLANNED, State.HELD, State.READY)
"""What a worker may claim, and what a campaign's end takes back."""
UNDER_WAY = (*WAITING, State.CLAIMED, State.SENDING)
LEFT = (State.ACCEPTED, State.UNKNOWN, State.DELIVERED, State.BOUNCED, State.FAILED)
"""What was handed over, or may have been."""

_HEIGHT = {State.ACCEPTED: 1, State.FAILED: 2, State.BOUNCED: 3, State.DELIVERED: 4}
_SAYS = {
    Kind.ACCEPTED: State.ACCEPTED,
    Kind.DELIVERED: State.DELIVERED,
    Kind.BOUNCED_HARD: State.BOUNCED,
    Kind.BOUNCED_SOFT: State.BOUNCED,
    Kind.EXPIRED: State.FAILED,
    Kind.FAILED: State.FAILED,
    Kind.COMPLAINED: State.DELIVERED,  # who complains has got it
}
_ANSWERS = {
    Result.ACCEPTED: State.ACCEPTED,
    Result.REFUSED: State.NOT_SENT,
    Result.LATER: State.HELD,
    Result.UNKNOWN: State.UNKNOWN,
}


def reported(state: State, kind: Kind) -> State:
    """Return the state after a provider's report.

    It may concern a delivery that this database believes not sent yet: then the database came back
    from a back-up, and the provider knows better.
    """
    said = _SAYS.get(kind)
    if said is None or _HEIGHT[said] <= _HEIGHT.get(state, 0):
        return state
    return said


def answered(state: State, result: Result) -> State:
    """Return the state after the answer of the call that handed a message over.

    Only a delivery that is being sent, or of which nothing is known, takes an answer: where a
    report was faster, the report stands.
    """
    return _ANSWERS[result] if state in (State.SENDING, State.UNKNOWN) else state


def lapsed(state: State, *, never_left: bool = False) -> State:
    """Return the state when the worker that held a delivery is gone.

    ``never_left``: the journal proves that the message was not drawn.
    """
    if state == State.CLAIMED or (state == State.SENDING and never_left):
        return State.READY
    return State.UNKNOWN if state == State.SENDING else state
