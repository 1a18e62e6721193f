"""A private sale from the idea to the till, in a real browser: few taps, and nothing lost."""

import re
from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from chaland.hub.common import clock
from chaland.hub.loyalty.models import (
    Campaign,
    Invitation,
    Permission,
    PrivateSale,
    Purpose,
    ShopCustomer,
)
from chaland.hub.loyalty.outreach.results import debrief
from chaland.hub.loyalty.sales import codes, services
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.services import SaleIn
from tests.builders import PASSWORD
from tests.e2e import tills
from tests.e2e.conftest import OpenSite, Site
from tests.outreach_builders import build_gateway, build_reachable

COATS = (("M-104", "Manteau Brume", 12_900), ("M-110", "Caban Iroise", 18_900))


@pytest.fixture
def shop(transactional_db: None) -> tills.Shop:
    return tills.build_shop()


def record_prices(shop: tills.Shop, since: date | None = None) -> None:
    cast, today = shop.loyalty.cast, clock.now().date()
    since = since or today - timedelta(days=200)
    told = [PriceIn(item, name, cents, since, "Manteaux") for item, name, cents in COATS]
    services.take_prices(cast.association.pk, cast.shop.pk, told, "user:1", today=today)


def build_audience(shop: tills.Shop, people: int) -> None:
    """Customers of the shop who agreed to its own offers by SMS."""
    cast = shop.loyalty.cast
    members = build_reachable(cast.association.pk, people)
    Permission.objects.update(controller=cast.shop.pk)
    ShopCustomer.objects.bulk_create(
        ShopCustomer(member=m, shop_id=cast.shop.pk, since=clock.now(), how="enrolled")
        for m in members
    )
    assert Permission.objects.filter(purpose=Purpose.OFFERS).count() == people
    build_gateway(
        cast.association.pk, settings='{"stop": "36105", "segment_microcents": "4500000"}'
    )


def announce(shop: tills.Shop, begins: datetime | None = None) -> PrivateSale:
    cast = shop.loyalty.cast
    record_prices(shop)
    begins = begins or clock.now() - timedelta(minutes=5)
    sale = services.create(
        SaleIn(
            cast.association.pk, cast.shop.pk, "Vente privée d’hiver", begins,
            begins + timedelta(hours=3),
        ),
        "user:1",
    )  # fmt: skip
    services.set_offer(sale.pk, cast.shop.pk, OfferIn("Manteaux", group="Manteaux", percent=30))
    services.set_slot(sale.pk, sale.starts_at, sale.ends_at, 2)
    return services.open_sale(sale.pk)


def invite(shop: tills.Shop, sale: PrivateSale) -> Invitation:
    services.invite(sale.pk, [shop.member.pk])
    return Invitation.objects.get(sale=sale, member=shop.member)


def test_from_the_idea_to_sent_in_three_taps(site: Site, shop: tills.Shop) -> None:
    record_prices(shop)
    build_audience(shop, 40)
    site.sign_in(shop.loyalty.cast.shopkeeper.email, PASSWORD)
    site.open("/sales/")
    site.check_everywhere("sales-empty")
    taps = tills.Taps(site.page)
    site.page.get_by_role("link", name="Nouvelle vente privée").first.click()
    taps.count += 1
    site.check_everywhere("sale-wizard-fresh")
    expect(site.page.get_by_role("button", name="Annoncer et envoyer")).to_be_disabled()
    site.page.locator("[name='what.0']").select_option("group:Manteaux")
    taps.count += 1
    checks = site.page.locator("#checks")
    expect(checks).to_contain_text("prouvée")
    expect(checks).to_contain_text("103,20\xa0€")  # 129 less 20 %
    expect(checks).to_contain_text("Coût au plus")
    site.check_everywhere("sale-wizard")
    how = site.page.locator("[name='how.0']")
    how.select_option("ladder")
    site.page.locator("[name='count.0.0']").fill("2")
    site.page.locator("[name='off.0.0']").fill("15")
    expect(checks).to_contain_text("2 articles −15")
    site.page.locator("summary", has_text="Conditions").first.click()
    site.check_everywhere("sale-wizard-quantity")
    how.select_option("percent")
    expect(checks).to_contain_text("103,20\xa0€")
    site.page.once("dialog", lambda dialog: dialog.accept())
    taps.button("Annoncer et envoyer")
    expect(site.page.locator("main")).to_contain_text("les invitations partent")
    assert taps.count == 3
    sale, campaign = PrivateSale.objects.get(), Campaign.objects.get()
    assert sale.state == PrivateSale.State.OPEN
    assert campaign.state == Campaign.State.SCHEDULED
    assert campaign.channels == ["sms"]  # the only gateway there is
    site.check_everywhere("sale-announced")
    site.open("/sales/")
    site.check_everywhere("sales-list")


