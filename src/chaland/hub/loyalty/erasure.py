"""Erasure: the person goes, the accounts stay (L14).

What came in about messages is read first. Then, in one transaction: name, contacts, indices, card,
permissions and look-ups go with the member's row; receipts and accounts keep their amounts,
nobody's; the salts go, so that both chains still verify and say nothing of whom. Sums of the ledger
don't change. Afterwards it is looked for what is left.

Of who stays, what was sent or invited long ago is forgotten (`forget_old`).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from uuid import uuid4

from django.apps import apps
from django.db import OperationalError, connections, models, transaction

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.members import typos
from chaland.hub.loyalty.members.rules import after, surname_key
from chaland.hub.loyalty.models import (
    Campaign,
    CustomerFile,
    Delivery,
    Invitation,
    Member,
    PrivateSale,
    Seller,
    Surname,
    Voucher,
)
from chaland.hub.loyalty.outreach import inbound, outbox
from chaland.hub.loyalty.receipts import services as receipts
from chaland.hub.loyalty.sales import services as sales

KEPT_YEARS = 3
"""After the last contact that the member began (L13); and so long a message, or an invitation,
names whom it was for."""
_AT_ONCE = 100
_BATCH, _BATCHES = 1_000, 20
_WAITS_MS = 1_000


class ErasureErrorFinal(Exception):
    """Something still names the member: nothing was erased. It lists the columns."""


def erase(member_id: int, *, actor: str) -> bool:
    """Erase a member and the doubles merged into it, all or nothing; False where nobody is there.

    ``actor`` is kept for good: ``member``, ``user:7``, ``system:retention``; no member's number.
    Raises ErasureErrorFinal where a column still names one of them: a fault of this program.
    """
    towns = Member.objects.filter(pk=member_id).values_list("association_id", flat=True)
    for town in towns:  # in transactions of its own: it may name others, and stop them
        inbound.forget(town, clock.now())
    erased = _erase(member_id, actor)
    typos.forget()
    return erased


@contention.anew
def _erase(member_id: int, actor: str) -> bool:
    with transaction.atomic(using="loyalty"):
        leaving = _with_doubles(member_id)
        numbers = [member.pk for member in leaving]
        for member in leaving:
            _empty(member, actor)
        for member in reversed(leaving):  # doubles before the one they point to
            _drop_surname(member)
            member.delete()
        left = _named(numbers)
        if left:
            raise ErasureErrorFinal(f"still named in {', '.join(left)}")
    return bool(leaving)


def erase_inactive(now: datetime) -> int:
    """Erase members whose last active contact is three years past (L13); how many,
    at most 100 of each town at a time.

    Opening a mail is no contact; a purchase, an answer and the account opened are.
    """
    limit = _years_before(now.date(), KEPT_YEARS)
    ids: list[int] = []
    for town in Association.objects.values_list("pk", flat=True):  # its index begins so
        due = Member.objects.filter(
            association_id=town, last_active_on__lt=limit, merged_into__isnull=True
        )
        ids += due.order_by("last_active_on").values_list("pk", flat=True)[:_AT_ONCE]
    return sum(erase(member_id, actor="system:retention") for member_id in ids)


def forget_old(now: datetime) -> int:
    """Take the member out of messages and invitations of more than three years ago; how many, at
    most 20,000 of each. What became of them stays, for the counts: of whom was measured and told
    weeks after (`outreach.results`), nothing is worked out again.

    Looked for once an hour: an index for it would be paid for by each message that is sent.
    """
    if now.minute:
        return 0
    limit = datetime.combine(_years_before(now.date(), KEPT_YEARS), time(), UTC)
    return _forget_deliveries(limit) + _forget_invitations(limit)


def empty_journal(_now: datetime) -> int:
    """Take what was erased out of SQLite's journal, too; returns 0, there is nothing to tell.

    Each minute; where a reader holds the journal, the next minute tries again. (PostgreSQL's own
    vacuum does it there, in its own time.)
    """
    connection = connections["loyalty"]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual_ms,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout={_WAITS_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except OperationalError:  # a writer is at work
            return 0
        finally:
            cursor.execute(f"PRAGMA busy_timeout={usual_ms}")
    return 0


def _forget_deliveries(limit: datetime) -> int:
    """The key goes, too: it is computed of the member's number (`outreach.keys`)."""
    old = Delivery.objects.filter(
        campaign__in=Campaign.objects.filter(created_at__lt=limit).values("pk"),
        member__isnull=False,
        not_before__lt=limit,
    )
    forgotten = 0
    for _number in range(_BATCHES):
        rows = list(old.select_related("campaign").only("key", "campaign__association_id")[:_BATCH])
        if not rows:
            break
        for town in {row.campaign.association_id for row in rows}:  # first: it is found by its key
            outbox.forget(town, [r.key for r in rows if r.campaign.association_id == town])
        for row in rows:
            row.key = uuid4()
        with transaction.atomic(using="loyalty"):
            Delivery.objects.bulk_update(rows, ["key"])
            Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
                member=None, provider_id="", occasion=""
            )
        forgotten += len(rows)
    return forgotten


