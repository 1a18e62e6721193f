"""Real Chromium on a live server: no CSP violation, no axe violation, screenshots to look at."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Download,
    Error,
    Locator,
    Page,
    expect,
)
from pytest_django.live_server_helper import LiveServer

from chaland.hub.association.models import Association, Shop, StaffRole, User, Zone
from chaland.hub.loyalty.till import undoing

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/chaland/hub/site/static/chaland"
AXE = ROOT / "assets/node_modules/axe-core/axe.min.js"
SHOTS = ROOT / "var" / "screenshots"  # ignored by git; pytest-playwright empties test-results
PASSWORD = "les-halles-du-marche"
AXE_RUN = """async (options) => {
  // What else axe tells (all that passed, each with its address) costs most of its time.
  const found = await axe.run(document, { resultTypes: ["violations"], ...options });
  return found.violations;
}"""
SIZES = {"desktop": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}

PATIENCE_MS = 60_000
"""How long anything may take, in one request and in all that a test waits for: a slow machine is no
fault of the page."""

# Playwright runs an event loop in this thread; the tests' own queries are synchronous all the same.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
expect.set_options(timeout=PATIENCE_MS)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark these tests; one process runs them, since they share a browser."""
    item.add_marker(pytest.mark.e2e)
    item.add_marker(pytest.mark.xdist_group("browser"))
    item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session", autouse=True)
def _front_end_is_built() -> None:
    if not (STATIC / "site.css").exists() or not AXE.exists():
        pytest.skip(
            "the front end is not built: npm ci --prefix assets && npm run build --prefix assets"
        )


UNHURRIED = f"""
// The ten seconds in which a person may undo, and the eight in which the hub must answer, are more
// to a machine that takes as long for a click, or looks at four screens in between.
const after = setTimeout;
window.setTimeout = (act, ms, ...more) => after(act, ms === 10_000 ? {PATIENCE_MS} : ms, ...more);
const within = AbortSignal.timeout;
AbortSignal.timeout = (ms) => within.call(AbortSignal, Math.max(ms, {PATIENCE_MS // 2}));
"""


@pytest.fixture(autouse=True)
def _the_hub_gives_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the page offers to undo be undone, however slow the machine (see UNHURRIED)."""
    monkeypatch.setattr(undoing, "FOR", timedelta(minutes=5))


@pytest.fixture(scope="session")
def _requests() -> Iterator[set[int]]:
    """Return the live server's requests that are under way; serve one at a time on SQLite.

    Its database is in memory, which is one connection for all threads: transactions of two requests
    would be one. Elsewhere (PostgreSQL; the hub of `real_hub`) each has its own.
    """
    from django.db import connection

    serve = WSGIHandler.__call__
    alone = threading.RLock() if connection.vendor == "sqlite" else threading.Semaphore(64)
    under_way: set[int] = set()

    def served(self: WSGIHandler, *request: Any) -> Any:
        mine = object()
        under_way.add(id(mine))
        try:
            with alone:
                return serve(self, *request)
        finally:
            under_way.discard(id(mine))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(WSGIHandler, "__call__", served)
        yield under_way


@pytest.fixture(autouse=True)
def _nothing_runs_on(transactional_db: None, _requests: set[int]) -> Iterator[None]:
    """Wait, after the browsers are closed and before the tables are emptied, for the last answer:
    what it wrote would be in the next test's tables."""
    yield
    until = time.monotonic() + PATIENCE_MS / 1000
    while _requests:
        assert time.monotonic() < until, "the live server never finished"
        time.sleep(0.01)
    cache.clear()  # what one test has tried often doesn't count in the next one


WATCH = """() => {
  window.leaving = false;  // a download begins like a navigation, and leaves the page where it is
  if (window.watched) return;
  window.watched = true;
  navigation.addEventListener("navigate", ({ destination }) => {
    if (!destination.sameDocument) window.leaving = true;
  });
}"""
LEAVING = """async () => {
  // What the action has set going (a form is sent in a task of its own) begins before this is done.
  for (let i = 0; i < 2; i++) {
    await new Promise((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(0);
    });
  }
  return Boolean(window.leaving);
}"""


