"""Signing in and out, with a second step, in a browser."""

from playwright.sync_api import expect

from chaland.hub.association.models import Association

from .conftest import Site


def test_sign_in_looks_and_works(site: Site, town: Association) -> None:
    site.open("/accounts/login/")
    site.check_everywhere("sign-in")
    site.sign_in("directrice@example.fr", "not the password")
    expect(site.page.get_by_role("alert")).to_be_visible()
    site.check("sign-in-refused")
    site.sign_in("directrice@example.fr")
    site.open("/start/")
    expect(site.page.get_by_role("heading", name="Réglages", level=1)).to_be_visible()
    site.check_everywhere("settings")


def test_account_pages(site: Site, town: Association) -> None:
    site.sign_in("directrice@example.fr")
    for name, path in (
        ("password", "password/change/"),
        ("two-steps", "2fa/"),
        ("totp", "2fa/totp/activate/"),
    ):
        site.open(f"/accounts/{path}")
        if "reauthenticate" in site.page.url:
            site.page.locator("input[type=password]").fill("les-halles-du-marche")
            site.page.locator("main form button[type=submit]").first.click()
        site.check_everywhere(f"account-{name}")


def test_theme_and_menu(site: Site, town: Association) -> None:
    site.sign_in("directrice@example.fr")
    site.open("/start/")
    site.page.locator("details.menu summary").click()
    site.check("menu-open")
    site.page.get_by_role("button", name="Sombre").click()
    expect(site.page.locator("html")).to_have_attribute("data-theme", "dark")
    site.check("theme-dark-chosen")
    site.page.locator("details.menu summary").click()
    site.page.get_by_role("button", name="Se déconnecter").click()
    expect(site.page.get_by_role("button", name="Se déconnecter")).to_have_count(0)
    site.open("/start/")
    expect(site.page).to_have_url(f"{site.url}/accounts/login/?next=/start/")