def test_an_article_is_found_by_a_few_letters(site: Site, shop: tills.Shop) -> None:
    record_prices(shop)
    site.sign_in(shop.loyalty.cast.shopkeeper.email, PASSWORD)
    site.open("/sales/new/")
    page = site.page
    which = page.locator("[name='article.0']")
    expect(which).to_be_hidden()
    page.locator("[name='what.0']").select_option("item")
    which.press_sequentially("iroi")
    listed = page.locator("#articles option")
    expect(listed).to_have_count(1)
    which.fill(listed.get_attribute("value") or "")
    expect(page.locator("#checks")).to_contain_text("151,20\xa0€")  # 189 less 20 %
    site.check_everywhere("sale-wizard-article")


def test_a_reduction_without_proof_shows_the_way_out(site: Site, shop: tills.Shop) -> None:
    record_prices(shop, since=clock.now().date() - timedelta(days=3))
    site.sign_in(shop.loyalty.cast.shopkeeper.email, PASSWORD)
    site.open("/sales/new/")
    page = site.page
    page.locator("[name='what.0']").select_option("group:Manteaux")
    expect(page.locator("#checks")).to_contain_text("bloquée")
    site.check_everywhere("sale-wizard-blocked")
    expect(page.get_by_role("button", name="Annoncer et envoyer")).to_be_disabled()
    site.open("/sales/prices/file/")
    rows = "".join(
        f"{item};{name};Manteaux;{cents // 100},00;01/01/2026\n" for item, name, cents in COATS
    )
    page.get_by_label("Fichier").set_input_files(
        {
            "name": "prix.csv",
            "mimeType": "text/csv",
            "buffer": (
                "référence;désignation;rayon;prix;depuis le\n" + rows + "X;Y;Z;cher;1/1/26\n"
            ).encode(),
        }
    )
    page.get_by_role("button", name="Examiner le fichier").click()
    site.check_everywhere("prices-preview")
    page.get_by_role("button", name=re.compile("prend|repren", re.IGNORECASE)).click()
    expect(page.locator("main")).to_contain_text("2 nouveaux prix")
    site.check_everywhere("prices")
    page.get_by_role("link", name="Manteau Brume").click()
    site.check_everywhere("price-history")
    site.open("/sales/new/")
    page.locator("[name='what.0']").select_option("group:Manteaux")
    expect(page.locator("#checks")).to_contain_text("prouvée")


def test_a_member_opens_the_invitation_and_books(open_site: OpenSite, shop: tills.Shop) -> None:
    sale = announce(shop, clock.now() + timedelta(days=3))
    invitation = invite(shop, sale)
    phone = open_site()
    phone.open(codes.path_of(invitation))
    phone.check_everywhere("invitation")
    expect(phone.page.locator("main")).to_contain_text("129,00\xa0€")
    expect(phone.page.locator("main")).not_to_contain_text("Dupont")
    phone.page.get_by_role("button", name="Réserver").click()
    expect(phone.page.locator("main")).to_contain_text("votre place")
    phone.check_everywhere("invitation-booked")
    Invitation.objects.update(state="queued")
    phone.open(codes.path_of(invitation))
    expect(phone.page.locator("main")).to_contain_text("Revenez voir")
    phone.check_everywhere("invitation-queued")
    Invitation.objects.update(state="booked", moved_up_at=clock.now())
    phone.open(codes.path_of(invitation))
    expect(phone.page.locator("main")).to_contain_text("elle est à vous")
    phone.check_everywhere("invitation-moved-up")
    phone.page.get_by_role("button", name="Je ne peux pas venir").click()
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.DECLINED
    phone.page.get_by_role("button", name="EN").click()
    expect(phone.page.locator("main")).to_contain_text("Changed your mind?")
    phone.open("/i/AAAAA-AAAAA/")
    phone.check_everywhere("invitation-wrong")


