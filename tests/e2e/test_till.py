"""The till page as a cashier with a queue uses it: taps counted, keyboard alone, on all screens."""

import base64
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import ConsentEvent, Member, Receipt, Till
from chaland.hub.loyalty.till import devices

from . import tills
from .conftest import OpenSite, Site
from .tills import PHONE, PHONE_SIZE, Shop, Taps

MARIE = "Marie D."


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return tills.build_shop()


@pytest.fixture
def till(site: Site, shop: Shop) -> Site:
    """A phone at the counter, paired, with Sami behind it."""
    site.page.set_viewport_size(PHONE_SIZE)
    site.open("/till/")
    tills.pair(site.page, shop.code)
    return site


def euros(amount: str) -> re.Pattern[str]:
    return re.compile(rf"^{amount}\s€$")


def attached(page: Page) -> None:
    expect(page.locator("#sale")).to_have_attribute("data-at", "done")


def test_find_by_phone_and_attach_in_two_taps(till: Site) -> None:
    """At most four are allowed; a number names one person, so no tap is needed to choose."""
    taps = Taps(till.page)
    taps.amount("2350")
    taps.tap("#find")
    till.page.keyboard.type(PHONE)
    expect(till.page.locator("#card h2")).to_have_text(MARIE)
    taps.button("Attacher")
    attached(till.page)
    assert taps.count == 2
    expect(till.page.locator("#card .earned").first).to_contain_text("0,23")
    expect(till.page.locator("#card .why").last).to_contain_text("23 points")
    assert Receipt.objects.get().gross_cents == 2350
    taps.amount("5")  # the next customer: no tap in between
    expect(till.page.locator("#amount")).to_have_value(euros("0,05"))
    expect(till.page.locator("#card")).to_be_hidden()


def test_find_by_name_and_attach_in_three_taps(till: Site) -> None:
    taps = Taps(till.page)
    taps.amount("800")
    taps.tap("#find")
    till.page.keyboard.type("dup")
    taps.button(MARIE)
    taps.button("Attacher")
    attached(till.page)
    assert taps.count == 3


def test_a_newcomer_is_enrolled_and_attached_in_five_taps(till: Site) -> None:
    """Look for the number, nobody: two fields, the declaration of age, enrol, attach."""
    taps = Taps(till.page)
    taps.amount("1200")
    taps.tap("#find")
    till.page.keyboard.type("0798765432")
    taps.button("Nouveau membre")
    expect(till.page.locator("#new-contact")).to_have_value("0798765432")
    expect(till.page.locator("dialog")).to_contain_text("votre compte")
    assert till.page.locator("dialog input:checked").count() == 0, "nobody has ticked anything"
    till.check_everywhere("till-enrol")
    till.page.set_viewport_size(PHONE_SIZE)
    till.page.locator("#new-name").fill("Léa")  # it has the focus already
    taps.tap("#over-15")
    taps.button("Inscrire")
    taps.button("Attacher")
    attached(till.page)
    assert taps.count == 5
    made = Member.objects.get(first_name="Léa")
    assert made.receipts.get().gross_cents == 1200
    assert not ConsentEvent.objects.exists()


def test_a_double_is_warned_of_before_it_is_saved(till: Site) -> None:
    page = till.page
    page.locator("#find").fill("zoé")
    page.locator("#find").press("Enter")
    page.get_by_role("button", name="Nouveau membre").click()
    page.locator("#new-contact").fill(PHONE)
    page.locator("#new-name").focus()
    expect(page.locator("dialog .notice")).to_contain_text("existe déjà")
    page.locator("dialog").get_by_role("button", name=MARIE).click()
    expect(page.locator("#card h2")).to_have_text(MARIE)
    assert not Member.objects.filter(first_name="zoé").exists()


