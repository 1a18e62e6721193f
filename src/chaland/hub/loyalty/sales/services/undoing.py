"""A check-in taken back: it was the wrong customer."""

from datetime import datetime

from django.db import transaction

from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Invitation
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import live_locked
from chaland.hub.loyalty.sales.services.places import fill

_State = Invitation.State


@contention.anew
@transaction.atomic(using="loyalty")
def undo_arrival(
    invitation_id: int,
    shop_id: int,
    state: str = "",
    slot_id: int | None = None,
    asked_at: datetime | None = None,
) -> None:
    """Take a check-in at a shop back: to the ``state``, and the place in the queue, of before.

    No ``state``: the invitation was made by this very check-in, and goes. Who has a place has kept
    it. Done twice, nothing changes; SaleErrorFinal: no such check-in of this shop, or the sale is
    over.
    """
    sale_ids = Invitation.objects.filter(pk=invitation_id).values_list("sale_id", flat=True)
    sale_id = sale_ids.first()
    if sale_id is None:
        return
    sale = live_locked(sale_id)
    invitation = Invitation.objects.filter(pk=invitation_id).first()
    if invitation is None or invitation.state != _State.ARRIVED:
        return
    if invitation.arrived_shop_id != shop_id:
        raise SaleErrorFinal("no-shop")
    if not state:
        invitation.delete()
        return
    if invitation.asked_at is None:
        invitation.state, invitation.asked_at = _State(state), asked_at
        invitation.slot = None if slot_id is None else sale.slots.filter(pk=slot_id).first()
    else:
        invitation.state = _State.BOOKED
    invitation.arrived_at = invitation.arrived_shop_id = None
    invitation.checked_in_by = ""
    invitation.save()
    fill(sale)
