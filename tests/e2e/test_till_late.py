"""Answers of the hub that come late, and fingers that don't wait for them."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from chaland.hub.loyalty.models import Hold, Member, Receipt

from . import tills
from .conftest import PATIENCE_MS, Site
from .tills import PHONE, PHONE_SIZE, Shop, Taps

OTHER = "06 98 76 54 32"


class Late:
    """Requests to one address of the hub wait until they are let go."""

    def __init__(self, page: Page, path: str) -> None:
        self.page = page
        self.waiting: list[Route] = []
        self.asked: list[Request] = []
        self.over: list[Request] = []
        self.open = False
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)
        page.route(f"**/till/{path}", self._hold)

    @property
    def sent(self) -> int:
        return len(self.asked)

    def _hold(self, route: Route) -> None:
        self.asked.append(route.request)
        if self.open:
            route.continue_()
        else:
            self.waiting.append(route)

    def _end(self, request: Request) -> None:
        self.over.append(request)

    def here(self, count: int = 1) -> None:
        """Wait until so many have been asked."""
        self.until(lambda: self.sent >= count)

    def until(self, said: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_MS / 1000
        while not said():
            assert time.monotonic() < until, "it never came"
            self.page.wait_for_timeout(20)

    def go(self) -> None:
        """Let them all pass, and wait until the page has had its answers."""
        self.open = True
        while self.waiting:
            self.waiting.pop(0).continue_()
        self.until(lambda: all(request in self.over for request in self.asked))
        self.page.wait_for_timeout(400)  # nothing more is to happen, which has no sign of its own


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    shop = tills.build_shop()
    tills.enrol(shop.loyalty, "Jean", "Petit", OTHER)
    return shop


@pytest.fixture
def page(site: Site, shop: Shop) -> Page:
    site.page.set_viewport_size(PHONE_SIZE)
    # What a test holds must reach the test: a service worker's requests would pass it by.
    site.open("/till/")
    tills.pair(site.page, shop.code)
    return site.page


def choose(page: Page, contact: str = PHONE, name: str = "Marie D.") -> None:
    page.locator("#find").fill(contact)
    expect(page.locator("#card h2")).to_have_text(name)
    expect(page.get_by_role("button", name="Consentements")).to_be_visible()


def at(page: Page, step: str) -> None:
    expect(page.locator("#sale")).to_have_attribute("data-at", step)


def amount_is(page: Page, said: str) -> None:
    expect(page.locator("#amount")).to_have_value(f"{said}\N{NO-BREAK SPACE}€")


def test_details_that_come_after_the_attaching_draw_over_nothing(page: Page) -> None:
    late = Late(page, "member")
    Taps(page).amount("2350")
    page.locator("#find").fill(PHONE)
    page.get_by_role("button", name="Attacher").click()
    at(page, "done")
    late.go()
    expect(page.locator("[data-next]")).to_be_visible()
    expect(page.locator("[data-attach]")).to_have_count(0)


def test_details_that_come_under_a_press_do_not_swallow_it(page: Page) -> None:
    late = Late(page, "member")
    Taps(page).amount("2350")
    page.locator("#find").fill(PHONE)
    late.here()
    page.get_by_role("button", name="Attacher").hover()
    page.mouse.down()
    late.go()
    page.mouse.up()
    at(page, "done")
    assert Receipt.objects.get().gross_cents == 2350


def test_details_of_the_one_before_are_not_shown_of_the_next(page: Page) -> None:
    late = Late(page, "member")
    page.locator("#find").fill(PHONE)
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    late.here()
    page.keyboard.press("Escape")
    page.locator("#find").fill(OTHER)
    expect(page.locator("#card h2")).to_have_text("Jean P.")
    late.here(2)
    late.waiting.pop().abort()
    late.go()
    expect(page.locator("#card h2")).to_have_text("Jean P.")
    expect(page.locator(".balances")).to_have_count(0)


def test_a_sale_under_way_is_neither_left_nor_sent_twice(page: Page) -> None:
    """Escape, another tap, the next customer's digits: they all wait for the answer."""
    Taps(page).amount("2350")
    choose(page)
    late = Late(page, "receipts")
    page.get_by_role("button", name="Attacher").dblclick()
    late.here()
    page.keyboard.press("Escape")
    page.locator("[data-attach]").click(force=True)
    page.get_by_role("button", name="Quelqu’un d’autre").click(force=True)
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    page.keyboard.type("800")  # typed ahead: not one digit is lost, nor added to the other amount
    amount_is(page, "23,50")
    late.go()
    amount_is(page, "8,00")
    expect(page.locator("#card")).to_be_hidden()
    assert [r.gross_cents for r in Receipt.objects.all()] == [2350]
    choose(page, OTHER, "Jean P.")
    page.get_by_role("button", name="Attacher 8,00").click()
    at(page, "done")
    assert Receipt.objects.count() == 2


