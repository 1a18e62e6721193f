"""Look-ups: how a till finds a member without the card. Each is counted, limited and logged (L22).

Exact for number, address, card and last digits; names by prefix from three letters, with typing
errors only when asked. At most eight masked rows, and each row shown is on record for the member.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from chaland.hub.loyalty.members import cards, contacts, onrecord, typos
from chaland.hub.loyalty.members.names import readings
from chaland.hub.loyalty.members.onrecord import Asker, on_record
from chaland.hub.loyalty.members.rules import (
    ROWS_AT_MOST,
    Found,
    MemberErrorFinal,
    hint,
    masked_name,
)
from chaland.hub.loyalty.models import Lookup, Member, ShopCustomer

__all__ = ["Answer", "Asker", "on_record"]
_FOUR = 4
_DECEMBER = 12
_SHOWN_FIELDS = ("association_id", "first_name", "last_name", "phone", "email", "state")


@dataclass(frozen=True, slots=True)
class Answer:
    """At most eight rows; ``more`` says that the name fits others too.

    ``alike`` counts those left out because what may be shown doesn't tell them apart: whoever
    chose between them would guess.
    """

    found: list[Found]
    more: bool = False
    alike: int = 0


def by_phone(asker: Asker, text: str) -> Answer:
    """Find by telephone number, in any spelling. MemberErrorFinal where it is none."""
    index = contacts.blind("phone", asker.association_id, contacts.phone_of(text))
    return _answered(asker, Lookup.Kind.PHONE, _active(asker).filter(phone_index=index))


def by_email(asker: Asker, text: str) -> Answer:
    """Find by e-mail address, in any case. MemberErrorFinal where it is none."""
    index = contacts.blind("email", asker.association_id, contacts.email_of(text))
    return _answered(asker, Lookup.Kind.EMAIL, _active(asker).filter(email_index=index))


def by_digits(asker: Asker, digits: str, month: int) -> Answer:
    """Find by a number's last four digits and the month of birth."""
    plain = "".join(digits.split())
    if len(plain) != _FOUR or not (plain.isascii() and plain.isdigit()):
        raise MemberErrorFinal("digits", _("Give the number’s last four digits."), "digits")
    if not 1 <= month <= _DECEMBER:
        raise MemberErrorFinal("month", _("Give the month of birth, 1 to 12."), "month")
    index = contacts.digits_index(asker.association_id, plain, month)
    return _answered(asker, Lookup.Kind.DIGITS, _active(asker).filter(digits_index=index))


def by_card(asker: Asker, text: str) -> Answer:
    """Find by what a card's QR says; an invented or withdrawn card finds nobody."""
    member = cards.member_of(asker.association_id, text)
    rows = _active(asker).filter(pk=member.pk) if member else Member.objects.none()
    return _answered(asker, Lookup.Kind.CARD, rows)


def by_name(asker: Asker, text: str) -> Answer:
    """Find by the beginning of a name, surname or first name first, from three letters."""
    meant = readings(text)
    onrecord.check(asker, Lookup.Kind.NAME)
    found: dict[int, Member] = {}
    for column, reading in meant:
        rows = _active(asker).filter(reading).order_by(column, "pk").only(*_SHOWN_FIELDS)
        found |= {member.pk: member for member in rows[: ROWS_AT_MOST + 1]}
        if len(found) > ROWS_AT_MOST:
            break
    return _log(asker, Lookup.Kind.NAME, list(found.values()))


def by_typo(asker: Asker, text: str) -> Answer:
    """Find by a name with typing errors: asked for when `by_name` found nobody."""
    readings(text)  # refuses what is too short
    onrecord.check(asker, Lookup.Kind.TYPO)
    ids = typos.closest(asker.association_id, text, ROWS_AT_MOST)
    found = {m.pk: m for m in _active(asker).filter(pk__in=ids).only(*_SHOWN_FIELDS)}
    return _log(asker, Lookup.Kind.TYPO, [found[pk] for pk in ids if pk in found])


def opened(asker: Asker, member: Member) -> None:
    """Put on record that a member's page was opened."""
    _log(asker, Lookup.Kind.OPENED, [member])


def _active(asker: Asker) -> QuerySet[Member]:
    return Member.objects.filter(association_id=asker.association_id, state=Member.State.ACTIVE)


def _answered(asker: Asker, kind: Lookup.Kind, rows: QuerySet[Member]) -> Answer:
    onrecord.check(asker, kind)
    members = list(rows.only(*_SHOWN_FIELDS)[: ROWS_AT_MOST + 1])
    return _log(asker, kind, members)


def _log(asker: Asker, kind: Lookup.Kind, members: Sequence[Member]) -> Answer:
    """Put on record who was shown to whom, and return what is shown."""
    first = members[:ROWS_AT_MOST]
    rows = masked(first, asker.shop_id)
    looks = Counter(_look(row) for row in rows)
    found = [row for row in rows if looks[_look(row)] == 1]
    ids = {row.member_id for row in found}
    onrecord.note(asker, kind, [member for member in first if member.pk in ids])
    return Answer(found, more=len(members) > ROWS_AT_MOST, alike=len(rows) - len(found))


def _look(row: Found) -> tuple[str, str, bool]:
    return row.name, row.hint, row.own


def masked(members: Sequence[Member], shop_id: int | None) -> list[Found]:
    """Return what a shop may see of members that it looked up; more where two look the same."""
    own: set[int] = set()
    if shop_id is not None and members:
        customers = ShopCustomer.objects.filter(shop_id=shop_id, member__in=members)
        own = set(customers.values_list("member_id", flat=True))
    rows = [
        Found(m.pk, masked_name(m.first_name, m.last_name), hint(m.phone, m.email), m.pk in own)
        for m in members
    ]
    looks = Counter(map(_look, rows))
    return [
        row if looks[_look(row)] == 1 else replace(row, hint=hint(m.phone, m.email, both=True))
        for row, m in zip(rows, members, strict=True)
    ]


def logged(asker: Asker, kind: Lookup.Kind, members: Sequence[Member]) -> list[Found]:
    """Show members who turned up otherwise (a contact known already, a double), as a look-up."""
    onrecord.note(asker, kind, members[:ROWS_AT_MOST])
    return masked(members[:ROWS_AT_MOST], asker.shop_id)
