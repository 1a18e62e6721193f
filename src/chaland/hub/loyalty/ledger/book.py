"""An open book: the accounts of a request (or of a batch of them) under lock, and what it writes.

Locks are taken in one order everywhere: all accounts of the members concerned by id, then sponsors'
by id. A member's accounts are locked together, so that several requests about one member in one
transaction wait for nothing that they could block. Shops' accounts are never locked nor counted.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.fields import uuid7
from chaland.hub.loyalty.ledger import chain
from chaland.hub.loyalty.ledger.postings import Asked, KeyReusedErrorFinal, LedgerErrorFinal
from chaland.hub.loyalty.models import (
    Account,
    Asset,
    Entry,
    Lot,
    LotUse,
    Member,
    Sponsor,
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


@dataclass(frozen=True)
class Leg:
    """One account's part of a transfer to be."""

    account: Account
    amount: int
    line: int | None = None


class Book:
    """Accounts under lock and rows to write. ``write`` once, at the end, in the transaction."""

    def __init__(self) -> None:
        self._members: dict[tuple[int | None, int, str], Account] = {}
        self._sponsors: dict[tuple[int | None, int], Account] = {}
        self._shops: dict[tuple[int | None, int], Account] = {}
        self._others: dict[tuple[str, int], Account] = {}
        self._assets: dict[int, Asset] = {}
        self._touched: dict[int, Account] = {}
        self._entries: list[Entry] = []
        self._transfers: list[Transfer] = []
        self._lots: list[Lot] = []
        self._uses: list[LotUse] = []
        self._changed_lots: dict[int, Lot] = {}
        self._open_lots: dict[int, list[Lot]] = {}
        self.now = clock.now()

    # Opening -----------------------------------------------------------------------------------

    def lock_members(self, wanted: Collection[tuple[int, int]], *, create: bool = False) -> None:
        """Lock all accounts of the members of (member, asset) pairs; make those that miss."""
        members = sorted({member for member, _ in wanted})
        if create:
            there = set(
                Account.objects.filter(member__in=members, role=Role.MEMBER).values_list(
                    "member_id", "asset_id"
                )
            )
            self._make_member_accounts(sorted(set(wanted) - there))
        # A debt's account is guarded by the member's beside it. Locks first and rows after them:
        # who waited for a lock would else not see the debt's account that the other made meanwhile.
        every = Account.objects.filter(member__in=members)
        locked = set(_locked(every.filter(role=Role.MEMBER)).values_list("member_id", "asset_id"))
        for account in every:
            if (account.member_id, account.asset_id) in locked:
                self._members[account.member_id, account.asset_id, account.role] = account

    @staticmethod
    def _make_member_accounts(missing: Sequence[tuple[int, int]]) -> None:
        if not missing:
            return
        known = set(
            Member.objects.filter(pk__in={m for m, _ in missing}).values_list("pk", flat=True)
        )
        Account.objects.bulk_create(
            (
                Account(
                    asset_id=asset, role=Role.MEMBER, member_id=member, chain_salt=chain.new_salt()
                )
                for member, asset in missing
                if member in known
            ),
            ignore_conflicts=True,  # another till may make the same account at this moment
        )

    def lock_account(self, account_id: int) -> Account:
        """Lock one member's account, with or without its member (who may have left)."""
        member = Account.objects.values_list("member_id", flat=True).get(pk=account_id)
        if member is not None:
            self.lock_members([(member, 0)])
            return next(a for a in self._members.values() if a.pk == account_id)
        (account,) = _locked(Account.objects.filter(pk=account_id))
        return account

    def lock_sponsors(self, wanted: Collection[tuple[int, int]]) -> None:
        """Lock the accounts of (sponsor, asset) pairs; make those that miss."""
        if not wanted:
            return
        sponsors = {sponsor for sponsor, _ in wanted}
        found = Account.objects.filter(sponsor__in=sponsors)
        there = set(found.values_list("sponsor_id", "asset_id"))
        known = set(Sponsor.objects.filter(pk__in=sponsors).values_list("pk", flat=True))
        Account.objects.bulk_create(
            (
                Account(asset_id=asset, role=Role.SPONSOR, sponsor_id=sponsor)
                for sponsor, asset in sorted(set(wanted) - there)
                if sponsor in known
            ),
            ignore_conflicts=True,
        )
        for account in _locked(Account.objects.filter(sponsor__in=sponsors)):
            self._sponsors[account.sponsor_id, account.asset_id] = account

    def load_shops(self, wanted: Collection[tuple[int | None, int]]) -> None:
        """Find the accounts of (shop, asset) pairs, in one query; make those that miss."""
        missing = {each for each in wanted if each[0] is not None} - self._shops.keys()
        if not missing:
            return
        shops, assets = {shop for shop, _ in missing}, {asset for _, asset in missing}

        def found() -> set[tuple[int | None, int]]:
            rows = Account.objects.filter(role=Role.SHOP, shop_id__in=shops, asset__in=assets)
            self._shops |= {(row.shop_id, row.asset_id): row for row in rows}
            return missing - self._shops.keys()

        if absent := found():
            Account.objects.bulk_create(
                (
                    Account(asset_id=asset, role=Role.SHOP, shop_id=shop)
                    for shop, asset in sorted(absent, key=str)
                ),
                ignore_conflicts=True,
            )
            found()

    # Accounts ----------------------------------------------------------------------------------

    def asset(self, asset_id: int) -> Asset:
        """Return an asset; LedgerErrorFinal where there is none."""
        if asset_id not in self._assets:
            self._assets |= Asset.objects.in_bulk([asset_id])
        if asset_id not in self._assets:
            raise LedgerErrorFinal(f"no asset {asset_id}")
        return self._assets[asset_id]

    def check(self, asked: Asked, asset_id: int) -> Asset:
        """Return an asset that may move at the request's shop; LedgerErrorFinal otherwise."""
        asset = self.asset(asset_id)
        if asset.association_id != asked.association_id:
            raise LedgerErrorFinal(f"asset {asset_id} is another association's")
        if asset.shop_id is not None and asset.shop_id != asked.shop_id:
            raise LedgerErrorFinal(f"asset {asset_id} is another shop's")
        return asset

    def member(self, member_id: int, asset_id: int) -> Account | None:
        """Return a member's account, locked; None where nothing was ever earned."""
        return self._members.get((member_id, asset_id, Role.MEMBER))

    def members_account(self, member_id: int, asset_id: int) -> Account:
        """Return a member's account that ``lock_members`` made where it missed."""
        account = self.member(member_id, asset_id)
        if account is None:
            raise LedgerErrorFinal(f"no member {member_id}")
        return account

    def debt(self, account: Account) -> Account | None:
        """Return the debt account beside a member's account; None where there never was a debt."""
        return self._members.get((account.member_id, account.asset_id, Role.DEBT))

    def debts_account(self, account: Account) -> Account:
        """Return the debt account beside a member's account, made where it missed."""
        found = self.debt(account)
        if found is None:
            found = Account.objects.create(
                asset_id=account.asset_id,
                role=Role.DEBT,
                member_id=account.member_id,
                chain_salt=chain.new_salt(),
            )
            self._members[account.member_id, account.asset_id, Role.DEBT] = found
        return found

    def spendable(self, account: Account) -> int:
        """Return what a member may spend: the balance less what is reserved and owed."""
        debt = self.debt(account)
        return max(0, account.balance - account.held + (debt.balance if debt else 0))

    def sponsor(self, sponsor_id: int, asset_id: int) -> Account:
        """Return a sponsor's account that ``lock_sponsors`` locked."""
        found = self._sponsors.get((sponsor_id, asset_id))
        if found is None:
            raise LedgerErrorFinal(f"no sponsor {sponsor_id}")
        return found

    def payer(self, shop_id: int | None, asset_id: int) -> Account:
        """Return the account that gives and takes for a shop; None: the association's own."""
        if shop_id is None:
            return self.one(Role.HOUSE, asset_id)
        self.load_shops([(shop_id, asset_id)])
        return self._shops[shop_id, asset_id]

    def one(self, role: str, asset_id: int) -> Account:
        """Return the account of which an asset has one: the outside's, the association's."""
        if (role, asset_id) not in self._others:
            account, _made = Account.objects.get_or_create(asset_id=asset_id, role=role)
            self._others[role, asset_id] = account
        return self._others[role, asset_id]

    def lock_payers(self, account_ids: Collection[int]) -> dict[int, Account]:
        """Return shops' and others' accounts by id, those of sponsors under lock."""
        found = {row.pk: row for row in Account.objects.filter(pk__in=list(account_ids))}
        wanted = [
            (row.sponsor_id, row.asset_id) for row in found.values() if row.sponsor_id is not None
        ]
        self.lock_sponsors(set(wanted) - self._sponsors.keys())
        for row in found.values():
            if row.sponsor_id is not None:
                found[row.pk] = self._sponsors[row.sponsor_id, row.asset_id]
        return found

    def all_members_accounts(self) -> list[Account]:
        """Return the accounts that ``lock_members`` locked."""
        return list(self._members.values())

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
        entries = []
        for leg in legs:
            if not leg.amount:
                continue
            entry = Entry(
                transfer_id=transfer.pk, account=leg.account, amount=leg.amount, line=leg.line
            )
            if leg.account.role in _CACHED:
                leg.account.balance += leg.amount
                self.touch(leg.account)
            if leg.account.chain_salt is not None:
                chain.append(leg.account, entry, transfer)
            entries.append(entry)
        self._entries += entries
        self._transfers.append(transfer)
        return transfer, entries

    def touch(self, account: Account) -> None:
        """Write an account's row at the end."""
        self._touched[account.pk] = account

    def write(self) -> None:
        """Write everything: entries, lots, then the transfers' rows, which seal them."""
        # Only lots and their uses name an entry; the others, most of a long receipt's, are written
        # past the ORM, which would be half of a batch's cost.
        named = {id(lot.entry) for lot in self._lots} | {id(use.entry) for use in self._uses}
        Entry.objects.bulk_create(entry for entry in self._entries if id(entry) in named)
        bulk.insert(Entry, _ENTRY, (_row(e) for e in self._entries if id(e) not in named))
        Lot.objects.bulk_create(self._lots)
        LotUse.objects.bulk_create(self._uses)
        Transfer.objects.bulk_create(self._transfers)
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


def _locked(rows: QuerySet[Account]) -> QuerySet[Account]:
    return rows.order_by("pk").select_for_update(no_key=True)


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
