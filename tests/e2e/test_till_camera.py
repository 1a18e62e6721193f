"""The camera at the till: Chromium plays a picture of a card as its camera, the page reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Browser, BrowserType, Page, expect
from pytest_django.live_server_helper import LiveServer

from chaland.hub.loyalty.members import cards

from . import tills
from .conftest import PATIENCE_MS, UNHURRIED
from .tills import PHONE_SIZE, Shop, Taps

WIDTH, HEIGHT, DOT = 640, 480, 10


def film(path: Path, said: str) -> None:
    """Write one frame of a film that shows a QR code (YUV 4:2:0, black on white)."""
    code = [bytes(row) for row in segno.make(said, error="m").matrix]
    left, top = (WIDTH - DOT * len(code)) // 2, (HEIGHT - DOT * len(code)) // 2
    light = bytearray(b"\xff" * (WIDTH * HEIGHT))
    for y, row in enumerate(code):
        line = b"".join((b"\x00" if dark else b"\xff") * DOT for dark in row)
        for start in range((top + y * DOT) * WIDTH + left, (top + (y + 1) * DOT) * WIDTH, WIDTH):
            light[start : start + len(line)] = line
    colour = b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\nFRAME\n" + light + colour)


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return tills.build_shop()


@pytest.fixture
def looking(
    shop: Shop,
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    tmp_path: Path,
) -> Iterator[Browser]:
    """A browser whose camera sees Marie's card."""
    film(tmp_path / "card.y4m", cards.token(shop.member))
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'card.y4m'}",
    ]
    arguments = [*browser_type_launch_args["args"], *camera]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield browser
    browser.close()


def counter(browser: Browser, live_server: LiveServer, shop: Shop) -> Page:
    page = browser.new_page(locale="fr-FR", viewport=PHONE_SIZE, reduced_motion="reduce")
    page.add_init_script(UNHURRIED)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{live_server.url}/till/")
    tills.pair(page, shop.code)
    return page


def test_the_camera_reads_a_card(looking: Browser, live_server: LiveServer, shop: Shop) -> None:
    page = counter(looking, live_server, shop)
    wrong: list[object] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    Taps(page).amount("1990")
    page.locator("#scan").dblclick()  # two taps open one camera
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Attacher 19,90")).to_be_focused()
    page.get_by_role("button", name="Attacher 19,90").click()
    page.get_by_role("button", name="Client suivant").click()
    page.locator("#scan").click()  # what has been fetched once is there
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    assert wrong == []


def test_the_camera_reads_without_a_network(
    looking: Browser, live_server: LiveServer, shop: Shop
) -> None:
    """The page says so: "scan the card", which the hub resolves later."""
    page = counter(looking, live_server, shop)
    page.evaluate("() => navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    page.locator("#scan").click()
    expect(page.locator("#card h2")).to_have_text("Marie D.")
    page.reload()
    expect(page.locator("#amount")).to_be_focused()
    page.context.set_offline(True)
    Taps(page).amount("500")
    page.locator("#scan").click()
    expect(page.get_by_role("button", name="Attacher 5,00")).to_be_visible()
    page.get_by_role("button", name="Attacher 5,00").click()
    expect(page.locator("#card .notice")).to_contain_text("Pas de réseau")


def test_no_camera_is_said(site_without: Page) -> None:
    site_without.locator("#scan").click()
    expect(site_without.locator("#trouble")).to_contain_text("caméra n’est pas utilisable")
    expect(site_without.locator("#scan")).to_be_enabled()


@pytest.fixture
def site_without(browser: Browser, live_server: LiveServer, shop: Shop) -> Iterator[Page]:
    """A till whose device has no camera."""
    page = counter(browser, live_server, shop)
    yield page
    page.context.close()


def test_a_camera_that_is_given_up_is_off(
    looking: Browser, live_server: LiveServer, shop: Shop, tmp_path: Path
) -> None:
    page = counter(looking, live_server, shop)
    wrong: list[object] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (what) => (window.seen = await ask(what));
        }"""
    )
    page.route("**/*.wasm", lambda route: route.abort())  # the reader can't be fetched
    page.locator("#scan").click()
    expect(page.locator("#trouble")).to_contain_text("caméra n’est pas utilisable")
    assert page.evaluate("() => window.seen.getTracks().map((track) => track.readyState)") == [
        "ended"
    ]
    assert wrong == []
