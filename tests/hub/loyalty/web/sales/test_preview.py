"""The invitation as it will be read, before anything is kept."""

from typing import Any

import pytest
from django.test import Client

from chaland.hub.loyalty.models import CampaignText, PrivateSale
from chaland.hub.loyalty.sales import services
from tests.hub.loyalty.sales.conftest import Town
from tests.hub.loyalty.web.sales.test_pages import client_of, fields
from tests.outreach_builders import build_gateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(town: Town) -> Client:
    return client_of(town.loyalty.cast.shopkeeper)


def texts(**changed: Any) -> dict[str, Any]:
    return fields(
        **{"email.fr.body": "Bonjour {first_name}, c’est {sale} !", "what.0": ""} | changed
    )


def test_a_mail_is_shown_as_it_is_read_and_nothing_is_kept(town: Town, keeper: Client) -> None:
    shown = keeper.post("/sales/new/mail/fr/", texts())
    page = shown.content.decode()
    assert "Bonjour Camille, c’est Winter evening" in page
    assert "décembre" in page, "its dates stand in the box of the sale"
    assert "default-src 'none'" in shown["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]
    assert "sandbox" in shown["Content-Security-Policy"]
    assert shown["X-Frame-Options"] == "SAMEORIGIN"
    long = keeper.post("/sales/new/mail/fr/", texts(**{"case.fr": "2"})).content.decode()
    assert "Marie-Antoinette" in long
    assert not PrivateSale.objects.exists()
    assert not CampaignText.objects.exists()


def test_typed_markup_is_text(town: Town, keeper: Client) -> None:
    evil = "<script>alert(1)</script><img src=x> {first_name}"
    page = keeper.post("/sales/new/mail/fr/", texts(**{"email.fr.body": "Lisez " + evil}))
    assert page.status_code == 200
    assert "<script" not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"day": ""},
        {"email.fr.body": "", "email.fr.subject": "", "email.fr.button": ""},
        {"email.fr.body": "Bonjour {prenom}"},
        {"email.fr.subject": "{unsubscribe}"},
    ],
    ids=str,
)
def test_what_cannot_be_written_is_said(town: Town, keeper: Client, wrong: dict[str, str]) -> None:
    answer = keeper.post("/sales/new/mail/fr/", texts(**wrong))
    assert answer.status_code == 422
    assert "see what the page says" in answer.content.decode()


def test_a_kept_sale_s_mail_is_its_own_shop_s(town: Town, keeper: Client) -> None:
    assert keeper.post("/sales/new/", texts(do="save")).status_code == 302
    sale = PrivateSale.objects.get()
    before = CampaignText.objects.get(language="fr", channel="email").body
    changed = texts(**{"email.fr.body": "Autrement, {first_name}"})
    page = keeper.post(f"/sales/{sale.pk}/mail/fr/", changed).content.decode()
    assert "Autrement, Camille" in page
    assert CampaignText.objects.get(language="fr", channel="email").body == before
    refused = texts(**{"email.fr.body": "Bonjour {prenom}"})
    answer = keeper.post(f"/sales/{sale.pk}/mail/fr/", refused)
    assert answer.status_code == 422, "what was kept is not what is typed"
    for user in (town.loyalty.cast.neighbour, town.loyalty.cast.director):
        assert client_of(user).post(f"/sales/{sale.pk}/mail/fr/", texts()).status_code == 404
    assert keeper.get(f"/sales/{sale.pk}/mail/fr/").status_code == 405
    assert keeper.post(f"/sales/{sale.pk}/mail/de/", texts()).status_code == 404
    services.cancel_sale(sale.pk)
    assert keeper.post(f"/sales/{sale.pk}/mail/fr/", texts()).status_code == 422


def test_an_sms_is_shown_whole_with_what_makes_it_dear(town: Town, keeper: Client) -> None:
    build_gateway(town.id, "sms")
    told = texts(way="sms", **{"sms.fr.body": "Noël 🎄 {first_name} {link}"})
    page = keeper.post("/sales/new/", told, headers={"HX-Request": "true"}).content.decode()
    bubble = page[page.index('id="sms-fr"') :]
    bubble = bubble[: bubble.index('id="sms-en"')]
    assert 'hx-swap-oob="true"' in bubble
    assert "Noël 🎄 Marie-Antoinette" in bubble
    assert "STOP" in bubble
    assert "dear signs: ë 🎄" in bubble
    none = texts(way="email", **{"sms.fr.body": "Noël {link}"})
    page = keeper.post("/sales/new/", none, headers={"HX-Request": "true"}).content.decode()
    assert '<div id="sms-fr" role="status" hx-swap-oob="true"></div>' in page, (
        "it isn't sent: nothing is shown"
    )
