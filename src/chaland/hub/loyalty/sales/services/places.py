"""Slots, places and the queue for them.

What a slot counts (``taken``) are its invitations that are booked, or came with a place. A slot
with room has no queue: whatever frees a place fills it again, in the order of asking.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Invitation, PrivateSale, Slot
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import live_locked, sale_locked

CAPACITY_AT_MOST = 10_000
_State = Invitation.State


@contention.anew
@transaction.atomic(using="loyalty")
def set_slot(
    sale_id: int,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int,
    slot_id: int | None = None,
) -> Slot:
    """Add or change (``slot_id``) a slot. More places move the queue up; fewer than are taken are
    refused. Times change only while the sale is in preparation."""
    sale = sale_locked(sale_id)
    if sale.state not in (PrivateSale.State.DRAFT, PrivateSale.State.OPEN):
        raise SaleErrorFinal("over")
    if not sale.starts_at <= starts_at < ends_at <= sale.ends_at:
        raise SaleErrorFinal("slot-times")
    if not 1 <= capacity <= CAPACITY_AT_MOST:
        raise SaleErrorFinal("capacity")
    slot = Slot(sale=sale) if slot_id is None else _slot(sale, slot_id)
    if slot_id is not None and capacity < slot.taken:
        raise SaleErrorFinal("taken")
    moved = slot_id is not None and (slot.starts_at, slot.ends_at) != (starts_at, ends_at)
    if moved and sale.state != PrivateSale.State.DRAFT:
        raise SaleErrorFinal("not-draft")
    slot.starts_at, slot.ends_at, slot.capacity = starts_at, ends_at, capacity
    slot.save()
    fill(sale)
    return slot


@contention.anew
@transaction.atomic(using="loyalty")
def remove_slot(sale_id: int, slot_id: int) -> None:
    """Take a slot away that nobody has a place in, or waits for."""
    slot = _slot(sale_locked(sale_id), slot_id)
    if slot.invitations.exists():
        raise SaleErrorFinal("taken")
    slot.delete()


@contention.anew
@transaction.atomic(using="loyalty")
def book(invitation_id: int, slot_id: int | None = None) -> Invitation:
    """Give an invited member a place, or a rank in the queue where the slot is full.

    ``slot_id`` None: for a sale without slots. Asked again for the same slot, nothing changes. Who
    has a place elsewhere keeps it until there is room here (SaleErrorFinal ``full``).
    """
    invitation, sale = _open_invitation(invitation_id)
    if invitation.state == _State.ARRIVED:
        return invitation
    if slot_id is None:
        if sale.slots.exists():
            raise SaleErrorFinal("choose-slot")
        return _set(invitation, _State.BOOKED, None, clock.now())
    slot = _slot(sale, slot_id)
    if slot.ends_at <= clock.now():
        raise SaleErrorFinal("slot-past")
    has = invitation.state in (_State.BOOKED, _State.QUEUED)
    if has and invitation.slot_id == slot.pk:
        return invitation
    if _take(slot):
        free(invitation)
        _set(invitation, _State.BOOKED, slot, clock.now())
        fill(sale)
    elif invitation.state == _State.BOOKED:
        raise SaleErrorFinal("full")
    else:
        _set(invitation, _State.QUEUED, slot, clock.now())
    return invitation


@contention.anew
@transaction.atomic(using="loyalty")
def decline(invitation_id: int) -> Invitation:
    """Note that a member does not come; a place becomes the next one's. It can be undone by
    booking. Who came already did."""
    return _leave(invitation_id, _State.DECLINED)


@contention.anew
@transaction.atomic(using="loyalty")
def give_back(invitation_id: int) -> Invitation:
    """Give a place, or a rank in the queue, back; the member stays invited."""
    return _leave(invitation_id, _State.OPEN)


def free(invitation: Invitation) -> None:
    """Count an invitation's place as free, if it has one; the sale is locked. `fill` follows."""
    holds = invitation.state in (_State.BOOKED, _State.ARRIVED)
    if holds and invitation.slot_id is not None:
        Slot.objects.filter(pk=invitation.slot_id).update(taken=F("taken") - 1)


def fill(sale: PrivateSale) -> int:
    """Give free places to those who wait for them, in the order of asking; how many moved up.

    The sale is locked. Nobody is moved into a slot that is over, or a sale that isn't open.
    """
    if sale.state != PrivateSale.State.OPEN:
        return 0
    moved = 0
    for slot in sale.slots.filter(taken__lt=F("capacity"), ends_at__gt=clock.now()):
        waiting = slot.invitations.filter(state=_State.QUEUED).order_by("asked_at", "pk")
        for invitation in waiting[: slot.capacity - slot.taken]:
            if not _take(slot):
                break
            Invitation.objects.filter(pk=invitation.pk).update(
                state=_State.BOOKED, moved_up_at=clock.now()
            )
            moved += 1
    return moved


def _take(slot: Slot) -> bool:
    """Take a place if there is one. The condition is in the statement: it can't be too many."""
    room = Slot.objects.filter(pk=slot.pk, taken__lt=F("capacity"))
    return bool(room.update(taken=F("taken") + 1))


def _leave(invitation_id: int, state: str) -> Invitation:
    invitation, sale = _open_invitation(invitation_id)
    if invitation.state == _State.ARRIVED:
        return invitation
    free(invitation)
    _set(invitation, state, None, None)
    fill(sale)
    return invitation


def _set(
    invitation: Invitation, state: str, slot: Slot | None, asked_at: datetime | None
) -> Invitation:
    invitation.state, invitation.slot, invitation.asked_at = state, slot, asked_at
    invitation.moved_up_at = None
    invitation.save(update_fields=["state", "slot", "asked_at", "moved_up_at"])
    return invitation


def _open_invitation(invitation_id: int) -> tuple[Invitation, PrivateSale]:
    """Lock the sale of an invitation, then read the invitation as it stands."""
    sale_ids = Invitation.objects.filter(pk=invitation_id).values_list("sale_id", flat=True)
    sale = live_locked(sale_ids.first() or 0)
    if sale.ends_at <= clock.now():
        raise SaleErrorFinal("over")
    invitation = Invitation.objects.filter(pk=invitation_id, member__isnull=False).first()
    if invitation is None:  # merged or erased meanwhile
        raise SaleErrorFinal("no-member")
    return invitation, sale


def _slot(sale: PrivateSale, slot_id: int) -> Slot:
    slot = sale.slots.filter(pk=slot_id).first()
    if slot is None:
        raise SaleErrorFinal("no-slot")
    return slot
