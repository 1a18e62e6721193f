"""Reservations: posted once, or given up once, or out of time."""

from datetime import datetime, timedelta
from uuid import UUID

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger import requests
from chaland.hub.loyalty.ledger.book import Book, MovedTemporary, answered, written_at_once
from chaland.hub.loyalty.ledger.postings import (
    Asked,
    HoldOverErrorFinal,
    KeyReusedErrorFinal,
    LedgerErrorFinal,
    Reservation,
)
from chaland.hub.loyalty.ledger.services.spending import spend, spendable_account
from chaland.hub.loyalty.models import Account, Hold, Transfer


@written_at_once
def reserve(reservation: Reservation) -> Hold:
    """Reserve a part of what is spendable. NotEnoughErrorFinal says how much that is."""
    book = Book()
    book.lock_members([(reservation.member_id, reservation.asset_id)])
    digest = requests.digest("reserve", reservation)
    if done := Hold.objects.filter(idempotency_key=reservation.key).first():
        if done.request_digest != digest:
            raise KeyReusedErrorFinal("this key was used for another request")
        return done
    book.check(reservation, reservation.asset_id)
    account = spendable_account(
        book, reservation.member_id, reservation.asset_id, reservation.amount
    )
    account.held += reservation.amount
    book.touch(account)
    book.write()
    return Hold.objects.create(
        account=account,
        amount=reservation.amount,
        idempotency_key=reservation.key,
        request_digest=digest,
        shop_id=reservation.shop_id,
        reward_id=reservation.reward_id,
        actor=reservation.actor,
        made_at=book.now,
        expires_at=clock.real_now() + timedelta(seconds=reservation.ttl_s),
    )


@written_at_once
def confirm(
    hold_id: UUID,
    key: str,
    *,
    amount: int | None = None,
    receipt_id: int | None = None,
    occurred_at: datetime,
    actor: str,
) -> Transfer:
    """Spend what was reserved, or a part of it; the rest is free again.

    HoldOverErrorFinal: it was spent, given up or ran out of time. LedgerErrorFinal: more than was
    reserved.
    """
    book = Book()
    account, hold = _locked(book, hold_id)
    asked = Asked(
        key=key,
        association_id=book.asset(account.asset_id).association_id,
        shop_id=hold.shop_id,
        occurred_at=occurred_at,
        actor=actor,
    )
    spent = hold.amount if amount is None else amount
    digest = requests.digest("confirm", asked, hold=hold_id, spent=spent, receipt=receipt_id)
    if done := answered({key: digest}):
        return done[key]
    if hold.state != Hold.State.PENDING or hold.expires_at <= clock.real_now():
        raise HoldOverErrorFinal(f"the reservation is {hold.state}")
    if not 0 < spent <= hold.amount:
        raise LedgerErrorFinal(f"between 1 and {hold.amount} was reserved")
    account.held -= hold.amount
    transfer = spend(book, account, asked, spent, digest, receipt_id=receipt_id)
    book.write()
    _end(hold, Hold.State.POSTED, transfer)
    return transfer


@written_at_once
def cancel(hold_id: UUID) -> Hold:
    """Give a reservation up; the same again changes nothing. HoldOverErrorFinal: it was spent."""
    book = Book()
    account, hold = _locked(book, hold_id)
    if hold.state == Hold.State.POSTED:
        raise HoldOverErrorFinal("the reservation was spent")
    if hold.state == Hold.State.PENDING:
        account.held -= hold.amount
        book.touch(account)
        book.write()
        _end(hold, Hold.State.VOIDED)
    return hold


def void_beyond(book: Book, account: Account, left: int) -> None:
    """Void reservations of a locked account, the newest first, until they reserve ``left`` at
    most: what a return takes back can't be kept out of its reach by reserving it."""
    pending = Hold.objects.select_for_update().filter(account=account, state=Hold.State.PENDING)
    for hold in pending.order_by("-made_at", "-pk"):
        if account.held <= left:
            return
        account.held -= hold.amount
        book.touch(account)
        _end(hold, Hold.State.VOIDED)


def _locked(book: Book, hold_id: UUID) -> tuple[Account, Hold]:
    """Lock a hold's account, then the hold; HoldOverErrorFinal where there is no such hold."""
    account_id = Hold.objects.filter(pk=hold_id).values_list("account_id", flat=True).first()
    if account_id is None:
        raise HoldOverErrorFinal("no such reservation")
    account = book.lock_account(account_id)
    hold = Hold.objects.select_for_update().get(pk=hold_id)
    if hold.account_id != account_id:
        raise MovedTemporary
    return account, hold


def _end(hold: Hold, state: str, transfer: Transfer | None = None) -> None:
    hold.state, hold.transfer = state, transfer
    hold.save(update_fields=["state", "transfer"])