@pytest.fixture
def running(shop: tills.Shop) -> PrivateSale:
    return announce(shop)


@pytest.fixture
def page(site: Site, shop: tills.Shop, running: PrivateSale) -> Page:
    site.page.set_viewport_size(tills.PHONE_SIZE)
    site.open("/till/")
    tills.pair(site.page, shop.code)
    return site.page


def found(page: Page) -> None:
    page.locator("#find").fill(tills.PHONE)
    expect(page.locator(".private-sale")).to_be_visible()


def test_a_guest_is_checked_in_by_one_tap(
    site: Site, shop: tills.Shop, running: PrivateSale, page: Page
) -> None:
    invite(shop, running)
    found(page)
    box = page.locator(".private-sale")
    expect(box).to_contain_text("Invité")
    site.check_everywhere("till-sale-invited")
    page.set_viewport_size(tills.PHONE_SIZE)
    page.get_by_role("button", name="Pointer").click()
    expect(box).to_contain_text("90,30\xa0€")
    expect(box).to_contain_text("129,00\xa0€")
    site.check_everywhere("till-sale-arrived")
    page.set_viewport_size(tills.PHONE_SIZE)
    page.get_by_role("button", name="Annuler").click()
    expect(page.get_by_role("button", name="Pointer")).to_be_visible()
    assert Invitation.objects.get().state == Invitation.State.OPEN


def test_a_newcomer_joins_at_the_door_by_one_tap(
    site: Site, shop: tills.Shop, running: PrivateSale, page: Page
) -> None:
    page.locator("#find").fill("06 77 88 99 00")
    page.get_by_role("button", name="Nouveau membre").click()
    page.locator("#new-name").fill("Nina Vidal")
    page.locator("#over-15").check()
    page.get_by_role("button", name="Inscrire").click()
    page.get_by_role("button", name="Faire entrer").click()
    expect(page.locator(".private-sale")).to_contain_text("Arrivée\xa0: ")
    invitation = Invitation.objects.get(sale=running)
    assert (invitation.how, invitation.recruited) == (Invitation.How.DOOR, True)


def test_what_is_to_pay_is_said_of_the_amount_typed_and_noted_by_a_tap(
    site: Site, shop: tills.Shop, running: PrivateSale, page: Page
) -> None:
    PrivateSale.objects.update(state="draft")
    services.set_offer(
        running.pk, shop.loyalty.cast.shop.pk, OfferIn("Tout", percent=10, least_cents=2_000)
    )
    services.open_sale(running.pk)
    invite(shop, running)
    page.locator("#amount").press_sequentially("1999")
    found(page)
    page.get_by_role("button", name="Pointer l’arrivée").click()
    box = page.locator(".private-sale")
    expect(box).to_contain_text("à partir de 20,00\xa0€ d’achat, avant la réduction")
    expect(page.locator(".to-pay")).to_have_count(0)
    page.locator("#amount").fill("")
    for _sign in range(4):
        page.locator("#amount").press("Backspace")
    page.locator("#amount").press_sequentially("2355")
    expect(box).to_contain_text("À payer avec −10\u202f% : 21,19\xa0€ au lieu de 23,55\xa0€")
    site.check_everywhere("till-sale-to-pay")
    page.set_viewport_size(tills.PHONE_SIZE)
    page.get_by_role("button", name="Noter 21,19").click()
    expect(page.locator("#amount")).to_have_value("21,19\xa0€")
    expect(page.locator(".to-pay")).to_have_count(0)  # it is taken off once


def type_fast(page: Page, code: str) -> None:
    """As a scanner: all signs at once, then Enter."""
    page.evaluate(
        """(code) => {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
          for (const sign of code) press(sign);
          press("Enter");
        }""",
        code,
    )


