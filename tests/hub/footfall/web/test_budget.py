"""The privacy account, and what the sensors' page says of objections and charter."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse
from nacl.signing import SigningKey

from chaland.hub.footfall import charters
from chaland.hub.footfall.models import BudgetEntry, DayKey, ObjectionBit, Sensor, TownKey
from chaland.hub.footfall.services import account, objections
from chaland.hub.footfall.services.trial import sign_trial_charter
from tests.builders import Cast
from tests.hub.footfall.web.conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db

TODAY = SATURDAY.date()


@pytest.fixture
def town(cast: Cast) -> Cast:
    """The cast's town with a charter, its account written from what its sensors released."""
    sign_trial_charter(cast.association.pk, SigningKey(bytes(range(32))), SATURDAY)
    account.rebuild([shop.pk for shop in cast.shops])
    return cast


@pytest.fixture
def visitor() -> Client:
    return Client(HTTP_ACCEPT_LANGUAGE="en")


def rows(visitor: Client, town: Cast, query: str = "") -> list[dict[str, str]]:
    response = visitor.get(reverse("budget_csv", args=[town.association.pk]) + query)
    assert response.status_code == 200
    return list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))


def test_anybody_reads_the_account_of_all_shops(town: Cast, visitor: Client) -> None:
    page = visitor.get(reverse("budget", args=[town.association.pk])).content.decode()
    assert all(shop.name.replace("&", "&amp;") in page for shop in town.shops)
    assert "November 2026" in page
    own = visitor.get(reverse("budget", args=[town.association.pk]) + "?shop=shop-0")
    text = own.content.decode()
    entry = BudgetEntry.objects.get(shop_id=town.shop.pk, day=TODAY, row="E1")
    assert f"{entry.epsilon.normalize():f}" in text
    assert town.shops[1].name not in text


def test_the_file_holds_each_entry(town: Cast, visitor: Client) -> None:
    written = rows(visitor, town)
    assert len(written) == BudgetEntry.objects.count()
    today = [row for row in written if row["day"] == f"{TODAY}" and row["shop"] == town.shop.name]
    entry = BudgetEntry.objects.get(shop_id=town.shop.pk, day=TODAY, row="E1")
    found = next(row for row in today if row["row"] == "E1")
    assert Decimal(found["epsilon spent"]) == entry.epsilon
    assert Decimal(found["remaining"]) == Decimal(found["limit"]) - entry.epsilon
    assert int(found["releases"]) == entry.releases
    assert {row["shop"] for row in rows(visitor, town, "?shop=shop-1")} == {town.shops[1].name}


def test_months_lead_to_where_something_is(town: Cast, visitor: Client) -> None:
    before = date(2026, 9, 30)
    BudgetEntry.objects.create(
        shop_id=town.shop.pk, day=before, row="E5", releases=1, epsilon=2, limit=2
    )
    address = reverse("budget", args=[town.association.pk])
    page = visitor.get(address).content.decode()
    assert "?month=2026-10" in page
    assert "?month=2026-12" not in page
    empty = visitor.get(f"{address}?month=2026-10").content.decode()
    assert "?month=2026-09" in empty
    assert "Nothing was spent" in empty
    assert "?month=2026-08" not in visitor.get(f"{address}?month=2026-09").content.decode()


@pytest.mark.parametrize("query", ["?shop=none", "?shop=../x"])
def test_a_shop_that_is_none_is_not_found(town: Cast, visitor: Client, query: str) -> None:
    assert visitor.get(reverse("budget", args=[town.association.pk]) + query).status_code == 404


@pytest.mark.parametrize("month", ["2026", "2026-13", "0000-01", "9999-12", "x", "-1"])
def test_a_month_that_is_none_is_the_newest_or_empty(
    town: Cast, visitor: Client, month: str
) -> None:
    page = visitor.get(reverse("budget", args=[town.association.pk]), {"month": month})
    assert page.status_code == 200


def test_a_town_that_does_not_measure_has_no_account(cast: Cast, visitor: Client) -> None:
    assert visitor.get(reverse("budget", args=[cast.association.pk])).status_code == 404
    assert visitor.get(reverse("budget", args=[999])).status_code == 404


def test_the_director_is_told_of_a_full_objection_list_and_empties_it(
    town: Cast, client_of: ClientOf
) -> None:
    sensor = Sensor.objects.filter(shop_id=town.shop.pk).get()
    ObjectionBit.objects.bulk_create(
        ObjectionBit(association_id=town.association.pk, bit=bit, sensor=sensor,
                     first_asked_on=TODAY)
        for bit in range(1_400)
    )  # fmt: skip
    director = client_of(town.director)
    assert "fuller than people make it" in director.get(reverse("sensors")).content.decode()
    assert client_of(town.shopkeeper).post(reverse("objections_clear")).status_code == 403
    assert ObjectionBit.objects.count() == 1_400
    assert director.get(reverse("objections_clear")).status_code == 405, "a link changes nothing"
    page = director.post(reverse("objections_clear"), follow=True).content.decode()
    assert "The objection list is empty" in page
    assert "fuller than people make it" not in page
    assert objections.fill(town.association.pk, TODAY + timedelta(days=0)).bits == 0


def test_the_director_is_told_of_a_charter_with_another_mechanism(
    town: Cast, client_of: ClientOf, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    director, said = client_of(town.director), "Nothing is taken from the sensors"
    assert said not in director.get(reverse("sensors")).content.decode()
    assert visitor.get("/healthz").json()["charter"] == "ok"
    monkeypatch.setattr(charters, "software_annex", lambda: "0" * 64)
    assert said in director.get(reverse("sensors")).content.decode()
    health = visitor.get("/healthz")
    assert (health.status_code, health.json()["ok"], health.json()["charter"]) == (
        200, False, "outdated",
    )  # fmt: skip


def test_the_director_is_told_of_a_key_that_does_not_spread(
    town: Cast, client_of: ClientOf
) -> None:
    director = client_of(town.director)

    def page() -> str:
        return director.get(reverse("sensors")).content.decode()

    assert "key of the day" not in page()
    maker, other = Sensor.objects.filter(revoked_at=None).order_by("pk")[:2]
    key = TownKey.objects.create(
        association_id=town.association.pk, day=TODAY, key="a" * 16, maker=maker,
        offered_at=SATURDAY,
    )  # fmt: skip
    for sensor, waits in ((maker, None), (other, 9)):
        DayKey.objects.create(
            sensor=sensor, day=TODAY, public_key=bytes(32), signature="", heard_at=SATURDAY,
            wanting_since=SATURDAY - timedelta(minutes=waits) if waits else None,
            holds="" if waits else key.key,
        )  # fmt: skip
    assert "key of the day" not in page(), "it may be on its way"
    DayKey.objects.filter(sensor=other).update(wanting_since=SATURDAY - timedelta(minutes=10))
    assert "1 of 2 sensors has no key of the day" in page()
    key.passed_over = [maker.pk]
    key.save()
    told = page().partition("passed it on to none")[2].partition("</ul>")[0]
    assert maker.identifier in told
    assert other.identifier not in told