def test_a_till_locked_under_an_answer_stays_locked_and_the_next_can_sell(page: Page) -> None:
    Taps(page).amount("2350")
    choose(page)
    late = Late(page, "receipts")
    page.get_by_role("button", name="Attacher").click()
    late.here()
    page.locator("#seller").click()
    expect(page.locator("#seller-list")).to_be_visible()
    late.go()
    expect(page.locator("#sale")).to_be_hidden()
    tills.unlock(page, "Lola", "7391")
    amount_is_empty = page.locator("#amount")
    expect(amount_is_empty).to_have_value("")
    Taps(page).amount("800")
    choose(page, OTHER, "Jean P.")
    page.get_by_role("button", name="Attacher 8,00").click()
    at(page, "done")
    assert sorted(r.gross_cents for r in Receipt.objects.all()) == [800, 2350]
    page.locator("#menu").click()
    page.get_by_role("button", name="Retour", exact=True).click()
    expect(page.locator("dialog .actions button")).to_have_count(2)  # the one before is there, too


def test_locking_shuts_what_shows_a_customer(page: Page) -> None:
    choose(page)
    page.get_by_role("button", name="Consentements").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    # As the quarter of an hour does, and as the hub's "locked" does.
    page.evaluate(
        "() => document.dispatchEvent(new CustomEvent('till:shut', { detail: 'locked' }))"
    )
    expect(page.locator("#seller-list")).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#card")).to_be_empty()


def test_an_undo_under_way_keeps_its_sale(page: Page, shop: Shop) -> None:
    Taps(page).amount("2350")
    choose(page)
    page.get_by_role("button", name="Attacher").click()
    at(page, "done")
    late = Late(page, "undo")
    page.get_by_role("button", name="Annuler").dblclick()
    late.here()
    page.keyboard.press("Escape")
    page.locator("[data-next]").click(force=True)
    at(page, "done")
    late.go()
    expect(page.locator("#trouble")).to_contain_text("rien n’est attaché")
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    amount_is(page, "23,50")
    assert late.sent == 1
    assert Receipt.objects.get().member_id is None


def test_an_undo_whose_answer_is_lost_can_be_tried_again(page: Page) -> None:
    Taps(page).amount("2350")
    choose(page)
    page.get_by_role("button", name="Attacher").click()
    at(page, "done")
    page.route("**/till/undo", lambda route: (route.fetch(), route.abort()))
    page.get_by_role("button", name="Annuler").click()
    expect(page.locator("#trouble")).to_contain_text("Pas de réponse")
    page.unroute("**/till/undo")
    page.get_by_role("button", name="Annuler").click()
    expect(page.locator("#trouble")).to_contain_text("rien n’est attaché")
    assert Receipt.objects.get().member_id is None


def test_an_account_is_not_shown_to_the_next_customer(page: Page) -> None:
    choose(page)
    late = Late(page, "account")
    page.get_by_role("button", name="Mon compte").dblclick()
    late.here()
    page.locator("#seller").click()
    expect(page.locator("#seller-list")).to_be_visible()
    late.go()
    assert late.sent == 1
    expect(page.locator("dialog")).to_have_count(0)


def give_purse(page: Page) -> None:
    """Ten euros in Marie's purse, and her card open for 4.50."""
    Taps(page).amount("100000")
    choose(page)
    page.get_by_role("button", name="Attacher").click()
    at(page, "done")
    page.get_by_role("button", name="Client suivant").click()
    Taps(page).amount("450")
    choose(page)
    page.get_by_role("button", name="Cagnotte").click()
    expect(page.locator("#take")).to_have_value("4,50")


def test_a_reservation_given_up_before_its_answer_is_given_back(page: Page) -> None:
    give_purse(page)
    late = Late(page, "reserve")
    page.get_by_role("button", name="Réserver").click()
    late.here()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    late.go()
    expect(page.locator("dialog")).to_have_count(0)
    late.until(lambda: Hold.objects.get().state == Hold.State.VOIDED)
    expect(page.locator(".balances")).not_to_contain_text("réservé")


