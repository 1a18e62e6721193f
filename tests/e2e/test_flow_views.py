"""The pages of flows in a real browser: drawn, sorted, narrowed, and honest when empty."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from playwright.sync_api import expect

from tests import builders, flow_builders

from .conftest import OpenSite, Site

SATURDAY = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)


@pytest.fixture
def cast(transactional_db: None) -> Iterator[builders.Cast]:
    """Ten shops in three zones, with two weeks of figures and of flows behind them."""
    with time_machine.travel(SATURDAY):
        made = builders.build_cast(10, simulated=True)
        builders.build_town(made, SATURDAY, weeks=2)
        flow_builders.build_flow_days(
            made.shops, date(2026, 11, 2), 19, visitors=1800, silent={date(2026, 11, 18): [4]}
        )
        yield made


@pytest.fixture
def director(site: Site, cast: builders.Cast) -> Site:
    site.sign_in(cast.director.email, builders.PASSWORD)
    expect(site.page.get_by_role("heading", level=1)).to_contain_text("Port-Lin")
    site.open("/flows/")
    return site


def test_the_directors_flows_everywhere(director: Site) -> None:
    page = director.page
    expect(page.locator(".finding")).to_contain_text("100")
    page.wait_for_selector("[data-chart] canvas")
    director.check_everywhere("flows-zones")
    page.get_by_role("link", name="Entre commerces").click()
    expect(page).to_have_url(director.url + "/flows/?between=shops")
    page.wait_for_selector("[data-chart] canvas")
    director.check_everywhere("flows-shops")
    page.get_by_role("link", name="Sur 100 visiteurs suivables").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Sur 100 visiteurs suivables")
    page.wait_for_load_state()  # its script listens to the choice from then on
    page.get_by_label("Seulement les paires de").select_option("shop-3")
    expect(page).to_have_url(director.url + "/flows/?between=shops&sort=share&place=shop-3")
    expect(page.locator("table.pairs tbody")).to_have_count(9)
    page.go_back()
    page.go_back()
    expect(page).to_have_url(director.url + "/flows/?between=shops")


def test_presence_and_stays_everywhere(director: Site) -> None:
    page = director.page
    page.get_by_role("link", name="Présence et durées").click()
    expect(page).to_have_url(director.url + "/flows/stays/")
    page.wait_for_selector("[data-chart] canvas")
    director.check_everywhere("stays")
    page.get_by_role("link", name="Halles").click()
    expect(page.locator("#present-title")).to_contain_text("Halles")


def test_a_shopkeepers_flows_everywhere(open_site: OpenSite, cast: builders.Cast) -> None:
    site = open_site()
    site.sign_in(cast.shopkeeper.email, builders.PASSWORD)
    site.open("/flows/?span=month")
    expect(site.page.get_by_role("heading", level=1)).to_contain_text("Où vont")
    site.check_everywhere("flows-shopkeeper")
    site.open("/flows/?span=month&day=2026-01-05")
    expect(site.page.get_by_role("heading", name="Pas de parcours")).to_be_visible()
    site.check("flows-empty")
