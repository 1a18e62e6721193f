"""A town with the coalition's purse, shop 0's points, shop 1's stamps; and short ways to buy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.receipts.services import take_in
from chaland.hub.loyalty.receipts.shapes import ReceiptIn, Taken
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty

AT = datetime(2026, 5, 5, 10, tzinfo=UTC)


class Town:
    """What tests of receipts do over and over."""

    def __init__(self, loyalty: Loyalty) -> None:
        self.loyalty = loyalty
        self.shops = [shop.pk for shop in loyalty.cast.shops]
        self.members = loyalty.members

    def said(self, number: str = "1", cents: int = 2_300, **more: object) -> ReceiptIn:
        receipt = ReceiptIn(
            association_id=self.loyalty.cast.association.pk,
            shop_id=self.shops[0],
            source="api",
            external_id=number,
            issued_at=AT,
            gross_cents=cents,
            member_id=self.members[0].pk,
            actor="till:1",
        )
        return replace(receipt, **more)

    def buy(self, number: str = "1", cents: int = 2_300, **more: object) -> Taken:
        taken = take_in([self.said(number, cents, **more)])[0]
        assert taken.outcome == "new", taken
        return taken

    def give_back(self, number: str = "r1", cents: int = -2_300, **more: object) -> Taken:
        later = {"issued_at": AT + timedelta(days=1), "member_id": None}
        return take_in([self.said(number, cents, **(later | more))])[0]

    def has(self, kind: str = "purse", member: Member | None = None) -> int:
        """A member's balance less the debt."""
        asset_id = getattr(self.loyalty, kind).asset_id
        found = balances((member or self.members[0]).pk)
        return sum(b.balance - b.debt for b in found if b.asset_id == asset_id)


@pytest.fixture
def town(db: None) -> Town:
    return Town(build_loyalty(build_cast(3)))
