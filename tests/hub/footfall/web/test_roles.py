"""Who sees what: a shopkeeper never learns another shop's figure, by any door."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.footfall import selectors
from chaland.hub.footfall.models import DoorCount, DoorToken, EnrolmentCode, Sensor
from tests import builders
from tests.hub.footfall.web.conftest import ClientOf

pytestmark = pytest.mark.django_db

READ = ("figures", "figures_now", "figures_csv")


def shop_addresses(shop: Shop) -> Iterator[tuple[str, str]]:
    """Every address that names a shop, with its method."""
    for name in ("shop", "tally"):
        yield "get", reverse(f"calibration_{name}", args=[shop.slug])
    for name in ("count", "file", "confirm", "tally", "fit", "new_token"):
        yield "post", reverse(f"calibration_{name}", args=[shop.slug])
    yield "post", reverse("calibration_forget_day", args=[shop.slug, "2026-11-20"])
    yield "post", reverse("calibration_revoke_token", args=[shop.slug, 1])


def test_the_director_sees_all(cast: builders.Cast, client_of: ClientOf) -> None:
    page = client_of(cast.director).get("/").content.decode()
    assert all(shop.name.replace("&", "&amp;") in page for shop in cast.shops)


def test_a_shopkeeper_sees_the_own_shop_only(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    for name in READ:
        text = client.get(reverse(name)).content.decode()
        for shop in cast.shops[1:]:
            assert shop.name.replace("&", "&amp;") not in text
            assert shop.slug not in text
    assert cast.shop.name in client.get("/").content.decode()


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("query", ["shop=shop-1", "zone=zone-1", "shop=shop-0&zone=zone-1"])
def test_guessed_places_are_not_found(
    cast: builders.Cast, client_of: ClientOf, name: str, query: str
) -> None:
    assert client_of(cast.shopkeeper).get(f"{reverse(name)}?{query}").status_code == 404


def test_guessed_shops_are_not_found_on_any_page(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    for method, address in shop_addresses(cast.shops[1]):
        assert getattr(client, method)(address).status_code == 404, address
    assert client.get(reverse("calibration")).status_code == 302  # to the own shop
    assert not DoorCount.objects.exists()
    assert not DoorToken.objects.exists()


def test_only_directors_reach_the_sensors(cast: builders.Cast, client_of: ClientOf) -> None:
    sensor = Sensor.objects.get(shop_id=cast.shop.pk)
    revoke = reverse("sensor_revoke", args=[sensor.identifier])
    for user in (cast.shopkeeper, cast.neighbour, cast.stranger):
        client = client_of(user)
        assert client.get(reverse("sensors")).status_code == 403
        assert client.post(reverse("sensor_new_code"), {"shop": cast.shop.pk}).status_code == 403
        assert client.post(revoke).status_code == 403
    assert not EnrolmentCode.objects.exists()
    assert Sensor.objects.filter(revoked_at=None, pk=sensor.pk).exists()


def test_a_director_of_another_town_sees_nothing_of_this_one(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    elsewhere = cast.stranger.roles.get().association
    rival = builders.build_user("rival@example.org", "Rival")
    StaffRole.objects.create(user=rival, association=elsewhere, role=StaffRole.Role.DIRECTOR)
    client = client_of(rival)
    for name in (*READ, "calibration", "sensors"):
        text = client.get(reverse(name), follow=True).content.decode()
        assert all(shop.name not in text for shop in cast.shops[1:])
    sensor = Sensor.objects.get(shop_id=cast.shop.pk)
    assert client.post(reverse("sensor_revoke", args=[sensor.identifier])).status_code == 404
    made = client.post(reverse("sensor_new_code"), {"shop": cast.shop.pk})
    assert made.status_code == 422
    assert not EnrolmentCode.objects.exists()


def test_without_sign_in_every_page_asks_for_it(cast: builders.Cast) -> None:
    patterns = get_resolver("chaland.hub.footfall.web.urls").url_patterns
    pages = [p.name for p in patterns if isinstance(p, URLPattern)]  # the rest is public: /privacy/
    arguments = {
        "slug": cast.shop.slug,
        "day": "2026-11-20",
        "pk": 1,
        "identifier": "a" * 16,
    }
    for name in pages:
        for method in ("get", "post"):
            names = [n for n in arguments if f"<{n}>" in address_pattern(name)]
            address = reverse(name, kwargs={n: arguments[n] for n in names})
            answer = getattr(Client(), method)(address)
            assert answer.status_code == 302
            assert "/accounts/login/" in answer.headers["Location"]


def address_pattern(name: str) -> str:
    patterns = get_resolver("chaland.hub.footfall.web.urls").url_patterns
    route = next(str(p.pattern) for p in patterns if getattr(p, "name", "") == name)
    return route.replace("slug:", "").replace("str:", "").replace("int:", "")


def test_the_town_index_needs_five_shops(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    shown = client.get("/").context["beside"]
    assert shown.town is not None
    cast.shops[4].delete()
    hidden = client.get("/").context["beside"]
    assert hidden.town is None
    assert all(day.town is None for day in hidden.days)


def test_the_town_index_hides_how_large_a_rival_is(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    """Ten times the visits in one other shop, always, leave the town's index as it was."""
    from datetime import date

    from django.db.models import F

    from chaland.hub.footfall.figures.neighbours import neighbours
    from chaland.hub.footfall.figures.period import Period, Preset, preset_period
    from chaland.hub.footfall.models import Cell
    from chaland.hub.footfall.services import rebuild_figures

    ids = [shop.pk for shop in cast.shops]
    week: Period = preset_period(Preset.WEEK, date(2026, 11, 21))
    before = neighbours(cast.shop.pk, ids, week)
    Cell.objects.filter(shop_id=ids[1]).update(
        fingerprints=10 * F("fingerprints"), scans=10 * F("scans")
    )
    rebuild_figures([ids[1]])
    after = neighbours(cast.shop.pk, ids, week)
    assert before.town is not None
    assert after.town is not None
    assert after.town.value == pytest.approx(before.town.value, rel=0.02)
    assert selectors.read_cube(ids, week.first, week.last).visits[1].sum() > 0
