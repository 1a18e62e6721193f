"""Look-ups: how a till finds a member without the card. Each is counted, limited and logged (L22).

Exact for number, address, card and last digits; names by prefix from three letters, with typing
errors only when asked. At most eight masked rows, and each row shown is on record for the member.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.members import cards, contacts, typos
from chaland.hub.loyalty.members.names import readings
from chaland.hub.loyalty.members.rules import (
    ROWS_AT_MOST,
    Found,
    LookupQuotaErrorFinal,
    MemberErrorFinal,
    hint,
    masked_name,
)
from chaland.hub.loyalty.models import Lookup, LookupHit, Member, ShopCustomer

ASKED_AN_HOUR = 400
"""Look-ups of one device: a busy till's receipts, each with a few letters typed."""
MISSED_AN_HOUR = 60
MISSED_A_DAY = 200
"""Exact look-ups that found nobody: who tries numbers through reaches these, a till does not."""
_EXACT = (Lookup.Kind.PHONE, Lookup.Kind.EMAIL, Lookup.Kind.DIGITS, Lookup.Kind.CARD)
_FOUR = 4
_DECEMBER = 12
_SHOWN_FIELDS = ("association_id", "first_name", "last_name", "phone", "email", "state")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who looks up: ``actor`` is ``till:3 seller:5``, ``user:7`` or ``key:2``; its first word is
    the device that the quota counts by."""

    association_id: int
    shop_id: int | None
    actor: str

    @property
    def device(self) -> str:
        return self.actor.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """At most eight rows; ``more`` says that the name fits others too."""

    found: list[Found]
    more: bool = False


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
    _check_quota(asker, Lookup.Kind.NAME)
    found: dict[int, Member] = {}
    for reading in meant:
        rows = _active(asker).filter(reading).order_by("name_key", "pk").only(*_SHOWN_FIELDS)
        found |= {member.pk: member for member in rows[: ROWS_AT_MOST + 1]}
        if len(found) > ROWS_AT_MOST:
            break
    return _log(asker, Lookup.Kind.NAME, list(found.values()))


def by_typo(asker: Asker, text: str) -> Answer:
    """Find by a name with typing errors: asked for when `by_name` found nobody."""
    readings(text)  # refuses what is too short
    _check_quota(asker, Lookup.Kind.TYPO)
    ids = typos.closest(asker.association_id, text, ROWS_AT_MOST)
    found = {m.pk: m for m in _active(asker).filter(pk__in=ids).only(*_SHOWN_FIELDS)}
    return _log(asker, Lookup.Kind.TYPO, [found[pk] for pk in ids if pk in found])


def opened(asker: Asker, member: Member) -> None:
    """Put on record that a member's page was opened."""
    _log(asker, Lookup.Kind.OPENED, [member])


def _active(asker: Asker) -> QuerySet[Member]:
    return Member.objects.filter(association_id=asker.association_id, state=Member.State.ACTIVE)


def _answered(asker: Asker, kind: Lookup.Kind, rows: QuerySet[Member]) -> Answer:
    _check_quota(asker, kind)
    members = list(rows.only(*_SHOWN_FIELDS)[: ROWS_AT_MOST + 1])
    return _log(asker, kind, members)


def _check_quota(asker: Asker, kind: Lookup.Kind) -> None:
    """Raise LookupQuotaErrorFinal where a device asks more, or misses more, than a till does."""
    now = clock.now()
    hour, exact = now - timedelta(hours=1), kind in _EXACT
    of_device = Lookup.objects.filter(device=asker.device)
    if of_device.filter(at__gt=hour).count() >= ASKED_AN_HOUR:
        raise LookupQuotaErrorFinal(_until_hour(of_device, hour))
    if not exact:
        return
    missed = of_device.filter(at__gt=now - timedelta(days=1), shown=0, kind__in=_EXACT)
    # In order of time, so that one short read serves both limits.
    times = list(missed.order_by("-at").values_list("at", flat=True)[:MISSED_A_DAY])
    if len(times) >= MISSED_AN_HOUR and times[MISSED_AN_HOUR - 1] > hour:
        raise LookupQuotaErrorFinal(_seconds(times[MISSED_AN_HOUR - 1] - hour))
    if len(times) >= MISSED_A_DAY:
        raise LookupQuotaErrorFinal(_seconds(times[-1] - (now - timedelta(days=1))))


def _until_hour(of_device: QuerySet[Lookup], hour: datetime) -> int:
    oldest = of_device.filter(at__gt=hour).order_by("at").values_list("at", flat=True)[:1]
    return _seconds(oldest[0] - hour)


def _seconds(wait: timedelta) -> int:
    return max(1, int(wait.total_seconds()))


def _log(asker: Asker, kind: Lookup.Kind, members: Sequence[Member]) -> Answer:
    """Store who was shown to whom, and return what is shown."""
    shown = members[:ROWS_AT_MOST]
    with transaction.atomic(using="loyalty"):
        lookup = Lookup.objects.create(
            association_id=asker.association_id,
            shop_id=asker.shop_id,
            actor=asker.actor,
            device=asker.device,
            kind=kind,
            at=clock.now(),
            shown=len(shown),
        )
        LookupHit.objects.bulk_create(LookupHit(lookup=lookup, member=m) for m in shown)
    return Answer(masked(shown, asker.shop_id), more=len(members) > ROWS_AT_MOST)


def masked(members: Sequence[Member], shop_id: int | None) -> list[Found]:
    """Return what a shop may see of members that it looked up."""
    own: set[int] = set()
    if shop_id is not None and members:
        customers = ShopCustomer.objects.filter(shop_id=shop_id, member__in=members)
        own = set(customers.values_list("member_id", flat=True))
    return [
        Found(
            m.pk,
            masked_name(m.first_name, m.last_name),
            hint(m.phone, m.email),
            m.pk in own,
        )
        for m in members
    ]


def logged(asker: Asker, kind: Lookup.Kind, members: Sequence[Member]) -> list[Found]:
    """Show members who turned up otherwise (a contact known already, a double), as a look-up:
    counted, limited and on record all the same."""
    _check_quota(asker, kind)
    return _log(asker, kind, members).found
