"""Campaigns in a browser: from the idea to the button, and what became of each message."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from chaland.hub.common import clock
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.models import Campaign, Delivery
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.builders import PASSWORD
from tests.e2e.conftest import OpenSite, Site
from tests.hub.loyalty.web.outreach.conftest import Outreach, built, typed
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
    french.get_by_role("textbox", name="Texte").fill(
        "Bonjour {first_name},\n\nvenez découvrir la rentrée."
    )
    french.get_by_label("Bouton").fill("Mon compte")
    sms = page.get_by_role("group", name="SMS en français")
    sms.get_by_role("textbox", name="Texte").fill(
        "Bonjour {first_name}, la fête de la rentrée ! {link}"
    )
    expect(sms.locator("[data-sms-say]")).to_contain_text("SMS par personne")
    sms.get_by_role("button", name="Écrire moins cher").click()
    expect(sms.get_by_role("textbox", name="Texte")).to_have_value(
        "Bonjour {first_name}, la fete de la rentrée ! {link}"
    )
    send = page.get_by_role("button", name="Envoyer maintenant")
    expect(send).to_be_enabled()
    french.get_by_text("Aperçu").click()
    expect(french.frame_locator("iframe:visible").get_by_text("Bonjour Camille")).to_be_visible()
    french.get_by_label("comme le lit").select_option("1")
    expect(french.frame_locator("iframe:visible").get_by_text("Bonjour,")).to_be_visible()
    site.check_everywhere("outreach-edit")
    page.once("dialog", lambda dialog: dialog.accept())
    send.click()
    expect(page).to_have_url(re.compile(r"/outreach/\d+/$"))
    campaign = Campaign.objects.get(name="Rentrée littéraire")
    for _turn in range(3):
        run_once(NOON)
    sent = Delivery.objects.filter(campaign=campaign).exclude(reason="held_out").count()
    expect(page.locator("#progress")).to_contain_text(f"{sent} messages traités sur {sent}")
    site.check("outreach-campaign")
    page.get_by_role("link", name="Chaque personne").click()
    site.check_everywhere("outreach-people")


def test_what_is_missing_stands_before_the_button(open_site: OpenSite, outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    site = signed_in(open_site, "sami@example.org")
    site.open(f"/outreach/{campaign.pk}/edit/")
    expect(site.page.get_by_role("button", name="Envoyer maintenant")).to_be_disabled()
    expect(site.page.locator("#checks")).to_contain_text("pas de texte")
    site.page.get_by_role("textbox", name="Texte").first.fill("Bonjour {prenom}")
    expect(site.page.locator("#checks")).to_contain_text("Pas enregistré")
    site.check("outreach-edit-faults")


def test_a_campaign_that_runs_is_paused(open_site: OpenSite, outreach: Outreach) -> None:
    campaign = outreach.campaign(
        outreach.shop, state="running", send_at=NOON, frozen_at=NOON, expires_at=NOON
    )
    build_deliveries(campaign, outreach.members, "email")
    Delivery.objects.filter(member__in=outreach.members[:3]).update(state="unknown")
    site = signed_in(open_site, "sami@example.org")
    site.open(f"/outreach/{campaign.pk}/")
    site.check_everywhere("outreach-campaign-running")
    site.page.evaluate(
        "() => document.addEventListener('htmx:afterRequest', () => (window.asked = true))"
    )
    site.page.get_by_role("button", name="Mettre en pause").hover()
    site.page.mouse.down()
    site.page.wait_for_function("() => window.asked")  # what comes now swallows no press
    site.page.mouse.up()
    expect(site.page.locator("#progress")).to_contain_text("en pause")
    expect(site.page.get_by_role("button", name="Reprendre")).to_be_visible()


def test_a_director_sets_gateways_up(open_site: OpenSite, outreach: Outreach) -> None:
    site = signed_in(open_site, "denise@example.org")
    page = site.page
    site.open("/outreach/gateways/")
    site.check_everywhere("outreach-gateways")
    page.get_by_role("button", name="Envoyer un essai à denise@example.org").click()
    expect(page.locator("main")).to_contain_text("Le message d’essai a été remis")
    page.get_by_text("En prendre une autre").last.click()
    page.get_by_role("link", name="Kannel").click()
    site.check_everywhere("outreach-gateway")
    page.get_by_label("Expéditeur").fill("Vitrines")
    page.get_by_label("Identifiant").fill("chaland")
    page.get_by_label("Mot de passe").fill("geheim-7")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("main")).to_contain_text("Kannel")
    site.check("outreach-gateways-kannel")


def test_the_association_sees_who_tires_people(open_site: OpenSite, outreach: Outreach) -> None:
    campaign = outreach.campaign(
        outreach.shop, state="finished", send_at=NOON, frozen_at=NOON, expires_at=NOON
    )
    build_deliveries(campaign, outreach.members, "email")
    rows = Delivery.objects.filter(campaign=campaign)
    rows.update(state="delivered", sending_at=NOON - timedelta(days=1))
    site = signed_in(open_site, "denise@example.org")
    site.open("/outreach/overview/?days=90")
    site.check_everywhere("outreach-overview")


def test_automatic_messages_and_the_outbox(
    open_site: OpenSite, outreach: Outreach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
    site = signed_in(open_site, "sami@example.org")
    page = site.page
    site.open("/outreach/automatic/")
    page.get_by_role("button", name="Préparer mois d’anniversaire").click()
    site.check_everywhere("outreach-automatic-edit")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Activer").click()
    site.open("/outreach/automatic/")
    expect(page.locator("main")).to_contain_text("activé")
    site.check_everywhere("outreach-automatic")
    page.get_by_role("button", name=re.compile("Préparer un ticket")).click()
    expect(page.get_by_role("textbox")).to_have_count(0)  # its text is ours
    site.check("outreach-automatic-receipt")
    for channel in ("email", "sms"):
        campaign = outreach.campaign(outreach.shop, seed=len(channel), channels=[channel])
        told = typed(way=channel, holdout="0", do="send")
        outreach.keeper.post(f"/outreach/{campaign.pk}/edit/", told)
    for _turn in range(3):
        run_once(NOON)
    site.open("/outreach/outbox/")
    site.check_everywhere("outreach-outbox")
    for channel in ("email", "sms"):
        row = Delivery.objects.filter(channel=channel, state="accepted").first()
        assert row is not None
        site.open(f"/outreach/outbox/{row.pk}/")
        site.check_everywhere(f"outreach-outbox-{channel}")


def test_a_member_chooses_and_sees_why(open_site: OpenSite, outreach: Outreach) -> None:
    member = outreach.members[0]
    sent = outreach.campaign(outreach.shop, state="finished", send_at=NOON, expires_at=NOON)
    missed = outreach.campaign(None, seed=8, state="finished", send_at=NOON, expires_at=NOON)
    for campaign in (sent, missed):
        build_deliveries(campaign, [member], "email")
    Delivery.objects.filter(campaign=sent).update(state="delivered", sending_at=NOON)
    Delivery.objects.filter(campaign=missed).update(state="not_sent", reason="others_turn")
    site = open_site()
    page = site.page
    site.open(links.account_link(member.pk, "till:1 seller:1"))
    page.locator("main form button").click()
    page.get_by_role("link", name="Mes messages").click()
    page.get_by_text("Pourquoi ai-je reçu ce message").click()
    site.check_everywhere("account-messages")
    page.get_by_label("Sur une semaine, au plus").select_option("1")
    page.get_by_label("Mois d’anniversaire").check()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("main")).to_contain_text("Gardé")
    expect(page.get_by_label("Mois d’anniversaire")).to_be_checked()


def test_english_is_complete(open_site: OpenSite, outreach: Outreach) -> None:
    site = signed_in(open_site, "sami@example.org")
    site.open("/outreach/")
    site.page.get_by_role("button", name="English").click()
    site.page.get_by_role("button", name="New campaign").click()
    expect(site.page.get_by_role("button", name="Send now")).to_be_disabled()
    site.check("outreach-english")
