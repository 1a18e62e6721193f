"""Earning: the one way in, for a receipt at the till and for a thousand from a file."""

from collections.abc import Mapping, Sequence

from chaland.hub.loyalty.ledger import requests
from chaland.hub.loyalty.ledger.book import Book, Leg, answered, written_at_once
from chaland.hub.loyalty.ledger.postings import Award, LedgerErrorFinal, Part
from chaland.hub.loyalty.models import Account, Transfer


@written_at_once
def earn(awards: Sequence[Award]) -> list[Transfer]:
    """Post awards in a transaction of their own, or a part of one; see `earn_inside`."""
    return earn_inside(awards)


def earn_inside(awards: Sequence[Award]) -> list[Transfer]:
    """Post awards; return a transfer for each, in order. All or none.

    A debt is repaid first (``why["repaid"]``). A sponsor pays as long as the budget lasts; what it
    doesn't pay isn't earned (``why["unfunded"]``). LedgerErrorFinal: another shop's asset, no such
    member or sponsor, a negative part. KeyReusedErrorFinal: the key was used for another award.
    For a caller in a transaction, who lets these errors undo all of it.
    """
    digests = _digests(awards)
    book = Book()
    book.lock_members({(a.member_id, a.asset_id) for a in awards}, create=True)
    book.lock_sponsors(
        {(part.sponsor_id, a.asset_id) for a in awards for part in a.parts if part.sponsor_id}
    )
    done = answered(digests)  # asked under lock: another may have been faster
    fresh = [award for award in awards if award.key not in done]
    if fresh:
        book.load_shops({(a.shop_id, a.asset_id) for a in fresh})
        for award in fresh:
            if award.key not in done:  # it may stand twice in a batch
                done[award.key] = _earn(book, award, digests[award.key])
        book.write()
    return [done[award.key] for award in awards]


def _digests(awards: Sequence[Award]) -> Mapping[str, str]:
    digests: dict[str, str] = {}
    for award in awards:
        if any(part.amount < 0 for part in award.parts):
            raise LedgerErrorFinal("an award's part is negative: use a reversal")
        digest = requests.digest("earn", award)
        if digests.setdefault(award.key, digest) != digest:
            raise LedgerErrorFinal("two awards of one batch have the same key")
    return digests


def _earn(book: Book, award: Award, digest: str) -> Transfer:
    book.check(award, award.asset_id)
    account = book.members_account(award.member_id, award.asset_id)
    legs, unfunded = _payers(book, award)
    total = -sum(leg.amount for leg in legs)
    debt = book.debt(account)
    repaid = min(total, -debt.balance) if debt else 0
    why = dict(award.why)
    if repaid:
        why["repaid"] = repaid
    if unfunded:
        why["unfunded"] = unfunded
    if debt and repaid:
        legs.append(Leg(debt, repaid))
    legs.append(Leg(account, total - repaid))
    transfer, entries = book.post(
        award, Transfer.Kind.EARN, legs, digest, receipt_id=award.receipt_id, why=why
    )
    if total - repaid:
        book.put(entries[-1], account, award.expires_on, total - repaid)
    return transfer


def _payers(book: Book, award: Award) -> tuple[list[Leg], int]:
    """Return a leg for each payer and line, and what sponsors' budgets had not left."""
    sums: dict[tuple[int, int], int] = {}
    accounts: dict[int, Account] = {}
    budgets: dict[int, int] = {}
    unfunded = 0
    for part in award.parts:
        payer = _payer(book, award, part)
        amount = part.amount
        if part.sponsor_id:
            left = budgets.setdefault(payer.pk, payer.balance - payer.held)
            amount = min(amount, left)
            budgets[payer.pk] -= amount
            unfunded += part.amount - amount
        accounts[payer.pk] = payer
        sums[payer.pk, part.line] = sums.get((payer.pk, part.line), 0) + amount
    legs = [Leg(accounts[pk], -amount, line) for (pk, line), amount in sums.items() if amount]
    return legs, unfunded


def _payer(book: Book, award: Award, part: Part) -> Account:
    if part.sponsor_id:
        return book.sponsor(part.sponsor_id, award.asset_id)
    return book.payer(award.shop_id, award.asset_id)
