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

    found = measuring.measure(campaign, LATER)

    assert found.treated == measuring.Side(40, buyers=4, receipts=6, cents=4_700)
    assert found.held_out == measuring.Side(30, buyers=1, receipts=1, cents=600)
    assert found.buyers is not None
    assert found.cents_each is not None
    assert found.cents is not None
    assert found.buyers.value == pytest.approx(4 / 40 - 1 / 30)
    assert found.cents_each.value == pytest.approx(4_700 / 40 - 600 / 30)
    assert found.cents.value == pytest.approx(4_700 - 600 * 40 / 30)
    spent = np.array([10, 25, 7, 5] + [0] * 36), np.array([6] + [0] * 29)
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
    found = measuring.measure(campaign, LATER)
    assert found.treated is not None
    assert (found.treated.cents, found.treated.receipts) == (1_000, 1)


@pytest.mark.parametrize("sizes", [(100, 29), (29, 100), (5, 0)])
def test_too_few_say_nothing_of_who_bought(town: Town, sizes: tuple[int, int]) -> None:
    campaign = town.campaign(*sizes)
    town.buys(town.members[1], 1_000)
    found = measuring.store(campaign, LATER)
    assert not found.readable
    assert (found.treated, found.held_out, found.cents_each, found.cents) == (None,) * 4
    assert (found.treated_members, found.held_out_members) == sizes
    assert "1000" not in str(campaign.results)


def test_erased_members_are_counted_as_gone(town: Town) -> None:
    campaign = town.campaign(treated=31, held_out=31)
    Delivery.objects.filter(member__in=(town.members[0], town.members[-1])).update(member=None)
    found = measuring.measure(campaign, LATER)
    assert (found.gone, found.treated_members, found.held_out_members) == (2, 30, 30)
    assert found.readable


def test_a_campaign_for_a_sale_counts_until_the_sale_ends(town: Town) -> None:
    sale = town.sale()
    campaign = town.campaign(treated=30, held_out=30, sale=sale)
    town.buys(town.members[1], 1_000, hours=34.9)
    town.buys(town.members[1], 9_000, hours=35)
    found = measuring.measure(campaign, LATER)
    assert found.treated is not None
    assert found.treated.cents == 1_000


def test_the_worker_measures_each_day_until_nothing_changes(town: Town) -> None:
    campaign = town.campaign(treated=30, held_out=30)
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
    assert kept.treated.cents == 4_000
    assert measuring.measure_due(BEGAN + timedelta(days=29)) == 1
    assert measuring.measure_due(BEGAN + timedelta(days=40)) == 0, "it is final"
    running.refresh_from_db()
    assert measuring.of(running) is None
