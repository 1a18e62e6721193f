"""Customers at the till: found, opened, enrolled; what they agreed to; their own account."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language

from chaland.hub.common import clock
from chaland.hub.loyalty.account.links import account_link
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.members.rules import KnownErrorFinal, MemberErrorFinal
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.till import refs, sales, selectors, whom
from chaland.hub.loyalty.web.till import shown
from chaland.hub.loyalty.web.till.guard import Asked, Device, Keyed, till_view
from chaland.hub.loyalty.web.till.qr import qr_of


class Find(Asked):
    text: str
    typo: bool = False


class Ref(Asked):
    member: str


class Box(Asked):
    """A ticked box: for whom, for what, by which way, under which text."""

    controller: int
    purpose: str
    channel: str
    wording: int


class Check(Asked):
    name: str
    contact: str


class Enrol(Keyed):
    """Two fields, a declaration and boxes. ``anyway``: the same name is another person."""

    name: str
    contact: str
    over_15: bool
    consents: list[Box] = []
    anyway: bool = False


class Consent(Keyed):
    member: str
    controller: int
    purpose: str
    channel: str
    given: bool
    wording: int | None = None


@till_view(Find)
def find(device: Device, asked: Find) -> Mapping[str, Any]:
    """Find customers: masked, logged, within the device's quota."""
    answer = whom.find(device.asker, asked.text, typo=asked.typo)
    return {
        "found": shown.rows(device.till, answer.found),
        "more": answer.more,
        "exact": answer.exact,
        "typo": asked.typo,
    }


@till_view(Ref)
def member(device: Device, asked: Ref) -> Mapping[str, Any]:
    """Open a customer's card."""
    found = refs.member_of(device.till, asked.member)
    lookups.opened(device.asker, found)
    return {
        **selectors.card_of(found, device.shop),
        "consents": selectors.consents_of(found, device.shop, get_language() or "fr"),
        "arrived": [
            {
                "receipt": refs.receipt_ref(device.till, receipt.pk),
                "cents": receipt.gross_cents,
                "at": receipt.issued_at.isoformat(),
            }
            for receipt in sales.arrived(device.till)
        ],
    }


@till_view(Check)
def check(device: Device, asked: Check) -> Mapping[str, Any]:
    """Warn before anything is saved: the number, the address or the name is known already."""
    contact = asked.contact.strip()
    by = lookups.by_email if "@" in contact else lookups.by_phone
    found = by(device.asker, contact).found
    if found:
        raise KnownErrorFinal("email" if "@" in contact else "phone", found[0])
    return {}


def _enrolled(device: Device, answer: Mapping[str, Any]) -> dict[str, Any]:
    made = Member.objects.filter(pk=answer["member_id"], association_id=device.till.association_id)
    return {"member": shown.member_row(device.till, made.get())}


@till_view(Enrol, keyed=True, fill=_enrolled)
def enrol(device: Device, asked: Enrol) -> Mapping[str, Any]:
    """Make a customer a member, with what was ticked and nothing else."""
    first, _space, last = asked.name.strip().partition(" ")
    contact = asked.contact.strip()
    language = get_language() or "fr"
    made = members.enrol(
        members.Enrolment(
            association_id=device.till.association_id,
            shop_id=device.till.shop_id,
            actor=device.actor,
            occurred_at=clock.now(),
            first_name=first,
            last_name=last,
            phone="" if "@" in contact else contact,
            email=contact if "@" in contact else "",
            over_15=asked.over_15,
            language=language,
            decisions=[_decision(device, box, given=True) for box in asked.consents],
            evidence={"till": device.till.pk},
        ),
        despite_duplicates=asked.anyway,
    )
    return {"member_id": made.pk}


@till_view(Consent, keyed=True)
def change_consent(device: Device, asked: Consent) -> Mapping[str, Any]:
    """Record what a customer says at the till: as easily withdrawn as given."""
    found = refs.member_of(device.till, asked.member)
    consent.record(
        found,
        [_decision(device, asked, given=asked.given)],
        place="till",
        occurred_at=clock.now(),
        evidence={"till": device.till.pk},
    )
    return {}


def _decision(device: Device, box: Box | Consent, *, given: bool) -> Decision:
    """Take a box for this shop or the association alone: a till asks for nobody else."""
    if box.controller not in (device.shop.pk, 0):
        raise MemberErrorFinal("controller", "not asked here")
    return Decision(box.controller, box.purpose, box.channel, given, box.wording if given else None)


@till_view(Ref)
def account(device: Device, asked: Ref) -> Mapping[str, Any]:
    """Give the customer's own account on the customer's own phone, as a QR."""
    found = refs.member_of(device.till, asked.member)
    return qr_of(device, account_link(found.pk, device.actor))
