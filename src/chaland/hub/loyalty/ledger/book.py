"""An open book: accounts under lock, and the entries, lots and transfers that are written."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, transaction

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.fields import uuid7
from chaland.hub.loyalty.ledger import chain
from chaland.hub.loyalty.ledger.accounts import Accounts
from chaland.hub.loyalty.ledger.postings import Asked, KeyReusedErrorFinal
from chaland.hub.loyalty.models import (
    Account,
    Entry,
    Lot,
    LotUse,
    Transfer,
)

Role = Account.Role
_P = ParamSpec("_P")
_R = TypeVar("_R")
_CACHED = (Role.MEMBER, Role.DEBT, Role.SPONSOR)
"""Accounts whose balance is kept in their row."""


class MovedTemporary(Exception):
    """A merge moved what was about to be locked."""


def written_at_once(service: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a service in one transaction. Where another request used its idempotency key at the same
    moment for something else, the loser is told so; where a merge took the accounts away, the
    service begins anew (its savepoint's end lets go of its locks)."""

    @wraps(service)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        while True:
            try:
                with transaction.atomic(using="loyalty"):
                    return service(*args, **kwargs)
            except MovedTemporary:
                continue
            except IntegrityError as error:
                if "idempotency_key" not in str(error):
                    raise
                raise KeyReusedErrorFinal("this key was used for another request") from error

    return wrapped


_ENTRY = ("transfer", "account", "amount", "line", "position", "commitment", "digest")
_LOT = ("entry", "account", "amount", "left", "expires_on", "origin")
_USE = ("entry", "lot", "amount")
_TRANSFER = (
    *("id", "association_id", "kind", "idempotency_key", "request_digest", "shop_id", "receipt"),
    *("reverses", "occurred_at", "recorded_at", "actor", "why"),
)
_FEW = 50
"""So few entries go in at once, whether their keys are needed or not."""


@dataclass(frozen=True)
class Leg:
    """One account's part of a transfer to be."""

    account: Account
    amount: int
    line: int | None = None


