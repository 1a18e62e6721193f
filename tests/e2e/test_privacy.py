"""What a citizen reads and what a director signs, in a real browser."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from chaland.hub.common import clock
from chaland.hub.footfall.models import AuditReport, ObjectionBit, Sensor
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.wire import charter as wire
from tests import builders
from tests.hub.footfall.papers.conftest import TOWN_KEY, report, said

from .conftest import SIZES, OpenSite, Site


@pytest.fixture
def cast(transactional_db: None) -> builders.Cast:
    """Six shops, four of them with a sensor."""
    made = builders.build_cast(6)
    for shop in made.shops[:4]:
        builders.build_sensor(shop.pk, clock.now())
    return made


def test_what_a_citizen_reads(site: Site, cast: builders.Cast) -> None:
    site.open("/privacy/")
    sign_trial_charter(cast.association.pk, TOWN_KEY, clock.now())
    today = clock.now().date()
    ObjectionBit.objects.create(
        association_id=cast.association.pk,
        bit=7,
        sensor=Sensor.objects.first(),
        first_asked_on=today,
    )
    AuditReport.objects.create(
        made_at=datetime(2026, 11, 22, 10, tzinfo=UTC), passed=True, report=report()
    )
    site.open("/privacy/")
    expect(site.page.get_by_role("heading", level=1)).to_contain_text("personne")
    site.check_everywhere("privacy")
    site.page.get_by_role("link", name="Lire").first.click()
    expect(site.page.locator("#annex")).to_be_visible()
    site.check("assessment")
    site.page.go_back()
    site.page.locator(".proofs a[href*='audit']").click()
    site.check("audit")


def test_a_director_lets_the_sensors_listen(
    open_site: OpenSite, cast: builders.Cast, tmp_path: Path
) -> None:
    site = open_site()
    site.sign_in(cast.director.email, builders.PASSWORD)
    site.open("/measurement/")
    page = site.page
    for name, text in said().items():
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=ends_on]").fill(f"{clock.now().year + 1}-06-30")
    page.get_by_role("button", name="Enregistrer", exact=True).first.click()
    row = page.locator("table.agreements tbody tr", has_text=cast.shop.name)
    row.locator("summary").click()
    row.get_by_label("Accord donné par").fill("Sami Morel")
    site.check("measurement-agreeing")
    row.get_by_role("button", name="Enregistrer").click()
    page.locator("table.agreements tbody tr", has_text=cast.shop.name).get_by_role(
        "button"
    ).first.click()
    with page.expect_download() as download:
        page.locator("a[href$='/charter/draft/']").click()
    signed = tmp_path / "charter-1-signed.json"
    draft = wire.decode(download.value.path().read_bytes())
    signed.write_bytes(wire.encode(wire.sign(draft, TOWN_KEY)))
    page.locator("input[type=file]").set_input_files(signed)
    page.get_by_role("button", name="Mettre en vigueur").click()
    expect(page.locator(".alert.is-ok")).to_contain_text("en vigueur")
    site.check_everywhere("measurement")
    keeper = open_site()
    keeper.page.set_viewport_size(SIZES["phone"])
    keeper.sign_in(cast.shopkeeper.email, builders.PASSWORD)
    keeper.open("/measurement/")
    expect(keeper.page.get_by_text("Sami Morel")).to_be_visible()
    keeper.check("agreement-phone")
    keeper.page.on("dialog", lambda dialog: dialog.accept())
    keeper.page.get_by_role("button", name="Retirer l’accord").click()
    expect(keeper.page.get_by_role("alert")).to_contain_text("débrancher")
    keeper.check("agreement-withdrawn-phone")
    for address, shot in (("/", "front-warned"), ("/measurement/", "measurement-warned")):
        site.open(address)
        expect(page.get_by_role("alert")).to_contain_text("a retiré son accord")
        site.check_everywhere(shot)
