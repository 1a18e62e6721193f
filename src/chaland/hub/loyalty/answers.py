"""Exactly-once answers: a write that is sent again is answered as it was the first time, for good.

The answer is stored in the transaction that did the work, so there is no instant at which one
exists without the other. Two equal requests at once: the second waits for the first one's commit
(on the row's unique index), then gets its answer. Whether a key is new is not asked beforehand:
taking it tells, in one statement.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import bulk, contention
from chaland.hub.loyalty.models import SavedAnswer

_ROW = ("scope", "key", "body_digest", "status", "answer", "at")
_WHOSE = "member_id"
"""Key of an answer that says whose it is; the number stands in a column, which erasure empties."""
_UNDER_WAY = 0
"""Status of a row whose transaction is not over; nobody else ever sees it."""


@dataclass(frozen=True)
class Answer:
    """What is said to the sender: an HTTP status, and what JSON can hold."""

    status: int
    body: Mapping[str, Any]


class OtherRequestErrorFinal(Exception):
    """The idempotency key came with another request before."""


class ForgottenErrorFinal(Exception):
    """This was done, for a member who has been erased since: there is nothing to say of it."""


class RefusalFinal(Exception):
    """Raised by the work: its writes are undone, and its answer is kept all the same.

    A refusal that the work *returns* (status 400 or more) is undone too, but not kept: the sender
    may put it right and use the key again.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _UndoneFinal(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@contention.anew
def once(scope: str, key: str, request: bytes, work: Callable[[], Answer]) -> Answer:
    """Do ``work`` and keep its answer, or give the answer that was kept.

    ``scope`` is ``till:3`` or ``shop:5``; ``request`` all that makes the request this one (its
    route and body). Raises OtherRequestErrorFinal, ForgottenErrorFinal, and whatever ``work``
    raises.
    """
    digest = hashlib.sha256(request).hexdigest()
    try:
        return _first(scope, key, digest, work)
    except _UndoneFinal as undone:
        return undone.answer
    except RefusalFinal as refusal:
        # The work is undone, and the key with it: who takes it in this instant does the work, and
        # that answer is then everybody's.
        told = refusal.answer
        return _first(scope, key, digest, lambda: told, refusing=True)


@transaction.atomic(using="loyalty")
def _first(
    scope: str, key: str, digest: str, work: Callable[[], Answer], *, refusing: bool = False
) -> Answer:
    """Take the key, do the work, keep the answer; unless another request took the key first."""
    row = (scope, key, digest, _UNDER_WAY, b"", clock.now())
    taken = bulk.insert_new(SavedAnswer, _ROW, [row])
    if not taken:
        return _kept(scope, key, digest)
    answer = work()
    if answer.status >= 400 and not refusing:
        raise _UndoneFinal(answer)
    kept = {**answer.body, _WHOSE: None} if _WHOSE in answer.body else answer.body
    SavedAnswer.objects.filter(pk=taken[0]).update(
        status=answer.status, answer=json.dumps(kept), member=answer.body.get(_WHOSE)
    )
    return answer


def _kept(scope: str, key: str, digest: str) -> Answer:
    saved = SavedAnswer.objects.get(scope=scope, key=key)
    if saved.body_digest != digest:
        raise OtherRequestErrorFinal
    body = json.loads(saved.answer)
    if _WHOSE in body:
        if saved.member_id is None:
            raise ForgottenErrorFinal
        body[_WHOSE] = saved.member_id
    return Answer(saved.status, body)
