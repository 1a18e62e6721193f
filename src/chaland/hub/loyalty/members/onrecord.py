"""Each question to the register is counted, limited and on record, found or not (L22).

Limits hold for a device, whoever stands at it, and for its shop, however many devices it has.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.common import clock
from chaland.hub.loyalty.members.rules import LookupQuotaErrorFinal
from chaland.hub.loyalty.models import Lookup, LookupHit, Member

ASKED_AN_HOUR = 400
"""Look-ups of one device: a busy till's receipts, each with a few letters typed."""
MISSED_AN_HOUR = 60
MISSED_A_DAY = 200
"""Exact look-ups that found nobody: who tries numbers through reaches these, a till does not."""
DEVICES = 3
"""A shop may ask and miss as often as so many devices."""
EXACT = (Lookup.Kind.PHONE, Lookup.Kind.EMAIL, Lookup.Kind.DIGITS, Lookup.Kind.CARD)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who looks up: ``actor`` is ``till:3 seller:5``, ``user:7`` or ``key:2``; its first word is
    the device that the quota counts by."""

    association_id: int
    shop_id: int | None
    actor: str

    @property
    def device(self) -> str:
        return self.actor.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class _Question:
    asker: Asker
    kind: Lookup.Kind
    at: datetime
    shown: int
    missed: int
    member_ids: Sequence[int]


_waiting: ContextVar[list[_Question] | None] = ContextVar("look-ups to write", default=None)


@contextmanager
def on_record() -> Iterator[None]:
    """Write look-ups that are made inside when this ends, whatever is rolled back inside.

    Around every transaction that asks and may be undone: a write that fails after its question
    must not be a question that nobody counts.
    """
    if _waiting.get() is not None:
        yield  # the outer one writes
        return
    waiting: list[_Question] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
        for question in waiting:
            there = Member.objects.filter(pk__in=question.member_ids)
            _write(question, list(there.values_list("pk", flat=True)))


def note(
    asker: Asker,
    kind: Lookup.Kind,
    members: Sequence[Member],
    *,
    shown: int | None = None,
    missed: int = 0,
) -> None:
    """Put one question on record, with the members that it showed; ``missed`` is for a file, which
    asks many at once."""
    ids = list(dict.fromkeys(m.pk for m in members))
    count = len(ids) if shown is None else shown
    question = _Question(asker, kind, clock.now(), min(count, 32_767), missed, ids)
    waiting = _waiting.get()
    if waiting is None:
        _write(question, ids)
    else:
        waiting.append(question)


def _write(question: _Question, member_ids: Sequence[int]) -> None:
    asker = question.asker
    with transaction.atomic(using="loyalty"):
        lookup = Lookup.objects.create(
            association_id=asker.association_id,
            shop_id=asker.shop_id,
            actor=asker.actor,
            device=asker.device,
            kind=question.kind,
            at=question.at,
            shown=question.shown,
            missed=question.missed,
        )
        LookupHit.objects.bulk_create(
            (LookupHit(lookup=lookup, member_id=pk) for pk in member_ids), batch_size=500
        )


def check(asker: Asker, kind: Lookup.Kind) -> None:
    """Raise LookupQuotaErrorFinal where a device or its shop asks more, or misses more, than tills
    do; before anything is answered, so that it says nothing of who is known."""
    _within(Lookup.objects.filter(device=asker.device), kind, 1)
    if asker.shop_id is not None:
        _within(Lookup.objects.filter(shop_id=asker.shop_id), kind, DEVICES)


def _within(asked: QuerySet[Lookup], kind: Lookup.Kind, times: int) -> None:
    now = clock.now()
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    if asked.filter(at__gt=hour).count() >= times * ASKED_AN_HOUR:
        oldest = asked.filter(at__gt=hour).order_by("at").values_list("at", flat=True)[0]
        raise LookupQuotaErrorFinal(_seconds(oldest - hour))
    if kind not in EXACT:
        return
    missed = asked.filter(at__gt=day, shown=0, kind__in=EXACT)
    a_day, an_hour = times * MISSED_A_DAY, times * MISSED_AN_HOUR
    # In order of time, so that one short read serves both limits.
    at = list(missed.order_by("-at").values_list("at", flat=True)[:a_day])
    if len(at) >= an_hour and at[an_hour - 1] > hour:
        raise LookupQuotaErrorFinal(_seconds(at[an_hour - 1] - hour))
    if len(at) >= a_day:
        raise LookupQuotaErrorFinal(_seconds(at[-1] - day))


def _seconds(wait: timedelta) -> int:
    return max(1, int(wait.total_seconds()))
