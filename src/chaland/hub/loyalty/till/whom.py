"""Whom a cashier means: one field takes number, last digits and month, address, name, or card.

``assets/src/till/find.js`` asks at the right moment; what a text is, is decided here.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from chaland.hub.loyalty.members import cards, lookups
from chaland.hub.loyalty.members.cards import SIGNS
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.members.rules import Found, MemberErrorFinal
from chaland.hub.loyalty.models import Till
from chaland.hub.loyalty.till import devices
from chaland.hub.loyalty.till.refs import ClosedAccountErrorFinal

_CARD = re.compile(rf"[A-Za-z2-7]{{{SIGNS}}}", re.ASCII)
_DIGITS_AND_MONTH = re.compile(r"(\d{4})\s+(\d{1,2})", re.ASCII)
_NUMBER = re.compile(r"\+?[\d\s.\-()/]+", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """Who was found, and how. ``exact``: by something that names one person."""

    found: list[Found]
    more: bool
    alike: int
    """How many fit and look the same as another: they are left out."""
    exact: bool
    how: How


def asker_of(till: Till, seller_id: int | None = None) -> Asker:
    """Return who looks up, for the quota and the log."""
    return Asker(till.association_id, till.shop_id, devices.actor_of(till, seller_id))


def find(asker: Asker, text: str, *, typo: bool = False) -> Answer:
    """Find members. Names by prefix, or (``typo``) with typing errors.

    Raises:
        MemberErrorFinal: the text is nothing that one can look for; it says why.
        LookupQuotaErrorFinal: the device asks more than a till does.
        ClosedAccountErrorFinal: the card is of somebody who has left.
    """
    plain = " ".join(text.split())
    if card := _CARD.fullmatch(plain.replace(" ", "")):
        return _by_card(asker, card[0])
    if "@" in plain:
        return _exact(lookups.by_email(asker, plain))
    if digits := _DIGITS_AND_MONTH.fullmatch(plain):
        # Several may share four digits and a month: these are chosen from, like names.
        answer = lookups.by_digits(asker, digits[1], int(digits[2]))
        one = len(answer.found) == 1 and not answer.alike
        return _answered(answer, exact=one, how=How.CONTACT)
    if _NUMBER.fullmatch(plain):
        return _exact(lookups.by_phone(asker, plain))
    answer = lookups.by_typo(asker, plain) if typo else lookups.by_name(asker, plain)
    return _answered(answer, exact=False, how=How.NAME)


def resolve(asker: Asker, text: str) -> int:
    """Return the member whom a contact typed without a network stands for.

    Raises:
        MemberErrorFinal: nobody, or more than one; what to do is in the text.
    """
    answer = find(asker, text)
    if len(answer.found) == 1 and answer.exact:
        return answer.found[0].member_id
    if answer.found or answer.alike:
        raise MemberErrorFinal("several", _("Several customers fit: attach this one by hand."))
    raise MemberErrorFinal(
        "nobody", _("Nobody is found by this: enrol the customer, then try again.")
    )


def _exact(answer: lookups.Answer) -> Answer:
    return _answered(answer, exact=True, how=How.CONTACT)


def _answered(answer: lookups.Answer, *, exact: bool, how: How) -> Answer:
    return Answer(answer.found, answer.more, answer.alike, exact=exact, how=how)


def _by_card(asker: Asker, card: str) -> Answer:
    answer = lookups.by_card(asker, card)
    if not answer.found and cards.member_of(asker.association_id, card) is not None:
        raise ClosedAccountErrorFinal
    return _answered(answer, exact=True, how=How.CARD)