def _forget_invitations(limit: datetime) -> int:
    old = Invitation.objects.filter(
        sale__in=PrivateSale.objects.filter(ends_at__lt=limit).values("pk"), member__isnull=False
    )
    forgotten = 0
    for _number in range(_BATCHES):
        ids = list(old.values_list("pk", flat=True)[:_BATCH])
        if not ids:
            break
        forgotten += Invitation.objects.filter(pk__in=ids).update(member=None, coded_for=None)
    return forgotten


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _with_doubles(member_id: int) -> list[Member]:
    """List a member, then everyone merged into it, in order. Not locked: every part locks receipts,
    sales and accounts before members, and who was merged meanwhile is found by `_named`."""
    found = list(Member.objects.filter(pk=member_id))
    at = 0
    while at < len(found):
        found += Member.objects.filter(merged_into=found[at]).order_by("pk")
        at += 1
    return found


def _empty(member: Member, actor: str) -> None:
    """Take the member out of what stays: receipts, sales, messages, accounts, vouchers, files."""
    receipts.forget_member(member.pk)
    sales.forget(member.pk)
    ledger.close(member.pk, occurred_at=clock.now(), actor=actor)
    Voucher.objects.filter(member=member, state=Voucher.State.OPEN).update(
        state=Voucher.State.VOIDED
    )
    outbox.forget(member.association_id, member.deliveries.values_list("key", flat=True))
    Seller.objects.filter(own_member_id=member.pk).update(own_member_id=None)
    # A file between preview and decision may hold the person: it is chosen again.
    CustomerFile.objects.filter(association_id=member.association_id, content__isnull=False).update(
        content=None
    )


def _drop_surname(member: Member) -> None:
    """Take a surname that nobody else bears out of the dictionary: alone, it is a person's."""
    key = surname_key(member.first_name, member.last_name)[:65]
    town = Member.objects.filter(association_id=member.association_id).exclude(pk=member.pk)
    borne = town.filter(name_key__gte=f"{key} ", name_key__lt=after(f"{key} "))
    if key and not borne.exists() and not town.filter(name_key=key).exists():
        Surname.objects.filter(association_id=member.association_id, key=key).delete()


def _named(numbers: Sequence[int]) -> list[str]:
    """Return the columns that still hold one of these members, over all tables of this plane:
    as a number, or as who acted (``member:9``). What is sealed holds no number (`answers`)."""
    acted = [f"member:{number}" for number in numbers]
    left = []
    for model in apps.get_app_config("loyalty").get_models():
        for field in model._meta.concrete_fields:
            relates = isinstance(field, models.ForeignKey) and field.related_model is Member
            if relates or field.name.endswith("member_id"):
                sought: Sequence[object] = numbers
            elif isinstance(field, models.CharField) and field.name.endswith(("actor", "_by")):
                sought = acted
            else:
                continue
            if model._default_manager.filter(**{f"{field.attname}__in": sought}).exists():
                left.append(f"{model._meta.db_table}.{field.column}")
    return sorted(left)
