"""Whether ledger and consents are as they were written: chains, sums, and what is kept of them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import connections, transaction

from chaland.hub.association.models import Association
from chaland.hub.loyalty.consent import services as consents
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.models import Account, ConsentEvent, Member, Proof

AT_NIGHT = time(3)
"""Local time from which the night's proof is due."""
_SAID_AT_MOST = 20
_log = logging.getLogger(__name__)


def faults() -> Iterator[str]:
    """Say what doesn't hold, town by town, a line each. Changes nothing.

    Reads every entry and every consent event, so its cost grows with them.
    """
    for town in Association.objects.order_by("pk"):
        for line in _of(town.pk):
            yield f"Town {town.pk}: {line}"
    yield from _consents_of_nobody()


def prove_due(now: datetime) -> int:
    """Prove each town's books once a local night, after three; keep when, and what was found.

    Returns how many towns were proved. What doesn't hold is logged as an error, a line each.
    """
    due = [town for town in Association.objects.order_by("pk") if _is_due(town, now)]
    for town in due:
        _prove(town.pk, now)
    return len(due)


def _is_due(town: Association, now: datetime) -> bool:
    zone = ZoneInfo(town.timezone)
    local = now.astimezone(zone)
    if local.time() < AT_NIGHT:
        return False
    last = Proof.objects.filter(association_id=town.pk).first()
    return last is None or last.at.astimezone(zone).date() < local.date()


def _prove(town: int, now: datetime) -> None:
    found = _found(town)
    if found:  # tills go on meanwhile: what they wrote between two questions is no fault
        with _standing_still():
            found = _found(town)
    for line in found:
        _log.error("the books of town %d do not hold: %s", town, line)
    Proof.objects.update_or_create(
        association_id=town,
        defaults={
            "at": now,
            "accounts": Account.objects.filter(asset__association_id=town).count(),
            "faults": len(found),
            "said": found[:_SAID_AT_MOST],
        },
    )


def _found(town: int) -> list[str]:
    # Erased members' consents are of no town any more: each town's proof holds them, too.
    return [*_of(town), *_consents_of_nobody()]


@contextmanager
def _standing_still() -> Iterator[None]:
    """See one moment's state: PostgreSQL by a snapshot; on SQLite a transaction waits for the
    writer and is the only one."""
    connection = connections["loyalty"]
    outermost = not connection.in_atomic_block
    with transaction.atomic(using="loyalty"):
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _of(town: int) -> Iterator[str]:
    for each in proof.verify_all(town):
        yield f"account {each.account_id}, entry {each.position}: {each.reason}"
    for kept in proof.differences(town):
        yield f"{kept.what} of {kept.id} is {kept.stored}, its entries say {kept.computed}"
    for member in Member.objects.filter(association_id=town).order_by("pk").iterator(500):
        found = consents.verify_member(member)
        if not found.sound:
            yield f"consents of member {member.pk}: event {found.broken_at} doesn't follow"


def _consents_of_nobody() -> Iterator[str]:
    """Check the chains of members who were erased: their salts are gone, the digests stay."""
    whose = Member.objects.values("chain")
    left = ConsentEvent.objects.exclude(chain__in=whose).values_list("chain", flat=True)
    for chain in left.order_by("chain").distinct().iterator(500):
        found = consents.verify(chain, None)
        if not found.sound:
            yield f"consents of an erased member: event {found.broken_at} doesn't follow"
