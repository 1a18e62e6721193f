"""What a cashier does beside attaching: vouchers, consents, receipts of another maker's till,
returns by line; and the undoing of each."""

import pytest
from playwright.sync_api import Page, expect

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import keys
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import ConsentEvent, Receipt, Voucher
from tests.hub.loyalty.connect.tills import Till as OtherTill
from tests.hub.loyalty.connect.tills import receipt

from . import tills
from .conftest import Site
from .tills import PHONE, PHONE_SIZE, Shop, Taps


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return tills.build_shop()


@pytest.fixture
def till(site: Site, shop: Shop) -> Site:
    site.page.set_viewport_size(PHONE_SIZE)
    site.open("/till/")
    tills.pair(site.page, shop.code)
    return site


@pytest.fixture
def other(shop: Shop) -> OtherTill:
    """The shop's own till, of another maker, which sends its receipts."""
    cast = shop.loyalty.cast
    token = keys.make_key(cast.association.pk, cast.shop.pk, "Caisse", clock.now())
    return OtherTill(cast.association.pk, cast.shop.pk, token)


def at(page: Page, step: str) -> None:
    expect(page.locator("#sale")).to_have_attribute("data-at", step)


def sell(page: Page, cents: str) -> None:
    Taps(page).amount(cents)
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher").click()
    at(page, "done")
    page.get_by_role("button", name="Client suivant").click()
    expect(page.locator("#amount")).to_be_focused()


def issue(page: Page) -> None:
    page.get_by_role("button", name="Utiliser : 5 €", exact=True).click()
    page.get_by_role("button", name="Réserver").click()
    page.get_by_role("button", name="Fait").click()
    expect(page.locator("#card .notice").first).to_contain_text("Bon d’achat")


def test_a_voucher_is_issued_undone_issued_again_and_used(till: Site, shop: Shop) -> None:
    page = till.page
    sell(page, "20000")  # 200 points; a voucher costs 100
    page.locator("#find").fill(PHONE)
    points = page.locator(".balances li").filter(has_text="points").locator("b")
    expect(points).to_have_text("200 points")
    issue(page)
    expect(points).to_have_text("100 points")
    till.check("till-voucher-issued")
    page.get_by_role("button", name="Annuler").click()
    expect(points).to_have_text("200 points")
    assert [v.state for v in Voucher.objects.all()] == [Voucher.State.VOIDED]
    expect(page.get_by_role("button", name="valable jusqu’au")).to_have_count(0)
    issue(page)
    expect(points).to_have_text("100 points")
    page.get_by_role("button", name="valable jusqu’au").click()
    expect(page.locator("dialog")).to_contain_text("5 €")
    till.check("till-voucher-used")
    page.get_by_role("button", name="Fait").dblclick()
    expect(page.locator("#card .notice").first).to_contain_text("Utilisé")
    expect(page.get_by_role("button", name="valable jusqu’au")).to_have_count(0)
    states = sorted(v.state for v in Voucher.objects.all())
    assert states == sorted([Voucher.State.VOIDED, Voucher.State.USED])


def test_a_consent_is_withdrawn_and_given_again(till: Site, shop: Shop) -> None:
    cast, page = shop.loyalty.cast, till.page
    text = next(w for w in wordings.current(cast.association.pk, "fr") if w.channel == "sms")
    yes = Decision(cast.shop.pk, text.purpose, text.channel, True, text.pk)
    consent.record(shop.member, [yes], place="till", occurred_at=clock.now(), evidence={})
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Consentements").click()
    box = page.locator("dialog input:checked")
    expect(box).to_have_count(1)
    box.click()
    expect(box).to_have_count(0)
    assert [e.given for e in ConsentEvent.objects.order_by("pk")] == [True, False]
    page.get_by_role("button", name="Fermer").click()
    page.get_by_role("button", name="Consentements").click()
    expect(box).to_have_count(0)  # the page remembers
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Consentements").click()
    expect(box).to_have_count(0)  # and the hub, too
    page.locator("dialog input").first.click()  # said in error: it is given again
    expect(box).to_have_count(1)
    page.locator("dialog input").first.click()
    expect(box).to_have_count(0)
    assert ConsentEvent.objects.count() == 4


def test_a_receipt_of_another_makers_till_takes_one_tap_and_is_undone(
    till: Site, shop: Shop, other: OtherTill
) -> None:
    page = till.page
    assert other.send("receipts", receipt(cents=2350)).status_code in (200, 201)
    taps = Taps(page)
    page.locator("#find").fill(PHONE)
    taps.button("Attacher 23,50")
    at(page, "done")
    assert taps.count == 1
    expect(page.locator("#card .earned", has_text="points")).to_have_text("+23 points")
    assert Receipt.objects.get().member_id == shop.member.pk
    page.get_by_role("button", name="Annuler").click()
    expect(page.locator("#trouble")).to_contain_text("rien n’est attaché")
    assert Receipt.objects.get().member_id is None
    # It is offered again, and given again.
    page.get_by_role("button", name="Attacher 23,50").click()
    at(page, "done")
    assert Receipt.objects.get().member_id == shop.member.pk


def test_a_return_by_line(till: Site, shop: Shop, other: OtherTill) -> None:
    page = till.page
    lines = [
        {"gross_cents": 600, "item_name": "Pain", "quantity_milli": 2000},
        {"gross_cents": 1400, "item_name": "Tarte"},
    ]
    assert other.send("receipts", receipt(cents=2000, lines=lines)).status_code in (200, 201)
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher 20,00").click()
    at(page, "done")
    page.locator("#menu").click()
    page.get_by_role("button", name="Retour", exact=True).click()
    page.locator("dialog").get_by_role("button", name="20,00").click()
    page.get_by_label("Pain").fill("1")
    till.check("till-return-line")
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator("dialog .notice")).to_contain_text("3,00 € rendus")
    expect(page.locator("dialog .earned", has_text="points")).to_have_text("-3 points")
    back = Receipt.objects.get(returns__isnull=False)
    assert (back.gross_cents, back.member_id) == (-300, shop.member.pk)
    # What is left of the same line, and of the other, can still come back, and no more.
    page.locator("dialog").get_by_role("button", name="20,00").click()
    expect(page.get_by_label("Pain")).to_have_attribute("max", "1")
    page.get_by_label("Tarte").fill("1")
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator("dialog .notice")).to_contain_text("14,00 € rendus")
    assert sum(r.gross_cents for r in Receipt.objects.all()) == 300
