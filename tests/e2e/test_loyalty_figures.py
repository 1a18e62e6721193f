"""The loyalty figures in a browser: both roles, all screens, charts drawn, nothing overflowing."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from chaland.hub.loyalty.figures import services
from tests import builders, loyalty_receipts
from tests.builders import Cast
from tests.loyalty_builders import build_members

from .conftest import Site


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    made = builders.build_cast(5, simulated=True)
    now = datetime.now(UTC)
    loyalty_receipts.build_receipts(made, build_members(made, 60), now, days=200)
    services.release_due(now)
    return made


def test_the_director_s_page(cast: Cast, site: Site) -> None:
    site.sign_in("denise@example.org", builders.PASSWORD)
    site.open(reverse("loyalty"))
    expect(site.page.locator("canvas")).to_have_count(2)
    site.check_everywhere("loyalty-director")
    site.page.locator("#month").select_option(index=1)
    site.page.wait_for_url("**month=**")
    site.page.get_by_role("link", name=cast.shop.name).click()
    site.check("loyalty-director-shop")


def test_the_shopkeeper_s_page_and_signals(cast: Cast, site: Site) -> None:
    site.sign_in("sami@example.org", builders.PASSWORD)
    site.open(reverse("loyalty"))
    site.check_everywhere("loyalty-shop")
    site.open(reverse("loyalty_signals"))
    site.check_everywhere("loyalty-signals")
