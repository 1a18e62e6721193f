"""Receipts from the API: kept raw, decoded, taken in, and what is said of each."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chaland.hub.common import clock
from chaland.hub.loyalty.answers import Answer
from chaland.hub.loyalty.connect.fields import Reader, few, place
from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.people import members_of
from chaland.hub.loyalty.connect.problems import Fault, ProblemErrorFinal
from chaland.hub.loyalty.connect.receipt_json import (
    BATCH_AT_MOST,
    Kind,
    Said,
    Sender,
    read_receipt,
    with_members,
)
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts import services
from chaland.hub.loyalty.receipts.shapes import ReceiptIn, Taken

NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
STATUS = {"new": 201, "repeated": 200}


def sender_of(who: Caller) -> Sender:
    """Return what each of a caller's receipts says of its origin."""
    return Sender(who.association_id, who.shop_id, who.actor, clock.now())


def decoded(given: object, who: Caller) -> ReceiptIn:
    """Return the receipt in a body. Raises ProblemErrorFinal that names every fault."""
    faults: list[Fault] = []
    said = read_receipt(given, "", sender_of(who), faults)
    return _joined([said], who, faults)[0]


def decoded_batch(given: object, who: Caller) -> list[ReceiptIn]:
    """Return the receipts in a body of several. Raises ProblemErrorFinal: all or none are sound."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(frozenset(("receipts",)))
    entries = read.objects("receipts", BATCH_AT_MOST)
    if not entries and not faults:
        read.fault("receipts", "is missing or empty")
    sender = sender_of(who)
    said = [
        read_receipt(entry, place("receipts", number), sender, faults)
        for number, entry in enumerate(entries)
    ]
    return _joined(said, who, faults)


def decoded_return(given: object, who: Caller, receipt_id: str) -> ReceiptIn:
    """Return the return in a body. Raises ProblemErrorFinal: faults, or not a receipt of here."""
    faults: list[Fault] = []
    said = read_receipt(given, "", sender_of(who), faults, Kind.RETURN)
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    number = int(receipt_id) if NUMBER.fullmatch(receipt_id) else 0
    if not Receipt.objects.filter(pk=number, shop_id=who.shop_id).exists():
        raise ProblemErrorFinal("not-found")
    return replace(said.receipt, returns_id=number)


def _joined(said: Sequence[Said], who: Caller, faults: list[Fault]) -> list[ReceiptIn]:
    """Return the receipts with their members. Raises ProblemErrorFinal.

    A card that stands for nobody (any more) doesn't keep a purchase out: the receipt goes in
    unattached, and its answer says so.
    """
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    members = members_of((each.member for each in said), who.association_id, who.shop_id)
    return with_members(said, members)


def take(receipts: Sequence[ReceiptIn], raw_id: int) -> list[dict[str, Any]]:
    """Take receipts in, and say of each what became of it."""
    taken = services.take_in(receipts, raw_id=raw_id)
    return [
        outcome(receipt.external_id, each) for receipt, each in zip(receipts, taken, strict=True)
    ]


def take_one(receipt: ReceiptIn, raw_id: int) -> Answer:
    """Take one receipt in. Raises ProblemErrorFinal: conflict, or refused."""
    taken = services.take_in([receipt], raw_id=raw_id)[0]
    if taken.outcome == "conflict":
        raise ProblemErrorFinal("conflict", taken.reason)
    if taken.outcome not in STATUS:
        raise ProblemErrorFinal("refused", taken.reason)
    return Answer(STATUS[taken.outcome], outcome(receipt.external_id, taken))


def outcome(external_id: str, taken: Taken) -> dict[str, Any]:
    """Return what is said of one receipt."""
    return {
        "external_id": external_id,
        "outcome": taken.outcome,
        "id": taken.receipt_id,
        "code": taken.code,
        "error": taken.error,
        "reason": taken.reason,
        "earned": earned(taken),
    }


def earned(taken: Taken) -> list[dict[str, Any]]:
    """Return what a receipt moved, asset by asset."""
    return [{"asset": e.asset_id, "amount": e.amount, "why": e.why} for e in taken.earned]
