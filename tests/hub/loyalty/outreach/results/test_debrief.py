"""A sale's debrief is what receipts and invitations say, shop by shop."""

from datetime import timedelta

import pytest

from chaland.hub.loyalty import due
from chaland.hub.loyalty.models import PrivateSale
from chaland.hub.loyalty.outreach.results import debrief, measuring
from chaland.hub.loyalty.outreach.results.debrief import Taken
from tests.hub.loyalty.outreach.results.conftest import BEGAN, Town
from tests.loyalty_builders import build_members

pytestmark = pytest.mark.django_db
IN_SALE = 33.0


def test_guests_and_others_shop_by_shop(town: Town) -> None:
    sale = town.sale(shop=None, shops=(0, 1))
    town.campaign(treated=4, held_out=2, sale=sale)
    a, b, c, d, held, _ = town.members
    for member in (a, b, c, d):
        town.invites(sale, member, came={a: 0, b: 0, c: 1}.get(member))
    newcomer, stranger = build_members(town.cast, 2)
    town.invites(sale, newcomer, came=1, how="door", recruited=True)
    town.buys(a, 1_000, hours=IN_SALE)
    town.buys(a, 2_000, hours=IN_SALE, shop=1)
    sold = town.buys(b, 700, hours=IN_SALE)
    town.buys(b, -700, hours=90, returns=sold)
    town.buys(newcomer, 300, hours=IN_SALE, shop=1)
    town.buys(held, 5_000, hours=IN_SALE)
    town.buys(stranger, 100, hours=IN_SALE)
    town.buys(None, 50, hours=IN_SALE)
    town.buys(a, 9_999, hours=35)  # when it was over
    town.buys(a, 9_999, hours=IN_SALE, shop=2)  # a shop that takes no part

    found = debrief.work_out(sale, BEGAN + timedelta(days=8))

    assert (found.invited, found.at_door, found.declined) == (4, 1, 0)
    assert (found.meant, found.sent, found.delivered, found.held_out) == (4, 3, 3, 2)
    assert found.shops == {
        town.shop(0): Taken(2, 0, 1, 2, 1_000, all_receipts=5, all_attached=4, all_cents=6_150),
        town.shop(1): Taken(2, 1, 2, 2, 2_300, all_receipts=2, all_attached=2, all_cents=2_300),
    }
    assert found.whole == Taken(4, 1, 2, 4, 3_300, 7, 6, 8_450)


def test_the_worker_debriefs_a_sale_that_closed_until_it_settles(town: Town) -> None:
    sale = town.sale()
    campaign = town.campaign(treated=30, held_out=30, sale=sale)
    PrivateSale.objects.update(state=PrivateSale.State.OPEN)
    assert debrief.debrief_due(sale.ends_at) == 0, "it isn't closed"
    done = due.run_due(sale.ends_at)
    assert done["private sales closed"] == done["private sales debriefed"] == 1
    sale.refresh_from_db()
    campaign.refresh_from_db()
    assert debrief.of(sale) == debrief.work_out(sale, sale.ends_at)
    assert measuring.of(campaign) is not None
    assert debrief.debrief_due(sale.ends_at + timedelta(hours=23)) == 0
    town.buys(None, 400, hours=IN_SALE)
    assert debrief.debrief_due(sale.ends_at + timedelta(days=1)) == 1
    sale.refresh_from_db()
    last = debrief.of(sale)
    assert last is not None
    assert last.whole.all_cents == 400
    assert debrief.debrief_due(sale.ends_at + timedelta(days=14)) == 1
    assert debrief.debrief_due(sale.ends_at + timedelta(days=20)) == 0


def test_what_an_older_version_kept_is_read(town: Town) -> None:
    sale = town.sale()
    found = debrief.store(sale, BEGAN + timedelta(days=8))
    sale.debrief["margin_cents"] = None
    sale.save()
    assert debrief.of(PrivateSale.objects.get()) == found


@pytest.mark.parametrize("shops", [(), (0,)])
def test_a_sale_to_which_nobody_came(town: Town, shops: tuple[int, ...]) -> None:
    sale = town.sale(shops=shops)
    found = debrief.store(sale, sale.ends_at)
    assert found.whole == Taken()
    assert found == debrief.of(sale)
