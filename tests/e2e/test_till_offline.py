"""A till without a network: nothing is lost, nothing doubled, whatever is closed, cut or killed.

The hub is the real one (gunicorn, kill -9), the browser a real Chromium with its service worker.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.real_hub import Hub, django

from . import tills
from .conftest import PATIENCE_MS, SIZES, UNHURRIED
from .tills import PHONE

PREPARE = """
import json
from chaland.hub.loyalty.till import devices
from tests.e2e import tills
shop = tills.build_shop()
shop_id = shop.loyalty.cast.shop.pk
town = shop.loyalty.cast.association.pk
made = [devices.add_till(association_id=town, shop_id=shop_id, name=f"T{i}") for i in range(11)]
print(json.dumps([code for till, code in made]))
"""
ENROL = """
from tests.e2e import tills
from tests.loyalty_builders import Loyalty
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Till
from datetime import UTC, datetime
till = Till.objects.first()
members.enrol(members.Enrolment(association_id=till.association_id, shop_id=till.shop_id,
    actor="system:tests", occurred_at=datetime.now(UTC), first_name="Paul", last_name="Roux",
    phone="0798765432", over_15=True))
"""
REPAIR = """
from chaland.hub.loyalty.models import Till
from chaland.hub.loyalty.till import devices
print(devices.new_code(Till.objects.get(name="{name}")))
"""


@dataclass
class Counter:
    """One till's browser at the counter of the hub's shop."""

    hub: Hub
    context: BrowserContext
    name: str

    def open(self) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.hub.url}/till/")
        return page

    def cents(self) -> list[int]:
        """What the hub has of this till, in order of amounts."""
        query = "SELECT gross_cents FROM loyalty_receipt WHERE till_label = ?"
        with contextlib.closing(sqlite3.connect(self.hub.directory / "loyalty.sqlite3")) as base:
            return sorted(row[0] for row in base.execute(query, [self.name]))


@pytest.fixture(scope="module")
def _real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, list[tuple[str, str]]]]:
    folder = tmp_path_factory.mktemp("hub")
    codes = json.loads(django(folder, PREPARE))
    hub = Hub(folder, [])
    hub.up()
    yield hub, [(f"T{i}", code) for i, code in enumerate(codes)]
    hub.down()


@pytest.fixture
def counter(_real: tuple[Hub, list[tuple[str, str]]], browser: Browser) -> Iterator[Counter]:
    hub, codes = _real
    name, code = codes.pop()
    context = browser.new_context(
        locale="fr-FR", viewport=SIZES["phone"], timezone_id="Europe/Paris", reduced_motion="reduce"
    )
    context.add_init_script(UNHURRIED)
    context.set_default_timeout(PATIENCE_MS)
    made = Counter(hub, context, name)
    page = made.open()
    tills.pair(page, code)
    page.evaluate("() => navigator.serviceWorker.ready")
    page.close()
    yield made
    context.close()
    if hub._server is None:
        hub.up()


def sell(page: Page, cents: int, contact: str = PHONE) -> None:
    """Type an amount and a number, and attach."""
    expect(page.locator("#amount")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.type(str(cents))
    page.locator("#find").fill(contact)  # a whole number is asked for by itself
    page.locator("[data-attach]").click()
    expect(page.locator("#sale")).to_have_attribute("data-at", "done")


def network_is_back(page: Page) -> None:
    page.evaluate("() => window.dispatchEvent(new Event('online'))")


def wait_for(page: Page, said: Callable[[], object], wanted: object) -> None:
    """Wait, and let the browser's requests through meanwhile."""
    until = time.monotonic() + 3 * PATIENCE_MS / 1000  # what a killed hub left may be tried twice
    while (now := said()) != wanted:
        assert time.monotonic() < until, f"{now} is not {wanted}"
        page.wait_for_timeout(50)


def is_sealed(page: Page) -> None:
    """What waits can't be read on the disk, nor can the key be taken from the browser."""
    items = tills.queue_of(page)
    assert [item["iv"] for item in items] == [12, 12, 12]
    said = json.dumps(items)
    for plain in ("0612345678", PHONE, "12 34", "1001", "amount", "contact"):
        assert plain not in said
    assert page.evaluate(tills.READ, "kept")["key"] == "InvalidAccessError"


