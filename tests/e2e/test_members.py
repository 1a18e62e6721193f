"""Members' pages in a real browser: no violation of the policy, none of accessibility."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import Member
from tests.e2e.conftest import Site

KEEPER, DIRECTOR = "boulanger@example.fr", "directrice@example.fr"
FILE = (
    "nom;prénom;téléphone;e-mail;accord sms;date de l’accord;texte de l’accord;source\n"
    "Roux;Anna;0639980001;;oui;1/2/2026;J’accepte les offres par SMS.;carte\n"
    "Noir;Eve;0639980003;;oui;;;\n"
    "Vert;Max;12;;;;;\n"
)


@pytest.fixture
def shop(town: Association) -> Shop:
    """The keeper's shop, with some members, two of them alike."""
    shop = Shop.objects.get(name="Boulangerie du Port")
    texts = wordings.current(town.pk, "fr")
    boxes = [
        Decision(shop.pk, texts[0].purpose, texts[0].channel, given=True, wording_id=texts[0].pk),
        Decision(0, texts[3].purpose, texts[3].channel, given=True, wording_id=texts[3].pk),
    ]
    names = ["Anna Lefèvre", "Bilal Haddad", "Chloé Martin", "Chloé Martin"]
    for number, name in enumerate(names):
        first, last = name.split()
        enrol(
            Enrolment(
                town.pk, shop.pk, "till:1", datetime(2026, 11, 3, 9, number, tzinfo=UTC),
                first_name=first, last_name=last, phone=f"06399800{number:02}", birth_day=3,
                birth_month=4, over_15=True, decisions=boxes,
            ),
            despite_duplicates=True,
        )  # fmt: skip
    return shop


def test_a_shopkeepers_pages(site: Site, shop: Shop) -> None:
    site.sign_in(KEEPER)
    site.open("/members/")
    site.check_everywhere("members-list")
    site.page.get_by_label("Nom").fill("lef")
    site.page.get_by_label("Nom").press("Enter")
    expect(site.page.get_by_role("link", name="Bilal Haddad")).to_have_count(0)
    site.page.get_by_role("link", name="Anna Lefèvre").click()
    site.check_everywhere("members-member")
    site.page.get_by_role("button", name="Retirer").first.click()
    expect(site.page.get_by_text("Le consentement est retiré.")).to_be_visible()
    site.open("/members/duplicates/")
    site.check_everywhere("members-duplicates")
    site.page.get_by_role("button", name="Une seule personne : fusionner").click()
    expect(site.page.get_by_text("Rien à décider")).to_be_visible()


def test_enrolment_by_the_keyboard_alone(site: Site, shop: Shop) -> None:
    site.sign_in(KEEPER)
    site.open("/members/enrol/")
    site.check_everywhere("members-enrol")
    site.page.get_by_label("Numéro de mobile").focus()
    keys = site.page.keyboard
    keys.type("06 39 98 77 77")
    keys.press("Tab")
    keys.type("Chloé")
    keys.press("Tab")
    keys.type("Martin")
    site.page.get_by_label("J’ai 15 ans ou plus.").focus()
    keys.press("Space")
    keys.press("Enter")
    expect(site.page.get_by_text("est-ce la même")).to_be_visible()
    site.check_everywhere("members-enrol-warned")
    site.page.get_by_label("C’est une autre personne").check()
    site.page.get_by_role("button", name="Inscrire").click()
    expect(site.page.get_by_text("Inscription faite. Voici la carte.")).to_be_visible()
    assert Member.objects.filter(phone_index__isnull=False).count() == 5


def test_a_file_is_looked_over_and_taken_in(site: Site, shop: Shop) -> None:
    site.sign_in(KEEPER)
    site.open("/members/file/")
    site.check_everywhere("members-file")
    site.page.locator("input[type=file]").set_input_files(
        {"name": "clients.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    site.page.get_by_role("button", name="Examiner le fichier").click()
    expect(site.page.get_by_text("Ce n’est pas un numéro de téléphone")).to_be_visible()
    site.check_everywhere("members-file-preview")
    site.page.get_by_role("button", name="Les reprendre").click()
    expect(site.page.get_by_text("Le fichier est repris.")).to_be_visible()
    site.check_everywhere("members-file-report")


def test_a_director_sees_no_list(site: Site, shop: Shop) -> None:
    site.sign_in(DIRECTOR)
    site.open("/members/")
    expect(site.page.get_by_text("jamais une liste de personnes")).to_be_visible()
    expect(site.page.get_by_text("Lefèvre")).to_have_count(0)
    site.check_everywhere("members-director")
