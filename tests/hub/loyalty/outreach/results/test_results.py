"""What a campaign brought, from receipts: who counts in which group, and which money."""

from datetime import timedelta

import numpy as np
import pytest

from chaland.hub.loyalty import due
from chaland.hub.loyalty.models import Campaign, Delivery, Member
from chaland.hub.loyalty.outreach.results import measuring, uplift
from tests.hub.loyalty.outreach.results.conftest import BEGAN, Town

pytestmark = pytest.mark.django_db
LATER = BEGAN + measuring.WINDOW + timedelta(days=1)


def test_all_who_were_meant_count_as_treated_and_returns_are_taken_off(town: Town) -> None:
    campaign = town.campaign(treated=40, held_out=30)
    unsent, kept, elsewhere, back, half, *_ = town.members
    town.buys(unsent, 1_000)  # treated, though no message left
    town.buys(kept, 2_000)
    town.buys(kept, 500, hours=200)
    town.buys(elsewhere, 700, shop=2)
    bought = town.buys(back, 900)
    town.buys(back, -900, hours=400, returns=bought)  # after the window
    bought = town.buys(half, 800)
    town.buys(half, -300, hours=30, returns=bought)
    town.buys(town.members[-1], 600)  # held out
    town.buys(None, 9_000)  # nobody's
    old = town.buys(kept, 5_000, hours=-100)
    town.buys(kept, -5_000, hours=5, returns=old)  # the window didn't sell it
    town.buys(kept, 4_000, hours=24 * 14 + 1)
    town.others_buy()

    found = measuring.measure(campaign, LATER)

    assert found.treated == measuring.Side(40, buyers=14, receipts=16, cents=5_700)
    assert found.held_out == measuring.Side(30, buyers=11, receipts=11, cents=1_600)
    assert found.buyers is not None
    assert found.cents_each is not None
    assert found.cents is not None
    assert found.buyers.value == pytest.approx(14 / 40 - 11 / 30)
    assert found.cents_each.value == pytest.approx(5_700 / 40 - 1_600 / 30)
    assert found.cents.value == pytest.approx(5_700 - 1_600 * 40 / 30)
    ones = [1] * 10
    spent = np.array([10, 25, 7, 5, *ones] + [0] * 26), np.array([6, *ones] + [0] * 19)
    groups = [
        uplift.Group(len(s), 0, tuple(float((s**k).sum()) for k in range(1, 5)))  # type: ignore[arg-type]
        for s in spent
    ]
    assert found.cents_each.high == pytest.approx(uplift.spending(*groups).high * 100)
    assert not found.final


def test_a_shop_s_campaign_sees_what_was_bought_there(town: Town) -> None:
    campaign = town.campaign(treated=30, held_out=30, controller=town.shop(1))
    town.buys(town.members[1], 1_000, shop=1)
    town.buys(town.members[1], 5_000, shop=0)
    town.others_buy(shop=1)
    found = measuring.measure(campaign, LATER)
    assert found.treated is not None
    assert (found.treated.cents, found.treated.receipts) == (2_000, 11)


@pytest.mark.parametrize("sizes", [(100, 29), (29, 100), (5, 0)])
def test_too_few_say_nothing_of_who_bought(town: Town, sizes: tuple[int, int]) -> None:
    campaign = town.campaign(*sizes)
    town.buys(town.members[1], 1_000)
    found = measuring.store(campaign, LATER)
    assert not found.readable
    assert (found.treated, found.held_out, found.cents_each, found.cents) == (None,) * 4
    assert (found.treated_members, found.held_out_members) == sizes
    assert "1000" not in str(campaign.results)


def test_too_few_purchases_say_nothing_either(town: Town) -> None:
    campaign = town.campaign(treated=60, held_out=30)
    for member in town.members[:14]:
        town.buys(member, 1_000)
    found = measuring.store(campaign, LATER)
    assert not found.readable
    assert "14000" not in str(campaign.results)
    town.buys(town.members[14], 1_000)
    found = measuring.measure(campaign, LATER)
    assert found.treated is not None
    assert found.treated.buyers == 15, "five of thirty kept apart, if both groups bought alike"


def test_erased_members_are_counted_as_gone(town: Town) -> None:
    campaign = town.campaign(treated=31, held_out=31)
    town.others_buy()
    Delivery.objects.filter(member__in=(town.members[0], town.members[-1])).update(member=None)
    found = measuring.measure(campaign, LATER)
    assert (found.gone, found.treated_members, found.held_out_members) == (2, 30, 30)
    assert found.readable


def test_a_campaign_for_a_sale_counts_until_the_sale_ends(town: Town) -> None:
    sale = town.sale()
    campaign = town.campaign(treated=30, held_out=30, sale=sale)
    town.buys(town.members[1], 1_000, hours=34.9)
    town.buys(town.members[1], 9_000, hours=35)
    town.others_buy(hours=34)
    found = measuring.measure(campaign, LATER)
    assert found.treated is not None
    assert found.treated.cents == 2_000


def test_the_worker_measures_each_day_until_nothing_changes(town: Town) -> None:
    campaign = town.campaign(treated=30, held_out=30)
    town.others_buy(hours=20)
    running = town.campaign(treated=1, held_out=1, state=Campaign.State.RUNNING)
    assert due.run_due(BEGAN + timedelta(days=1))["campaigns whose effect was worked out"] == 1
    assert measuring.measure_due(BEGAN + timedelta(days=1, hours=23)) == 0
    member = Member.objects.get(deliveries__campaign=campaign, deliveries__reason="no_contact")
    town.buys(member, 4_000, hours=26)
    assert measuring.measure_due(BEGAN + timedelta(days=2)) == 1
    campaign.refresh_from_db()
    kept = measuring.of(campaign)
    assert kept == measuring.measure(campaign, BEGAN + timedelta(days=2))
    assert kept is not None
    assert kept.treated is not None
    assert kept.treated.cents == 5_000
    assert measuring.measure_due(BEGAN + timedelta(days=29)) == 1
    assert measuring.measure_due(BEGAN + timedelta(days=40)) == 0, "it is final"
    running.refresh_from_db()
    assert measuring.of(running) is None
