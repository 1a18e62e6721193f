"""The connections pages in a real browser: keys, tills, sellers, makers, a file of receipts."""

import re

from playwright.sync_api import expect

from chaland.hub.association.models import Association, Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.connect import connections, keys
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.till import devices, sellers
from tests.e2e.conftest import Site

ROWS = (
    "Ticket;Date;Heure;Article;Qté;Montant TTC;TVA\n"
    "T1;14/03/2026;15h09;Comté;0,350;9,50 €;5,5\nT1;14/03/2026;15h09;Vin;2;14,00;20\n"
    "T2;31/02/2026;10:00;Pain;1;1,20;5,5\nT3;15/03/2026;10:00;Pain;1;1.234;5,5\n"
    "T4;15/03/2026;10:20;Pain;1;1,20;5,5\n"
)


def test_a_shopkeeper_connects_all_there_is(site: Site, town: Association) -> None:
    shop = Shop.objects.get(slug="shop-1")
    devices.add_till(association_id=town.pk, shop_id=shop.pk, name="Comptoir")
    sellers.add_seller(association_id=town.pk, shop_id=shop.pk, name="Léa", pin="8305")
    keys.make_key(town.pk, shop.pk, "Ancienne caisse", clock.now())
    broken = connections.connect(town.pk, shop.pk, "sumup", secret="x", settings={})
    connections.fail(broken.connection, "La clé d’accès est refusée : créez-en une nouvelle.")
    connections.hear(
        connections.connect(town.pk, shop.pk, "odoo", secret="", settings={}).connection
    )
    site.sign_in("boulanger@example.fr")
    site.open("/connections/")
    site.page.locator("input[name=till-name]").fill("Tablette du fond")
    site.page.get_by_role("button", name="Ajouter une caisse").click()
    expect(site.page.locator("#code")).not_to_be_empty()
    site.check_everywhere("connections-tills")
    site.open("/connections/machines/")
    site.page.locator("input[name=key-name]").fill("Nouvelle caisse")
    site.page.get_by_role("button", name="Créer une clé").click()
    expect(site.page.locator("#code")).to_have_value(re.compile("^chl_"))
    site.check_everywhere("connections-machines")
    site.open("/connections/files/")
    site.page.set_input_files(
        "input[type=file]", {"name": "mars.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    site.page.get_by_role("button", name="Vérifier le fichier").click()
    site.check_everywhere("connections-file")
    site.page.get_by_role("button", name="Reprendre les bons").click()
    expect(site.page.get_by_text("Repris.")).to_be_visible()
    assert set(Receipt.objects.values_list("external_id", flat=True)) == {"T1", "T4"}
    site.check_everywhere("connections-file-done")
    site.open("/connections/files/")
    site.check_everywhere("connections-files")


def test_a_director_sees_how_far_each_shop_is(site: Site, town: Association) -> None:
    shop = Shop.objects.get(slug="shop-1")
    connections.connect(town.pk, shop.pk, "odoo", secret="", settings={})
    site.sign_in("directrice@example.fr")
    site.open("/connections/")
    expect(site.page.get_by_role("row", name="Boulangerie du Port")).to_be_visible()
    site.check_everywhere("connections-town")
