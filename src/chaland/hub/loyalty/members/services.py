"""Writes: members enrolled, corrected, paused; what a purchase says of them; their card."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import contacts, lookups, onrecord, stop_list
from chaland.hub.loyalty.members.names import set_name
from chaland.hub.loyalty.members.onrecord import Asker
from chaland.hub.loyalty.members.rules import (
    ROWS_AT_MOST,
    KnownErrorFinal,
    MemberErrorFinal,
    PossibleDuplicatesErrorFinal,
    checked_birthday,
    surname_key,
)
from chaland.hub.loyalty.models import (
    AccountKey,
    CustomerFile,
    DuplicateProposal,
    Lookup,
    Member,
    ShopCustomer,
    Surname,
)

_NAME_AT_MOST = 60
_BATCH = 500
LOOKUPS_KEPT = timedelta(days=365)
FILE_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Enrolment:
    """Who joins, as typed. A number, an address or a surname is needed; the rest is as they like.

    ``decisions`` are the boxes; ``over_15`` the declaration without which nobody joins (L17), but
    for a shop's own file, which doesn't know (``place`` is then ``import``).
    """

    association_id: int
    shop_id: int | None
    actor: str
    occurred_at: datetime
    place: str = "till"
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    email: str = ""
    birth_day: int | None = None
    birth_month: int | None = None
    over_15: bool = False
    language: str = "fr"
    decisions: Sequence[Decision] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def asker(self) -> Asker:
        return Asker(self.association_id, self.shop_id, self.actor)


def enrol(enrolment: Enrolment, *, despite_duplicates: bool = False) -> Member:
    """Make a member, all or nothing. To enrol is to ask whether a number or address is known: the
    quota comes first, and each question is on record, whatever comes of it.

    Raises KnownErrorFinal where the number or address is a member's already,
    PossibleDuplicatesErrorFinal where somebody of that name is one (unless
    ``despite_duplicates``: then it is proposed for merging), MemberErrorFinal on a bad field,
    LookupQuotaErrorFinal where the device or shop asks too much. Inside a transaction that may be
    undone, wrap that in `lookups.on_record`.
    """
    made, asker = _checked(enrolment), enrolment.asker
    onrecord.check(asker, Lookup.Kind.PHONE if made.phone or made.email else Lookup.Kind.NAME)
    missed, holder = _ask(made)
    if holder is not None:
        raise _known_error(asker, missed, holder)
    alike = same_name(made)
    if alike and not despite_duplicates:
        _note(asker, missed)
        raise PossibleDuplicatesErrorFinal(lookups.logged(asker, Lookup.Kind.NAME, alike))
    try:
        with transaction.atomic(using="loyalty"):
            _insert([(made, enrolment)])
            if enrolment.shop_id is not None:
                propose_duplicates(made, alike, enrolment.shop_id, _("the same name"))
    except IntegrityError:  # enrolled at another till at the same moment
        missed, holder = _ask(_checked(enrolment))
        if holder is None:
            raise
        raise _known_error(asker, missed, holder) from None
    except ConsentErrorFinal:
        _note(asker, missed)
        raise
    _note(asker, missed, shown=1)  # it named nobody else
    return made


def enrol_many(enrolments: Sequence[Enrolment]) -> list[Member | None]:
    """Make many members in one transaction, by the same path; None for a contact that is known.

    Nobody is warned of names alike (the caller proposes). MemberErrorFinal on a bad field, and
    IntegrityError where a contact was enrolled elsewhere meanwhile: nothing is then written.
    """
    made = [_checked(enrolment) for enrolment in enrolments]
    taken = _taken(made)
    fresh: list[tuple[Member, Enrolment]] = []
    answer: list[Member | None] = []
    for member, enrolment in zip(made, enrolments, strict=True):
        keys = _contact_keys(member)
        answer.append(None if keys & taken else member)
        if not keys & taken:
            taken |= keys
            fresh.append((member, enrolment))
    with transaction.atomic(using="loyalty"):
        _insert(fresh)
    return answer


def _checked(enrolment: Enrolment) -> Member:
    """Return the member as it would be saved; MemberErrorFinal names the field to correct."""
    first, last = _name(enrolment.first_name, "first_name"), _name(enrolment.last_name, "last_name")
    phone = contacts.phone_of(enrolment.phone) if enrolment.phone.strip() else None
    email = contacts.email_of(enrolment.email) if enrolment.email.strip() else None
    day, month = checked_birthday(enrolment.birth_day, enrolment.birth_month)
    if not (phone or email or last):
        raise MemberErrorFinal(
            "nothing-to-find-by",
            _("Give a number, an address or a surname to be found by."),
            "phone",
        )
    if not enrolment.over_15 and enrolment.place != "import":
        raise MemberErrorFinal(
            "over-15",
            _("Membership is for people of 15 and older: tick the declaration."),
            "over_15",
        )
    member = Member(
        association_id=enrolment.association_id,
        birth_day=day,
        birth_month=month,
        over_15_on=enrolment.occurred_at.date() if enrolment.over_15 else None,
        language=enrolment.language if enrolment.language in ("fr", "en") else "fr",
        chain_salt=os.urandom(32),
        enrolled_at=enrolment.occurred_at,
        enrolled_shop_id=enrolment.shop_id,
        enrolled_by=enrolment.actor,
        last_active_on=enrolment.occurred_at.date(),
    )
    set_name(member, first, last)
    set_contacts(member, phone, email)
    return member


def _name(text: str, field_name: str) -> str:
    name = on_one_line(text)
    if len(name) > _NAME_AT_MOST:
        raise MemberErrorFinal("name", _("This name is too long (60 letters)."), field_name)
    return name


def set_contacts(member: Member, phone: str | None, email: str | None) -> None:
    """Set a number (E.164) and an address, with the indices that find them; not saved."""
    town = member.association_id
    member.phone, member.email = phone, email
    member.phone_index = contacts.blind("phone", town, phone) if phone else None
    member.email_index = contacts.blind("email", town, email) if email else None
    member.digits_index = (
        contacts.digits_index(town, phone[-4:], member.birth_month)
        if phone and member.birth_month
        else None
    )


def _contact_keys(member: Member) -> set[tuple[int, bytes]]:
    indices = (member.phone_index, member.email_index)
    return {(member.association_id, bytes(i)) for i in indices if i is not None}


def _taken(made: Sequence[Member]) -> set[tuple[int, bytes]]:
    taken: set[tuple[int, bytes]] = set()
    for at in range(0, len(made), _BATCH):
        part = made[at : at + _BATCH]
        for column in ("phone_index", "email_index"):
            wanted = [value for m in part if (value := getattr(m, column)) is not None]
            rows = Member.objects.filter(
                association_id__in={m.association_id for m in part}, **{f"{column}__in": wanted}
            )
            taken |= {(a, bytes(i)) for a, i in rows.values_list("association_id", column)}
    return taken


def _ask(made: Member) -> tuple[list[Lookup.Kind], tuple[Lookup.Kind, Member] | None]:
    """Ask for the number, then the address: which found nobody, and who has one of them."""
    missed: list[Lookup.Kind] = []
    for kind in (Lookup.Kind.PHONE, Lookup.Kind.EMAIL):
        index = getattr(made, f"{kind}_index")
        if index is not None:
            holder = Member.objects.filter(
                association_id=made.association_id, **{f"{kind}_index": index}
            ).first()
            if holder is not None:
                return missed, (kind, holder)
            missed.append(kind)
    return missed, None


def _note(asker: Asker, kinds: Iterable[Lookup.Kind], shown: int = 0) -> None:
    for kind in kinds:
        onrecord.note(asker, kind, [], shown=shown)


def _known_error(
    asker: Asker, missed: Iterable[Lookup.Kind], held: tuple[Lookup.Kind, Member]
) -> KnownErrorFinal:
    kind, holder = held
    _note(asker, missed)
    shown = [holder] if holder.state == Member.State.ACTIVE else []
    found = lookups.logged(asker, kind, shown)
    return KnownErrorFinal(str(kind), found[0] if found else None)


def same_name(made: Member) -> list[Member]:
    """Return members of the same first and last name, whose birthdays don't contradict."""
    if not (made.first_name and made.last_name):
        return []
    alike = Member.objects.filter(
        association_id=made.association_id, name_key=made.name_key, state=Member.State.ACTIVE
    ).exclude(pk=made.pk)
    if made.birth_month is not None:
        known = alike.filter(birth_day=made.birth_day, birth_month=made.birth_month)
        alike = known | alike.filter(birth_month__isnull=True)
    return list(alike.order_by("pk")[:ROWS_AT_MOST])


