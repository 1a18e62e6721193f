"""Leaving: all rests at once, and is erased a week later; until then it can be undone."""

from datetime import datetime, timedelta

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Departure, Hold, Member

UNDO_FOR = timedelta(days=7)


def leave(member: Member) -> Departure:
    """Let a member leave: nothing is earned, spent, sent or shown from now on, and what a till has
    reserved is given up. The same again changes nothing."""
    now = clock.now()
    with transaction.atomic(using="loyalty"):
        departure, _made = Departure.objects.get_or_create(
            member=member,
            defaults={
                "asked_at": now,
                "erases_at": now + UNDO_FOR,
                "was_paused": member.state == Member.State.PAUSED,
            },
        )
        members.pause(member)
        pending = Hold.objects.filter(account__member=member, state=Hold.State.PENDING)
        for hold_id in pending.values_list("pk", flat=True):
            ledger.cancel(hold_id)
    return departure


def stay(member: Member) -> None:
    """Undo leaving: all is as it was before."""
    with transaction.atomic(using="loyalty"):
        departure = Departure.objects.filter(member=member).first()
        if departure is None:
            return
        if not departure.was_paused:
            members.resume(member)
        departure.delete()


def departure_of(member: Member) -> Departure | None:
    """Return when a member who has left is erased, or None."""
    return Departure.objects.filter(member=member).first()


def erase_departed(now: datetime) -> int:
    """Erase those whose week is over; return how many."""
    due = Departure.objects.filter(erases_at__lte=now).order_by("erases_at")
    ids = list(due.values_list("member_id", flat=True)[:100])
    return sum(erasure.erase(member_id, actor="member") for member_id in ids)
