"""Purchases at the till: attached, undone, returned, and read by the customer as an e-receipt."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from pydantic import ConfigDict

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import Claim, Receipt, Source
from chaland.hub.loyalty.receipts import codes, links, returning, services
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, Taken
from chaland.hub.loyalty.till import refs, sales, selectors, shifts, undoing, whom
from chaland.hub.loyalty.web.till import shown
from chaland.hub.loyalty.web.till.guard import Asked, Device, Id, Keyed, till_view
from chaland.hub.loyalty.web.till.qr import qr_of
from chaland.hub.loyalty.web.till.refusals import RefusedFinal

_MOST_CENTS = 1_000_000
"""Of a typed receipt: what is dearer comes by the shop's own till."""
_MOST_BACK_CENTS = 99_999_999


class Named(Asked):
    """A member by reference; the name is what the cashier saw, for the device's own list."""

    ref: str
    name: str = ""


class Purchase(Keyed):
    """A receipt as typed: for a member who was looked up, or (offline) for a typed contact."""

    amount_cents: int
    issued_at: datetime
    number: str = ""
    shift: str = ""
    member: Named | None = None
    contact: str | None = None

    model_config = ConfigDict(extra="forbid", strict=False)  # the time comes as text


class Arrived(Keyed):
    member: str
    receipt: str


class OfReceipt(Asked):
    receipt: str


class Undo(Keyed):
    """``undo``: what an answer of this till called so."""

    undo: str


class Code(Asked):
    code: str


class Back(Asked):
    number: Id
    quantity_milli: Id


class Return(Keyed):
    """What comes back: lines with quantities, or an amount."""

    code: str
    lines: list[Back] = []
    amount_cents: Id | None = None


def _meant(device: Device, asked: Purchase) -> Device:
    """Find out who typed a receipt and whom it is for, before the write begins; say so only when it
    is written. What nobody stands for looks nobody up."""
    if not 0 < asked.amount_cents <= _MOST_CENTS:
        text = _("The amount must be more than nothing and at most €10,000.")
        raise RefusedFinal(422, "amount", text, field="amount_cents")
    if asked.issued_at.tzinfo is None:
        raise RefusedFinal(400, "bad-field", "issued_at", field="issued_at")
    if asked.shift or device.has_sellers:
        seller_id = shifts.seller_of(device.till, asked.shift, asked.issued_at)
        device = replace(device, seller_id=seller_id)
    try:
        if asked.member is not None:
            found = refs.read(device.till, asked.member.ref, refs.ATTACH_FOR).member_id
        else:
            found = whom.resolve(device.asker, asked.contact or "")
    except (MemberErrorFinal, refs.StaleRefErrorFinal, refs.ClosedAccountErrorFinal) as error:
        return replace(device, meant=_raising(error))
    return replace(device, meant=lambda: found)


def _raising(error: Exception) -> Callable[[], int]:
    def meant() -> int:
        raise error

    return meant


