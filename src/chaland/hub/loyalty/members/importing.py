"""A shop's customer file comes in: kept sealed for a day, looked over, then taken in whole.

Who is known by number or address becomes the shop's customer, if the name fits; the others are
enrolled. Names alike are proposed for merging. A consent is taken over only with its date, its
text and its source; else the customer is not contactable. A second click changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.utils.timezone import get_current_timezone, make_aware
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision, Recording
from chaland.hub.loyalty.members import contacts, onrecord, services
from chaland.hub.loyalty.members.customer_csv import (
    CustomerRow,
    CustomerTable,
    read_customers,
)
from chaland.hub.loyalty.members.onrecord import Asker
from chaland.hub.loyalty.members.rules import MemberErrorFinal, surname_key
from chaland.hub.loyalty.members.services import Enrolment
from chaland.hub.loyalty.models import (
    CustomerFile,
    Lookup,
    Member,
    Permission,
    Purpose,
    ShopCustomer,
)

ROWS_A_DAY = 20_000
STRANGERS_A_DAY = 2_000
"""Of one shop: a file is a look-up of many, and must not become a way to try numbers through.
Strangers are rows that meet a member who isn't the shop's customer."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file; rows are the spreadsheet's."""

    new: int
    linked: int
    contactable: int
    proposed: int
    other_name: list[int]
    """Rows whose number or address is another person's: left out."""
    bad_rows: list[int]
    double_rows: list[int]
    """Rows of somebody who stands in an earlier row: left out, that one counts."""


def keep(
    association_id: int, shop_id: int, name: str, data: bytes, actor: str
) -> tuple[CustomerFile | None, CustomerTable]:
    """Read a file and keep it sealed until it is decided; None where no row of it can be taken.

    MemberErrorFinal where the shop has brought more rows in a day than it may.
    """
    now = clock.now()
    table = read_customers(data, now.date())
    if not table.rows:
        return None, table
    today = CustomerFile.objects.filter(shop_id=shop_id, uploaded_at__gt=now - timedelta(days=1))
    brought = sum(report.get("rows", 0) for report in today.values_list("report", flat=True))
    if brought + len(table.rows) > ROWS_A_DAY:
        raise MemberErrorFinal(
            "rows-a-day", _("More than 20,000 lines in a day: go on tomorrow."), "file"
        )
    file = CustomerFile.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        name=name[:120],
        content=data.decode("latin-1"),  # keeps any byte
        uploaded_by=actor,
        uploaded_at=now,
        report={"rows": len(table.rows)},
    )
    return file, table


def table_of(file: CustomerFile) -> CustomerTable | None:
    """Read a kept file again; None where it was taken in, or kept longer than a day."""
    if file.content is None:
        return None
    return read_customers(str(file.content).encode("latin-1"), clock.now().date())


def take_in(file_id: int, *, actor: str) -> Imported:
    """Take a kept file in, all of its sound rows or none; its content is then deleted.

    MemberErrorFinal where it was taken in already, or kept longer than a day.
    """
    with onrecord.on_record():  # that was asked, whatever becomes of the file
        try:
            with transaction.atomic(using="loyalty"):
                return _take_in(file_id, actor)
        except IntegrityError:  # a till enrolled one of them meanwhile: now that row is known
            with transaction.atomic(using="loyalty"):
                return _take_in(file_id, actor)


