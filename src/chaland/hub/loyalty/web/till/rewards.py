"""Rewards at the till: reserved, confirmed, cancelled, undone; vouchers used."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import ConfigDict

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Transfer
from chaland.hub.loyalty.programmes import services
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.till import refs
from chaland.hub.loyalty.till.sales import ON_THE_WAY_S, UNDO_S
from chaland.hub.loyalty.web.till.guard import Device, Keyed, till_view


class Reserve(Keyed):
    """``wanted_cents``: what is to come off, for a reward of which any part can be taken."""

    member: str
    reward: int
    wanted_cents: int | None = None


class OfHold(Keyed):
    hold: UUID

    model_config = ConfigDict(extra="forbid", strict=False)


class OfTransfer(Keyed):
    transfer: UUID

    model_config = ConfigDict(extra="forbid", strict=False)


class UseVoucher(Keyed):
    voucher: str


def _ask(device: Device, key: str) -> services.Ask:
    till = device.till
    return services.Ask(till.association_id, till.shop_id, f"till:{till.pk}:{key}", device.actor)


@till_view(Reserve, keyed=True)
def reserve(device: Device, asked: Reserve) -> Mapping[str, Any]:
    """Keep what a reward costs, for ten minutes."""
    member = refs.member_of(device.till, asked.member)
    held = services.reserve(
        _ask(device, asked.key), asked.reward, member.pk, wanted_cents=asked.wanted_cents
    )
    return {"hold": str(held.hold_id), "cents": held.cents, "units": held.units}


@till_view(OfHold, keyed=True)
def confirm(device: Device, asked: OfHold) -> Mapping[str, Any]:
    """Spend what was reserved: the cashier has taken it off at the shop's own till."""
    done = services.confirm(_ask(device, asked.key), asked.hold)
    return {
        "transfer": str(done.transfer_id),
        "cents": done.cents,
        "voucher_code": done.voucher_code,
    }


@till_view(OfHold, keyed=True)
def cancel(device: Device, asked: OfHold) -> Mapping[str, Any]:
    """Give a reservation up."""
    services.cancel(_ask(device, asked.key), asked.hold)
    return {}


@till_view(OfTransfer, keyed=True)
def undo(device: Device, asked: OfTransfer) -> Mapping[str, Any]:
    """Take a redemption of this shop back, within ten seconds."""
    done = Transfer.objects.filter(pk=asked.transfer, shop_id=device.till.shop_id).first()
    limit = timedelta(seconds=UNDO_S + ON_THE_WAY_S)
    if done is None or clock.now() - done.recorded_at > limit:
        raise ReceiptErrorFinal("too-late", _("It is too late to undo this."))
    services.undo(_ask(device, asked.key), done.pk)
    return {}


@till_view(UseVoucher, keyed=True)
def use_voucher(device: Device, asked: UseVoucher) -> Mapping[str, Any]:
    """Use a voucher, once."""
    till = device.till
    key = f"till:{till.pk}:{asked.key}"
    used = services.use_voucher(till.association_id, till.shop_id, asked.voucher, key)
    return {"name": used.name, "cents": used.cents}
