"""The first-run guide in a browser: from an empty installation to a finished town."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from chaland.hub.association import selectors, services
from chaland.hub.association.models import Association, Invitation, Shop

from .conftest import PASSWORD, OpenSite, Site

GOOD = """nom;zone;activité;lundi;mardi;e-mail
Librairie des Halles;Centre;Librairie;fermé;9h30-12h30 14h-19h;libraire@example.fr
Café de la Gare;Gare;Café;7h-1h;7h-1h;
""".encode("cp1252")
BAD = """nom;zone;lundi;couleur
Librairie;Centre;9h-25h;bleu
;Centre;9h-12h;rouge
Café;;midi;vert
"""


def upload(site: Site, name: str, content: bytes) -> None:
    site.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    site.page.get_by_role("button", name="Vérifier le fichier").click()


def first_run(site: Site) -> None:
    site.open(f"/start/?code={services.setup_token()}")
    page = site.page
    page.get_by_label("Nom de l’association").fill("Les Vitrines de Port-Joli")
    page.get_by_label("Ville").fill("Port-Joli")
    page.get_by_label("Votre nom").fill("Claire Martin")
    page.get_by_label("Votre adresse e-mail").fill("directrice@example.fr")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Créer l’association").click()


@pytest.mark.usefixtures("transactional_db")
def test_from_an_empty_installation_to_a_finished_town(site: Site, open_site: OpenSite) -> None:
    page = site.page
    site.open("/")
    expect(page).to_have_url(f"{site.url}/start/")
    site.check_everywhere("guide-0-welcome")
    first_run(site)

    expect(page.get_by_role("heading", name="Zones", level=1)).to_be_visible()
    site.check_everywhere("guide-1-zones-empty")
    page.get_by_label("Nom de la zone").fill("Centre")
    page.get_by_role("button", name="Ajouter la zone").click()
    page.get_by_label("Nom de la zone").fill("centre ")
    page.get_by_role("button", name="Ajouter la zone").click()
    expect(page.get_by_text("Il y a déjà une zone de ce nom.")).to_be_visible()
    site.check("guide-1-zones-error")

    page.locator(".steps").get_by_role("link", name="Commerces").click()
    site.check_everywhere("guide-2-shops-empty")
    page.get_by_role("link", name="Importer un fichier CSV").first.click()
    site.check_everywhere("guide-2-import")
    upload(site, "commerces.csv", GOOD)
    expect(page.get_by_text("est correct : 2 commerces")).to_be_visible()
    assert Shop.objects.count() == 0, "a preview writes nothing"
    site.check_everywhere("guide-2-import-preview")
    page.get_by_role("button", name="Enregistrer ces commerces").click()

    expect(page.get_by_role("heading", name="Équipe", level=1)).to_be_visible()
    site.check_everywhere("guide-4-staff-links")
    link = page.get_by_label("libraire@example.fr", exact=True).input_value()

    page.locator(".steps").get_by_role("link", name="Horaires").click()
    site.check_everywhere("guide-3-hours")
    page.get_by_role("link", name="Librairie des Halles").click()
    row = page.get_by_role("group", name="Mercredi")
    row.get_by_label("Mercredi : ouvre", exact=True).fill("10:00")
    row.get_by_label("Mercredi : ferme", exact=True).fill("19:00")
    row.get_by_role("button", name="Recopier jusqu’à samedi").click()
    expect(page.get_by_label("Samedi : ferme", exact=True)).to_have_value("19:00")
    page.get_by_label("Vendredi : ferme", exact=True).fill("")
    page.get_by_role("button", name="Enregistrer").last.click()
    expect(page.get_by_text("Indiquez les deux heures")).to_be_visible()
    site.check_everywhere("guide-3-week-error")
    page.get_by_label("Vendredi : ferme", exact=True).fill("20:00")
    page.get_by_role("button", name="Enregistrer").last.click()
    week = selectors.week_of(Shop.objects.get(name="Librairie des Halles"))
    assert [str(opening) for opening in week[4]] == ["10:00-20:00"]
    assert week[6] == ()

    page.locator(".steps").get_by_role("link", name="Capteurs").click()
    site.check_everywhere("guide-5-sensors")
    site.open("/start/")
    site.check_everywhere("guide-6-overview")
    page.get_by_role("button", name="Terminer la mise en place").click()
    assert Association.objects.get().guide_finished_at

    keeper = open_site()
    keeper.page.goto(link)
    keeper.check_everywhere("guide-7-invitation")
    keeper.page.get_by_label("Votre nom").fill("Louise Page")
    keeper.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    keeper.page.get_by_role("button", name="Ouvrir mon compte").click()
    assert Invitation.objects.get().accepted_at
    assert keeper.page.goto(f"{keeper.url}/start/").status == 403
    keeper.check("guide-8-forbidden")


def test_a_bad_file_is_explained_and_nothing_is_written(site: Site, town: Association) -> None:
    site.sign_in("directrice@example.fr")
    site.open("/start/shops/import/")
    before = Shop.objects.count()
    upload(site, "liste.csv", BAD.encode())
    table = site.page.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(5)
    expect(site.page.get_by_text("Ces colonnes ne servent pas : couleur.")).to_be_visible()
    site.check_everywhere("import-problems")
    upload(site, "classeur.xlsx", b"PK\x03\x04 not text")
    expect(site.page.get_by_text("Enregistrer sous")).to_be_visible()
    assert Shop.objects.count() == before


def test_english_is_complete_on_the_pages(open_site: OpenSite, town: Association) -> None:
    site = open_site(locale="en-GB")
    site.sign_in("directrice@example.fr")
    site.open("/start/")
    site.page.locator("button[name=language][value=en]").click()
    expect(site.page.locator("html")).to_have_attribute("lang", "en")
    for path in (
        "",
        "association/",
        "zones/",
        "shops/",
        "shops/new/",
        "hours/",
        "staff/",
        "sensors/",
    ):
        site.open(f"/start/{path}")
        assert site.page.evaluate("document.documentElement.lang") == "en"
        text = site.page.locator("main").inner_text()
        assert not [
            word for word in ("Réglages", "Enregistrer", "Commerce", "Horaires") if word in text
        ]
    site.check("settings-english")


def test_a_stranger_without_the_code_gets_nowhere(site: Site, live_server: LiveServer) -> None:
    site.open("/start/?code=000000-000000-000000-000000")
    page = site.page
    page.get_by_label("Nom de l’association").fill("Pirates")
    page.get_by_label("Ville").fill("Port-Joli")
    page.get_by_label("Votre nom").fill("Un inconnu")
    page.get_by_label("Votre adresse e-mail").fill("inconnu@example.fr")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Créer l’association").click()
    expect(page.get_by_text("Ce n’est pas le code de ce serveur")).to_be_visible()
    assert not selectors.is_set_up()
    site.check("guide-wrong-code")