def test_the_keyboard_alone_does_it(till: Site) -> None:
    keys = till.page.keyboard
    keys.type("23,5")
    expect(till.page.locator("#amount")).to_have_value(euros("23,50"))
    keys.press("Enter")
    keys.type("dup")
    expect(till.page.locator(".hit")).to_have_count(1)
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(till.page.locator("[data-attach]")).to_be_focused()
    keys.press("Enter")
    attached(till.page)
    expect(till.page.locator("[data-next]")).to_be_focused()
    keys.press("Enter")
    expect(till.page.locator("#amount")).to_be_focused()
    assert Receipt.objects.get().gross_cents == 2350


def test_a_scanner_that_types_finds_the_member_and_leaves_the_amount(
    till: Site, shop: Shop
) -> None:
    Taps(till.page).amount("1990")
    tills.scan(till.page, cards.token(shop.member))
    expect(till.page.locator("#card h2")).to_have_text(MARIE)
    expect(till.page.locator("#amount")).to_have_value(euros("19,90"))


def test_undo_within_ten_seconds(till: Site, shop: Shop) -> None:
    page = till.page
    Taps(page).amount("2350")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher").click()
    attached(page)
    page.get_by_role("button", name="Annuler").click()
    expect(page.locator("#trouble")).to_contain_text("rien n’est attaché")
    assert Receipt.objects.get().member_id is None


def test_a_part_of_the_purse_comes_off(till: Site, shop: Shop) -> None:
    page = till.page
    Taps(page).amount("100000")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher").click()
    page.get_by_role("button", name="Client suivant").click()
    Taps(page).amount("450")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Cagnotte").click()
    expect(page.locator("#take")).to_have_value("4,50")
    page.locator("#take").fill("3,20")
    page.get_by_role("button", name="Réserver").click()
    expect(page.locator("dialog .notice")).to_contain_text("3,20")
    till.check("till-reserved")
    page.get_by_role("button", name="Fait").click()
    expect(page.locator("#card .notice").first).to_contain_text("3,20")
    expect(page.locator(".balances")).to_contain_text("6,80")
    page.get_by_role("button", name="Annuler").click()
    expect(page.locator(".balances")).to_contain_text("10,00")


def test_a_name_is_asked_for_the_number_before_it_spends(till: Site) -> None:
    page = till.page
    Taps(page).amount("100000")
    page.locator("#find").fill("dup")
    page.locator(".hit").click()
    page.get_by_role("button", name="Attacher").click()
    page.get_by_role("button", name="Client suivant").click()
    Taps(page).amount("450")
    page.locator("#find").fill("dup")
    page.locator(".hit").click()
    page.get_by_role("button", name="Cagnotte").click()
    page.locator("#identify").fill("0611111111")
    page.locator("#identify").press("Enter")
    expect(page.locator("dialog .trouble")).to_contain_text("ni le numéro ni la carte")
    till.check("till-identify")
    page.locator("#identify").fill(PHONE)
    page.locator("#identify").press("Enter")
    expect(page.locator("#take")).to_have_value("4,50")
    page.get_by_role("button", name="Réserver").click()
    page.get_by_role("button", name="Fait").click()
    expect(page.locator(".balances")).to_contain_text("5,50")


def test_a_return_by_the_receipts_code(till: Site) -> None:
    page = till.page
    Taps(page).amount("5000")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher").click()
    attached(page)
    page.locator("#menu").click()
    page.get_by_role("button", name="Retour", exact=True).click()
    page.locator("dialog").get_by_role("button", name=re.compile("50,00")).click()
    page.locator("#return-amount").fill("20")
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator("dialog")).to_contain_text("20,00 € rendus")
    expect(page.locator("dialog")).to_contain_text("\u22120,20")
    till.check("till-return")


