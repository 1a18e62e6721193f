"""Reservations: spent once, given up, out of time, and never out of a return's reach."""

from datetime import timedelta

import pytest

from chaland.hub.loyalty.ledger import proof, services
from chaland.hub.loyalty.ledger.postings import (
    HoldOverErrorFinal,
    LedgerErrorFinal,
    NotEnoughErrorFinal,
)
from chaland.hub.loyalty.models import Hold
from tests.hub.loyalty.ledger.building import NOW, Purse, days
from tests.hub.loyalty.ledger.conftest import Time

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _it_holds(purse: Purse) -> object:
    """After each of these tests money is conserved, the cache equals the entries, chains verify."""
    yield
    assert proof.verify_all(purse.asset.association_id) == []
    assert proof.rebuild(purse.asset.association_id) == []


def test_a_hold_is_spent_once(purse: Purse) -> None:
    """medusa#16347, fuint#71: one gift card redeemed twice, twenty gifts out of one balance."""
    purse.earn(100)
    hold = purse.reserve(80, key="hold")
    assert purse.reserve(80, key="hold").pk == hold.pk
    with pytest.raises(NotEnoughErrorFinal) as caught:
        purse.redeem(21)
    assert caught.value.available == 20
    done = purse.confirm(hold, key="confirm")
    assert purse.confirm(hold, key="confirm").pk == done.pk
    for again in (lambda: purse.confirm(hold), lambda: services.cancel(hold.pk)):
        with pytest.raises(HoldOverErrorFinal):
            again()
    assert purse.has == (20, 0, 0)


def test_a_part_of_a_hold_is_spent_and_the_rest_is_free(purse: Purse) -> None:
    """odoo#264931: no partial redemption."""
    purse.earn(100)
    hold = purse.reserve(80)
    with pytest.raises(LedgerErrorFinal, match="between 1 and 80"):
        purse.confirm(hold, amount=81)
    purse.confirm(hold, amount=30)
    assert purse.has == (70, 0, 0)


@pytest.mark.parametrize("within_balance", [False, True])
def test_reserving_does_not_keep_it_from_being_taken_back(
    purse: Purse, within_balance: bool
) -> None:
    """Earn, reserve all, return, give the reservation up: and again."""
    kept = purse.earn(30)
    earned = purse.earn(100)
    older, newer = purse.reserve(20), purse.reserve(60)
    purse.reverse(earned, within_balance=within_balance)
    assert purse.has == (30, 20, 0)
    with pytest.raises(HoldOverErrorFinal):
        purse.confirm(newer)
    purse.confirm(older)
    purse.reverse(kept, within_balance=within_balance)
    assert purse.has == (0, 0, 0 if within_balance else 20)


def test_a_hold_given_up_or_out_of_time_is_free_again(purse: Purse, time: Time) -> None:
    purse.earn(100)
    given_up, late = purse.reserve(50), purse.reserve(50, ttl_s=60)
    assert services.cancel(given_up.pk).state == Hold.State.VOIDED
    assert services.cancel(given_up.pk).state == Hold.State.VOIDED
    time.now = NOW + timedelta(seconds=60)
    with pytest.raises(HoldOverErrorFinal):
        purse.confirm(late)
    assert services.lapse_holds(time.now) == 1
    assert purse.has == (100, 0, 0)


def test_what_is_reserved_lapses_only_when_it_is_free(purse: Purse, time: Time) -> None:
    purse.earn(100, expires_on=days(1))
    hold = purse.reserve(40, ttl_s=3 * 86400)
    time.now = NOW + timedelta(days=1)
    services.expire_due(time.now)
    assert purse.has == (40, 40, 0)
    purse.confirm(hold, amount=30)
    services.expire_due(time.now)
    assert purse.has == (0, 0, 0)
