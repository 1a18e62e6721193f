"""The device: paired, told its state, who stands there."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chaland.hub.association import limits
from chaland.hub.loyalty.models import Seller
from chaland.hub.loyalty.till import devices, selectors, sellers, shifts
from chaland.hub.loyalty.web.till.guard import (
    Asked,
    Device,
    Id,
    cookie_name,
    device_of,
    posted,
    read,
    remember,
    till_view,
)
from chaland.hub.loyalty.web.till.refusals import RefusedFinal

_TRIES_A_MINUTE = 20
"""Of one address: a code of 49 bits that lives 15 minutes can't be tried through so."""


class Pairing(Asked):
    code: str


class Pin(Asked):
    seller: Id
    pin: str


@posted
def pair(request: HttpRequest) -> HttpResponse:
    """Make a device a till."""
    asked = read(request, Pairing)
    name = f"till-pairing:{limits.address_of(request)}"
    if not limits.count(name, _TRIES_A_MINUTE, timedelta(minutes=1)):
        raise RefusedFinal(429, "pairing", _("Too many tries: wait a minute."), retry_after_s=60)
    try:
        _till, token = devices.pair(asked.code)
    except devices.PairingErrorFinal:
        text = _("This code is unknown, used or too old. The shopkeeper can make another.")
        raise RefusedFinal(404, "pairing", text) from None
    response = JsonResponse({})
    remember(response, token)
    return response


@posted
def state(request: HttpRequest) -> HttpResponse:
    """Tell a till its shop, sellers, texts and rules: nothing of any member."""
    device = device_of(request)
    read(request, Asked)
    told = selectors.state_of(device.till, device.shop, get_language() or "fr")
    standing = device.till.seller if shifts.is_open(device.till) else None
    told["seller"] = _seller(device, standing)
    response = JsonResponse(told)
    remember(response, request.COOKIES[cookie_name()])
    return response


@till_view(Pin, seller=False)
def seller(device: Device, asked: Pin) -> Mapping[str, Any]:
    """Let a seller stand at the till, by PIN."""
    answer = sellers.sign_in(device.till, asked.seller, asked.pin)
    if answer.seller is not None:
        return {"seller": _seller(device, answer.seller)}
    if answer.locked_until is not None:
        text = _("Too many wrong PINs.")
        until = answer.locked_until.isoformat()
        raise RefusedFinal(423, "pin-locked", text, locked_until=until)
    text = _("This PIN is wrong.")
    raise RefusedFinal(422, "pin", text, tries_left=answer.tries_left)


@till_view(Asked, seller=False)
def leave(device: Device, asked: Asked) -> Mapping[str, Any]:  # noqa: ARG001  # it says nothing
    """Lock the till."""
    sellers.leave(device.till)
    return {}


def _seller(device: Device, who: Seller | None) -> dict[str, Any] | None:
    """Say who stands there, and give what the receipts typed from now on carry."""
    if who is None:
        return None
    return {"id": who.pk, "name": who.name, "shift": shifts.token_of(device.till)}
