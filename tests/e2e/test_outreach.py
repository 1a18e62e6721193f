"""Campaigns in a browser: from the idea to the button, and what became of each message."""

import pytest
from playwright.sync_api import expect

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.builders import PASSWORD
from tests.e2e.conftest import OpenSite, Site
from tests.hub.loyalty.web.outreach.conftest import Outreach, built
from tests.outreach_builders import NOON, build_deliveries


@pytest.fixture
def outreach(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Outreach:
    monkeypatch.setattr(clock, "_read", lambda: NOON)
    found = built()
    found.people(60, found.shop)
    return found


def signed_in(open_site: OpenSite, email: str) -> Site:
    site = open_site()
    site.sign_in(email, PASSWORD)
    return site


def test_a_shopkeeper_writes_checks_and_sends(open_site: OpenSite, outreach: Outreach) -> None:
    later = {"state": "scheduled", "send_at": NOON, "seed": 9}
    outreach.campaign(outreach.cast.shops[1], **later)
    site = signed_in(open_site, "sami@example.org")
    page = site.page
    site.open("/outreach/")
    site.check_everywhere("outreach-list")
    page.get_by_role("button", name="Nouvelle campagne").click()
    page.get_by_label("Nom, pour vous").fill("Rentrée littéraire")
    page.get_by_text("Tous vos clients d’accord ; ou seulement qui…").click()
    page.get_by_label("lit une langue").check()
    french = page.get_by_role("group", name="E-mail en français")
    french.get_by_label("Objet").fill("La rentrée de {shop}")
    french.get_by_label("Texte").fill("Bonjour {first_name},\n\nvenez découvrir la rentrée.")
    french.get_by_label("Bouton").fill("Mon compte")
    sms = page.get_by_role("group", name="SMS en français")
    sms.get_by_label("Texte").fill("Bonjour {first_name}, la fête de la rentrée ! {link}")
    expect(sms.locator("[data-sms-say]")).to_contain_text("SMS par personne")
    sms.get_by_role("button", name="Écrire moins cher").click()
    expect(sms.get_by_label("Texte")).to_have_value(
        "Bonjour {first_name}, la fete de la rentrée ! {link}"
    )
    send = page.get_by_role("button", name="Envoyer maintenant")
    expect(send).to_be_enabled()
    french.get_by_text("Aperçu").click()
    expect(french.frame_locator("iframe").get_by_text("Bonjour Camille")).to_be_visible()
    french.get_by_label("comme le lit").select_option("none")
    expect(french.frame_locator("iframe").get_by_text("Bonjour,")).to_be_visible()
    site.check_everywhere("outreach-edit")
    page.once("dialog", lambda dialog: dialog.accept())
    send.click()
    campaign = Campaign.objects.get(name="Rentrée littéraire")
    assert page.url.endswith(f"/outreach/{campaign.pk}/")
    for _turn in range(3):
        run_once(NOON)
    sent = Delivery.objects.filter(campaign=campaign).exclude(reason="held_out").count()
    expect(page.locator("#progress")).to_contain_text(f"{sent} messages traités sur {sent}")
    site.check_everywhere("outreach-campaign")
    page.get_by_role("link", name="Chaque personne").click()
    site.check_everywhere("outreach-people")


def test_what_is_missing_stands_before_the_button(open_site: OpenSite, outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    site = signed_in(open_site, "sami@example.org")
    site.open(f"/outreach/{campaign.pk}/edit/")
    expect(site.page.get_by_role("button", name="Envoyer maintenant")).to_be_disabled()
    expect(site.page.locator("#checks")).to_contain_text("pas de texte")
    site.page.get_by_label("Texte").first.fill("Bonjour {prenom}")
    expect(site.page.locator("#checks")).to_contain_text("Pas enregistré")
    site.check_everywhere("outreach-edit-faults")


def test_a_campaign_that_runs_is_paused(open_site: OpenSite, outreach: Outreach) -> None:
    campaign = outreach.campaign(
        outreach.shop, state="running", send_at=NOON, frozen_at=NOON, expires_at=NOON
    )
    build_deliveries(campaign, outreach.members, "email")
    Delivery.objects.filter(member__in=outreach.members[:3]).update(state="unknown")
    site = signed_in(open_site, "sami@example.org")
    site.open(f"/outreach/{campaign.pk}/")
    site.check_everywhere("outreach-campaign-running")
    site.page.get_by_role("button", name="Mettre en pause").click()
    expect(site.page.locator("#progress")).to_contain_text("en pause")
    expect(site.page.get_by_role("button", name="Reprendre")).to_be_visible()