def propose_duplicates(member: Member, others: Iterable[Member], shop_id: int, reason: str) -> None:
    """Propose pairs for merging; somebody decides. A pair that was decided isn't asked again."""
    pairs = [sorted((member, other), key=lambda m: m.pk) for other in others]
    DuplicateProposal.objects.bulk_create(
        (
            DuplicateProposal(member=older, other=newer, shop_id=shop_id, reason=reason)
            for older, newer in pairs
        ),
        ignore_conflicts=True,
    )


def _insert(fresh: Sequence[tuple[Member, Enrolment]]) -> None:
    """Write members, their shop, their surnames and what they agreed to."""
    Member.objects.bulk_create([member for member, _e in fresh], batch_size=_BATCH)
    stop_list.follow(member for member, _e in fresh)
    enrolled, imported = ShopCustomer.How.ENROLLED, ShopCustomer.How.IMPORTED
    ShopCustomer.objects.bulk_create(
        (
            ShopCustomer(
                member=member,
                shop_id=e.shop_id,
                since=e.occurred_at,
                how=imported if e.place == "import" else enrolled,
            )
            for member, e in fresh
            if e.shop_id is not None
        ),
        batch_size=_BATCH,
    )
    add_surnames(member for member, _e in fresh)
    consent.record_many(
        [
            consent.Recording(member, e.decisions, e.place, e.occurred_at, e.evidence)
            for member, e in fresh
            if e.decisions
        ]
    )