def test_three_receipts_offline_closed_reopened_second_tab_reconnected(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.hub.down()
    for cents in (1001, 1002, 1003):
        sell(page, cents)
    expect(page.locator("#card .notice")).to_contain_text("Pas de réseau")
    expect(page.locator("#card .earned").last).to_contain_text("10 points")
    is_sealed(page)
    page.close()
    again = counter.open()  # the shell from the service worker, the shop from this device
    expect(again.locator("#shop")).to_have_text("Librairie du Pont")
    expect(again.locator("#status")).to_contain_text("3 en attente")
    second = counter.open()
    expect(second.locator("#status")).to_contain_text("3 en attente")
    assert counter.cents() == []
    counter.hub.up()
    network_is_back(again)
    network_is_back(second)
    wait_for(again, counter.cents, [1001, 1002, 1003])
    for tab in (again, second):
        expect(tab.locator("#status")).to_have_text("En ligne")
        assert tills.queued(tab) == 0
    network_is_back(again)  # a resync has nothing to double
    second.reload()
    expect(second.locator("#status")).to_have_text("En ligne")
    assert counter.cents() == [1001, 1002, 1003]


def test_an_answer_that_is_lost_doubles_nothing(counter: Counter) -> None:
    """The hub has the receipt, the till doesn't know: it sends it again, under the same key."""
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    lost: list[str] = []

    def lose(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.request.post_data or "")
            route.fetch()
            route.abort()
        else:
            route.continue_()

    counter.context.route("**/till/receipts", lose)
    sell(page, 1600)
    expect(page.locator("#status")).to_contain_text("1 en attente")
    assert counter.cents() == [1600]
    network_is_back(page)
    wait_for(page, lambda: len(lost), 2)
    network_is_back(page)
    expect(page.locator("#status")).to_have_text("En ligne")
    assert lost[0] == lost[1], "a repetition is the same to the byte"
    assert counter.cents() == [1600]


def test_the_server_killed_in_the_middle_of_a_sync(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.hub.down()
    amounts = list(range(2001, 2006))
    for cents in amounts:
        sell(page, cents)
    counter.hub.up()
    network_is_back(page)
    wait_for(page, lambda: len(counter.cents()) >= 2, True)
    counter.hub.down()
    expect(page.locator("#shop"), "a long state leaves it its place").to_be_visible()
    counter.hub.up()
    network_is_back(page)
    wait_for(page, counter.cents, amounts)
    wait_for(page, lambda: tills.queued(page), 0)


def test_what_is_refused_for_good_is_parked_in_sight_and_holds_up_nothing(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.context.set_offline(True)
    sell(page, 1703)
    page.get_by_role("button", name="Annuler").click()  # undone before it was ever sent
    wait_for(page, lambda: tills.queued(page), 0)
    sell(page, 1701, "0798765432")  # nobody has this number
    sell(page, 1702)
    page.keyboard.press("Escape")
    page.locator("#find").fill("dup")  # a name asks the hub, and the hub is away
    expect(page.locator("#trouble")).to_contain_text("Sans réseau")
    counter.context.set_offline(False)
    wait_for(page, counter.cents, [1702])
    expect(page.locator("#status")).to_have_text("1 à revoir")
    page.locator("#status").click()
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("17,01")
    expect(dialog).to_contain_text("Personne n’est trouvé")
    expect(dialog).not_to_contain_text("0798765432")
    django(counter.hub.directory, ENROL)
    dialog.get_by_role("button", name="Réessayer").click()
    expect(dialog).to_contain_text("Rien n’est en attente")
    assert counter.cents() == [1701, 1702]


def test_a_device_that_lost_its_pairing_keeps_what_waits(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.context.set_offline(True)
    sell(page, 1801)
    counter.context.clear_cookies()
    counter.context.set_offline(False)
    expect(page.locator("#pairing")).to_be_visible()
    assert tills.queued(page) == 1
    tills.pair(page, django(counter.hub.directory, REPAIR.format(name=counter.name)).strip())
    wait_for(page, counter.cents, [1801])
    wait_for(page, lambda: tills.queued(page), 0)


def test_the_device_keeps_the_shell_and_never_an_answer(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    sell(page, 2100)
    kept = page.evaluate(tills.CACHED)
    assert "/till/" in kept
    assert all(path == "/till/" or path.startswith("/static/chaland/") for path in kept), kept
    said = json.dumps([page.evaluate(tills.READ, store) for store in ("queue", "kept")])
    said += str(page.evaluate("() => JSON.stringify({ ...localStorage, ...sessionStorage })"))
    for plain in ("Marie", "5678"):
        assert plain not in said


# A device whose clock is wrong --------------------------------------------------------------------

TWO_HOURS_AHEAD = "const right = Date.now; Date.now = () => right() + 2 * 3_600_000;"


def test_a_wrong_clock_of_the_device_is_put_right_by_the_hubs(counter: Counter) -> None:
    counter.context.add_init_script(TWO_HOURS_AHEAD)
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    sell(page, 2201)
    expect(page.locator("#card .earned").first).to_be_visible()
    page.get_by_role("button", name="Annuler").click()  # judged by the hub's clock
    expect(page.locator("#trouble")).to_contain_text("rien n’est attaché")
    page.close()
    counter.context.set_offline(True)
    again = counter.open()  # what the hub said of the time is known after closing
    sell(again, 2202)
    counter.context.set_offline(False)
    wait_for(again, counter.cents, [2201, 2202])
    query = "SELECT issued_at FROM loyalty_receipt WHERE gross_cents IN (2201, 2202)"
    with contextlib.closing(sqlite3.connect(counter.hub.directory / "loyalty.sqlite3")) as base:
        times = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC) for row in base.execute(query)]
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=3) for at in times)


# Locked without a network -------------------------------------------------------------------------


def lock(page: Page) -> None:
    page.locator("#seller").click()
    expect(page.locator("#seller-list")).to_be_visible()


def try_pin(page: Page, pin: str) -> None:
    page.locator("#pin").fill(pin)
    page.locator("#pin").press("Enter")


def test_a_till_locked_without_a_network_opens_by_a_pin_alone(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.context.set_offline(True)
    lock(page)
    counter.context.set_offline(False)  # the hub believes that Sami stands there still
    page.wait_for_timeout(1000)
    page.reload()
    expect(page.locator("#seller-list")).to_be_visible()
    assert not page.locator("#amount").is_visible()
    counter.context.set_offline(True)
    page.get_by_role("button", name="Lola", exact=True).click()
    try_pin(page, "7391")  # right, but this device has never seen it
    expect(page.locator("#trouble")).to_contain_text("Sans réseau")
    page.locator("#pin-back").click()
    page.get_by_role("button", name="Sami", exact=True).click()
    try_pin(page, "1111")
    expect(page.locator("#trouble")).to_contain_text("4")
    try_pin(page, tills.PIN)
    expect(page.locator("#amount")).to_be_focused()
    sell(page, 2301)
    assert "2580" not in json.dumps(page.evaluate(tills.READ, "kept")["rows"])
    counter.context.set_offline(False)
    wait_for(page, counter.cents, [2301])  # the hub believes the shift, not the device
    expect(page.locator("#seller-list")).to_be_visible()  # and wants the PIN for all else


def test_five_wrong_pins_without_a_network_and_the_right_one_is_forgotten(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    counter.context.set_offline(True)
    lock(page)
    page.get_by_role("button", name="Sami", exact=True).click()
    for left in ("4", "3", "2", "1", "Sans réseau"):
        try_pin(page, "1111")
        expect(page.locator("#trouble")).to_contain_text(left)
    try_pin(page, tills.PIN)
    expect(page.locator("#trouble")).to_contain_text("Sans réseau")
    assert not page.locator("#amount").is_visible()


# One receipt that is stuck ------------------------------------------------------------------------


def test_a_receipt_that_is_stuck_holds_up_no_other(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    stuck: list[int] = []

    def refuse(route: Route) -> None:
        body = route.request.post_data or ""
        status = next((s for cents, s in ((2401, 500), (2402, 429)) if f":{cents}," in body), 0)
        if not status:
            return route.continue_()
        stuck.append(status)
        later = {"code": "later", "text": "Plus tard.", "retry_after_s": 300}
        return route.fulfill(status=status, json=later)

    counter.context.route("**/till/receipts", refuse)
    for cents in (2401, 2402, 2403, 2404):
        sell(page, cents)
    wait_for(page, counter.cents, [2403, 2404])
    assert sorted(stuck) == [429, 500], "each waits its time before it is tried again"
    counter.context.unroute("**/till/receipts")
    page.locator("#status").click()
    page.get_by_role("button", name="Envoyer maintenant").click()
    wait_for(page, counter.cents, [2401, 2402, 2403, 2404])


def test_a_return_whose_answer_is_lost_holds_up_no_other(counter: Counter) -> None:
    page = counter.open()
    expect(page.locator("#amount")).to_be_focused()
    sell(page, 2500)
    page.locator("#menu").click()
    page.get_by_role("button", name="Retour", exact=True).click()
    page.locator("dialog .actions button").first.click()
    sent: list[str] = []

    def lose(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["key"])
        route.fetch()
        route.abort()

    counter.context.route("**/till/return", lose)
    page.locator("#return-amount").fill("4,00")
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator("dialog .trouble")).to_be_visible()
    assert len(set(sent)) == 1, "the same return has one key, and was done once"
    counter.context.unroute("**/till/return")
    page.locator("#return-amount").fill("5,00")  # as long as the other, and another
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator("dialog .notice")).to_contain_text("5,00")
