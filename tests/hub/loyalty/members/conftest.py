"""Members who buy: enrolled by the service, with receipts that earn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.members import typos
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import Member, Receipt
from chaland.hub.loyalty.receipts.services import store_raw, take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests import builders
from tests.loyalty_builders import Loyalty, build_loyalty

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
Buy = Callable[..., Receipt]
SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set the hub's clock; it begins at `NOW`."""

    def use(moment: datetime) -> None:
        monkeypatch.setattr(clock, "_read", lambda: moment)

    use(NOW)
    typos.forget()
    return use


@pytest.fixture
def loyalty(db: None, set_clock: SetClock) -> Loyalty:
    return build_loyalty(builders.build_cast(3), members=0)


@pytest.fixture
def anna(loyalty: Loyalty) -> Enrolment:
    """Who is to be enrolled: nobody else has such a name, number or address."""
    return Enrolment(
        loyalty.cast.association.pk,
        loyalty.cast.shop.pk,
        "till:3 seller:5",
        NOW,
        first_name="Philomène",
        last_name="Quetzalcoatl",
        phone="06 39 98 56 78",
        email="philo@quetzal.example",
        birth_day=4,
        birth_month=3,
        over_15=True,
    )


@pytest.fixture
def double(anna: Enrolment) -> Enrolment:
    """The same person at another till, with another number and no address."""
    return replace(anna, phone="06 39 98 11 22", email="", birth_day=None, birth_month=None)


@pytest.fixture
def buy(loyalty: Loyalty) -> Buy:
    def bought(member: Member, cents: int = 5_000, shop: int = 0, number: str = "") -> Receipt:
        shop_id = loyalty.cast.shops[shop].pk
        number = number or f"T{Receipt.objects.count()}"
        raw = store_raw(
            association_id=member.association_id,
            shop_id=shop_id,
            source="api",
            body=f"customer={member.first_name}&phone={member.phone}&mail={member.email}",
        )
        (taken,) = take_in(
            [
                ReceiptIn(
                    member.association_id, shop_id, "api", number, clock.now(), cents,
                    [LineIn(1, cents, "B1", "Vase")], member_id=member.pk,
                    attached_how="till", actor="till:3 seller:5",
                )
            ],
            raw_id=raw.pk,
        )  # fmt: skip
        assert taken.outcome == "new", taken.reason
        return Receipt.objects.get(pk=taken.receipt_id)

    return bought


@pytest.fixture
def member(anna: Enrolment) -> Member:
    return enrol(anna)
