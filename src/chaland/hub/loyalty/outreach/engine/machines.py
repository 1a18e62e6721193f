"""Several machines that send, each with a journal of its own, and a database that may be put back.

Each machine's journal knows what left that machine; what left from the others, the database only.
So it counts for each machine: with each batch, in the transaction that says what is being sent, and
each minute. A journal that has noted a higher count than the database has now, knows that the
database was put back: then nothing that was due before leaves from any machine until a person has
looked. A machine that wasn't there for a while can't know it: it waits until it has heard of all
the others, who can; but not of those that were stopped in order (all that they sent is in the
database), or of which a person says that they run no more.
One machine alone holds nothing back: its journal knows all that left.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import SendingMachine
from chaland.hub.loyalty.outreach.engine.journal import Journal

_log = logging.getLogger(__name__)
HEARD_EACH = timedelta(minutes=1)
SILENT = timedelta(minutes=3)
"""A machine of which nothing was heard for longer may have missed that the database was put back,
or runs no more."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Of what was due before ``since`` it isn't known what left; ``why``, for the association."""

    since: datetime
    why: str


def count(journal: Journal) -> int:
    """Count a batch, in the transaction that says that it is being sent; `Journal.note_count` is
    told after its commit, and before the first message goes."""
    mine = SendingMachine.objects.filter(journal=journal.name)
    mine.update(count=F("count") + 1)
    return mine.values_list("count", flat=True).get()


def look(journal: Journal, now: datetime) -> Doubt | None:
    """See whether the database is the one that this machine left, and be heard of; return what is
    in doubt, by this or another machine."""
    noted = journal.count  # first: the database has never counted less than was noted before
    mine = SendingMachine.objects.filter(journal=journal.name).first()
    back = noted is not None and (mine is None or mine.count < noted)
    told = journal.trusted or journal.suspect_since is not None
    heard = mine.heard_at if mine else None
    if back or told or heard is None or heard <= now - HEARD_EACH:
        _be_heard(journal, noted or 0, now)
    away = _unheard(journal, now)
    if away != (mine.away_at if mine else None):
        SendingMachine.objects.filter(journal=journal.name).update(away_at=away)
    found = _suspected()
    if found is not None:
        return Doubt(found, suspicion())
    return Doubt(away, silence()) if away else None


def ask(now: datetime) -> Doubt | None:
    """Return what is held back on all machines that run, for pages; this process sends nothing."""
    found = _suspected()
    if found is not None:
        return Doubt(found, suspicion())
    running = SendingMachine.objects.filter(heard_at__gt=now - SILENT)
    since = list(running.values_list("away_at", flat=True))
    waiting = [away for away in since if away is not None]
    return Doubt(max(waiting), silence()) if waiting and len(waiting) == len(since) else None


def tell(journal: Journal, now: datetime) -> None:
    """Write what a person said into the database, where all machines see it. The machine on which
    it was said isn't made one that sends by that: where the database knows of none yet, the next
    worker that looks writes it."""
    with transaction.atomic(using="loyalty"):
        known = _told(journal, now)
    if known:
        journal.told()


def _told(journal: Journal, now: datetime) -> bool:
    """Write what a person said, or a journal found of itself, on all machines; False: none is
    there."""
    if journal.trusted:
        others = SendingMachine.objects.exclude(journal=journal.name)
        others.filter(heard_at__lte=now - SILENT).update(heard_at=None)
        SendingMachine.objects.update(suspect_at=None)
    if journal.suspect_since is not None:
        SendingMachine.objects.update(suspect_at=journal.suspect_since)
    return SendingMachine.objects.exists()


def end(journal: Journal) -> None:
    """Say that no worker runs on this machine any more, and that all it sent is in the database; so
    it is, unless the journal has noted that the database counted more."""
    mine = SendingMachine.objects.filter(journal=journal.name, count__gte=journal.count or 0)
    try:
        mine.update(heard_at=None, away_at=None)
    except DatabaseError:
        _log.warning("the database doesn’t hear that this machine sends no more", exc_info=True)


def _suspected() -> datetime | None:
    found: datetime | None = SendingMachine.objects.aggregate(at=Max("suspect_at"))["at"]
    return found


def suspicion() -> str:
    """Say that a back-up was put back."""
    return _(
        "A back-up seems to have been put back: what was due before stays here until whoever looks "
        "after the server has confirmed it."
    )


def silence() -> str:
    """Say that a machine isn't heard of."""
    return _(
        "Another machine that sends is silent, and may know more: what was due before stays here "
        "until it is back, or whoever looks after the server has confirmed that it runs no more."
    )


def _be_heard(journal: Journal, noted: int, now: datetime) -> None:
    with transaction.atomic(using="loyalty"):
        SendingMachine.objects.get_or_create(journal=journal.name, defaults={"heard_at": now})
        _told(journal, now)
        mine = SendingMachine.objects.select_for_update().get(journal=journal.name)
        others = SendingMachine.objects.exclude(pk=mine.pk)
        if mine.count < noted and (journal.time("others") or others.exists()):
            mine.suspect_at = now
        mine.count, mine.heard_at = max(mine.count, noted) + 1, now
        mine.save()
    journal.note_count(mine.count)
    journal.told()


def _unheard(journal: Journal, now: datetime) -> datetime | None:
    """Return since when this machine is back and hasn't heard of all the others; None: it has, or
    it never was away."""
    others = SendingMachine.objects.exclude(journal=journal.name)
    running = others.filter(heard_at__isnull=False)
    seen, away = journal.time("seen"), journal.time("away")
    if running.exists() and (seen is None or seen <= now - SILENT):
        away = now
        journal.note_time("away", now)
    if seen is None or seen <= now - HEARD_EACH:
        journal.note_time("seen", now)
        journal.note_time("others", now if others.exists() else None)
    if away is None or running.filter(heard_at__lte=away).exists():
        return away
    journal.note_time("away", None)
    return None