def test_wrong_pins_lock_and_the_other_seller_serves(till: Site) -> None:
    page = till.page
    page.locator("#seller").click()
    page.get_by_role("button", name="Sami", exact=True).click()
    for _ in range(5):
        page.locator("#pin").fill("1111")
        page.locator("#pin").press("Enter")
        expect(page.locator("#pin")).to_have_value("")
        expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#trouble")).to_contain_text("bloqué jusqu’à")
    till.check_everywhere("till-pin")
    page.get_by_role("button", name="Quelqu’un d’autre").click()
    tills.unlock(page, "Lola", "7391")
    expect(page.locator("#seller")).to_have_text("Lola")


def test_a_revoked_device_says_so_and_shows_nobody(till: Site, shop: Shop) -> None:
    devices.revoke(Till.objects.get())
    till.page.locator("#find").fill(PHONE)
    expect(till.page.locator("#pairing")).to_be_visible()
    expect(till.page.locator("#trouble")).to_contain_text("n’est plus une caisse")
    till.page.reload()
    expect(till.page.locator("#pairing")).to_be_visible()


def test_the_page_on_all_screens(till: Site, open_site: OpenSite) -> None:
    page = till.page
    till.check_everywhere("till-empty")
    page.set_viewport_size(PHONE_SIZE)
    Taps(page).amount("2350")
    page.locator("#find").fill("dup")
    expect(page.locator(".hit")).to_have_count(1)
    till.check_everywhere("till-found")
    page.locator(".hit").click()
    expect(page.get_by_role("button", name="Mon compte")).to_be_visible()
    till.check_everywhere("till-card")
    page.get_by_role("button", name="Consentements").click()
    till.check_everywhere("till-consents")
    page.get_by_role("button", name="Fermer").click()
    page.get_by_role("button", name="Attacher").click()
    attached(page)
    till.check_everywhere("till-done")
    page.get_by_role("button", name="Ticket par lien").click()
    till.check_everywhere("till-qr")
    english = open_site("en-GB")
    english.open("/till/")
    expect(english.page.get_by_role("button", name="Pair")).to_be_visible()
    english.check_everywhere("till-pairing")


def test_all_is_reachable_at_a_thumbs_reach(till: Site) -> None:
    """On a phone the whole pad is on the screen, and each button is a finger wide."""
    for box in (key.bounding_box() for key in till.page.locator("#pad .key").all()):
        assert box is not None
        assert box["y"] + box["height"] <= PHONE_SIZE["height"]
        assert min(box["width"], box["height"]) >= 44


def test_the_shell_is_small_and_painted_at_once(site: Site, shop: Shop) -> None:
    sizes: dict[str, int] = {}
    client = site.page.context.new_cdp_session(site.page)
    client.send("Network.enable")
    names: dict[str, str] = {}
    client.on(
        "Network.responseReceived", lambda e: names.update({e["requestId"]: e["response"]["url"]})
    )
    client.on(
        "Network.loadingFinished",
        lambda e: sizes.update({names.get(e["requestId"], ""): int(e["encodedDataLength"])}),
    )
    site.open("/till/")
    expect(site.page.locator("#pairing")).to_be_visible()
    painted = "() => performance.getEntriesByName('first-contentful-paint').length"
    site.page.wait_for_function(painted)
    bodies = [
        base64.b64encode(site.page.request.get(url).body())
        for url in list(sizes)  # more may come in while these are fetched
        if url.endswith((".js", ".css", "/till/"))
    ]
    assert len(bodies) >= 3
    import gzip

    compressed = sum(len(gzip.compress(base64.b64decode(body))) for body in bodies)
    assert compressed < 40 * 1024


def test_nothing_personal_stands_in_an_address(till: Site) -> None:
    addresses: list[str] = []
    till.page.on("request", lambda request: addresses.append(request.url))
    Taps(till.page).amount("2350")
    till.page.locator("#find").fill(PHONE)
    till.page.get_by_role("button", name="Attacher").click()
    attached(till.page)
    posted = {address.removeprefix(till.url) for address in addresses}
    assert posted <= {"/till/find", "/till/member", "/till/receipts"}


def storage_of(context: BrowserContext) -> str:
    return str(context.storage_state(indexed_db=True))