def add_surnames(members: Iterable[Member]) -> None:
    """Add surnames to the dictionary for names with typing errors."""
    keys = {(m.association_id, surname_key(m.first_name, m.last_name)[:65]) for m in members}
    Surname.objects.bulk_create(
        (Surname(association_id=town, key=key) for town, key in sorted(keys) if key),
        ignore_conflicts=True,
        batch_size=_BATCH,
    )


def note_contact(member_id: int) -> None:
    """Take note that a member got in touch (opened the account): three years count anew (L13)."""
    today = clock.now().date()
    Member.objects.filter(pk=member_id, last_active_on__lt=today).update(last_active_on=today)


def new_card(member: Member) -> Member:
    """Make the member's cards worthless, and end all that they opened; `cards.token` gives the new
    one."""
    with transaction.atomic(using="loyalty"):
        held = Member.objects.select_for_update().get(pk=member.pk)
        held.card_version += 1
        held.save(update_fields=["card_version"])
        AccountKey.objects.filter(member=held).delete()  # who had the card had the account
    return held


def pause(member: Member) -> None:
    """Let an account rest, at the member's wish: nothing is earned, sent or shown."""
    Member.objects.filter(pk=member.pk, state=Member.State.ACTIVE).update(state=Member.State.PAUSED)


def resume(member: Member) -> None:
    """Take a paused account up again."""
    Member.objects.filter(pk=member.pk, state=Member.State.PAUSED).update(
        state=Member.State.ACTIVE, last_active_on=clock.now().date()
    )


def correct(
    member: Member, *, phone: str, email: str, birthday: tuple[int | None, int | None]
) -> Member:
    """Change number, address and birthday, as typed; KnownErrorFinal where another has them.

    A new number or address takes the consents of the old one's channel with it into withdrawal:
    they were given for that number.
    """
    number = contacts.phone_of(phone) if phone.strip() else None
    address = contacts.email_of(email) if email.strip() else None
    day, month = checked_birthday(*birthday)
    try:
        with transaction.atomic(using="loyalty"):
            held = Member.objects.select_for_update().get(pk=member.pk)
            if not (number or address or held.last_name):
                raise MemberErrorFinal(
                    "nothing-to-find-by",
                    _("Give a number, an address or a surname to be found by."),
                    "phone",
                )
            changed = {"sms": held.phone != number, "email": held.email != address}
            held.birth_day, held.birth_month = day, month
            set_contacts(held, number, address)
            held.save()
            stop_list.follow([held])
            for channel in (c for c, is_new in changed.items() if is_new):
                consent.withdraw_all(held, place="member", occurred_at=clock.now(), channel=channel)
    except IntegrityError:
        raise KnownErrorFinal("phone" if number else "email", None) from None
    return held


def prune(now: datetime) -> int:
    """Delete look-ups of more than a year ago, and files that nobody decided within a day."""
    old = Lookup.objects.filter(at__lt=now - LOOKUPS_KEPT).order_by("at").values("pk")[:_BATCH]
    deleted, _by_table = Lookup.objects.filter(
        pk__in=list(old.values_list("pk", flat=True))
    ).delete()
    late = CustomerFile.objects.filter(uploaded_at__lt=now - FILE_KEPT, content__isnull=False)
    return deleted + late.update(content=None)