@pytest.fixture(scope="session", autouse=True)
def _no_faster_than_a_person() -> Iterator[None]:
    """Let every action wait until the page has loaded, so that its scripts listen, and end on the
    page that it leads to.

    Playwright acts as soon as an element can be seen: also on the page that is being left.
    """

    def patient(act: Callable[..., Any]) -> Callable[..., Any]:
        def wait_and_act(self: Locator, *arguments: Any, **options: Any) -> Any:
            page = self.page
            _watch(page)
            downloads: list[Download] = []

            def came(download: Download) -> None:
                downloads.append(download)

            page.on("download", came)
            done = act(self, *arguments, **options)
            if _in_page(page, LEAVING, gone=True):
                until = time.monotonic() + PATIENCE_MS / 1000
                while not downloads and _in_page(page, "() => Boolean(window.watched)", gone=True):
                    assert time.monotonic() < until, f"{page.url} was to be left, and is not"
                    page.wait_for_timeout(10)
                page.wait_for_load_state("load")
            page.remove_listener("download", came)
            return done

        return wait_and_act

    with pytest.MonkeyPatch.context() as patched:
        for name in ("check", "click", "fill", "press", "select_option", "set_input_files", "tap"):
            patched.setattr(Locator, name, patient(getattr(Locator, name)))
        yield


def _watch(page: Page) -> None:
    """Watch the page for its being left, once it has loaded; if it is just being left, the next."""
    page.wait_for_load_state("load")
    while _in_page(page, WATCH, gone=True):
        page.wait_for_load_state("load")


def _in_page(page: Page, script: str, *, gone: bool) -> bool:
    """Ask the page; ``gone``: what to answer where it was left while it was asked."""
    try:
        return bool(page.evaluate(script))
    except Error as error:
        if "context was destroyed" in error.message or "navigation" in error.message:
            return gone
        raise


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the machine's own Chromium, without anything that talks to the outside."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }


class Site:
    """A browser page on the live server that keeps watch while it is used."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.violations: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.violations.append(f"script error: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium says an answer of status 4xx on its console, too: those are tested as answers.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.violations.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.open("/accounts/login/")
        self.page.locator("input[name=login]").fill(email)
        self.page.locator("input[type=password]").fill(password)
        with self.page.expect_navigation():
            self.page.locator("main form button[type=submit]").click()

    def check(self, shot: str = "", **axe_options: Any) -> None:
        """Fail on any axe violation; take a screenshot of the whole page."""
        if shot:
            self.shoot(shot)
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = self.page.evaluate(AXE_RUN, axe_options)
        assert not violations, [
            (
                v["id"],
                v["help"],
                [node["html"][:160] + " " + node.get("failureSummary", "") for node in v["nodes"]][
                    :4
                ],
            )
            for v in violations
        ]
        wide = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"the page scrolls sideways by {wide} px"

    def shoot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        try:
            self.page.screenshot(path=path, full_page=True)
        except Error:  # Chromium has no frame just now, between two sizes: it has a moment later
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=path, full_page=True)

    def check_everywhere(self, shot: str) -> None:
        """Check the page in light and dark, on a desk's and a phone's screen."""
        for size, viewport in SIZES.items():
            self.page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme)
                self.check(f"{shot}-{size}-{scheme}")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(SIZES["desktop"])


OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(browser: Browser, live_server: LiveServer) -> Iterator[OpenSite]:
    """Open browsers of different people; at the end none may have seen a violation."""
    contexts: list[BrowserContext] = []
    sites: list[Site] = []

    def opened(locale: str = "fr-FR") -> Site:
        context = browser.new_context(
            locale=locale,
            viewport=SIZES["desktop"],
            timezone_id="Europe/Paris",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.add_init_script(UNHURRIED)
        context.set_default_timeout(PATIENCE_MS)
        site = Site(context.new_page(), live_server.url)
        sites.append(site)
        return site

    yield opened
    for context in contexts:
        context.close()
    assert [site.violations for site in sites if site.violations] == []


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """One browser, in French."""
    return open_site()


@pytest.fixture
def town(transactional_db: None) -> Association:
    """A finished association: a director, two zones, two shops, a shopkeeper."""
    from django.utils import timezone

    association = Association.objects.create(
        name="Les Vitrines de Port-Joli", town="Port-Joli", guide_finished_at=timezone.now()
    )
    director = User.objects.create_user("directrice@example.fr", PASSWORD, name="Claire Martin")
    StaffRole.objects.create(user=director, association=association, role="director")
    for number, (zone_name, shop_name) in enumerate(
        [("Centre", "Librairie des Halles"), ("Port", "Boulangerie du Port")]
    ):
        zone = Zone.objects.create(association=association, name=zone_name, slug=zone_name.lower())
        shop = Shop.objects.create(
            association=association, zone=zone, name=shop_name, slug=f"shop-{number}"
        )
    keeper = User.objects.create_user("boulanger@example.fr", PASSWORD, name="Paul Petit")
    StaffRole.objects.create(user=keeper, association=association, role="shopkeeper", shop=shop)
    return association
