"""What runs out of time: lots, which go back to who paid for them, and holds."""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger.book import Book, Leg, local_day, written_at_once
from chaland.hub.loyalty.ledger.rules import shares
from chaland.hub.loyalty.ledger.selectors import payers_of
from chaland.hub.loyalty.models import Account, Hold, Lot, Transfer

Role = Account.Role


def expire_due(now: datetime) -> int:
    """Let lapse what is due in each association's day; return how many accounts it touched."""
    lots = Lot.objects.filter(left__gt=0, expires_on__lte=now.date())
    towns = lots.values_list("account__asset__association_id", flat=True).distinct()
    return sum(_expire_in(town, local_day(town)) for town in list(towns))


def _expire_in(town: int, today: date) -> int:
    lots = Lot.objects.filter(left__gt=0, expires_on__lte=today)
    due = lots.filter(account__asset__association_id=town).values_list("account_id", flat=True)
    return sum(_expire(account_id, today) for account_id in sorted(set(due)))


def lapse_holds(_now: datetime) -> int:
    """Let go of what overdue holds reserved; return how many accounts it touched."""
    overdue = Hold.objects.filter(state=Hold.State.PENDING, expires_at__lte=clock.real_now())
    accounts = sorted(set(overdue.values_list("account_id", flat=True)))
    return sum(map(_let_go, accounts))


@written_at_once
def _expire(account_id: int, today: date) -> bool:
    book = Book()
    lapsed = lapse(book, book.lock_account(account_id), today)
    book.write()
    return lapsed


@written_at_once
def _let_go(account_id: int) -> bool:
    book = Book()
    let_go = lapse_overdue(book, book.lock_account(account_id))
    book.write()
    return let_go


def lapse_overdue(book: Book, account: Account) -> bool:
    """Let go of what a locked account's overdue holds reserved; say whether there were any."""
    if not account.held:
        return False
    holds = list(
        Hold.objects.filter(
            account=account, state=Hold.State.PENDING, expires_at__lte=clock.real_now()
        ).select_for_update()
    )
    for hold in holds:
        hold.state = Hold.State.LAPSED
        hold.save(update_fields=["state"])
        account.held -= hold.amount
        book.touch(account)
    return bool(holds)


def lapse(book: Book, account: Account, today: date) -> bool:
    """Take what has lapsed out of a locked account; what a living hold reserves stays for it."""
    lapse_overdue(book, account)
    due = [lot for lot in book.lots(account) if lot.expires_on and lot.expires_on <= today]
    amount = sum(lot.left for lot in due) - account.held
    return withdraw(book, account, due, amount, "system:expiry")


def withdraw(book: Book, account: Account, lots: Collection[Lot], amount: int, actor: str) -> bool:
    """Give ``amount`` of these lots back to who paid for them; say whether anything moved."""
    if amount <= 0:
        return False
    parts: dict[Lot, int] = {}
    for lot in lots:
        parts[lot] = min(amount - sum(parts.values()), lot.left)
    paid_back = _paid_back({lot: part for lot, part in parts.items() if part})
    payers = book.lock_payers(paid_back)
    asked = book.by_itself("expire", account.asset_id, book.now, actor)
    legs = [Leg(account, -amount)]
    legs += [Leg(payers[pk], share) for pk, share in sorted(paid_back.items())]
    _transfer, entries = book.post(asked, Transfer.Kind.EXPIRE, legs, "")
    for lot, part in parts.items():
        if part:
            book.use(entries[0], lot, part)
    return True


def _paid_back(parts: Mapping[Lot, int]) -> dict[int, int]:
    """Return what each payer's account gets of the parts of lots."""
    paid = payers_of([lot.pk for lot in parts])
    found: dict[int, int] = {}
    for lot, part in parts.items():
        weights = paid[lot.pk]
        for account_id, share in zip(weights, shares(part, [*weights.values()]), strict=True):
            found[account_id] = found.get(account_id, 0) + share
    return found
