"""What a month's entries say: each shop's part, who gained from whom, where the money is."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Sum

from chaland.hub.loyalty.clearing import rules
from chaland.hub.loyalty.ledger.rules import shares
from chaland.hub.loyalty.ledger.selectors import payers_of
from chaland.hub.loyalty.models import Account, Asset, Entry, LotUse, Transfer

Kind = Transfer.Kind
Role = Account.Role
_COLUMN = {
    Kind.EARN: "earned",
    Kind.REDEEM: "spent",
    Kind.REVERSE_EARN: "reversed",
    Kind.REVERSE_REDEEM: "reversed",
    Kind.UNDO: "reversed",
    Kind.EXPIRE: "lapsed",
    Kind.ADJUST: "adjusted",
}


@dataclass
class Part:
    """A shop's month, in cents. All but ``earned`` as the shop's account has it: above zero is in
    the shop's favour."""

    earned: int = 0
    """What it gave its customers: it owes that."""
    spent: int = 0
    reversed: int = 0
    lapsed: int = 0
    adjusted: int = 0

    @property
    def given(self) -> int:
        """What it gave its customers, as its account has it: below zero."""
        return -self.earned

    @property
    def other(self) -> int:
        """Returns, what lapsed, and corrections together: what is seldom."""
        return self.reversed + self.lapsed + self.adjusted

    @property
    def net(self) -> int:
        """Above zero: it is paid; below: it pays."""
        return self.spent + self.reversed + self.lapsed + self.adjusted - self.earned


def entries_between(asset: Asset, after: int, last: int) -> QuerySet[Entry]:
    """Return an asset's entries with a number above ``after``, up to ``last``."""
    return Entry.objects.filter(account__asset=asset, pk__gt=after, pk__lte=last)


def parts(asset: Asset, after: int, last: int) -> dict[int, Part]:
    """Return each shop's part. What was settled by bank is no part of it."""
    found: dict[int, Part] = defaultdict(Part)
    rows = (
        entries_between(asset, after, last)
        .filter(account__role=Role.SHOP)
        .exclude(transfer__kind=Kind.SETTLE)
        .values_list("account__shop_id", "transfer__kind")
        .annotate(sum=Sum("amount"))
        .order_by()
    )
    for shop_id, kind, cents in rows:
        column = _COLUMN[Kind(kind)]
        part = found[shop_id or 0]
        setattr(part, column, getattr(part, column) + (-cents if column == "earned" else cents))
    return dict(found)


def by_role(asset: Asset, after: int, last: int) -> dict[str, int]:
    """Return what each kind of account gained: their sum is zero, or the ledger is broken."""
    rows = entries_between(asset, after, last).values_list("account__role")
    unsettled = rows.exclude(transfer__kind=Kind.SETTLE)
    return dict(
        unsettled.annotate(sum=Sum("amount")).order_by().values_list("account__role", "sum")
    )


def gained(asset: Asset, after: int, last: int) -> dict[int, dict[int, int]]:
    """Return, for each shop, what was spent there by the account that had paid for it: only cells
    with enough members behind them, and none that subtraction would reveal."""
    uses = _uses(asset, after, last)
    payers = payers_of(sorted({lot_id for _, lot_id, _, _ in uses}))
    cents: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    members: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for shop_id, lot_id, member, amount in uses:
        weights = payers[lot_id]
        sign = 1 if amount > 0 else -1
        split = shares(abs(amount), list(weights.values()))
        for payer, part in zip(weights, split, strict=True):
            cents[shop_id][payer] += sign * part
            members[shop_id][payer].add(member)
    return {
        shop_id: rules.shown(
            {
                payer: (amount, frozenset(members[shop_id][payer]))
                for payer, amount in column.items()
                if amount > 0
            }
        )
        for shop_id, column in cents.items()
    }


def _uses(asset: Asset, after: int, last: int) -> list[tuple[int, int, int, int]]:
    """Return (shop, lot, member's account, cents) of what was spent, and given back."""
    spent = Q(entry__transfer__kind=Kind.REDEEM) | Q(entry__transfer__reverses__kind=Kind.REDEEM)
    uses = LotUse.objects.filter(
        spent, entry__account__asset=asset, entry__pk__gt=after, entry__pk__lte=last
    )
    at = {
        transfer_id: shop_id
        for transfer_id, shop_id in entries_between(asset, after, last)
        .filter(account__role=Role.SHOP, transfer__in=uses.values("entry__transfer"))
        .values_list("transfer_id", "account__shop_id")
    }
    rows = uses.values_list("entry__transfer_id", "lot_id", "entry__account_id", "amount")
    return [
        (at[transfer] or 0, lot, account, amount)
        for transfer, lot, account, amount in rows
        if transfer in at
    ]


def float_at(asset: Asset, last: int) -> int:
    """Return what members hold, their debts taken off, after the entry numbered ``last``."""
    held = Entry.objects.filter(
        account__asset=asset, account__role__in=(Role.MEMBER, Role.DEBT), pk__lte=last
    )
    return held.aggregate(sum=Sum(F("amount")))["sum"] or 0
