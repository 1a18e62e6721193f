"""The accounts of a request (or of a batch of them), under lock.

Locks are taken in one order everywhere: all accounts of the members concerned by id, then sponsors'
by id. A member's accounts are locked together, so that several requests about one member in one
transaction wait for nothing that they could block. Shops' accounts are never locked nor counted.
"""

from collections.abc import Collection, Sequence

from django.db import connections
from django.db.models import QuerySet

from chaland.hub.loyalty.ledger import chain
from chaland.hub.loyalty.ledger.postings import Asked, LedgerErrorFinal
from chaland.hub.loyalty.models import Account, Asset, Member, Sponsor

Role = Account.Role


class Accounts:
    """Finds, makes and locks accounts; each is one object for as long as this lives."""

    def __init__(self) -> None:
        self._members: dict[tuple[int | None, int, str], Account] = {}
        self._sponsors: dict[tuple[int | None, int], Account] = {}
        self._shops: dict[tuple[int | None, int], Account] = {}
        self._others: dict[tuple[str, int], Account] = {}
        self._assets: dict[int, Asset] = {}

    # Opening -----------------------------------------------------------------------------------

    def lock_members(self, wanted: Collection[tuple[int, int]], *, create: bool = False) -> None:
        """Lock all accounts of the members of (member, asset) pairs; make those that miss."""
        every = Account.objects.filter(member__in={member for member, _ in wanted})
        # Where the engine has no locks on rows, the transaction itself is the lock on all.
        by_row = connections["loyalty"].features.has_select_for_update
        rows = list(every.all()) if create or not by_row else []
        there = {(row.member_id, row.asset_id) for row in rows if row.role == Role.MEMBER}
        missing = sorted(set(wanted) - there) if create else []
        self._make_member_accounts(missing)
        if missing and not by_row:
            rows = list(every.all())
        if by_row:
            # A debt's account is guarded by the member's beside it. Locks first and rows after
            # them: who waited for a lock would else not see the debt's account that the other
            # made meanwhile.
            owned = _locked(every.filter(role=Role.MEMBER))
            locked = set(owned.values_list("member_id", "asset_id"))
            rows = [row for row in every.all() if (row.member_id, row.asset_id) in locked]
        for account in rows:
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
            for row in rows.select_related("asset"):
                self._shops[row.shop_id, row.asset_id] = row
                self._assets[row.asset_id] = row.asset
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


def _locked(rows: QuerySet[Account]) -> QuerySet[Account]:
    return rows.order_by("pk").select_for_update(no_key=True)
