"""A sale's hours and a campaign's effect, as their pages show them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import time_machine
from playwright.sync_api import expect

from chaland.hub.loyalty.models import Campaign, Delivery, PrivateSale, Receipt, SaleShop
from chaland.hub.loyalty.outreach.results import measuring
from tests import builders
from tests.builders import PASSWORD, Cast
from tests.e2e.conftest import OpenSite
from tests.loyalty_builders import build_members

NOW = datetime(2026, 11, 14, 19, 30, tzinfo=UTC)
BEGINS = datetime(2026, 11, 14, 10, tzinfo=UTC)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    with time_machine.travel(NOW, tick=False):
        cast = builders.build_cast(2)
        builders.build_town(cast, NOW, weeks=9)
    return cast


def receipts(cast: Cast, times: list[datetime], **fields: object) -> None:
    first = Receipt.objects.count()
    Receipt.objects.bulk_create(
        Receipt(
            association_id=cast.association.pk, shop_id=cast.shop.pk, source="api",
            external_id=f"{first + n}", content_digest="", code=f"{first + n}", issued_at=at,
            recorded_at=at, gross_cents=2_400, **fields,
        )
        for n, at in enumerate(times)
    )  # fmt: skip


def test_a_sale_s_visits_stand_beside_its_receipts(cast: Cast, open_site: OpenSite) -> None:
    for week in range(9):
        every = 6 if week else 4
        start = BEGINS - week * timedelta(days=7)
        receipts(cast, [start + timedelta(minutes=m) for m in range(0, 480, every)])
    sale = PrivateSale.objects.create(
        association_id=cast.association.pk, shop_id=cast.shop.pk, name="Soirée d’automne",
        starts_at=BEGINS, ends_at=BEGINS + timedelta(hours=8), state="over", created_at=BEGINS,
        created_by="user:1",
    )  # fmt: skip
    SaleShop.objects.create(sale=sale, shop_id=cast.shop.pk, agreed_at=BEGINS)
    site = open_site()
    site.sign_in(cast.shopkeeper.email, PASSWORD)
    site.open(f"/insight/sales/{sale.pk}/")
    main = site.page.locator("main")
    expect(main).to_contain_text("achats pour 100 visites")
    site.page.get_by_text("Heure par heure").click()
    expect(main.locator("table").nth(1).locator("tbody tr")).to_have_count(8)
    site.check_everywhere("insight-sale")


def test_a_campaign_says_what_it_brought(cast: Cast, open_site: OpenSite) -> None:
    campaign = Campaign.objects.create(
        association_id=cast.association.pk, controller=cast.shop.pk, name="Lettre d’automne",
        seed=1, state=Campaign.State.FINISHED, channels=["sms"], send_at=BEGINS, started_at=BEGINS,
        frozen_at=BEGINS, finished_at=BEGINS, created_at=BEGINS, created_by="user:1",
    )  # fmt: skip
    rng = np.random.default_rng(3)
    for number, member in enumerate(build_members(cast, 200)):
        held = number < 40
        Delivery.objects.create(
            campaign=campaign, member=member, channel="sms",
            state="not_sent" if held else "delivered", reason="held_out" if held else "",
            not_before=BEGINS, expires_at=BEGINS, changed_at=BEGINS,
        )  # fmt: skip
        if rng.random() < (0.1 if held else 0.5):
            receipts(cast, [BEGINS + timedelta(hours=3)], member=member, attached_at=BEGINS)
    measuring.store(campaign, BEGINS + timedelta(days=3))
    site = open_site()
    site.sign_in(cast.shopkeeper.email, PASSWORD)
    site.open(f"/outreach/{campaign.pk}/")
    expect(site.page.locator("main")).to_contain_text("a changé la dépense des membres")
    site.check_everywhere("campaign-results")
