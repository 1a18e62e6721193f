"""Rewards at the till: reserved, confirmed, cancelled; vouchers used."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ConfigDict

from chaland.hub.common import clock
from chaland.hub.loyalty.programmes import services
from chaland.hub.loyalty.till import refs, undoing
from chaland.hub.loyalty.web.till.guard import Device, Id, Keyed, till_view


class Reserve(Keyed):
    """``wanted_cents``: what is to come off, for a reward of which any part can be taken."""

    member: str
    reward: Id
    wanted_cents: Id | None = None


class OfHold(Keyed):
    hold: UUID

    model_config = ConfigDict(extra="forbid", strict=False)


class UseVoucher(Keyed):
    voucher: str


def _ask(device: Device, key: str) -> services.Ask:
    till = device.till
    return services.Ask(till.association_id, till.shop_id, f"till:{till.pk}:{key}", device.actor)


@till_view(Reserve, keyed=True)
def reserve(device: Device, asked: Reserve) -> Mapping[str, Any]:
    """Keep what a reward costs, for ten minutes: not of whom a name alone has found."""
    member = refs.spender_of(device.till, asked.member)
    held = services.reserve(
        _ask(device, asked.key), asked.reward, member.pk, wanted_cents=asked.wanted_cents
    )
    return {"hold": str(held.hold_id), "cents": held.cents, "units": held.units}


def _confirmed(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:
    transfer, at = answer["transfer"], answer["at"]
    shown = {name: answer[name] for name in ("cents", "voucher_code")}
    return {**shown, "undo": undoing.undo_ref(device.till, "transfer", transfer, at)}


@till_view(OfHold, keyed=True, fill=_confirmed)
def confirm(device: Device, asked: OfHold) -> Mapping[str, Any]:
    """Spend what was reserved: the cashier has taken it off at the shop's own till."""
    done = services.confirm(_ask(device, asked.key), asked.hold)
    return {
        "transfer": str(done.transfer_id),
        "cents": done.cents,
        "voucher_code": done.voucher_code,
        "at": clock.real_now().isoformat(),
    }


@till_view(OfHold, keyed=True)
def cancel(device: Device, asked: OfHold) -> Mapping[str, Any]:
    """Give a reservation up."""
    services.cancel(_ask(device, asked.key), asked.hold)
    return {}


@till_view(UseVoucher, keyed=True)
def use_voucher(device: Device, asked: UseVoucher) -> Mapping[str, Any]:
    """Use a voucher, once."""
    till = device.till
    key = f"till:{till.pk}:{asked.key}"
    used = services.use_voucher(till.association_id, till.shop_id, asked.voucher, key)
    return {"name": used.name, "cents": used.cents}
