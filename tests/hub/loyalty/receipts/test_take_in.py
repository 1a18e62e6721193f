"""Taking in: once, however often it is sent; conflicts are told; a batch is few statements."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Member, RawReceipt, Receipt, ShopCustomer
from chaland.hub.loyalty.receipts.services import attach, detach, store_raw, take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 5, 10, tzinfo=UTC)


@pytest.fixture
def town() -> Loyalty:
    return build_loyalty(build_cast(3))


def bought(town: Loyalty, number: str = "1", cents: int = 2_300, **more: object) -> ReceiptIn:
    said = ReceiptIn(
        association_id=town.cast.association.pk,
        shop_id=town.cast.shops[0].pk,
        source="api",
        external_id=number,
        issued_at=AT,
        gross_cents=cents,
        member_id=town.member.pk,
    )
    return replace(said, **more)


def purse(town: Loyalty, member: Member | None = None) -> int:
    member = member or town.member
    return sum(b.balance - b.debt for b in balances(member.pk) if b.asset_id == town.purse.asset_id)


def test_it_earns_once_however_often_it_is_sent(town: Loyalty) -> None:
    first = take_in([bought(town)])[0]
    again = [take_in([bought(town)])[0] for _ in range(3)]

    assert first.outcome == "new"
    assert {(a.outcome, a.receipt_id, a.code) for a in again} == {
        ("repeated", first.receipt_id, first.code)
    }
    assert [a.earned for a in again] == [first.earned] * 3
    assert purse(town) == 23
