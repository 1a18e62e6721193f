"""A counter for the browser: a shop, its till page, a seller, members who can be found."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.till import devices, sellers
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty

PIN = "2580"
PHONE = "06 12 34 56 78"
PHONE_SIZE = {"width": 390, "height": 844}


@dataclass
class Shop:
    """What a test of the till page stands on."""

    loyalty: Loyalty
    member: Member
    code: str


def build_shop() -> Shop:
    """Make a shop with points and the purse, a seller, and Marie Dupont, found by PHONE."""
    loyalty = build_loyalty(build_cast(2, simulated=True))
    association_id, shop_id = loyalty.cast.association.pk, loyalty.cast.shop.pk
    _till, code = devices.add_till(association_id=association_id, shop_id=shop_id, name="Comptoir")
    sellers.add_seller(association_id=association_id, shop_id=shop_id, name="Sami", pin=PIN)
    sellers.add_seller(association_id=association_id, shop_id=shop_id, name="Lola", pin="7391")
    return Shop(loyalty, enrol(loyalty, "Marie", "Dupont", PHONE), code)


def enrol(loyalty: Loyalty, first: str, last: str, phone: str) -> Member:
    return members.enrol(
        members.Enrolment(
            association_id=loyalty.cast.association.pk,
            shop_id=loyalty.cast.shop.pk,
            actor="system:tests",
            occurred_at=datetime.now(UTC),
            first_name=first,
            last_name=last,
            phone=phone,
            birth_day=3,
            birth_month=3,
            over_15=True,
        )
    )


class Taps:
    """Presses of a finger on the page, counted; typing isn't."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def tap(self, selector: str) -> None:
        self.page.locator(selector).click()
        self.count += 1

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()
        self.count += 1

    def amount(self, digits: str) -> None:
        """Type an amount on the pad: typing, by thumb."""
        for digit in digits:
            self.page.locator(f"#pad [data-key='{digit}']").click()


def pair(page: Page, code: str) -> None:
    """Make the page a till, and let Sami stand there."""
    page.locator("#code").fill(code)
    page.get_by_role("button", name="Associer").click()
    unlock(page)


def scan(page: Page, said: str) -> None:
    """Type as a scanner does: a sign each 4 ms by what the keys themselves say, however slow the
    machine sends them; then Enter. All lie in the past: a time to come would be taken for now."""
    keyboard = page.context.new_cdp_session(page)
    at = time.time() - 2
    for number, sign in enumerate([*said, "\r"]):
        key = (
            {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
            if sign == "\r"
            else {"key": sign}
        )
        when = {"timestamp": at + number * 0.004}
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": sign, **key, **when})
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **key, **when})
    keyboard.detach()


def unlock(page: Page, seller: str = "Sami", pin: str = PIN) -> None:
    page.get_by_role("button", name=seller, exact=True).click()
    page.locator("#pin").fill(pin)
    page.locator("#pin").press("Enter")
    expect(page.locator("#amount")).to_be_focused(timeout=15_000)


READ = """async (store) => {
  const base = await new Promise((done) => {
    const request = indexedDB.open("chaland-till");
    request.onsuccess = () => done(request.result);
  });
  const rows = await new Promise((done) => {
    const request = base.transaction(store).objectStore(store).getAll();
    request.onsuccess = () => done(request.result);
  });
  base.close();
  const text = (bytes) => String.fromCharCode(...new Uint8Array(bytes));
  const key = rows.find((row) => row instanceof CryptoKey);
  return {
    rows: rows.filter((row) => row !== key).map((row) =>
      row.sealed ? { ...row, sealed: text(row.sealed), iv: row.iv.length } : row),
    key: key && await crypto.subtle.exportKey("raw", key).then(() => "read", (no) => no.name),
  };
}"""
CACHED = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys())
      found.push(new URL(request.url).pathname);
  return found;
}"""


def queue_of(page: Page) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = page.evaluate(READ, "queue")["rows"]
    return rows


def queued(page: Page) -> int:
    return len(queue_of(page))
