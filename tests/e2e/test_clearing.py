"""Clearing in a browser: the director's month, the shopkeeper's statement, bank details."""

import pytest
from playwright.sync_api import expect

from tests.builders import PASSWORD
from tests.e2e.conftest import OpenSite
from tests.hub.loyalty.clearing.conftest import IBANS, Coalition, coalition

__all__ = ["coalition"]


@pytest.fixture
def closed(transactional_db: None, coalition: Coalition) -> int:
    coalition.everybody(1_250, at=0, spend=800, where=1)
    coalition.everybody(900, at=1, spend=950, where=2)
    coalition.mandate(0)
    coalition.bank(2)
    clearing = coalition.close()
    coalition.everybody(70, at=0, spend=30, where=1)
    return clearing.pk


def test_a_director_settles_a_month(
    open_site: OpenSite,
    coalition: Coalition,
    closed: int,
) -> None:
    site = open_site()
    site.sign_in("denise@example.org", PASSWORD)
    site.open("/clearing/")
    site.check_everywhere("clearing-director")
    site.page.get_by_role("link", name="Coordonnées bancaires").click()
    site.page.get_by_label("Titulaire du compte").fill("Les Vitrines de Port-Lin")
    site.page.get_by_label("IBAN").fill(IBANS[0])
    site.page.get_by_label("Identifiant créancier SEPA").fill("FR72ZZZ123456")
    site.check_everywhere("clearing-bank")
    site.page.get_by_role("button", name="Enregistrer").click()
    site.page.get_by_role("link", name="Mai 2026").click()
    site.check_everywhere("clearing-month")
    with site.page.expect_download() as download:
        site.page.get_by_role("link", name="Fichier bancaire (pain.008)").click()
    assert download.value.suggested_filename == "chaland-debit-2026-05.xml"
    site.page.once("dialog", lambda dialog: dialog.accept())
    site.page.get_by_role("button", name="La banque a prélevé").click()
    expect(site.page.locator("main")).to_contain_text("réglés")


def test_a_shopkeeper_reads_the_own_statement(
    open_site: OpenSite,
    coalition: Coalition,
    closed: int,
) -> None:
    site = open_site()
    site.sign_in("sami@example.org", PASSWORD)
    site.open("/clearing/")
    site.check_everywhere("clearing-keeper")
    site.page.get_by_role("link", name="Mai 2026", exact=True).click()
    site.check_everywhere("clearing-statement")
    with site.page.expect_download() as download:
        site.page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