def _attached(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Add what only stands on the screen: balances, and this till's reference of the receipt."""
    mine = selectors.balances_of(answer["member_id"], device.shop)
    receipt_id, claim_id = answer["receipt_id"], answer["claim_id"]
    return {
        "undo": undoing.undo_ref(
            device.till, "claim" if claim_id else "receipt", claim_id or receipt_id, answer["at"]
        ),
        "receipt": refs.receipt_ref(device.till, receipt_id) if receipt_id else "",
        "code": answer["code"],
        "claimed": claim_id is not None,
        "earned": shown.with_kinds(answer["earned"], mine),
        "card": {"balances": selectors.shown_balances(mine, device.shop), "advantages": []},
    }


def _answer(member_id: int, made: Taken | Claim) -> dict[str, Any]:
    taken = None if isinstance(made, Claim) else made
    return {
        "member_id": member_id,
        "receipt_id": taken.receipt_id if taken else None,
        "claim_id": made.pk if isinstance(made, Claim) else None,
        "code": taken.code if taken else "",
        "earned": shown.earned(taken.earned) if taken else [],
        "at": clock.real_now().isoformat(),
    }


@till_view(Purchase, seller=False, keyed=True, before=_meant, fill=_attached)
def receipts(device: Device, asked: Purchase) -> Mapping[str, Any]:
    """Attach a typed receipt. A locked till sends too: what waited was made while it was open."""
    if device.meant is None:
        raise AssertionError("`before` says whom the receipt is for")
    member_id = device.meant()
    sale = sales.Sale(
        key=asked.key,
        member_id=member_id,
        amount_cents=asked.amount_cents,
        number=" ".join(asked.number.split())[:40],
        issued_at=asked.issued_at,
        seller_id=device.seller_id,
    )
    return _answer(member_id, sales.record(device.till, sale, device.shop.association.timezone))


@till_view(Arrived, keyed=True, fill=_attached)
def attach(device: Device, asked: Arrived) -> Mapping[str, Any]:
    """Attach a receipt that the shop's connected till has sent."""
    member = refs.member_of(device.till, asked.member)
    receipt_id = refs.receipt_of(device.till, asked.receipt)
    return _answer(member.pk, sales.attach_arrived(device.till, receipt_id, member.pk))


@till_view(Undo, keyed=True)
def undo(device: Device, asked: Undo) -> Mapping[str, Any]:
    """Take an attaching, a claim or a redemption back, within ten seconds."""
    undoing.undo(device.till, asked.undo, asked.key)
    return {}


@till_view(OfReceipt)
def e_receipt(device: Device, asked: OfReceipt) -> Mapping[str, Any]:
    """Give the receipt by link, without asking for a contact."""
    receipt_id = refs.receipt_of(device.till, asked.receipt)
    _link, token = links.make(receipt_id, clock.now())
    return qr_of(device, reverse("e-receipt", args=[token]))


@till_view(Code)
def find_return(device: Device, asked: Code) -> Mapping[str, Any]:
    """Show the purchase that a code stands for, to whoever holds it: any shop's."""
    receipt = _by_code(device, asked.code)
    shop = Shop.objects.filter(pk=receipt.shop_id).first()
    lines = [line for line in returning.bought(receipt) if not line.discount]
    return {
        "code": receipt.code,
        "shop": shop.name if shop else "",
        "day": date_format(localtime(receipt.issued_at), "DATE_FORMAT"),
        "gross_cents": receipt.gross_cents,
        "left_cents": sum(line.paid_cents - line.back_cents for line in lines),
        "lines": [
            {
                "number": line.number,
                "name": line.item_name,
                "paid_cents": line.paid_cents,
                "left_milli": line.left_milli,
            }
            for line in lines
        ],
    }


def _returned(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    return {**answer, "earned": shown.with_kinds(answer["earned"])}


@till_view(Return, keyed=True, fill=_returned)
def take_return(device: Device, asked: Return) -> Mapping[str, Any]:
    """Take articles or an amount back; what they earned goes back with them, debts are said."""
    purchase = _by_code(device, asked.code)
    if asked.lines:
        taken = services.take_return(
            purchase.pk,
            {line.number: line.quantity_milli for line in asked.lines},
            shop_id=device.till.shop_id,
            external_id=asked.key,
            actor=device.actor,
            at=clock.now(),
        )
    else:
        taken = _return_amount(device, asked, purchase)
    back = Receipt.objects.get(pk=taken.receipt_id or 0)
    return {"returned_cents": -back.gross_cents, "earned": shown.earned(taken.earned)}


def _return_amount(device: Device, asked: Return, purchase: Receipt) -> Taken:
    cents = asked.amount_cents or 0
    if not 0 < cents <= _MOST_BACK_CENTS:
        raise RefusedFinal(422, "amount", _("Say which amount comes back."), field="amount_cents")
    said = ReceiptIn(
        association_id=device.till.association_id,
        shop_id=device.till.shop_id,
        source=Source.TILL,
        external_id=f"return {asked.key}",
        issued_at=clock.now(),
        gross_cents=-cents,
        lines=[LineIn(1, -cents)],
        actor=device.actor,
        returns_id=purchase.pk,
    )
    taken = services.take_in([said])[0]
    if taken.outcome == "refused":
        raise ReceiptErrorFinal(taken.error, taken.reason)
    return taken


def _by_code(device: Device, typed: str) -> Receipt:
    """Find a purchase by its code; who tries codes through is stopped."""
    try:
        found = codes.purchase(device.till.association_id, typed, device.actor)
    except ReceiptErrorFinal as error:
        raise RefusedFinal(429, error.code, str(error), retry_after_s=3600) from error
    if found is None:
        text = _("No purchase has this code: it has 8 to 12 letters and digits, on the receipt.")
        raise RefusedFinal(404, "no-such-code", text)
    return found