def _take_in(file_id: int, actor: str) -> Imported:
    file = CustomerFile.objects.select_for_update().get(pk=file_id)
    table = table_of(file)
    if table is None:
        raise MemberErrorFinal("decided", _("The preview has expired: choose the file again."))
    now = clock.now()
    made = services.enrol_many([_enrolment(file, row, actor, now) for row in table.rows])
    met = _met(file, table.rows, made)
    strangers = _strangers(file.shop_id, [m for _row, m in met if m is not None])
    _note(file, actor, table.rows, made, met)
    _check_strangers(file, strangers)
    linked = {row.row: m for row, m in met if m is not None and _same_person(row, m)}
    _link(file, linked.values(), now)
    pairs = [
        (row, member)
        for row, fresh in zip(table.rows, made, strict=True)
        if (member := fresh or linked.get(row.row)) is not None
    ]
    report = Imported(
        new=sum(m is not None for m in made),
        linked=len(linked),
        contactable=_record(file, pairs),
        proposed=_propose(file.shop_id, [m for m in made if m is not None]),
        other_name=[row.row for row, _member in met if row.row not in linked],
        bad_rows=sorted({p.row for p in table.problems if p.row > 1 and p.code != "double"}),
        double_rows=sorted(p.row for p in table.problems if p.code == "double"),
    )
    file.content, file.finished_at = None, now
    file.report = {"rows": len(table.rows), "strangers": strangers} | {
        name: getattr(report, name) for name in Imported.__dataclass_fields__
    }
    file.save(update_fields=["content", "finished_at", "report"])
    return report


def _strangers(shop_id: int, met: Sequence[Member]) -> int:
    """Count members in a file who aren't the shop's customers yet."""
    ids = {m.pk for m in met}
    own = ShopCustomer.objects.filter(shop_id=shop_id)
    known: set[int] = set()
    for at in range(0, len(ids), _BATCH):
        part = sorted(ids)[at : at + _BATCH]
        known |= set(own.filter(member__in=part).values_list("member_id", flat=True))
    return len(ids - known)


def _check_strangers(file: CustomerFile, strangers: int) -> None:
    today = CustomerFile.objects.filter(
        shop_id=file.shop_id, finished_at__gt=clock.now() - timedelta(days=1)
    )
    before = sum(report.get("strangers", 0) for report in today.values_list("report", flat=True))
    if before + strangers > STRANGERS_A_DAY:
        raise MemberErrorFinal(
            "strangers",
            _("More than 2,000 people of this file and today’s are members elsewhere, not here."),
        )


def _note(
    file: CustomerFile,
    actor: str,
    rows: Sequence[CustomerRow],
    made: Sequence[Member | None],
    met: Sequence[tuple[CustomerRow, Member | None]],
) -> None:
    """Put the file on record as the one look-up of many that it is: whom it met, how many not."""
    asker = Asker(file.association_id, file.shop_id, actor)
    fresh = zip(rows, made, strict=True)
    missed = sum(m is not None and bool(row.phone or row.email) for row, m in fresh)
    hits = [member for _row, member in met if member is not None]
    onrecord.note(asker, Lookup.Kind.FILE, hits, missed=missed)


def _enrolment(file: CustomerFile, row: CustomerRow, actor: str, now: datetime) -> Enrolment:
    return Enrolment(
        association_id=file.association_id,
        shop_id=file.shop_id,
        actor=actor,
        occurred_at=now,
        place="import",
        first_name=row.first_name,
        last_name=row.last_name,
        phone=row.phone,
        email=row.email,
        birth_day=row.birth_day,
        birth_month=row.birth_month,
    )


def _met(
    file: CustomerFile, rows: Sequence[CustomerRow], made: Sequence[Member | None]
) -> list[tuple[CustomerRow, Member | None]]:
    """Return the rows whose number or address is known, and whose it is (None: of a paused one)."""
    known = [row for row, fresh in zip(rows, made, strict=True) if fresh is None]
    holders = _holders(file.association_id, known)
    town = file.association_id
    return [
        (row, next((h for key in _keys(town, row) if (h := holders.get(key))), None))
        for row in known
    ]


def _link(file: CustomerFile, members: Iterable[Member], now: datetime) -> None:
    """Make known people of a fitting name the shop's customers."""
    ShopCustomer.objects.bulk_create(
        (
            ShopCustomer(member=m, shop_id=file.shop_id, since=now, how=ShopCustomer.How.IMPORTED)
            for m in {m.pk: m for m in members}.values()
        ),
        ignore_conflicts=True,
        batch_size=_BATCH,
    )


def _keys(town: int, row: CustomerRow) -> list[tuple[str, bytes]]:
    told = (("phone", row.phone), ("email", row.email))
    return [(kind, contacts.blind(kind, town, value)) for kind, value in told if value]


