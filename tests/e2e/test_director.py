"""The pages of figures in a real browser: seen, clicked, shared, counted on a phone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from playwright.sync_api import expect

from chaland.hub.footfall.models import Cell, DoorCount
from tests import builders

from .conftest import SIZES, OpenSite, Site

SATURDAY = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)


@pytest.fixture
def cast(transactional_db: None) -> Iterator[builders.Cast]:
    """Six shops with three weeks behind them, on a Saturday afternoon."""
    with time_machine.travel(SATURDAY):
        made = builders.build_cast(6, simulated=True)
        builders.build_town(made, SATURDAY, weeks=3)
        yield made


@pytest.fixture
def director(site: Site, cast: builders.Cast) -> Site:
    site.sign_in(cast.director.email, builders.PASSWORD)
    expect(site.page.get_by_role("heading", level=1)).to_contain_text("Port-Lin")
    site.open("/")  # without the greeting
    return site


def test_the_directors_page_everywhere(director: Site) -> None:
    director.page.wait_for_selector("[data-chart] canvas")
    director.check_everywhere("director")
    director.open("/?period=28d&compare=year")
    director.check_everywhere("director-month")
    director.open("/?shop=shop-0&period=today")
    director.check_everywhere("director-shop")
    director.open("/sensors/")
    director.check_everywhere("sensors")
    director.open("/calibration/")
    director.check_everywhere("calibrations")


def test_a_click_filters_and_back_goes_back(director: Site) -> None:
    page = director.page
    page.get_by_role("navigation", name="Zones").get_by_role("link", name="Halles").click()
    expect(page).to_have_url(director.url + "/?zone=zone-0")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Halles")
    shops = page.locator("table.shops tbody tr")
    expect(shops).to_have_count(2)
    page.wait_for_load_state()  # its script listens to the choice from then on
    page.get_by_label("Période", exact=True).select_option("28d")
    expect(page).to_have_url(director.url + "/?zone=zone-0&period=28d")
    expect(page.get_by_text("La semaine, heure par heure")).to_be_visible()
    page.get_by_role("link", name="Année dernière").click()
    expect(page).to_have_url(director.url + "/?period=28d&compare=year&zone=zone-0")
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Période", exact=True)).to_have_value("7d")
    page.go_back()
    expect(page).to_have_url(director.url + "/")
    expect(shops).to_have_count(6)


def test_own_dates(director: Site) -> None:
    page = director.page
    expect(page.locator("input[name=from]")).to_be_hidden()
    page.get_by_label("Période", exact=True).select_option("custom")
    page.locator("input[name=from]").fill("2026-11-02")
    page.locator("input[name=to]").fill("2026-11-08")
    page.get_by_role("button", name="Afficher").click()
    expect(page.locator(".lead")).to_contain_text("Du 2 au 8 novembre 2026")
    page.get_by_role("link", name="Période précédente").click()
    expect(page.locator(".lead")).to_contain_text("Du 26 octobre au 1er novembre 2026")


def test_the_hours_speak_to_the_keyboard(director: Site) -> None:
    page = director.page
    cell = page.locator("table.heat tbody tr").first.locator("td").first
    cell.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-heat-say]")).to_contain_text("Samedi 14 novembre, 11")
    expect(page.locator("[data-heat-say]")).to_contain_text("entre")
    page.keyboard.press("ArrowDown")  # Sunday: closed, and said so to a screen reader
    expect(page.locator("table.heat td:focus")).to_contain_text("fermé")
    expect(page.locator("table.heat td[tabindex='0']")).to_have_count(1)


def test_the_live_part_moves_while_one_looks(director: Site) -> None:
    page = director.page
    live = page.locator("#live")
    expect(live).to_contain_text("16:15")
    before = live.locator(".value").inner_text()
    newest = Cell.objects.filter(start=datetime(2026, 11, 21, 15, 0, tzinfo=UTC))
    newest.update(fingerprints=150)
    with page.expect_response(lambda answer: "/now/" in answer.url):
        pass
    expect(live.locator(".value")).not_to_have_text(before)


def test_the_csv_comes_down(director: Site) -> None:
    with director.page.expect_download() as download:
        director.page.get_by_role("link", name="Exporter (CSV)").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert download.value.suggested_filename == "chaland-2026-11-14-2026-11-20.csv"
    assert text.splitlines()[1].startswith("visites;Port-Lin;2026-11-14;2026-11-20")
    assert "simul" in text.splitlines()[1]


def test_a_shopkeepers_page_everywhere(open_site: OpenSite, cast: builders.Cast) -> None:
    site = open_site()
    site.sign_in(cast.shopkeeper.email, builders.PASSWORD)
    site.open("/")
    expect(site.page.get_by_role("heading", level=1)).to_contain_text(cast.shop.name)
    expect(site.page.get_by_text("Le commerce à côté de la ville")).to_be_visible()
    site.page.wait_for_selector("[data-chart] canvas")
    site.check_everywhere("shopkeeper")
    english = open_site("en-GB")
    english.sign_in(cast.neighbour.email, builders.PASSWORD)
    english.page.get_by_role("button", name="English").click()
    english.open("/")
    expect(english.page.get_by_text("The shop beside the town")).to_be_visible()
    english.check("shopkeeper-english")


def test_counting_on_a_phone(open_site: OpenSite, cast: builders.Cast) -> None:
    site = open_site()
    page = site.page
    page.set_viewport_size(SIZES["phone"])
    site.sign_in(cast.shopkeeper.email, builders.PASSWORD)
    site.open("/calibration/")
    site.check("calibration-phone")
    page.get_by_role("link", name="Compter maintenant").click()
    page.clock.install(time=SATURDAY)
    page.reload()
    page.get_by_label("Combien de personnes").fill("2")
    page.get_by_role("button", name="Commencer à compter").click()
    for _ in range(3):
        page.clock.run_for(120_000)
        page.get_by_role("button", name="entre").click()
    page.get_by_role("button", name="sort").click()
    page.get_by_role("button", name="Annuler").click()
    page.clock.run_for(60_000)
    expect(page.locator("output")).to_have_text("5")
    site.check("tally-phone")
    page.reload()  # a closed tab loses nothing
    expect(page.locator("output")).to_have_text("5")
    page.clock.run_for(14 * 60_000)
    page.get_by_role("button", name="Terminer et enregistrer").click()
    expect(page.get_by_text("comptages ajoutés")).to_be_visible()
    assert sum(count.arrivals or 0 for count in DoorCount.objects.all()) == 3
    site.check_everywhere("calibration")


def test_a_file_is_looked_at_first(open_site: OpenSite, cast: builders.Cast) -> None:
    site = open_site()
    site.sign_in(cast.shopkeeper.email, builders.PASSWORD)
    site.open("/calibration/shop-0/")
    content = "début;fin;présents\n20/11/2026 15:00;20/11/2026 15:15;6,5\nhier;x;1\n"
    site.page.locator("input[type=file]").set_input_files(
        {"name": "porte.csv", "mimeType": "text/csv", "buffer": content.encode("cp1252")}
    )
    site.page.get_by_role("button", name="Vérifier le fichier").click()
    expect(site.page.get_by_text("1 ligne est inutilisable")).to_be_visible()
    site.check_everywhere("calibration-file")
    site.page.get_by_role("button", name="Garder ces comptages").click()
    expect(site.page.get_by_text("1 comptage ajouté")).to_be_visible()
    assert DoorCount.objects.get().occupancy == 6.5


def test_a_code_for_a_new_box(director: Site, cast: builders.Cast) -> None:
    director.open(f"/sensors/?shop={cast.shop.pk}")
    director.page.get_by_label("Où il est placé").fill("Vitrine")
    director.page.get_by_role("button", name="Créer un code").click()
    expect(director.page.locator("#code")).to_have_text(re.compile(r"^\w{4}-\w{4}-\w{4}$"))
    director.check_everywhere("sensor-code")
