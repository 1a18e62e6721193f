"""Door counters' API: one shop a token, all or nothing, twice is once."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from chaland.hub.footfall import services
from chaland.hub.footfall.models import DoorCount
from tests import builders

pytestmark = pytest.mark.django_db
COUNT = {
    "start": "2026-11-20T15:00:00+01:00",
    "end": "2026-11-20T15:15:00+01:00",
    "occupancy": 6.5,
    "arrivals": 4,
}


def post(token: str, counts: Any) -> HttpResponse:
    body = {"counts": counts}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post("/api/v1/door-counts", body, "application/json", headers=headers)


@pytest.fixture
def token(cast: builders.Cast) -> str:
    return services.create_door_token(cast.shop.pk, "door")


def test_the_same_counts_twice_change_nothing(token: str, cast: builders.Cast) -> None:
    assert post(token, [COUNT]).json() == {"added": 1, "replaced": 0, "unchanged": 0}
    assert post(token, [COUNT]).json() == {"added": 0, "replaced": 0, "unchanged": 1}
    assert post(token, [{**COUNT, "arrivals": 5}]).json()["replaced"] == 1
    assert DoorCount.objects.get().shop_id == cast.shop.pk


@pytest.mark.parametrize("token_given", ["", "wrong", "' OR 1=1 --"])
def test_without_a_valid_token_nothing_is_taken(cast: builders.Cast, token_given: str) -> None:
    assert post(token_given, [COUNT]).status_code == 401
    assert not DoorCount.objects.exists()


def test_a_token_names_its_shop_and_no_other_can_be_asked_for(
    token: str, cast: builders.Cast
) -> None:
    assert post(token, [{**COUNT, "shop": cast.shops[1].pk}]).status_code == 422
    assert not DoorCount.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end": "2026-11-20T15:00:00+01:00"}, "counts[1].end"),
        (
            {"end": "2030-11-20T15:15:00+01:00", "start": "2030-11-20T15:00:00+01:00"},
            "counts[1].end",
        ),
        ({"occupancy": -1}, "counts[1].occupancy"),
        ({"occupancy": None, "arrivals": None}, "counts[1].occupancy"),
        ({"arrivals": 10**9}, "counts[1].arrivals"),
    ],
)
def test_one_bad_count_refuses_all_and_names_the_field(
    token: str, change: dict[str, Any], field: str
) -> None:
    answer = post(token, [COUNT, {**COUNT, **change}])
    assert answer.status_code == 422
    assert list(answer.json()["problems"]) == [field]
    assert not DoorCount.objects.exists()


@pytest.mark.parametrize(
    "counts", [[], "x", [{}], [{**COUNT, "start": "2026-11-20T15:00:00"}], [COUNT] * 2001]
)
def test_malformed_bodies_are_refused(token: str, counts: Any) -> None:
    assert post(token, counts).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"end": "9999-12-31T23:59:59-14:00"}, "end"),
        ({"start": "0001-01-01T10:00:00Z", "end": "0001-01-01T10:15:00Z"}, "start"),
    ],
)
def test_times_at_the_ends_of_the_calendar_are_refused_by_name(
    token: str, change: dict[str, Any], field: str
) -> None:
    answer = post(token, [{**COUNT, **change}])
    assert answer.status_code == 422
    assert list(answer.json()["problems"]) == [f"counts[0].{field}"]
    assert not DoorCount.objects.exists()
