"""A coalition of three shops with twelve members and a month that is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.clearing import services
from chaland.hub.loyalty.models import BankDetails, Clearing, Statement
from tests.builders import build_cast
from tests.hub.loyalty.ledger.building import Purse
from tests.loyalty_builders import Loyalty, build_loyalty

MAY = datetime(2026, 5, 4, 10, tzinfo=UTC)
JUNE = datetime(2026, 6, 4, 10, tzinfo=UTC)
IBANS = (
    "FR7630006000011234567890189",
    "FR7630004000031234567890143",
    "DE89370400440532013000",
    "BE68539007547034",
)


@dataclass
class Coalition:
    """The town, a purse for each member, and the clock."""

    loyalty: Loyalty
    purses: list[Purse]
    now: datetime = MAY

    @property
    def town(self) -> int:
        return self.loyalty.cast.association.pk

    @property
    def shop_ids(self) -> list[int]:
        return [shop.pk for shop in self.loyalty.cast.shops]

    def everybody(self, earn: int, at: int, spend: int = 0, where: int = 0) -> None:
        """Each member earns at one shop, and spends at another."""
        for purse in self.purses:
            purse.earn(earn, shop=at, at=self.now)
            if spend:
                purse.redeem(spend, shop=where, at=self.now)

    def close(self, at: datetime = JUNE) -> Clearing:
        self.now = at
        services.close_due(at)
        return Clearing.objects.latest("month")

    def bank(self, shop: int | None, **more: object) -> BankDetails:
        """Bank details of a shop, or of the association (None)."""
        bank = BankDetails(
            association_id=self.town,
            shop_id=None if shop is None else self.shop_ids[shop],
            holder="Librairie du Pont & Fils",
            iban=IBANS[0 if shop is None else shop + 1],
            **more,
        )
        services.save_bank(bank)
        return bank

    def mandate(self, shop: int) -> BankDetails:
        return self.bank(shop, mandate=f"CHALAND-{shop}", mandate_signed_on=date(2026, 1, 15))

    def statement(self, clearing: Clearing, shop: int) -> Statement:
        return clearing.statements.get(shop_id=self.shop_ids[shop])


@pytest.fixture
def coalition(db: None) -> Iterator[Coalition]:
    loyalty = build_loyalty(build_cast(), members=12)
    asset = loyalty.purse.asset
    shops = [shop.pk for shop in loyalty.cast.shops]
    there = Coalition(loyalty, [Purse(asset, member, shops) for member in loyalty.members])
    before = clock._read
    clock.use(lambda: there.now)
    yield there
    clock.use(before)


def later(**span: float) -> datetime:
    return MAY + timedelta(**span)
