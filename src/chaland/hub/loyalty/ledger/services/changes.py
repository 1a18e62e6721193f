"""What is no purchase: corrections, sponsors' money, settled statements, merging, leaving."""

from datetime import datetime

from chaland.hub.loyalty.ledger import requests
from chaland.hub.loyalty.ledger.book import Book, Leg, answered, written_at_once
from chaland.hub.loyalty.ledger.postings import (
    Asked,
    Correction,
    Funding,
    NotEnoughErrorFinal,
    Settlement,
)
from chaland.hub.loyalty.ledger.services.expiry import withdraw
from chaland.hub.loyalty.ledger.services.spending import spendable_account
from chaland.hub.loyalty.models import Account, Hold, Lot, Transfer

Role = Account.Role


@written_at_once
def adjust(correction: Correction) -> Transfer:
    """Give a member units or take some, as staff; giving repays no debt. NotEnoughErrorFinal."""
    book = Book()
    pair = (correction.member_id, correction.asset_id)
    book.lock_members([pair], create=correction.amount > 0)
    digest = requests.digest("adjust", correction)
    if done := answered({correction.key: digest}):
        return done[correction.key]
    book.check(correction, correction.asset_id)
    account = (
        book.members_account(*pair)
        if correction.amount > 0
        else spendable_account(book, *pair, -correction.amount)
    )
    payer = book.payer(correction.shop_id, correction.asset_id)
    legs = [Leg(account, correction.amount), Leg(payer, -correction.amount)]
    transfer, entries = book.post(
        correction, Transfer.Kind.ADJUST, legs, digest, why=correction.why
    )
    if correction.amount > 0:
        book.put(entries[0], account, correction.expires_on, correction.amount)
    else:
        book.take(entries[0], account)
    book.write()
    return transfer


@written_at_once
def fund(funding: Funding) -> Transfer:
    """Enter what a sponsor paid in, or got back. NotEnoughErrorFinal: more than is left."""
    book = Book()
    book.lock_sponsors([(funding.sponsor_id, funding.asset_id)])
    digest = requests.digest("fund", funding)
    if done := answered({funding.key: digest}):
        return done[funding.key]
    book.check(funding, funding.asset_id)
    sponsor = book.sponsor(funding.sponsor_id, funding.asset_id)
    if sponsor.balance + funding.amount < 0:
        raise NotEnoughErrorFinal(sponsor.balance)
    outside = book.one(Role.OUTSIDE, funding.asset_id)
    legs = [Leg(sponsor, funding.amount), Leg(outside, -funding.amount)]
    transfer, _entries = book.post(funding, Transfer.Kind.FUND, legs, digest)
    book.write()
    return transfer


@written_at_once
def settle(settlement: Settlement) -> Transfer:
    """Enter what a shop paid (above zero) or was paid by bank."""
    book = Book()
    digest = requests.digest("settle", settlement)
    if done := answered({settlement.key: digest}):
        return done[settlement.key]
    book.check(settlement, settlement.asset_id)
    shop = book.payer(settlement.shop_id, settlement.asset_id)
    outside = book.one(Role.OUTSIDE, settlement.asset_id)
    legs = [Leg(shop, settlement.amount), Leg(outside, -settlement.amount)]
    transfer, _entries = book.post(settlement, Transfer.Kind.SETTLE, legs, digest)
    book.write()
    return transfer


@written_at_once
def merge(from_member: int, to_member: int, *, occurred_at: datetime, actor: str) -> list[Transfer]:
    """Take all that a member has, owes and has reserved over to another; [] where there is nothing.

    Lots keep their dates. Doing it again moves what has come in between.
    """
    book = Book()
    assets = sorted(
        set(Account.objects.filter(member=from_member).values_list("asset_id", flat=True))
    )
    if from_member == to_member or not assets:
        return []
    pairs = [(member, asset) for member in (from_member, to_member) for asset in assets]
    book.lock_members(pairs, create=True)
    moved = []
    for asset_id in assets:
        asked = book.by_itself("merge", asset_id, occurred_at, actor)
        made = take_over(book, (from_member, to_member), asset_id, asked)
        moved += [made] if made else []
    book.write()
    return moved


def take_over(book: Book, pair: tuple[int, int], asset_id: int, asked: Asked) -> Transfer | None:
    """Move all of one asset from the first member to the second, both locked; None: no units were
    there. For a caller in a transaction, who writes the book."""
    source, target = (book.members_account(member, asset_id) for member in pair)
    legs = [Leg(source, -source.balance), Leg(target, source.balance)]
    owing = book.debt(source)
    if owing and owing.balance:
        legs += [Leg(owing, -owing.balance), Leg(book.debts_account(target), owing.balance)]
    Lot.objects.filter(account=source).update(account=target)
    Hold.objects.filter(account=source).update(account=target)
    target.held += source.held
    source.held = 0
    book.touch(source)
    book.touch(target)
    if not any(leg.amount for leg in legs):
        return None
    return book.post(asked, Transfer.Kind.MERGE, legs, "")[0]


@written_at_once
def close(member_id: int, *, occurred_at: datetime, actor: str) -> None:
    """Close the accounts of a member who leaves: reservations are given up, what is unspent goes
    back to who paid for it, the association bears a debt, and the chains' salts are shredded.

    To be called before the member's row goes; the accounts stay, nameless, with their entries.
    """
    book = Book()
    book.lock_members([(member_id, 0)])
    for account in book.all_members_accounts():
        if account.role == Role.MEMBER:
            pending = Hold.objects.filter(account=account, state=Hold.State.PENDING)
            pending.update(state=Hold.State.VOIDED)
            account.held = 0
            withdraw(book, account, book.lots(account), account.balance, actor)
        elif account.balance:
            house = book.one(Role.HOUSE, account.asset_id)
            legs = [Leg(account, -account.balance), Leg(house, account.balance)]
            asked = book.by_itself("close", account.asset_id, occurred_at, actor)
            book.post(asked, Transfer.Kind.ADJUST, legs, "")
        account.chain_salt = None
        book.touch(account)
    book.write()
