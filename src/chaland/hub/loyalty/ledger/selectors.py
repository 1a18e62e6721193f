"""What the ledger says: balances, statements, a shop's position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Sum

from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.models import Account, Entry, Lot

Role = Account.Role
T = TypeVar("T")


@dataclass(frozen=True)
class Movement:
    """One line of a member's statement. ``amount`` is of the balance, ``owed`` of the debt."""

    transfer_id: UUID
    kind: str
    occurred_at: datetime
    shop_id: int | None
    receipt_id: int | None
    amount: int
    owed: int
    why: dict[str, object]


def balances(member_id: int) -> list[Balance]:
    """Return what a member has of each asset: the coalition's first, then shops'."""
    return balances_of([member_id])[member_id]


def balances_of(member_ids: Sequence[int]) -> dict[int, list[Balance]]:
    """Return the balances of several members, in two queries."""
    rows = Account.objects.filter(member__in=member_ids).select_related("asset")
    accounts = {(row.member_id, row.asset_id, row.role): row for row in rows}
    lapses = _next_lapses([row.pk for row in accounts.values()])
    found: dict[int, list[Balance]] = {member_id: [] for member_id in member_ids}
    for (member_id, asset_id, role), row in sorted(accounts.items(), key=_coalition_first):
        if role != Role.MEMBER or member_id is None:
            continue
        debt = accounts.get((member_id, asset_id, Role.DEBT))
        found[member_id].append(
            Balance(
                asset_id=asset_id,
                kind=row.asset.kind,
                shop_id=row.asset.shop_id,
                name=row.asset.name,
                balance=row.balance,
                held=row.held,
                debt=-debt.balance if debt else 0,
                next_lapse=lapses.get(row.pk),
            )
        )
    return found


def statement(member_id: int, asset_id: int) -> list[Movement]:
    """Return all that moved on a member's accounts of one asset, the newest first."""
    entries = (
        Entry.objects.filter(account__member=member_id, account__asset=asset_id)
        .select_related("transfer", "account")
        .order_by("-transfer__recorded_at", "-pk")
    )
    found: dict[UUID, Movement] = {}
    for entry in entries:
        transfer, before = entry.transfer, found.get(entry.transfer_id)
        owed = -entry.amount if entry.account.role == Role.DEBT else 0
        amount = 0 if entry.account.role == Role.DEBT else entry.amount
        found[entry.transfer_id] = Movement(
            transfer_id=transfer.pk,
            kind=transfer.kind,
            occurred_at=transfer.occurred_at,
            shop_id=transfer.shop_id,
            receipt_id=transfer.receipt_id,
            amount=amount + (before.amount if before else 0),
            owed=owed + (before.owed if before else 0),
            why=transfer.why,
        )
    return list(found.values())


def shop_position(asset_id: int, shop_id: int) -> int:
    """Return what a shop is owed (above zero) or owes: the sum of its entries."""
    entries = Entry.objects.filter(
        account__asset=asset_id, account__shop_id=shop_id, account__role=Role.SHOP
    )
    return entries.aggregate(sum=Sum("amount"))["sum"] or 0


def payers_of(lot_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """Return who paid for lots: for each lot, the amounts of its earning by the payer's account."""
    of_lot = {lot_id: lot_id for lot_id in lot_ids}
    while renewed := _origins(set(of_lot.values())):  # what a lapsed lot came back as
        of_lot = {lot_id: renewed.get(first, first) for lot_id, first in of_lot.items()}
    paid: dict[UUID, dict[int, int]] = {}
    earned: dict[int, UUID] = {}
    for some in _chunks(sorted(set(of_lot.values()))):
        earned |= dict(Lot.objects.filter(pk__in=some).values_list("pk", "entry__transfer_id"))
    for transfers in _chunks(sorted(set(earned.values()))):
        for row in Entry.objects.filter(transfer__in=transfers, amount__lt=0).order_by("pk"):
            of_transfer = paid.setdefault(row.transfer_id, {})
            of_transfer[row.account_id] = of_transfer.get(row.account_id, 0) - row.amount
    return {lot_id: paid[earned[first]] for lot_id, first in of_lot.items()}


def _origins(lot_ids: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for some in _chunks(sorted(lot_ids)):
        rows = Lot.objects.filter(pk__in=some, origin__isnull=False).values_list("pk", "origin_id")
        found |= {pk: origin for pk, origin in rows if origin is not None}
    return found


def _chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(ids), 5000):  # an engine takes only so many in one question
        yield ids[start : start + 5000]


def _coalition_first(item: tuple[tuple[int | None, int, str], Account]) -> tuple[bool, int]:
    return item[1].asset.shop_id is not None, item[1].asset_id


def _next_lapses(account_ids: Sequence[int]) -> dict[int, tuple[date, int]]:
    lots = Lot.objects.filter(account__in=account_ids, left__gt=0, expires_on__isnull=False)
    found: dict[int, tuple[date, int]] = {}
    sums = lots.values("account_id", "expires_on").annotate(sum=Sum("left")).order_by("expires_on")
    for row in sums:
        if row["expires_on"] is not None:
            found.setdefault(row["account_id"], (row["expires_on"], row["sum"]))
    return found
