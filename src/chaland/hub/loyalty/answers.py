"""Exactly-once answers: a write that is sent again is answered as it was the first time, for good.

The answer is stored in the transaction that did the work, so there is no instant at which one
exists without the other. Two equal requests at once: the second waits for the first one's commit
(on the row's unique index), then gets its answer.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import SavedAnswer

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
    kept = _kept(scope, key, digest)
    if kept is not None:
        return kept
    try:
        with transaction.atomic(using="loyalty"):
            return _first(scope, key, digest, work)
    except _UndoneFinal as undone:
        return undone.answer


def _first(scope: str, key: str, digest: str, work: Callable[[], Answer]) -> Answer:
    """Take the key, do the work, keep the answer; unless another request took the key first."""
    saved = SavedAnswer(
        scope=scope, key=key, body_digest=digest, status=_UNDER_WAY, answer="", at=clock.now()
    )
    try:
        with transaction.atomic(using="loyalty"):
            saved.save(force_insert=True)
    except IntegrityError:
        kept = _kept(scope, key, digest)
        if kept is None:
            raise
        return kept
    try:
        with transaction.atomic(using="loyalty"):
            answer = work()
    except RefusalFinal as refusal:
        answer = refusal.answer
    else:
        if answer.status >= 400:
            raise _UndoneFinal(answer)
    kept = {**answer.body, _WHOSE: None} if _WHOSE in answer.body else answer.body
    saved.status, saved.answer = answer.status, json.dumps(kept)
    saved.member_id = answer.body.get(_WHOSE)
    saved.save(update_fields=["status", "answer", "member"])
    return answer


def _kept(scope: str, key: str, digest: str) -> Answer | None:
    saved = SavedAnswer.objects.filter(scope=scope, key=key).first()
    if saved is None:
        return None
    if saved.body_digest != digest:
        raise OtherRequestErrorFinal
    body = json.loads(saved.answer)
    if _WHOSE in body:
        if saved.member_id is None:
            raise ForgottenErrorFinal
        body[_WHOSE] = saved.member_id
    return Answer(saved.status, body)
