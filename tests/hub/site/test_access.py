"""Every address of the site, asked by everyone: nothing answers whom it should not.

The walk takes the addresses from the URL configuration, so that a new page is tested the day it is
written: unless it is listed as public, anonymous visitors and people without a role get no page.
"""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from chaland.hub.association.models import Association, Invitation, Shop, StaffRole, User, Zone

pytestmark = pytest.mark.django_db

PUBLIC = (
    r"^/healthz$",
    r"^/preferences/(language|theme)/$",
    r"^/accounts/",  # signing in and one's own account: allauth's, which guards its pages itself
    r"^/start/invitation/x/$",
    r"^/privacy/",  # what a passer-by may know
    r"^/till/$",  # the shell alone: it holds nothing, and asks for the till's code
    r"^/till/(manifest\.webmanifest|sw\.js)$",
    r"^/me/o/x/$",  # the page says what is needed; only its form opens an account
    r"^/me/notice/$",  # what members are told of their data
    r"^/u/x/$",  # a link to unsubscribe: its token is the proof, and there is none "x"
    r"^/i/x/$",  # an invitation: its code is the proof, and there is none "x"
    r"^/hooks/outreach/x/$",  # a provider's address: its secret is the proof
    r"^/api/v1/openapi.json$",
    r"^/api/v1/(summaries|exchange|sensors/enrol)$",  # sensors sign, or have a one-time code
)
DIRECTOR_ONLY = (r"^/start/", r"^/sensors/")


def paths(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """Yield an address for each pattern, with ids of somebody else's things in it."""
    for pattern in patterns:
        part = str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
        part = re.sub(r"<int:[^>]+>|\(\?P<[^>]+>\\d\+\)", "999999", part)
        part = re.sub(r"<[^>]+>|\(\?P<[^>]+>[^)]*\)", "x", part)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, prefix + part)
        else:
            yield prefix + part


ALL = sorted({path for path in paths(get_resolver().url_patterns) if "(" not in path})
GUARDED = [path for path in ALL if not any(re.search(rule, path) for rule in PUBLIC)]


@pytest.fixture
def outsiders() -> dict[str, Client]:
    """Someone who is not signed in, and someone whose role was taken away."""
    Association.objects.create(
        name="Les Vitrines", town="Port-Joli", guide_finished_at=timezone.now()
    )
    former = Client()
    former.force_login(User.objects.create_user("ancien@example.fr", "les-halles-du-marche"))
    return {"anonymous": Client(), "former": former}


def test_the_walk_sees_the_site() -> None:
    assert "/start/shops/999999/" in ALL
    assert "/administration/association/shop/" in ALL
    assert len(GUARDED) > 40


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("method", ["get", "post"])
def test_outsiders_get_nothing(outsiders: dict[str, Client], path: str, method: str) -> None:
    for who, client in outsiders.items():
        response = getattr(client, method)(path)
        assert response.status_code in (301, 302, 400, 401, 403, 404, 405), f"{who} reads {path}"
        if response.status_code == 302:
            assert re.match(
                r"/accounts/(login|reauthenticate)|/administration/(login|$)", response["Location"]
            )


@pytest.fixture
def people() -> dict[str, Client]:
    """A director and a shopkeeper of Port-Joli, and the director of another town."""
    clients = {}
    for name, town in (("director", "Port-Joli"), ("stranger", "Ailleurs")):
        association = Association.objects.create(
            name=town, town=town, guide_finished_at=timezone.now()
        )
        clients[name] = _client(f"{name}@example.fr", association, "director", None)
    association = Association.objects.get(town="Port-Joli")
    zone = Zone.objects.create(association=association, name="Centre", slug="centre")
    shop = Shop.objects.create(
        association=association, zone=zone, name="Librairie", slug="librairie"
    )
    clients["shopkeeper"] = _client("keeper@example.fr", association, "shopkeeper", shop)
    return clients


def _client(email: str, association: Association, role: str, shop: Shop | None) -> Client:
    user = User.objects.create_user(email, "les-halles-du-marche")
    StaffRole.objects.create(user=user, association=association, role=role, shop=shop)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "path", [p for p in GUARDED if any(re.search(r, p) for r in DIRECTOR_ONLY)]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_shopkeeper_stays_out_of_the_directors_pages(
    people: dict[str, Client], path: str, method: str
) -> None:
    response = getattr(people["shopkeeper"], method)(path)
    assert response.status_code in (403, 404, 405), path


@pytest.mark.parametrize(
    "template",
    [
        "/start/zones/{zone}/",
        "/start/zones/{zone}/delete/",
        "/start/shops/{shop}/",
        "/start/shops/{shop}/delete/",
        "/start/hours/{shop}/",
        "/start/staff/{role}/remove/",
        "/start/staff/invitations/{invitation}/renew/",
        "/start/staff/invitations/{invitation}/withdraw/",
    ],
)
def test_another_towns_director_finds_nothing_here(
    people: dict[str, Client], template: str
) -> None:
    shop = Shop.objects.get()
    role = StaffRole.objects.get(shop=shop)
    invitation = Invitation.objects.create(
        association=shop.association,
        email="x@example.fr",
        role="shopkeeper",
        shop=shop,
        token_hash="0" * 64,
        expires_at=timezone.now(),
    )
    path = template.format(zone=shop.zone_id, shop=shop.pk, role=role.pk, invitation=invitation.pk)
    for method in ("get", "post"):
        assert getattr(people["stranger"], method)(path).status_code in (404, 405)
    shop.refresh_from_db()
    invitation.refresh_from_db()
    role.refresh_from_db()


def test_everyone_is_let_in_where_they_belong(people: dict[str, Client]) -> None:
    for path in ("/start/", "/start/zones/", "/start/shops/", "/start/hours/", "/start/staff/"):
        assert people["director"].get(path).status_code == 200
    assert people["director"].get("/start/shops/").content.count(b"Librairie") >= 1
    assert b"Librairie" not in people["stranger"].get("/start/shops/").content


def test_a_closed_account_loses_its_role_at_once(people: dict[str, Client]) -> None:
    User.objects.filter(email="director@example.fr").update(is_active=False)
    assert people["director"].get("/start/zones/").status_code in (302, 403)


OPEN_ACCOUNT_PAGES = (
    r"^/accounts/(login|logout|inactive|reauthenticate|password/(change|reset)|2fa)/"
)


@pytest.mark.parametrize("path", [path for path in ALL if path.startswith("/accounts/")])
def test_of_allauths_pages_only_the_named_ones_are_there(path: str) -> None:
    """A page that a later version brings must be looked at before it is open."""
    Association.objects.create(
        name="Les Vitrines", town="Port-Joli", guide_finished_at=timezone.now()
    )
    client = Client()
    client.force_login(User.objects.create_user("ancien@example.fr", "les-halles-du-marche"))
    if not re.search(OPEN_ACCOUNT_PAGES, path):
        assert client.get(path).status_code == client.post(path).status_code == 404


def test_nobody_takes_the_address_of_someone_who_is_invited(people: dict[str, Client]) -> None:
    for path in ("/accounts/email/", "/accounts/confirm-email/MQ:x:y/"):
        for data in ({"action_add": ""}, {"action_primary": ""}):
            data |= {"email": "boss@example.fr"}
            assert people["shopkeeper"].post(path, data).status_code == 404
    assert not User.objects.filter(email="boss@example.fr").exists()
    assert people["shopkeeper"].get("/accounts/").status_code in (301, 302, 404)