class Book(Accounts):
    """Accounts under lock and rows to write. ``write`` once, at the end, in the transaction."""

    def __init__(self) -> None:
        super().__init__()
        self._touched: dict[int, Account] = {}
        self._entries: list[Entry] = []
        self._transfers: list[Transfer] = []
        self._lots: list[Lot] = []
        self._uses: list[LotUse] = []
        self._changed_lots: dict[int, Lot] = {}
        self._open_lots: dict[int, list[Lot]] = {}
        self.now = clock.now()

    # Lots --------------------------------------------------------------------------------------

    def lots(self, account: Account) -> list[Lot]:
        """Return an account's lots that hold something, the first to lapse first."""
        if account.pk not in self._open_lots:
            self._open_lots[account.pk] = sorted(
                Lot.objects.filter(account=account, left__gt=0),
                key=lambda lot: (lot.expires_on or date.max, lot.pk),
            )
        return [lot for lot in self._open_lots[account.pk] if lot.left]

    def put(
        self,
        entry: Entry,
        account: Account,
        expires_on: date | None,
        amount: int,
        *,
        origin: Lot | None = None,
    ) -> None:
        """What an entry brought in, or a part of it, becomes a lot."""
        self._lots.append(
            Lot(
                entry=entry,
                account=account,
                amount=amount,
                left=amount,
                expires_on=expires_on,
                origin=origin,
            )
        )

    def use(self, entry: Entry, lot: Lot, amount: int) -> None:
        """An entry takes ``amount`` from a lot, or gives it back (negative)."""
        lot.left -= amount
        self._changed_lots[lot.pk] = lot
        self._uses.append(LotUse(entry=entry, lot=lot, amount=amount))

    def take(self, entry: Entry, account: Account, first: Sequence[Lot] = ()) -> None:
        """Take what an entry moves out from lots: from ``first``, then the first to lapse."""
        missing = -entry.amount
        own = {lot.pk for lot in first}
        lots = self.lots(account)
        for lot in [*(lot for lot in lots if lot.pk in own), *lots]:
            part = min(missing, lot.left)
            if part:
                self.use(entry, lot, part)
                missing -= part
        if missing:
            raise AssertionError(f"account {account.pk}: {missing} in no lot")

    def by_itself(self, name: str, asset_id: int, occurred_at: datetime, actor: str) -> Asked:
        """Return what is asked where the state itself makes that it happens once."""
        return Asked(
            key=f"{name}:{uuid7()}",
            association_id=self.asset(asset_id).association_id,
            shop_id=None,
            occurred_at=occurred_at,
            actor=actor,
        )

    # Writing -----------------------------------------------------------------------------------

    def post(
        self,
        asked: Asked,
        kind: str,
        legs: Iterable[Leg],
        request_digest: str,
        *,
        receipt_id: int | None = None,
        reverses: Transfer | None = None,
        why: Mapping[str, object] | None = None,
    ) -> tuple[Transfer, list[Entry]]:
        """Enter a transfer; return it with its entries in the order of the legs that move."""
        transfer = Transfer(
            id=uuid7(),
            association_id=asked.association_id,
            kind=kind,
            idempotency_key=asked.key,
            request_digest=request_digest,
            shop_id=asked.shop_id,
            receipt_id=receipt_id,
            reverses=reverses,
            occurred_at=asked.occurred_at,
            recorded_at=self.now,
            actor=asked.actor,
            why=dict(why or {}),
        )
        entries = [self._entry(transfer, leg) for leg in legs if leg.amount]
        chained = [entry for entry in entries if entry.account.chain_salt is not None]
        said = chain.facts(transfer, entries) if chained else b""
        for entry in chained:
            chain.append(entry.account, entry, said)
        self._entries += entries
        self._transfers.append(transfer)
        return transfer, entries

    def _entry(self, transfer: Transfer, leg: Leg) -> Entry:
        if leg.account.role in _CACHED:
            leg.account.balance += leg.amount
            self.touch(leg.account)
        return Entry(transfer_id=transfer.pk, account=leg.account, amount=leg.amount, line=leg.line)

    def touch(self, account: Account) -> None:
        """Write an account's row at the end."""
        self._touched[account.pk] = account

    def write(self) -> None:
        """Write everything: entries, lots, then the transfers' rows, which seal them."""
        # All past the ORM, which would be half of the cost, and lots and their uses alone name an
        # entry: the others, most of a long receipt's, need no key back.
        named = {id(lot.entry) for lot in self._lots} | {id(use.entry) for use in self._uses}
        keyed = self._entries
        if len(keyed) > _FEW:
            keyed = [entry for entry in self._entries if id(entry) in named]
            bulk.insert(Entry, _ENTRY, (_row(e) for e in self._entries if id(e) not in named))
        keys = bulk.insert_keyed(Entry, _ENTRY, (_row(entry) for entry in keyed))
        for entry, key in zip(keyed, keys, strict=True):
            entry.pk = key
        bulk.insert(Lot, _LOT, (_lot(lot) for lot in self._lots))
        bulk.insert(LotUse, _USE, ((use.entry.pk, use.lot_id, use.amount) for use in self._uses))
        bulk.insert(Transfer, _TRANSFER, (_transfer(each) for each in self._transfers))
        bulk.update(Lot, ("left",), ((lot.left, lot.pk) for lot in self._changed_lots.values()))
        bulk.update(
            Account,
            ("balance", "held", "chain_position", "chain_digest", "chain_salt"),
            (
                (a.balance, a.held, a.chain_position, a.chain_digest, a.chain_salt, a.pk)
                for a in self._touched.values()
            ),
        )
        self._entries, self._transfers, self._lots, self._uses = [], [], [], []
        self._touched.clear()
        self._changed_lots.clear()
        self._open_lots.clear()


def _row(entry: Entry) -> tuple[object, ...]:
    return (
        entry.transfer_id,
        entry.account_id,
        entry.amount,
        entry.line,
        entry.position,
        entry.commitment,
        entry.digest,
    )


def _lot(lot: Lot) -> tuple[object, ...]:
    return (lot.entry.pk, lot.account_id, lot.amount, lot.left, lot.expires_on, lot.origin_id)


def _transfer(transfer: Transfer) -> tuple[object, ...]:
    return (
        transfer.pk,
        transfer.association_id,
        str(transfer.kind),
        transfer.idempotency_key,
        transfer.request_digest,
        transfer.shop_id,
        transfer.receipt_id,
        transfer.reverses_id,
        transfer.occurred_at,
        transfer.recorded_at,
        transfer.actor,
        json.dumps(transfer.why),
    )


def answered(digests: Mapping[str, str]) -> dict[str, Transfer]:
    """Return the transfers that keys were used for; KeyReusedErrorFinal for another request."""
    found = {
        each.idempotency_key: each
        for each in Transfer.objects.filter(idempotency_key__in=list(digests))
    }
    for key, transfer in found.items():
        if transfer.request_digest != digests[key]:
            raise KeyReusedErrorFinal("this key was used for another request")
    return found


def local_day(association_id: int) -> date:
    """Return today in an association's time zone: the day by which lots lapse."""
    zone = Association.objects.values_list("timezone", flat=True).get(pk=association_id)
    return clock.today(zone)
