"""The invitation to a sale, as it will be read, on the page where it is written."""

import re

from playwright.sync_api import Dialog, expect

from tests.builders import PASSWORD
from tests.e2e import tills
from tests.e2e.conftest import Site
from tests.e2e.test_sales import record_prices, shop

__all__ = ["shop"]


def test_the_invitation_is_seen_before_it_leaves(site: Site, shop: tills.Shop) -> None:
    record_prices(shop)
    site.sign_in(shop.loyalty.cast.shopkeeper.email, PASSWORD)
    site.open("/sales/new/")
    page = site.page
    page.locator("summary", has_text="E-mail en français").click()
    preview = page.locator(".text.is-email .preview").first
    mail = preview.frame_locator("iframe:visible")
    preview.locator("summary").click()
    expect(mail.get_by_text("Bonjour Camille")).to_be_visible()
    page.get_by_label("Nom, tel que").fill("Soirée d’Avent")
    page.locator("[name='email.fr.body']").fill("Chère {first_name}, venez !")
    expect(mail.get_by_text("Chère Camille, venez")).to_be_visible()  # by itself
    page.locator("[name='email.fr.subject']").fill("À bientôt, ")
    page.get_by_role("button", name="prénom").click()
    expect(page.locator("[name='email.fr.subject']")).to_have_value("À bientôt, {first_name}")
    expect(mail.get_by_text("À bientôt, Camille")).to_be_visible()
    preview.get_by_label("comme le lit").select_option("1")
    expect(mail.get_by_text("Chère, venez")).to_be_visible()
    site.check_everywhere("sale-wizard-mail")
    page.locator("summary", has_text="E-mail en français").click()
    page.locator("summary", has_text="SMS en français").click()
    page.locator("[name='sms.fr.body']").fill("Noël ☕ {first_name} {link}")
    expect(page.locator("#sms-fr")).to_contain_text("Noël ☕ Marie-Antoinette")
    expect(page.locator("#sms-fr")).to_contain_text("ë ☕")
    site.check_everywhere("sale-wizard-sms")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.once("dialog", stay)
    page.go_back()  # once: what was loaded into the frame is no page of its own
    expect(page).to_have_url(re.compile("^http://[^/]*/$"))
    assert asked == ["beforeunload"], "a preview keeps nothing: what was typed would be lost"
