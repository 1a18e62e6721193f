"""Taking back: by receipt line, from what the transfer moved, to and from who moved it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from chaland.hub.loyalty.ledger import awards, requests
from chaland.hub.loyalty.ledger.book import (
    Book,
    Leg,
    MovedTemporary,
    answered,
    local_day,
    written_at_once,
)
from chaland.hub.loyalty.ledger.postings import LedgerErrorFinal, Reversal, TooMuchErrorFinal
from chaland.hub.loyalty.ledger.rules import shares
from chaland.hub.loyalty.ledger.services.changes import take_over
from chaland.hub.loyalty.ledger.services.expiry import lapse
from chaland.hub.loyalty.ledger.services.holds import void_beyond
from chaland.hub.loyalty.models import Account, Entry, Lot, LotUse, Member, Transfer

Role = Account.Role
GRACE = timedelta(days=30)
"""How long what is given back can be spent, where its lot has lapsed meanwhile."""


@dataclass(frozen=True)
class _Moved:
    """What a transfer moved on the other side, by line and account, and what is taken back."""

    original: Transfer
    account: Account
    by_line: Mapping[int, Mapping[int, int]]
    reversed: Mapping[int, int]

    def left(self) -> dict[int, int]:
        return {
            line: sum(parts.values()) - self.reversed[line] for line, parts in self.by_line.items()
        }


@written_at_once
def reverse(reversal: Reversal) -> Transfer | None:
    """Take a transfer back, or lines of it; None where nothing is left to move.

    Of an earning: what the member has no longer becomes a debt (``within_balance``: is left to the
    payers), and what it reserved is taken too, the newest reservation first; what has lapsed
    already went back. Of a spending: repays a debt, then fills the lots
    it came from; a lapsed one for 30 days. Nothing moves for members who left. TooMuchErrorFinal:
    a line would be taken back twice.
    """
    try:
        original = Transfer.objects.get(
            pk=reversal.transfer_id, association_id=reversal.association_id
        )
    except Transfer.DoesNotExist as error:
        raise LedgerErrorFinal("no such transfer") from error
    if original.kind not in (Transfer.Kind.EARN, Transfer.Kind.REDEEM):
        raise LedgerErrorFinal(f"what was {original.kind} can't be reversed")
    book = Book()
    whose = _whose(book, original)
    digest = requests.digest("reverse", reversal)
    if done := answered({reversal.key: digest}):
        return done[reversal.key]
    if whose is None:
        return None
    account = _all_of(book, *whose, reversal)
    moved = _moved(original, account)
    amounts = _wanted(moved, reversal)
    take = _take_earning if original.kind == Transfer.Kind.EARN else _give_back
    transfer = take(book, moved, amounts, reversal, digest)
    book.write()
    return transfer


def _whose(book: Book, original: Transfer) -> tuple[list[int], int] | None:
    """Lock the accounts of the member whom a transfer was about, and of whom it was merged into;
    return these members, the last is the one that stays, and the asset. None: the member left."""
    entries = original.entries.filter(account__role__in=(Role.MEMBER, Role.DEBT))
    first = entries.select_related("account").first()
    if first is None or first.account.member_id is None:
        return None
    members, asset_id = _merges(first.account.member_id), first.account.asset_id
    book.lock_members([(member, asset_id) for member in members], create=True)
    if _merges(members[0]) != members:
        raise MovedTemporary
    return members, asset_id


def _merges(member_id: int) -> list[int]:
    """Return a member, and whom it was merged into, over all merges."""
    into = Member.objects.filter(pk=member_id).values_list("merged_into", flat=True).first()
    return [member_id] if into is None else [member_id, *_merges(into)]


def _all_of(book: Book, members: Sequence[int], asset_id: int, reversal: Reversal) -> Account:
    """Return the account of the member that stays, with what doubles got after their merging: what
    is taken back is taken from the lots that it brought, or they lapse to the payers once more."""
    *doubles, stays = members
    for double in doubles:
        asked = book.by_itself("merge", asset_id, reversal.occurred_at, "system:merge")
        take_over(book, (double, stays), asset_id, asked)
    if doubles:
        book.write()
    return book.members_account(stays, asset_id)


def _moved(original: Transfer, account: Account) -> _Moved:
    side = -1 if original.kind == Transfer.Kind.EARN else 1
    others = Entry.objects.exclude(account__role__in=(Role.MEMBER, Role.DEBT))
    by_line: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for entry in others.filter(transfer=original).order_by("pk"):
        by_line[entry.line or 0][entry.account_id] += side * entry.amount
    back: dict[int, int] = defaultdict(int)
    for entry in others.filter(transfer__reverses=original):
        back[entry.line or 0] -= side * entry.amount
    return _Moved(original, account, by_line, back)


def _wanted(moved: _Moved, reversal: Reversal) -> dict[int, int]:
    left = moved.left()
    if reversal.amounts is None:
        return left
    for line, amount in reversal.amounts.items():
        if not 0 <= amount <= left.get(line, 0):
            raise TooMuchErrorFinal(f"line {line}: {left.get(line, 0)} left to take back")
    return dict(reversal.amounts)


def _capped(amounts: Mapping[int, int], limit: int) -> dict[int, int]:
    """Return amounts by line, cut off where their sum passes a limit."""
    found = {}
    for line in sorted(amounts):
        found[line] = min(amounts[line], limit)
        limit -= found[line]
    return found


def _other_legs(book: Book, moved: _Moved, amounts: Mapping[int, int], side: int) -> list[Leg]:
    """Return the legs of the other side: each line's payers in their proportions."""
    parts: list[tuple[int, int, int]] = []
    for line, amount in amounts.items():
        payers = moved.by_line[line]
        split = shares(amount, [*payers.values()], before=moved.reversed[line])
        parts += [(pk, side * n, line) for pk, n in zip(payers, split, strict=True)]
    accounts = book.lock_payers({pk for pk, n, _ in parts if n})
    return [Leg(accounts[pk], n, line) for pk, n, line in parts if n]


