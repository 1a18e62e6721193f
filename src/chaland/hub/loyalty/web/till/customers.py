"""Customers at the till: found, opened, enrolled; what they agreed to; their own account."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chaland.hub.association import limits
from chaland.hub.common import clock
from chaland.hub.loyalty.account import mailing
from chaland.hub.loyalty.account.links import account_link
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.members.rules import KnownErrorFinal, MemberErrorFinal
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.till import private_sales, refs, sales, selectors, whom
from chaland.hub.loyalty.web.till import shown
from chaland.hub.loyalty.web.till.guard import Asked, Device, Id, Keyed, till_view
from chaland.hub.loyalty.web.till.qr import qr_of
from chaland.hub.loyalty.web.till.refusals import RefusedFinal

_CARD_SHOWN_FOR = timedelta(minutes=10)
_MAILS_A_DAY = 3


class Find(Asked):
    text: str
    typo: bool = False


class Ref(Asked):
    member: str


class Identify(Asked):
    """A member whom a name has found, and what the customer adds: the number, or the card."""

    member: str
    text: str


class Box(Asked):
    """A ticked box: for whom, for what, by which way, under which text."""

    controller: Id
    purpose: str
    channel: str
    wording: Id


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
    controller: Id
    purpose: str
    channel: str
    given: bool
    wording: Id | None = None


@till_view(Find)
def find(device: Device, asked: Find) -> Mapping[str, Any]:
    """Find customers: masked, logged, within the device's quota."""
    answer = whom.find(device.asker, asked.text, typo=asked.typo)
    return {
        "found": shown.rows(device.till, answer.found, answer.how),
        "more": answer.more,
        "alike": answer.alike,
        "exact": answer.exact,
        "typo": asked.typo,
    }


@till_view(Ref)
def member(device: Device, asked: Ref) -> Mapping[str, Any]:
    """Open a customer's card: of whom a name alone has found, without what spends."""
    found, said = refs.opened(device.till, asked.member)
    lookups.opened(device.asker, found)
    return {
        **selectors.card_of(found, device.shop, codes=said.spends),
        "consents": selectors.consents_of(found, device.shop, get_language() or "fr"),
        "arrived": [
            {
                "receipt": refs.receipt_ref(device.till, receipt.pk),
                "cents": receipt.gross_cents,
                "at": receipt.issued_at.isoformat(),
            }
            for receipt in sales.arrived(device.till)
        ],
        "sales": private_sales.standings_of(found.pk, device.shop, clock.now()),
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
    """Show who was enrolled; sent again later, there may be nobody any more."""
    made = Member.objects.filter(pk=answer["member_id"], association_id=device.till.association_id)
    member = made.filter(state=Member.State.ACTIVE).first()
    if member is None:
        raise refs.ClosedAccountErrorFinal
    return {"member": shown.enrolled(device.till, member)}


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


@till_view(Identify)
def identify(device: Device, asked: Identify) -> Mapping[str, Any]:
    """Ask whom a name has found for the number or the card: that is enough to spend."""
    found = refs.member_of(device.till, asked.member)
    answer = whom.find(device.asker, asked.text)
    rows = [one for one in answer.found if one.member_id == found.pk]
    if not rows or not answer.exact:
        raise RefusedFinal(422, "someone-else", _("This is not this customer’s number or card."))
    return {"member": shown.rows(device.till, rows, answer.how)[0]}


@till_view(Ref)
def account(device: Device, asked: Ref) -> Mapping[str, Any]:
    """Open the customer's own account on the customer's own phone.

    As a QR only for who has just joined here, or has shown the card: whoever scans it sees all that
    any shop knows of the customer. Others get a mail, where the hub sends any.
    """
    found, said = refs.opened(device.till, asked.member)
    lookups.opened(device.asker, found)
    shown_card = said.how == How.CARD and said.age() <= _CARD_SHOWN_FOR
    if said.how == How.ENROLLED or shown_card:
        return qr_of(device, account_link(found.pk, device.actor))
    if not mailing.possible(found):
        raise RefusedFinal(409, "no-card", _("Scan the customer’s card: then the account opens."))
    if not limits.count(f"account-mail:{found.pk}", _MAILS_A_DAY, timedelta(days=1)):
        raise RefusedFinal(429, "mails", _("The customer has had enough of these mails today."))
    if not mailing.send_link(found, device.origin, device.actor):
        raise RefusedFinal(409, "mail", _("The mail could not be sent: scan the customer’s card."))
    return {"text": _("A mail with the way in is on its way to the customer’s address.")}