def _holders(town: int, rows: Sequence[CustomerRow]) -> dict[tuple[str, bytes], Member]:
    holders: dict[tuple[str, bytes], Member] = {}
    keys = [key for row in rows for key in _keys(town, row)]
    for at in range(0, len(keys), _BATCH):
        for kind in ("phone", "email"):
            wanted = [index for k, index in keys[at : at + _BATCH] if k == kind]
            found = Member.objects.filter(
                association_id=town,
                state=Member.State.ACTIVE,
                **{f"{kind}_index__in": wanted},
            )
            holders |= {(kind, bytes(getattr(m, f"{kind}_index"))): m for m in found}
    return holders


def _same_person(row: CustomerRow, member: Member) -> bool:
    """Say whether a known person's name fits: who brings a number alone learns nobody's name."""
    told = surname_key(row.first_name, row.last_name)
    return bool(told) and told == surname_key(member.first_name, member.last_name)


def _record(file: CustomerFile, pairs: Sequence[tuple[CustomerRow, Member]]) -> int:
    """Take over consents that have their evidence; return how many members they reach."""
    agreed = {m.pk: (row, m) for row, m in pairs if row.agreement is not None}
    newer = _decided(file.shop_id, list(agreed))
    texts: dict[tuple[str, str], int] = {}
    recordings = []
    for pk, (row, member) in agreed.items():
        agreement = row.agreement
        if agreement is None:
            continue
        # A paper says no hour: it counts from the day's beginning, so that no day's "no" loses.
        when = make_aware(datetime.combine(agreement.on, time.min), get_current_timezone())
        decisions = []
        for channel in agreement.channels:
            contact = member.phone if channel == "sms" else member.email
            brought = row.phone if channel == "sms" else row.email
            last = newer.get((pk, channel))
            if not contact or contact != brought or (last is not None and last >= when):
                continue
            wording_id = texts.get((channel, agreement.text)) or _wording(
                file, channel, agreement.text
            )
            texts[channel, agreement.text] = wording_id
            decisions.append(
                Decision(file.shop_id, Purpose.OFFERS, channel, given=True, wording_id=wording_id)
            )
        if decisions:
            evidence = {"file": file.pk, "row": row.row, "paper": agreement.source}
            recordings.append(Recording(member, decisions, "import", when, evidence))
    consent.record_many(recordings)
    return len(recordings)


def _wording(file: CustomerFile, channel: str, text: str) -> int:
    asked = (str(Purpose.OFFERS), channel)
    town, shop = file.association_id, file.shop_id
    return wordings.revise(town, asked, "fr", text, imported_shop_id=shop).pk


def _decided(shop_id: int, ids: Sequence[int]) -> dict[tuple[int, str], datetime]:
    """Return when members last decided on this shop's offers: an older paper doesn't undo that."""
    decided: dict[tuple[int, str], datetime] = {}
    for at in range(0, len(ids), _BATCH):
        rows = Permission.objects.filter(
            member__in=ids[at : at + _BATCH], controller=shop_id, purpose=Purpose.OFFERS
        )
        decided |= {(p.member_id, p.channel): p.since for p in rows}
    return decided


def _propose(shop_id: int, made: Sequence[Member]) -> int:
    """Propose new members for merging with others of their name; how many have such."""
    proposed = 0
    by_key = {m.name_key: m for m in made if m.first_name and m.last_name}
    keys = sorted(by_key)
    for at in range(0, len(keys), _BATCH):
        part = keys[at : at + _BATCH]
        known = Member.objects.filter(
            association_id=by_key[part[0]].association_id, name_key__in=part
        ).values_list("name_key", "pk")
        alike = {key for key, pk in known if pk != by_key[key].pk}
        for key in sorted(alike):
            others = services.same_name(by_key[key])
            proposed += bool(others)
            services.propose_duplicates(
                by_key[key], others, shop_id, _("the same name in the shop’s file")
            )
    return proposed
