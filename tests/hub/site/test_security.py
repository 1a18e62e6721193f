"""Headers, cookies, logs and settings as a production server has them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from chaland.hub.association import services
from chaland.hub.association.models import User
from tests.migrated import put_tables

ROOT = Path(__file__).parents[3]
TEMPLATES = [
    path
    for folder in ("site", "association", "footfall", "loyalty")
    for path in (ROOT / "src/chaland/hub" / folder).rglob("templates/**/*.html")
]


def manage(*arguments: str, state: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a Django command in a process of its own, with settings of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHALAND_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-m", "chaland.cli", "hub", "manage", *arguments],
        env={**clean, "CHALAND_STATE_DIR": str(state), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


PRODUCTION = {
    "CHALAND_HTTPS": "1",
    "CHALAND_HSTS_SECONDS": "31536000",
    "CHALAND_HSTS_SUBDOMAINS": "1",
    "CHALAND_ALLOWED_HOSTS": "figures.example.fr",
    "CHALAND_SECRET_KEY": "k" * 20 + "production-like-secret-key-0123456789-ABCDEFGH",
}


@pytest.mark.parametrize("planes", ["footfall,loyalty", "footfall", "loyalty"])
def test_a_production_server_passes_the_deployment_check(tmp_path: Path, planes: str) -> None:
    given = PRODUCTION | {"CHALAND_PLANES": planes}
    result = manage("check", "--deploy", "--fail-level", "WARNING", state=tmp_path, **given)
    assert result.returncode == 0, result.stdout + result.stderr


def test_cookies_belong_to_this_host_alone_over_https(tmp_path: Path) -> None:
    code = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY,"
        " s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"
    )
    result = manage("shell", "-v", "0", "-c", code, state=tmp_path, **PRODUCTION)
    said = result.stdout.strip().splitlines()[-1]
    assert said == "__Host-session __Host-csrf True True True True 31536000", result.stderr


def test_a_wrong_database_address_is_named(tmp_path: Path) -> None:
    result = manage("check", state=tmp_path, CHALAND_FOOTFALL_DATABASE_URL="mysql://x/y")
    assert result.returncode != 0
    assert "CHALAND_FOOTFALL_DATABASE_URL: use sqlite:/// or postgres://" in result.stderr


def test_the_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    manage("check", state=tmp_path)
    key = (tmp_path / "secret_key").read_text()
    assert len(key) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    manage("check", state=tmp_path)
    assert (tmp_path / "secret_key").read_text() == key


@pytest.mark.django_db
def test_every_answer_carries_a_strict_policy(client: Client) -> None:
    for path in (
        "/start/",
        "/healthz",
        "/nothing-here",
        "/accounts/login/",
        "/administration/login/",
    ):
        response = client.get(path, follow=True)
        policy = dict(
            part.split(" ", maxsplit=1)
            for part in response.headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "geolocation=()" in response.headers["Permissions-Policy"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_script_or_style(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text)
    for tag in re.findall(r"<script[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag, tag


@pytest.mark.django_db
def test_health_is_told_to_anyone(client: Client) -> None:
    response = client.get("/healthz")
    databases = {"default": "ok", "footfall": "ok", "loyalty": "ok"}
    assert response.json() == {"ok": True, "databases": databases, "charter": "ok"}
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_nobody_signs_up_by_oneself(client: Client) -> None:
    services.found_association(
        name="A", town="B", timezone="UTC",
        founder=services.Founder("a@example.fr", "A", "les-halles-du-marche", "fr"),
    )  # fmt: skip
    client.post("/accounts/signup/", {"email": "x@example.fr", "password1": "les-halles-du-marche"})
    assert not User.objects.filter(email="x@example.fr").exists()


@pytest.mark.django_db
def test_guessing_a_password_is_slowed_down(client: Client) -> None:
    services.found_association(
        name="A", town="B", timezone="UTC",
        founder=services.Founder("a@example.fr", "A", "les-halles-du-marche", "fr"),
    )  # fmt: skip
    for _ in range(5):
        client.post("/accounts/login/", {"login": "a@example.fr", "password": "wrong-guess"})
    right = {"login": "a@example.fr", "password": "les-halles-du-marche"}
    assert client.post("/accounts/login/", right).status_code == 200, "the door stays shut a while"


@pytest.mark.django_db
def test_preferences_do_not_redirect_elsewhere(client: Client) -> None:
    response = client.post(
        "/preferences/theme/", {"theme": "dark", "next": "https://evil.example/"}
    )
    assert response.headers["Location"] == "/"
    assert response.cookies["theme"].value == "dark"
    response = client.post("/preferences/theme/", {"theme": "<script>", "next": "/start/"})
    assert response.cookies["theme"].value == ""
    response = client.post("/preferences/language/", {"language": "en", "next": "//evil.example"})
    assert response.headers["Location"] == "/"


SERVE = """
import django, sys
django.setup()
from django.test import Client
client = Client(headers={"user-agent": "Secret-Browser/1.0"}, REMOTE_ADDR="203.0.113.77")
client.raise_request_exception = False
client.get("/start/?code=secret-code-in-query")
client.get("/start/invitation/secret-token-in-path/")
client.post("/accounts/login/", {"login": "someone@example.fr", "password": "secret-password"})
from chaland.hub.association.web import guide
guide.selectors.is_set_up = lambda: 1 / 0
client.get("/start/?code=secret-code-in-query")
"""


def test_logs_hold_nothing_about_a_person(tmp_path: Path) -> None:
    put_tables(tmp_path)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHALAND_", "DJANGO_"))}
    result = subprocess.run(
        [sys.executable, "-c", SERVE],
        env={
            **clean,
            "CHALAND_STATE_DIR": str(tmp_path),
            "CHALAND_ALLOWED_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 404, 302, 500]
    assert requests[1]["route"] == "start/invitation/<str:token>/"
    assert any("ZeroDivisionError" in line.get("exception", "") for line in lines)
    for secret in ("secret-", "Secret-", "203.0.113", "someone@"):
        assert secret not in result.stderr
