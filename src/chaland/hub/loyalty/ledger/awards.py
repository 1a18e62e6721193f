"""What an award brought in and where it is now: in lots, lapsed, taken back; else it is spent."""

from collections.abc import Iterator

from django.db.models import Sum

from chaland.hub.loyalty.models import Account, Entry, Lot, LotUse, Transfer

Role = Account.Role
Kind = Transfer.Kind
_MEMBERS = (Role.MEMBER, Role.DEBT)


def award_of(lot: Lot) -> Transfer:
    """Return the transfer that brought a lot in, however often it was made anew since."""
    while lot.origin is not None:
        lot = lot.origin
    return lot.entry.transfer


def lots_of(award: Transfer) -> list[Lot]:
    """Return an award's lots, and those that were made anew from them, however often."""
    every = found = list(Lot.objects.filter(entry__transfer=award))
    while found := list(Lot.objects.filter(origin__in=found)):
        every = every + found
    return every


def lapsed(lots: list[Lot]) -> int:
    """Return what of lots went back to the payers by lapsing."""
    uses = LotUse.objects.filter(lot__in=lots, entry__transfer__kind=Kind.EXPIRE)
    return uses.aggregate(sum=Sum("amount"))["sum"] or 0


def room(award: Transfer) -> int:
    """Return what of an award is in no lot and hasn't gone back to its payers: spent, or taken by
    another award's return. Its lots may be filled by so much: beyond, its payers would get back
    more than they paid, and another award's return would make a debt that nobody has."""
    others = Entry.objects.exclude(account__role__in=_MEMBERS)
    paid = others.filter(transfer=award) | others.filter(transfer__reverses=award)
    lots = lots_of(award)
    unpaid = -(paid.aggregate(sum=Sum("amount"))["sum"] or 0)
    return unpaid - lapsed(lots) - sum(lot.left for lot in lots)


def awards_of(account: Account) -> Iterator[tuple[Transfer, Entry]]:
    """Yield all that brought something in for a member's account and those merged into it, the
    newest first, each with the member's entry."""
    accounts = {account.pk}
    while more := _merged_with(accounts) - accounts:
        accounts |= more
    entries = Entry.objects.filter(
        account__in=accounts, amount__gt=0, transfer__kind__in=(Kind.EARN, Kind.ADJUST)
    ).select_related("transfer")
    seen = set()
    for entry in entries.order_by("-transfer__recorded_at", "-pk"):
        if entry.transfer_id not in seen:
            seen.add(entry.transfer_id)
            yield entry.transfer, entry


def _merged_with(accounts: set[int]) -> set[int]:
    """Return the accounts that merges moved something between, and the debts beside them."""
    moved = Transfer.objects.filter(kind=Kind.MERGE, entries__account__in=accounts)
    found = set(Account.objects.filter(entries__transfer__in=moved).values_list("pk", flat=True))
    owners = Account.objects.filter(pk__in=accounts, member__isnull=False)
    beside = Account.objects.filter(role__in=_MEMBERS)
    for member_id, asset_id in owners.values_list("member_id", "asset_id"):
        found |= set(
            beside.filter(member_id=member_id, asset_id=asset_id).values_list("pk", flat=True)
        )
    return found
