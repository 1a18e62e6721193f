"""Closing months, settling statements, and where shops are paid."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connections, transaction
from django.db.models import Max, Min

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.clearing import rules, sums
from chaland.hub.loyalty.clearing.selectors import digest_of, purses
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Settlement
from chaland.hub.loyalty.models import Asset, BankDetails, Clearing, Entry, Statement
from chaland.wire.periods import day_bounds, local_day

Way = Statement.Way
CLOSE_AFTER = timedelta(days=2)
"""After a month's end, so that tills that were offline have sent what they had."""


def close_due(now: datetime) -> int:
    """Close every month that is over, of every coalition's purse; return how many."""
    closed = 0
    for asset in purses():
        zone = ZoneInfo(Association.objects.get(pk=asset.association_id).timezone)
        while (month := _next_month(asset, zone)) is not None:
            if now < _end(month, zone) + CLOSE_AFTER:
                break
            _close(asset, month, _end(month, zone))
            closed += 1
    return closed


def _end(month: date, zone: ZoneInfo) -> datetime:
    return day_bounds(rules.month_after(month), zone)[0]


def _next_month(asset: Asset, zone: ZoneInfo) -> date | None:
    """Return the month to close next: after the last one, else that of the first entry."""
    last = asset.clearings.aggregate(last=Max("month"))["last"]
    if last is not None:
        return rules.month_after(last)
    first = Entry.objects.filter(account__asset=asset).aggregate(
        first=Min("transfer__recorded_at")
    )["first"]
    return None if first is None else local_day(first, zone).replace(day=1)


def _close(asset: Asset, month: date, end: datetime) -> Clearing | None:
    _wait_for_writers()
    return _closed(asset, month, end)


@transaction.atomic(using="loyalty")
def _closed(asset: Asset, month: date, end: datetime) -> Clearing | None:
    if asset.clearings.filter(month=month).exists():
        return None  # another process was faster
    before = asset.clearings.order_by("-month").first()
    after = before.last_entry_id if before else 0
    entries = Entry.objects.filter(account__asset=asset, transfer__recorded_at__lt=end)
    last = max(after, entries.aggregate(last=Max("pk"))["last"] or 0)
    clearing = Clearing(
        association_id=asset.association_id,
        asset=asset,
        month=month,
        closed_at=clock.now(),
        closed_by="system:clearing",
        first_entry_id=after + 1,
        last_entry_id=last,
        float_cents=sums.float_at(asset, last),
    )
    statements = _statements(clearing, sums.parts(asset, after, last))
    clearing.digest = digest_of(before, statements)
    clearing.save()
    Statement.objects.bulk_create(statements)
    return clearing


@transaction.atomic(using="loyalty")
def _wait_for_writers() -> None:
    """Wait until whoever writes entries has committed: a number that is given but not yet visible
    would else belong to no month. SQLite lets one writer in at a time by itself.

    Tills go on right after: what they write now is of a later month, whatever takes long here.
    """
    connection = connections["loyalty"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE loyalty_entry IN SHARE MODE")


def _statements(clearing: Clearing, parts: Mapping[int, sums.Part]) -> list[Statement]:
    after, last = clearing.first_entry_id - 1, clearing.last_entry_id
    gained = sums.gained(clearing.asset, after, last)
    banks = {each.shop_id: each for each in banks_of(clearing.association_id)}
    return [
        Statement(
            clearing=clearing,
            shop_id=shop_id,
            earned_cents=part.earned,
            spent_cents=part.spent,
            reversed_cents=part.reversed,
            lapsed_cents=part.lapsed,
            adjusted_cents=part.adjusted,
            net_cents=part.net,
            gained={str(payer): cents for payer, cents in gained.get(shop_id, {}).items()},
            way=way_of(part.net, banks.get(shop_id)),
        )
        for shop_id, part in sorted(parts.items())
    ]


def way_of(net_cents: int, bank: BankDetails | None) -> str:
    """Say how a net sum is paid: creditors by transfer, debtors by debit where there is a mandate,
    else by invoice."""
    if net_cents == 0:
        return Way.NONE
    if net_cents > 0:
        return Way.CREDIT
    return Way.DEBIT if bank and bank.mandate and bank.mandate_signed_on else Way.INVOICE


def banks_of(association_id: int) -> list[BankDetails]:
    """Return the bank details of an association and its shops."""
    return list(BankDetails.objects.filter(association_id=association_id))


@transaction.atomic(using="loyalty")
def save_bank(bank: BankDetails) -> None:
    """Store bank details; open statements of the shop are paid by them from now on."""
    bank.save()
    if bank.shop_id is None:
        return
    waiting = Statement.objects.filter(
        shop_id=bank.shop_id,
        settled_by__isnull=True,
        clearing__association_id=bank.association_id,
    )
    for statement in waiting.select_for_update():
        statement.way = way_of(statement.net_cents, bank)
        statement.save(update_fields=["way"])


@transaction.atomic(using="loyalty")
def settle(statement_id: int, actor: str) -> Statement:
    """Enter that a statement's net was paid by bank; the same again changes nothing."""
    statement = (
        Statement.objects.select_related("clearing")
        .select_for_update(of=("self",))
        .get(pk=statement_id)
    )
    if statement.settled_by_id is None and statement.net_cents:
        statement.settled_by = ledger.settle(
            Settlement(
                key=f"settle:{statement.pk}",
                association_id=statement.clearing.association_id,
                shop_id=statement.shop_id,
                occurred_at=clock.now(),
                actor=actor,
                asset_id=statement.clearing.asset_id,
                amount=-statement.net_cents,
            )
        )
        statement.save(update_fields=["settled_by"])
    return statement
