"""Spending: never more than is spendable at this moment, the first to lapse first."""

from collections.abc import Mapping

from chaland.hub.loyalty.ledger import requests
from chaland.hub.loyalty.ledger.book import Book, Leg, answered, local_day, written_at_once
from chaland.hub.loyalty.ledger.postings import (
    Asked,
    LedgerErrorFinal,
    NotEnoughErrorFinal,
    Spending,
)
from chaland.hub.loyalty.ledger.services.expiry import lapse
from chaland.hub.loyalty.models import Account, Transfer


@written_at_once
def redeem(spending: Spending) -> Transfer:
    """Spend at a shop. NotEnoughErrorFinal says how much there is."""
    book = Book()
    book.lock_members([(spending.member_id, spending.asset_id)])
    digest = requests.digest("redeem", spending)
    if done := answered({spending.key: digest}):
        return done[spending.key]
    book.check(spending, spending.asset_id)
    account = spendable_account(book, spending.member_id, spending.asset_id, spending.amount)
    transfer = spend(
        book,
        account,
        spending,
        spending.amount,
        digest,
        receipt_id=spending.receipt_id,
        why=spending.why,
    )
    book.write()
    return transfer


def spendable_account(book: Book, member_id: int, asset_id: int, amount: int) -> Account:
    """Return a member's account that can spend ``amount`` now, lapsed lots and holds apart."""
    if amount <= 0:
        raise LedgerErrorFinal("an amount must be above zero")
    account = book.member(member_id, asset_id)
    if account is None:
        raise NotEnoughErrorFinal(0)
    lapse(book, account, local_day(book.asset(asset_id).association_id))
    if amount > book.spendable(account):
        raise NotEnoughErrorFinal(book.spendable(account))
    return account


def spend(
    book: Book,
    account: Account,
    asked: Asked,
    amount: int,
    digest: str,
    *,
    receipt_id: int | None,
    why: Mapping[str, object] | None = None,
) -> Transfer:
    """Enter the transfer of what was found spendable or was reserved."""
    shop = book.payer(asked.shop_id, account.asset_id)
    legs = [Leg(account, -amount), Leg(shop, amount)]
    transfer, entries = book.post(
        asked, Transfer.Kind.REDEEM, legs, digest, receipt_id=receipt_id, why=why
    )
    book.take(entries[0], account)
    return transfer
