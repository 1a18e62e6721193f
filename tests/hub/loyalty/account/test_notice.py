"""What members are told of their data: to anybody, in both languages, with the code's periods."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account import leaving, links
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.outreach import inbound, pressure_rules
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty

pytestmark = pytest.mark.django_db

PATH = "/me/notice/"


@pytest.fixture
def town(db: None) -> Loyalty:
    return build_loyalty(build_cast(3))


def _page(client: Client, path: str = PATH, language: str = "fr") -> str:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_tells_the_code_s_own_periods_without_a_session(
    town: Loyalty, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    years, days = {"fr": ("ans", "jours"), "en": ("years", "days")}[language]

    def told() -> None:
        page = _page(Client(), language=language)
        assert f"{erasure.KEPT_YEARS} {years}" in page
        for period in (
            members.LOOKUPS_KEPT, inbound.KEPT, pressure_rules.FAIR, leaving.UNDO_FOR,
        ):  # fmt: skip
            assert f"{period.days} {days}" in page
        assert "CNIL" in page

    told()
    monkeypatch.setattr(erasure, "KEPT_YEARS", 29)
    for number, (module, name) in enumerate(
        ((members, "LOOKUPS_KEPT"), (inbound, "KEPT"), (pressure_rules, "FAIR"),
         (leaving, "UNDO_FOR"))
    ):  # fmt: skip
        monkeypatch.setattr(module, name, timedelta(days=4_001 + number))
    told()


def test_who_answers_is_named_as_far_as_known(town: Loyalty) -> None:
    shop, association = town.cast.shop, town.cast.association
    build.build_gateway(
        association.pk, "email", settings='{"offline": true, "postal": "1 quai du Port"}'
    )
    page = _page(Client())
    for name in (association.name, "Autre Ville", "1 quai du Port", "bonjour@vitrines.example"):
        assert name in page
    assert shop.name not in page
    page = _page(Client(), f"{PATH}?shop={shop.pk}")
    assert f"{shop.name} et l’association" in page
    assert "Autre Ville" not in page
    phone = Client()
    phone.post(links.account_link(town.member.pk, "till:1"))
    page = _page(phone)
    assert association.name in page
    assert "Autre Ville" not in page
    elsewhere = town.cast.shops[0].association_id + 10**6
    for wrong in ("", "x", "²", str(elsewhere), "9" * 30):
        assert "Autre Ville" in _page(Client(), f"{PATH}?shop={wrong}")


def test_it_is_linked_from_the_account_with_and_without_a_session(town: Loyalty) -> None:
    phone = Client()
    path = links.account_link(town.member.pk, "till:1")
    pages = [phone.get("/me/"), phone.get(path), Client().get("/u/x/"), Client().get("/i/x/")]
    phone.post(path)
    pages += [phone.get(each) for each in ("/me/", "/me/messages/", "/me/card/", "/me/leave/")]
    for page in pages:
        assert f'href="{PATH}"' in page.content.decode()