def _take_earning(
    book: Book, moved: _Moved, amounts: dict[int, int], reversal: Reversal, digest: str
) -> Transfer | None:
    account = moved.account
    lapse(book, account, local_day(reversal.association_id))
    book.write()
    own = awards.lots_of(moved.original)
    amounts = _capped(amounts, sum(moved.left().values()) - awards.lapsed(own))
    there = account.balance
    if reversal.within_balance:
        amounts = _capped(amounts, there)
    total = sum(amounts.values())
    if not total:
        return None
    taken = min(total, there)
    void_beyond(book, account, account.balance - taken)
    legs = _other_legs(book, moved, amounts, 1)
    if taken < total:
        legs.append(Leg(book.debts_account(account), taken - total))
    legs.append(Leg(account, -taken))
    kind = Transfer.Kind.UNDO if reversal.undo else Transfer.Kind.REVERSE_EARN
    why = {"owed": total - taken} if taken < total else {}
    transfer, entries = book.post(
        reversal,
        kind,
        legs,
        digest,
        receipt_id=reversal.receipt_id,
        reverses=moved.original,
        why=why,
    )
    if taken:
        book.take(entries[-1], account, first=own)
    return transfer


def _give_back(
    book: Book, moved: _Moved, amounts: dict[int, int], reversal: Reversal, digest: str
) -> Transfer | None:
    account, total = moved.account, sum(amounts.values())
    if not total:
        return None
    debt = book.debt(account)
    repaid = min(total, -debt.balance) if debt else 0
    legs = _other_legs(book, moved, amounts, -1)
    if debt and repaid:
        legs.append(Leg(debt, repaid))
    legs.append(Leg(account, total - repaid))
    kind = Transfer.Kind.UNDO if reversal.undo else Transfer.Kind.REVERSE_REDEEM
    transfer, entries = book.post(
        reversal,
        kind,
        legs,
        digest,
        receipt_id=reversal.receipt_id,
        reverses=moved.original,
        why={"repaid": repaid} if repaid else {},
    )
    if total - repaid:
        _refill(book, moved, entries[-1], total - repaid)
    return transfer


def _refill(book: Book, moved: _Moved, entry: Entry, amount: int) -> None:
    """Fill the lots that were spent, the last to lapse first; a lapsed one anew, for a while.

    A lot takes no more than its award has room for: where that was returned meanwhile, other
    awards' lots were taken for it, and these come back.
    """
    spent = LotUse.objects.filter(entry__transfer=moved.original).select_related("lot")
    given = LotUse.objects.filter(entry__transfer__reverses=moved.original)
    today = local_day(moved.original.association_id)
    rooms: dict[UUID, int] = {}
    uses = list(spent.order_by("-pk"))
    for use in uses:
        lot, award = use.lot, awards.award_of(use.lot)
        back = -sum(given.filter(lot=lot).values_list("amount", flat=True))
        renewed = Lot.objects.filter(origin=lot, entry__transfer__reverses=moved.original)
        back += sum(renewed.values_list("amount", flat=True))
        rooms.setdefault(award.pk, awards.room(award))
        part = min(amount, use.amount - back, rooms[award.pk])
        if part <= 0:
            continue
        amount -= part
        rooms[award.pk] -= part
        if lot.expires_on is not None and lot.expires_on <= today:
            book.put(entry, moved.account, today + GRACE, part, origin=lot)
        else:
            book.use(entry, lot, -part)
    if amount:
        amount = _refill_others(book, moved.account, amount, rooms, uses[0].lot.expires_on)
    if amount:  # a merged double's, which is not taken over yet: of whoever gives it back
        book.put(entry, moved.account, today + GRACE, amount)


def _refill_others(
    book: Book, account: Account, amount: int, rooms: dict[UUID, int], until: date | None
) -> int:
    """Make lots of the awards that others' returns were taken from, the newest first; ``until``
    is for one that never had a lot, as all of it repaid a debt. Return what is left."""
    today = local_day(book.asset(account.asset_id).association_id)
    for award, brought in awards.awards_of(account):
        part = min(amount, rooms.setdefault(award.pk, awards.room(award)))
        if part <= 0:
            continue
        dates = [lot.expires_on for lot in awards.lots_of(award)] or [until]
        last = max(day or date.max for day in dates)
        last = last if last > today else today + GRACE
        book.put(brought, account, None if last == date.max else last, part)
        amount -= part
        if not amount:
            break
    return amount