def test_a_scanned_invitation_checks_in_once(
    site: Site, shop: tills.Shop, running: PrivateSale, page: Page
) -> None:
    address = "https://vitrines.example" + codes.path_of(invite(shop, running))
    type_fast(page, address)
    expect(page.locator("#card")).to_contain_text("Arrivée notée.")
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    expect(page.locator(".private-sale")).to_contain_text("90,30\xa0€")
    page.keyboard.press("Escape")
    type_fast(page, address)
    expect(page.locator("#card .notice")).to_contain_text("Arrivée déjà notée")
    expect(page.get_by_role("button", name="Annuler")).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator("#find").fill("7K3QD-M9XPA")
    page.locator("#find").press("Enter")
    expect(page.locator("#trouble")).to_contain_text("pas valable")


def test_without_the_network_it_says_that_nobody_can_be_checked_in(
    site: Site, shop: tills.Shop, running: PrivateSale, page: Page
) -> None:
    page.context.set_offline(True)
    page.locator("#amount").press_sequentially("2350")
    page.locator("#find").fill(tills.PHONE)
    expect(page.locator("#card")).to_contain_text("Sans réseau, l’arrivée")
    page.locator("[data-attach]").click()  # earning waits for the network, as ever
    expect(page.locator("#card")).to_contain_text("Pas de réseau")
    page.keyboard.press("Escape")
    type_fast(page, "https://vitrines.example" + codes.path_of(invite(shop, running)))
    expect(page.locator("#trouble")).to_contain_text("Sans réseau, l’arrivée")


def test_the_sales_page_while_it_runs_and_its_debrief(
    open_site: OpenSite, shop: tills.Shop, running: PrivateSale
) -> None:
    invitation = invite(shop, running)
    cast = shop.loyalty.cast
    keeper = open_site()
    keeper.sign_in(cast.shopkeeper.email, PASSWORD)
    keeper.open(f"/sales/{running.pk}/")
    services.arrive(invitation.pk, cast.shop.pk, "till:1")
    expect(keeper.page.locator("#live")).to_contain_text("Venus1")  # by itself
    keeper.check_everywhere("sale-running")
    past = clock.now() - timedelta(minutes=1)
    PrivateSale.objects.filter(pk=running.pk).update(ends_at=past)
    services.close_due(clock.now())
    debrief.store(PrivateSale.objects.get(), clock.now())
    keeper.open(f"/sales/{running.pk}/")
    expect(keeper.page.locator("main")).to_contain_text("Bilan")
    keeper.check_everywhere("sale-debrief")
    director = open_site()
    director.sign_in(cast.director.email, PASSWORD)
    director.open(f"/sales/{running.pk}/")
    expect(director.page.locator("main")).to_contain_text("Pas assez de personnes")
    director.check_everywhere("sale-debrief-town")
    director.open("/sales/new/")
    director.check_everywhere("sale-wizard-town")


def test_a_shop_that_is_asked_finds_the_question_and_loses_nothing(
    site: Site, shop: tills.Shop
) -> None:
    record_prices(shop)
    cast, begins = shop.loyalty.cast, clock.now() + timedelta(days=10)
    told = SaleIn(
        cast.association.pk, None, "Nocturne de Noël", begins, begins + timedelta(hours=3)
    )
    sale = services.create(told, "user:1")
    services.add_shop(sale.pk, cast.shop.pk)
    site.sign_in(cast.shopkeeper.email, PASSWORD)
    site.open("/")
    page = site.page
    expect(page.locator("main")).to_contain_text("Nocturne de Noël")
    site.check_everywhere("sale-asked-home")
    page.get_by_role("link", name="Voir et répondre").click()
    page.locator("[name='what.0']").select_option("group:Manteaux")
    amount = page.locator("[name='amount.0']")
    amount.fill("95,5")
    expect(page.locator("#proof")).to_contain_text("95,5")
    page.get_by_role("button", name="Nous participons").click()
    expect(amount).to_have_value("95,5")
    amount.fill("30")
    expect(page.locator("#proof")).to_contain_text("90,30\xa0€")  # 129 less 30 %
    site.check_everywhere("sale-asked")
    page.get_by_role("button", name="Nous participons").click()
    expect(page.locator("main")).to_contain_text("Votre commerce participe.")
    site.check_everywhere("sale-asked-yes")
    assert sale.offers.get().percent == 30
    page.get_by_role("button", name="Retirer notre accord").click()
    expect(page.get_by_role("button", name="Nous participons")).to_be_visible()
    services.cancel_sale(sale.pk)
    site.open("/sales/")
    expect(page.locator("main")).not_to_contain_text("vous propose")
