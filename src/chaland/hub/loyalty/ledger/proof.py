"""Proof that the ledger holds: the cache again from the entries, and the chains of the accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from chaland.hub.loyalty.ledger import chain
from chaland.hub.loyalty.models import Account, Entry, Hold, Lot

Role = Account.Role
_CACHED = (Role.MEMBER, Role.DEBT, Role.SPONSOR)


@dataclass(frozen=True)
class Difference:
    """A stored number that the entries contradict."""

    what: str
    id: int
    stored: int
    computed: int


@dataclass(frozen=True)
class Break:
    """Where a chain doesn't hold, and why."""

    account_id: int
    position: int
    reason: str


def rebuild(association_id: int) -> list[Difference]:
    """Compute balances, reservations and lots from the entries; store and return what differed."""
    with transaction.atomic(using="loyalty"):
        found = differences(association_id)
        for difference in found:
            table, field = difference.what.split(".")
            model = Lot if table == "lot" else Account
            model.objects.filter(pk=difference.id).update(**{field: difference.computed})
    return found


def differences(association_id: int) -> list[Difference]:
    """Return what is stored otherwise than the entries say; change nothing."""
    return [*_balances(association_id), *_held(association_id), *_lots(association_id)]


def _balances(association_id: int) -> Iterator[Difference]:
    accounts = Account.objects.filter(asset__association_id=association_id, role__in=_CACHED)
    summed = accounts.annotate(sum=Coalesce(Sum("entries__amount"), 0)).exclude(balance=F("sum"))
    for row in summed.order_by("pk"):
        yield Difference("account.balance", row.pk, row.balance, row.sum)


def _held(association_id: int) -> Iterator[Difference]:
    accounts = Account.objects.filter(asset__association_id=association_id, role__in=_CACHED)
    pending = Sum("holds__amount", filter=Q(holds__state=Hold.State.PENDING))
    for row in accounts.annotate(sum=Coalesce(pending, 0)).exclude(held=F("sum")).order_by("pk"):
        yield Difference("account.held", row.pk, row.held, row.sum)


def _lots(association_id: int) -> Iterator[Difference]:
    lots = Lot.objects.filter(account__asset__association_id=association_id)
    used = lots.annotate(computed=F("amount") - Coalesce(Sum("uses__amount"), 0))
    for row in used.exclude(left=F("computed")).order_by("pk"):
        yield Difference("lot.left", row.pk, row.left, row.computed)


def verify_all(association_id: int) -> list[Break]:
    """Check each account's chain, each transfer's sum and that lots hold what accounts say."""
    accounts = Account.objects.filter(asset__association_id=association_id)
    found = [
        each
        for pk in accounts.filter(role__in=(Role.MEMBER, Role.DEBT)).values_list("pk", flat=True)
        for each in verify_account(pk)
    ]
    lots = accounts.filter(role=Role.MEMBER).annotate(left=Coalesce(Sum("lots__left"), 0))
    for row in lots.exclude(balance=F("left")):
        found.append(Break(row.pk, row.chain_position, f"balance {row.balance}, lots {row.left}"))
    unbalanced = (
        Entry.objects.filter(account__asset__association_id=association_id)
        .values("transfer_id", "account__asset_id")
        .annotate(sum=Sum("amount"))
        .exclude(sum=0)
    )
    for each in unbalanced:
        found.append(Break(0, 0, f"transfer {each['transfer_id']} sums to {each['sum']}"))
    return found


def verify_account(account_id: int) -> list[Break]:
    """Walk one account's chain; [] where every entry stands on the one before it.

    With its salt the facts of each transfer are proved too; without (erased), the amounts.
    """
    account = Account.objects.get(pk=account_id)
    found: list[Break] = []
    before, balance, position = "", 0, 0
    entries = Entry.objects.filter(account=account).select_related("transfer")
    if account.chain_salt is not None:
        entries = entries.prefetch_related("transfer__entries")
    for position, entry in enumerate(entries.order_by("position"), start=1):
        if entry.position != position:
            found.append(Break(account_id, position, "an entry is missing"))
        if entry.digest != chain.digest(before, entry):
            found.append(Break(account_id, position, "the digest doesn't follow"))
        if account.chain_salt is not None and not _committed(account, entry):
            found.append(Break(account_id, position, "the facts differ from the commitment"))
        before, balance = entry.digest, balance + entry.amount
    if (position, before) != (account.chain_position, account.chain_digest):
        found.append(Break(account_id, position, "the end differs from the account's"))
    if balance != account.balance:
        found.append(Break(account_id, position, "the balance isn't the sum"))
    return found


def _committed(account: Account, entry: Entry) -> bool:
    said = chain.facts(entry.transfer, entry.transfer.entries.all())
    return entry.commitment == chain.commitment(bytes(account.chain_salt or b""), entry, said)
