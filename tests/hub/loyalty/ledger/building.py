"""A member with an account of one asset, and short words for what moves on it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from chaland.hub.loyalty.ledger import selectors, services
from chaland.hub.loyalty.ledger.postings import (
    Award,
    Balance,
    Part,
    Reservation,
    Reversal,
    Spending,
)
from chaland.hub.loyalty.models import Asset, Hold, Member, Transfer

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


@dataclass
class Purse:
    """What one member has of one asset; each request gets a key of its own unless one is given."""

    asset: Asset
    member: Member
    shops: list[int]
    _keys: count = field(default_factory=count)

    def asked(self, key: str | None = None, shop: int = 0, at: datetime = NOW) -> dict[str, object]:
        return {
            "key": key or f"test:{self.asset.pk}:{self.member.pk}:{next(self._keys)}",
            "association_id": self.asset.association_id,
            "shop_id": self.shops[shop],
            "occurred_at": at,
            "actor": "till:1",
        }

    def award(
        self,
        *amounts: int,
        expires_on: date | None = None,
        sponsor: int | None = None,
        **asked: object,
    ) -> Award:
        parts = [Part(line, amount, sponsor) for line, amount in enumerate(amounts, start=1)]
        return Award(
            **self.asked(**asked),
            asset_id=self.asset.pk,
            member_id=self.member.pk,
            parts=parts,
            expires_on=expires_on,
            receipt_id=None,
        )

    def earn(self, *amounts: int, **more: object) -> Transfer:
        return services.earn([self.award(*amounts, **more)])[0]

    def spending(self, amount: int, **asked: object) -> Spending:
        return Spending(
            **self.asked(**asked),
            asset_id=self.asset.pk,
            member_id=self.member.pk,
            amount=amount,
        )

    def redeem(self, amount: int, **asked: object) -> Transfer:
        return services.redeem(self.spending(amount, **asked))

    def reserve(self, amount: int, ttl_s: int = 600, **asked: object) -> Hold:
        return services.reserve(
            Reservation(
                **self.asked(**asked),
                asset_id=self.asset.pk,
                member_id=self.member.pk,
                amount=amount,
                ttl_s=ttl_s,
            )
        )

    def confirm(self, hold: Hold, key: str | None = None, amount: int | None = None) -> Transfer:
        key = key or f"confirm:{next(self._keys)}"
        return services.confirm(hold.pk, key, amount=amount, occurred_at=NOW, actor="till:1")

    def reverse(
        self,
        transfer: Transfer,
        amounts: dict[int, int] | None = None,
        *,
        within_balance: bool = False,
        **asked: object,
    ) -> Transfer | None:
        return services.reverse(
            Reversal(
                **self.asked(**asked),
                transfer_id=UUID(str(transfer.pk)),
                amounts=amounts,
                within_balance=within_balance,
            )
        )

    @property
    def now(self) -> Balance:
        found = selectors.balances(self.member.pk)
        return next(each for each in found if each.asset_id == self.asset.pk)

    @property
    def has(self) -> tuple[int, int, int]:
        """Balance, held, debt."""
        return self.now.balance, self.now.held, self.now.debt

    def position(self, shop: int = 0) -> int:
        return selectors.shop_position(self.asset.pk, self.shops[shop])


def days(number: int) -> date:
    """The day that many days from ``NOW``."""
    return NOW.date() + timedelta(days=number)
