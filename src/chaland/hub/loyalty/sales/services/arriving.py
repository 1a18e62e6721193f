"""At the door of a sale: who was invited is checked in once; who wasn't may join."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Invitation, Member, PrivateSale, SaleShop
from chaland.hub.loyalty.sales import town
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import live_locked

_State = Invitation.State


@dataclass(frozen=True, slots=True)
class Arrival:
    """A check-in. ``first``: this very one; else it tells when and where that was.

    ``before``, of the moment in which the sale was locked, is what `undo_arrival` restores: state
    (empty: the invitation was made here), slot and when a place was asked for."""

    invitation_id: int
    member_id: int
    first: bool
    at: datetime
    shop_id: int
    recruited: bool
    before: tuple[str, int | None, datetime | None]


@contention.anew
@transaction.atomic(using="loyalty")
def arrive(invitation_id: int, shop_id: int, actor: str) -> Arrival:
    """Check a member in at a shop of the sale, once, whatever was booked or declined.

    Who waited for a place leaves the queue; who has one keeps it. SaleErrorFinal: no such
    invitation or shop, the sale hasn't begun (thirty minutes early is fine) or is over.
    """
    sale_ids = Invitation.objects.filter(pk=invitation_id).values_list("sale_id", flat=True)
    _running(sale_ids.first() or 0, shop_id)
    invitation = Invitation.objects.filter(pk=invitation_id, member__isnull=False).first()
    if invitation is None:
        raise SaleErrorFinal("no-member")
    return _check_in(invitation, shop_id, actor)


@contention.anew
@transaction.atomic(using="loyalty")
def join_at_door(sale_id: int, member_id: int, shop_id: int, actor: str) -> Arrival:
    """Let a member in who stands at the door: with the invitation, if there is one, else with one
    made here, where the sale lets newcomers join.

    Who was enrolled at a shop of the sale since its doors opened counts as recruited by it, and by
    no other sale.
    """
    sale = _running(sale_id, shop_id)
    member = Member.objects.filter(
        pk=member_id, association_id=sale.association_id, state=Member.State.ACTIVE
    ).first()
    if member is None:
        raise SaleErrorFinal("no-member")
    if not sale.door_open and not sale.invitations.filter(member=member).exists():
        raise SaleErrorFinal("door-closed")
    invitation, made = Invitation.objects.get_or_create(  # invitations come without the lock
        sale=sale,
        member=member,
        defaults={
            "how": Invitation.How.DOOR,
            "recruited": _is_recruited(sale, member),
            "created_at": clock.now(),
        },
    )
    return _check_in(invitation, shop_id, actor, made=made)


def _check_in(invitation: Invitation, shop_id: int, actor: str, *, made: bool = False) -> Arrival:
    before = ("" if made else invitation.state, invitation.slot_id, invitation.asked_at)
    first = invitation.state != _State.ARRIVED
    if first:
        if invitation.state != _State.BOOKED:
            invitation.slot, invitation.asked_at = None, None
        invitation.state, invitation.arrived_at = _State.ARRIVED, clock.now()
        invitation.arrived_shop_id, invitation.checked_in_by = shop_id, actor
        invitation.save()
    return Arrival(
        invitation.pk,
        invitation.member_id or 0,
        first,
        invitation.arrived_at or clock.now(),
        invitation.arrived_shop_id or shop_id,
        invitation.recruited,
        before,
    )


def _running(sale_id: int, shop_id: int) -> PrivateSale:
    """Return the sale, locked. A shop that doesn't take part hears nothing else of it, not even
    whether there is one."""
    there = SaleShop.objects.filter(sale=sale_id, shop_id=shop_id, agreed_at__isnull=False)
    if not there.exists():
        raise SaleErrorFinal("no-shop")
    sale, now = live_locked(sale_id), clock.now()
    if now < sale.starts_at - town.EARLY:
        raise SaleErrorFinal("not-begun")
    if now >= sale.ends_at:
        raise SaleErrorFinal("over")
    return sale


def _is_recruited(sale: PrivateSale, member: Member) -> bool:
    """Say whether a member was enrolled by this sale: at one of its shops, from half an hour before
    it on, and by none before it."""
    if member.enrolled_shop_id is None or member.enrolled_at < sale.starts_at - town.EARLY:
        return False
    if member.invitations.filter(recruited=True).exists():
        return False
    return sale.shops.filter(shop_id=member.enrolled_shop_id, agreed_at__isnull=False).exists()
