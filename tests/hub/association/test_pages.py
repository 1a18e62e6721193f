"""The guide's pages: what they refuse, and that a refusal writes nothing."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from chaland.hub.association import selectors, services
from chaland.hub.association.models import Association, Invitation, Shop, User, Zone

from .conftest import Town

pytestmark = pytest.mark.django_db
FIRST = {
    "name": "Les Vitrines",
    "town": "Port-Joli",
    "timezone": "Europe/Paris",
    "user_name": "Claire Martin",
    "email": "claire@example.fr",
    "password": "les-halles-du-marche",
}


def upload(client: Client, content: bytes) -> int:
    file = SimpleUploadedFile("liste.csv", content, content_type="text/csv")
    return client.post("/start/shops/import/", {"file": file}).status_code


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": "wrong"}, "token"),
        ({"password": "short"}, "password"),
        ({"password": "claire@example.fr"}, "password"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"email": "not an address"}, "email"),
        ({"town": ""}, "town"),
    ],
)
def test_a_bad_first_run_makes_nothing(client: Client, change: dict[str, str], field: str) -> None:
    data = FIRST | {"token": services.setup_token()} | change
    response = client.post("/start/", data)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Association.objects.exists()
    assert not User.objects.exists()


def test_the_guide_closes_behind_the_first_director(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/start/"
    data = FIRST | {"token": services.setup_token()}
    assert client.post("/start/", data).status_code == 302
    assert client.get("/start/zones/").status_code == 200
    stranger = Client()
    assert stranger.post("/start/", data | {"email": "x@example.fr"}).status_code == 302
    assert Association.objects.count() == User.objects.count() == 1


def test_an_upload_is_written_by_the_second_click_only(town: Town) -> None:
    client = town.clients["director"]
    assert upload(client, "nom;zone\nCafé;Port\n".encode("cp1252")) == 200
    assert not Shop.objects.filter(name="Café").exists()
    assert client.post("/start/shops/import/confirm/").status_code == 302
    assert Shop.objects.get(name="Café").association == town.association
    assert client.post("/start/shops/import/confirm/").status_code == 302
    assert Shop.objects.filter(name="Café").count() == 1


def test_a_bad_upload_takes_the_good_one_back(town: Town) -> None:
    client = town.clients["director"]
    upload(client, b"nom;zone\nCafe;Port\n")
    assert upload(client, b"nom;zone\n;Port\n") == 422
    client.post("/start/shops/import/confirm/")
    assert Shop.objects.count() == 2


def test_exports_are_downloads_that_no_spreadsheet_runs(town: Town) -> None:
    Shop.objects.filter(pk=town.shop.pk).update(name="=cmd|' /C calc'!A0", trade="@SUM(A1)")
    response = town.clients["director"].get("/start/shops/export.csv")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="port-joli-')
    text = response.content.decode("utf-8-sig")
    assert "\n'=cmd|' /C calc'!A0;" in text.replace("\r", "")
    assert ";'@SUM(A1);" in text
    example = town.clients["director"].get("/start/shops/template.csv").content
    assert upload(town.clients["director"], example) == 200


def test_a_shopkeeper_needs_a_shop_of_this_association(town: Town) -> None:
    client = town.clients["director"]
    elsewhere = Association.objects.get(town="Ailleurs")
    zone = Zone.objects.create(association=elsewhere, name="Z", slug="z")
    foreign = Shop.objects.create(association=elsewhere, zone=zone, name="S", slug="s")
    for shop in ("", str(foreign.pk), "nonsense"):
        data = {"email": "x@example.fr", "role": "shopkeeper", "shop": shop}
        assert client.post("/start/staff/", data).status_code == 422
    assert not Invitation.objects.exists()


def test_a_zone_or_shop_of_another_association_cannot_be_used(town: Town) -> None:
    elsewhere = Association.objects.get(town="Ailleurs")
    foreign = Zone.objects.create(association=elsewhere, name="Z", slug="z")
    response = town.clients["director"].post("/start/shops/new/", {"name": "N", "zone": foreign.pk})
    assert response.status_code == 422


def test_a_zone_with_shops_is_kept(town: Town) -> None:
    client = town.clients["director"]
    assert client.post(f"/start/zones/{town.zone.pk}/delete/").status_code == 302
    assert Zone.objects.filter(pk=town.zone.pk).exists()


def test_hours_are_copied_before_they_are_saved(town: Town) -> None:
    client = town.clients["director"]
    url = f"/start/hours/{town.shop.pk}/"
    data = {"opens-0": ["9", "14h"], "closes-0": ["12h30", "1900"], "copy": "0"}
    response = client.post(url, data)
    assert response.status_code == 200
    assert not any(selectors.week_of(town.shop))
    form = {f"opens-{day.number}": [a for a, _ in day.times] for day in response.context["days"]}
    form |= {f"closes-{day.number}": [b for _, b in day.times] for day in response.context["days"]}
    client.post(url, form | {"also": [str(town.other_shop.pk), "999", "x"]})
    for shop in (town.shop, town.other_shop):
        week = [[str(opening) for opening in day] for day in selectors.week_of(shop)]
        assert week == [["09:00-12:30", "14:00-19:00"]] * 6 + [[]]


@pytest.mark.parametrize("bad", [("9", ""), ("", "19"), ("26", "27"), ("10", "9"), ("x", "y")])
def test_bad_hours_are_explained_and_not_saved(town: Town, bad: tuple[str, str]) -> None:
    url = f"/start/hours/{town.shop.pk}/"
    response = town.clients["director"].post(url, {"opens-2": [bad[0]], "closes-2": [bad[1]]})
    assert response.status_code == 422
    assert response.context["days"][2].error
    assert not any(selectors.week_of(town.shop))


def test_an_invitation_goes_by_mail_where_a_server_is_configured(
    town: Town, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_CONFIGURED = True
    client = town.clients["director"]
    data = {"email": "nina@example.fr", "role": "shopkeeper", "shop": town.shop.pk}
    page = client.post("/start/staff/", data, follow=True)
    [mail] = mailoutbox
    link = re.search(r"/start/invitation/[\w-]+/", mail.body)
    assert link is not None
    assert link[0] not in page.content.decode(), "the link is the invited person's alone"
    assert Client().get(link[0]).status_code == 200


def test_an_account_accepts_an_invitation_for_its_own_address_only(town: Town) -> None:
    _, token = services.invite(
        town.association, "autre@example.fr", None, town.director, timezone.now()
    )
    url = f"/start/invitation/{token}/"
    town.clients["shopkeeper"].post(url)
    Client().post(url, {"name": "X", "password": "les-halles-du-marche"})
    assert not Invitation.objects.get().accepted_at
    town.clients["stranger"].post(url)
    assert Invitation.objects.get().accepted_at


def test_a_link_is_shown_once_and_lies_in_no_session(town: Town) -> None:
    client = town.clients["director"]
    data = {"email": "nina@example.fr", "role": "shopkeeper", "shop": town.shop.pk}
    client.post("/start/staff/", data)
    assert "invitation/" not in str(dict(client.session))
    page = client.get("/start/staff/").content.decode()
    link = re.search(r"/start/invitation/[\w-]+/", page)
    assert link is not None
    assert Client().get(link[0]).status_code == 200
    assert "/start/invitation/" not in client.get("/start/staff/").content.decode()
    assert Client().get(link[0]).status_code == 200, "looking again takes nothing back"


def test_the_second_of_two_clicks_on_join_is_told_to_sign_in(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation, token = services.invite(
        town.association, "nina@example.fr", None, town.director, timezone.now()
    )
    url, data = f"/start/invitation/{token}/", {"name": "N", "password": "les-halles-du-marche"}
    real = services.join_by_invitation

    def other_click_first(*args: Any) -> User:
        real(*args)
        return real(*args)

    monkeypatch.setattr(services, "join_by_invitation", other_click_first)
    response = Client().post(url, data, follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")
    assert User.objects.filter(email="nina@example.fr").count() == 1
    assert invitation.association.staff.filter(user__email="nina@example.fr").count() == 1
