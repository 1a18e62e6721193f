"""Programmes and the member's account in a real browser: looked at, and done without a mouse."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from chaland.hub.common import clock
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.models import Member, Tier
from chaland.hub.loyalty.programmes.services import Ask, redeem
from tests.builders import PASSWORD, build_cast
from tests.e2e.conftest import OpenSite, Site
from tests.hub.loyalty.programmes.building import bring_back, buy, receipt
from tests.loyalty_builders import Loyalty, build_loyalty


@pytest.fixture
def town(transactional_db: None) -> Loyalty:
    town = build_loyalty(build_cast(3), members=12)
    Tier.objects.create(
        programme=town.purse, name="Flâneur", measure="shops", threshold=2, multiplier_percent=150
    )
    now = clock.now()
    for member in town.members:
        for days in (2, 9):
            receipt(town, [1_490], member=member, at=now - timedelta(days=days))
    return town


def test_a_shopkeeper_tries_a_rule_and_lets_it_count(site: Site, town: Loyalty) -> None:
    site.sign_in(town.cast.shopkeeper.email, PASSWORD)
    site.open("/programmes/")
    site.check_everywhere("programmes-shop")
    page = site.page
    page.get_by_role("link", name="Modifier points").click()
    site.check_everywhere("programme")
    page.get_by_role("link", name="fois deux le…").click()
    page.get_by_label("Nom, tel que le membre le lit").fill("Double toute la semaine")
    page.get_by_role("button", name="4 semaines").click()
    expect(page.locator("#simulation")).to_contain_text("Elle aurait coûté")
    expect(page.locator("#simulation")).to_contain_text("340 points")  # of 24 receipts of 14.90
    site.check_everywhere("programme-rule")
    page.get_by_role("button", name="Mettre en service").click()
    expect(page.get_by_text("× 2", exact=True)).to_have_count(1)


def test_a_director_sees_the_purse_and_its_sponsors(site: Site, town: Loyalty) -> None:
    site.sign_in(town.cast.director.email, PASSWORD)
    site.open("/programmes/")
    site.check_everywhere("programmes-town")
    site.page.get_by_role("link", name="Financeurs").click()
    site.page.get_by_label("Nom").fill("La Laiterie")
    site.page.get_by_role("button", name="Ajouter un financeur").click()
    site.page.get_by_label("Versé par La Laiterie (€)").fill("250")
    site.page.get_by_role("button", name="Saisir le versement").click()
    expect(site.page.locator("main")).to_contain_text("250,00\xa0€")
    site.check_everywhere("programmes-sponsors")


def test_a_member_opens_the_account_and_decides(open_site: OpenSite, town: Loyalty) -> None:
    member = town.member
    Member.objects.filter(pk=member.pk).update(email="anna@example.org", phone="+33612345678")
    bought = buy(town, 12_000, at=clock.now() - timedelta(days=3))
    for _ in range(7):
        buy(town, 900, shop=1, at=clock.now() - timedelta(days=1))
    ask = Ask(town.cast.association.pk, town.cast.shops[0].pk, "v", "till:1")
    redeem(ask, town.points.rewards.get().pk, member.pk)
    bring_back(town, bought, {1: 1_000}, shop=2, at=clock.now())
    phone = open_site()
    phone.open(links.account_link(member.pk, "till:1 seller:1"))
    phone.check_everywhere("account-open")
    phone.page.get_by_role("button", name="Ouvrir mon compte").click()
    expect(phone.page.locator("main")).to_contain_text("dû après un retour")
    phone.check_everywhere("account")
    switch = phone.page.get_by_role("switch").first
    assert switch.get_attribute("aria-checked") == "false"
    phone.page.get_by_role("switch", name="Offres et ventes privées par e-mail").first.press(
        "Enter"
    )
    expect(phone.page.get_by_role("switch", checked=True)).to_have_count(1)
    phone.page.get_by_role("link", name="Ma carte").click()
    phone.check_everywhere("account-card")
    phone.open("/me/")
    phone.page.get_by_role("link", name="Partir").click()
    phone.check_everywhere("account-leave")
    phone.page.get_by_role("button", name="Partir maintenant").click()
    phone.page.get_by_role("button", name="Annuler").click()
    expect(phone.page.locator("main")).to_contain_text("Vous restez membre")
