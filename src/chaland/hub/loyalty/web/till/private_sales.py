"""Private sales at the till: guests checked in by a tap or by their invitation, and let in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chaland.hub.common import clock
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.models import Invitation, Member
from chaland.hub.loyalty.sales import codes
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.till import private_sales, refs, undoing
from chaland.hub.loyalty.web.till import shown
from chaland.hub.loyalty.web.till.guard import Device, Id, Keyed, till_view


class Arrive(Keyed):
    member: str
    sale: Id


class Scan(Keyed):
    """``code``: an invitation's ten signs, or the whole address that its QR holds."""

    code: str


def _answer(device: Device, sale_id: int, member_id: int) -> dict[str, Any]:
    done = private_sales.check_in(device.till, sale_id, member_id)
    return {
        "member_id": member_id,
        "first": done.arrival.first,
        "came_at": done.arrival.at.isoformat(),
        "shop": done.arrival.shop_id,
        "before": list(done.before),
        "at": clock.real_now().isoformat(),
    }


def _arrived(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:
    first, came = answer["first"], datetime.fromisoformat(answer["came_at"])
    undo = undoing.undo_ref(device.till, "arrival", answer["before"], answer["at"])
    return {
        "text": private_sales.arrived_text(came, answer["shop"], first=first),
        "undo": undo if first else "",
    }


def _scanned(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Add who it is, as found by a name alone: an invitation may be anybody's hand, and opens no
    purse."""
    made = Member.objects.filter(pk=answer["member_id"], association_id=device.till.association_id)
    found = lookups.masked(list(made.filter(state=Member.State.ACTIVE)), device.till.shop_id)
    if not found:
        raise refs.ClosedAccountErrorFinal
    return {**_arrived(device, answer), "member": shown.rows(device.till, found, How.NAME)[0]}


@till_view(Arrive, keyed=True, fill=_arrived)
def arrive(device: Device, asked: Arrive) -> Mapping[str, Any]:
    """Check the customer in who stands here; not invited, let the customer join at the door."""
    return _answer(device, asked.sale, refs.member_of(device.till, asked.member).pk)


def _invited(device: Device, asked: Scan) -> Device:
    """Read the code before the write begins, so that a wrong one is counted."""
    found = codes.invitation_of(asked.code, device.actor, device.till.association_id)
    if found is None:
        raise SaleErrorFinal("no-invitation")
    return replace(device, meant=lambda: found.pk)


@till_view(Scan, keyed=True, before=_invited, fill=_scanned)
def scan(device: Device, asked: Scan) -> Mapping[str, Any]:  # noqa: ARG001  # `before` read it
    """Check in whom an invitation names."""
    if device.meant is None:
        raise AssertionError("`before` reads the code")
    invitation = Invitation.objects.get(pk=device.meant())
    return _answer(device, invitation.sale_id, invitation.member_id or 0)