def test_a_confirmation_under_way_is_not_taken_back_by_closing(page: Page) -> None:
    give_purse(page)
    page.get_by_role("button", name="Réserver").click()
    late, cancelled = Late(page, "confirm"), Late(page, "cancel")
    page.get_by_role("button", name="Fait").dblclick()
    late.here()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("Escape")  # and the next sale begins
    expect(page.locator("#card")).to_be_hidden()
    late.go()
    late.until(lambda: Hold.objects.get().state == Hold.State.POSTED)
    assert (late.sent, cancelled.sent) == (1, 0)
    expect(page.locator("#card")).to_be_hidden()


def test_who_is_enrolled_late_is_not_the_next_sales_customer(page: Page) -> None:
    page.locator("#find").fill("0798765432")
    page.get_by_role("button", name="Nouveau membre").click()
    page.locator("#new-name").fill("Léa")
    page.locator("#over-15").check()
    late = Late(page, "enrol")
    page.get_by_role("button", name="Inscrire").dblclick()
    late.here()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    choose(page, OTHER, "Jean P.")
    late.go()
    expect(page.locator("#card h2")).to_have_text("Jean P.")
    assert Member.objects.filter(first_name="Léa").count() == 1


def test_an_early_check_that_comes_late_hides_no_warning(page: Page) -> None:
    page.locator("#find").fill("zoé")
    page.locator("#find").press("Enter")
    page.get_by_role("button", name="Nouveau membre").click()
    late = Late(page, "enrol/check")
    page.locator("#new-contact").fill("0798765432")
    page.locator("#new-name").fill("Marie Dupont")  # the name of one who is here
    page.locator("#over-15").check()
    late.here()
    page.get_by_role("button", name="Inscrire").click()
    expect(page.locator("dialog .notice")).to_be_visible()
    late.go()
    expect(page.get_by_role("button", name="C’est quelqu’un d’autre")).to_be_visible()
    page.get_by_role("button", name="C’est quelqu’un d’autre").dblclick()
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    assert Member.objects.filter(first_name="Marie").count() == 2


def test_a_consent_under_way_is_not_said_twice(page: Page) -> None:
    choose(page)
    page.get_by_role("button", name="Consentements").click()
    late = Late(page, "consent")
    box = page.locator("dialog input").first
    box.click()
    late.here()
    box.click(force=True)
    expect(box).not_to_be_checked()  # until the hub has said yes
    late.go()
    expect(box).to_be_checked()
    assert late.sent == 1


def test_the_network_that_comes_back_leaves_the_cashier_where_she_types(page: Page) -> None:
    Taps(page).amount("2350")
    page.locator("#find").fill("06 12")
    late = Late(page, "state")
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    late.here()
    late.go()
    expect(page.locator("#find")).to_be_focused()
    amount_is(page, "23,50")


def test_a_state_that_was_asked_before_the_locking_opens_nothing(page: Page) -> None:
    late = Late(page, "state")
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    late.here()
    [answer] = [route.fetch() for route in late.waiting]  # Sami stands there, says the hub
    page.locator("#seller").click()
    expect(page.locator("#seller-list")).to_be_visible()
    late.waiting.pop().fulfill(response=answer)
    late.go()
    expect(page.locator("#seller-list")).to_be_visible()
    expect(page.locator("#sale")).to_be_hidden()


def test_a_pin_that_is_answered_late_opens_for_nobody_else(page: Page) -> None:
    page.locator("#seller").click()
    page.get_by_role("button", name="Sami", exact=True).click()
    late = Late(page, "seller")
    page.locator("#pin").fill("1111")
    page.locator("#pin").press("Enter")
    late.here()
    page.locator("#pin-back").click()
    page.get_by_role("button", name="Lola", exact=True).click()
    late.go()
    expect(page.locator("#sellers-title")).to_have_text("Lola")
    expect(page.locator("#trouble")).to_be_hidden()  # Sami's tries are not Lola's
    page.locator("#pin").fill("7391")
    page.locator("#pin").press("Enter")
    expect(page.locator("#seller")).to_have_text("Lola")


def test_a_locking_that_arrives_late_locks_nobody_out(page: Page) -> None:
    late = Late(page, "leave")
    page.locator("#seller").click()
    page.get_by_role("button", name="Sami", exact=True).click()
    page.locator("#pin").fill(tills.PIN)
    page.locator("#pin").press("Enter")
    late.here()
    page.wait_for_timeout(500)
    late.go()
    expect(page.locator("#amount")).to_be_focused()
    choose(page)  # the hub knows that Sami is there
    expect(page.locator("#sale")).to_be_visible()
