"""OWASP ASVS 5.0, the points that a server of ours must keep, over every address of both planes.

Numbers are of its chapters: 3 (web front end), 7 (sessions), 8 (authorisation), 16 (errors).
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from chaland.hub.association.models import User
from tests.builders import PASSWORD, Cast, build_cast

pytestmark = pytest.mark.django_db

BY_SIGNATURE = (
    "chaland.hub.loyalty.web.till",
    "chaland.hub.loyalty.web.outreach.hooks",
    "chaland.hub.loyalty.web.outreach.unsubscribe",
    "ninja.",
)
"""Views without Django's CSRF token. The API takes a key or a signature and no cookie; the till
page is asked for an own header, the same origin, and a cookie that is SameSite=Strict. Providers
and links to unsubscribe carry a secret or a signed token in their address, and use no cookie."""
WASM = "'wasm-unsafe-eval'"
"""On the till page alone: it reads barcodes where the browser can't."""


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Yield every address without a blank, and every view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern).replace("^", "").replace("$", "")
        if isinstance(pattern, URLResolver):
            if "administration" not in route:
                yield from addresses(pattern.url_patterns, route)
        else:
            yield "/" + route, pattern


PAGES = sorted({path for path, _ in addresses() if not re.search(r"[<(\\]", path)})


@pytest.fixture(scope="module")
def kept_cast(kept: None) -> Cast:
    return build_cast()


@pytest.fixture
def director(kept_cast: Cast, db: None) -> Client:
    client = Client()
    client.force_login(kept_cast.director)
    return client


@pytest.mark.parametrize("path", PAGES)
def test_3_4_every_answer_carries_its_headers(director: Client, path: str) -> None:
    for client in (director, Client()):
        response = client.get(path)
        assert response.status_code < 500
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        allowed = policy.replace(WASM, "") if path.startswith("/till/") else policy
        assert "unsafe" not in allowed
        assert "http:" not in policy
        assert "*" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert "Access-Control-Allow-Origin" not in response.headers
        for cookie in response.cookies.values():
            assert cookie["samesite"] in ("Lax", "Strict"), cookie.key
            assert cookie["httponly"] or cookie.key in ("theme", "django_language"), cookie.key
            assert not cookie["domain"], cookie.key


def test_3_5_what_changes_something_asks_for_a_token() -> None:
    """Of every view: Django's middleware looks, unless the view is on the list above."""
    exempt = set()
    for path, pattern in addresses():
        view = pattern.callback
        if getattr(view, "csrf_exempt", False):
            module = str(getattr(view, "__module__", ""))
            assert module.startswith(BY_SIGNATURE), f"{path} of {module} takes any POST"
            exempt.add(module)
    assert exempt, "the list was looked at"


def test_3_5_without_a_token_nothing_is_done(kept_cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(kept_cast.director)
    refused = {
        path: client.post(path).status_code
        for path, pattern in addresses()
        if path in PAGES and not getattr(pattern.callback, "csrf_exempt", False)
    }
    # 404: where no page is (allauth's closed doors); 405: which takes no POST at all.
    assert {p: s for p, s in refused.items() if s not in (403, 404, 405)} == {}
    assert list(refused.values()).count(403) > 20


def test_7_2_a_session_is_new_with_each_sign_in_and_gone_with_sign_out(kept_cast: Cast) -> None:
    client = Client()
    client.get("/accounts/login/")
    sign_in = {"login": kept_cast.director.email, "password": PASSWORD}
    keys = []
    for _ in range(2):
        client.post("/accounts/login/", sign_in)
        keys.append(client.session.session_key)
        assert client.get("/", follow=True).context["current_role"] is not None
        old = client.cookies["sessionid"].value
        client.post("/accounts/logout/")
        stolen = Client()
        stolen.cookies["sessionid"] = old
        assert stolen.get("/").status_code == 302, "the old cookie opens nothing"
    assert len(set(keys)) == 2


def test_7_4_a_new_password_ends_other_sessions(kept_cast: Cast) -> None:
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(kept_cast.director)
    user = User.objects.get(pk=kept_cast.director.pk)
    user.set_password("another-long-passphrase")
    user.save()
    assert all(client.get("/").status_code == 302 for client in clients)


def test_7_3_a_session_ends_by_itself(kept_cast: Cast) -> None:
    client = Client()
    client.force_login(kept_cast.director)
    left = client.session.get_expiry_date() - timezone.now()
    assert left.days <= 14


def test_8_no_person_is_in_the_administration() -> None:
    """Its superuser is no director: no member and no figure of a plane can be opened there."""
    labels = {model._meta.app_label for model in admin.site._registry}
    assert not labels & {"loyalty", "footfall"}


def test_14_what_staff_see_is_not_kept_by_others(director: Client) -> None:
    for path in ("/", "/loyalty/", "/receipts/queue/", "/start/staff/"):
        response = director.get(path)
        assert response.status_code == 200, path
        assert re.search("private|no-store", response.headers["Cache-Control"]), path


def test_16_an_error_tells_nothing_and_runs_nothing(client: Client) -> None:
    response = client.get('/"><script>alert(1)</script>/')
    text = response.content.decode()
    assert response.status_code == 404
    assert "<script>alert" not in text
    assert "Traceback" not in text
    assert "urlpatterns" not in text
