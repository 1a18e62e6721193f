"""Counting through the pages: form, file with preview, tally, tokens."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from chaland.hub.footfall.models import DoorCount, DoorToken
from tests import builders
from tests.hub.footfall.web.conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db
GOOD = b"start;end;occupancy\n2026-11-20 15:00;2026-11-20 15:15;6,5\n"


def url(name: str, cast: builders.Cast, *more: object) -> str:
    return reverse(f"calibration_{name}", args=[cast.shop.slug, *more])


def test_a_file_is_shown_before_it_is_kept(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    upload = SimpleUploadedFile("door.csv", GOOD + b"nonsense;x;1\n")
    preview = client.post(url("file", cast), {"file": upload})
    assert [bad.line for bad in preview.context["bad"]] == [3]
    assert not DoorCount.objects.exists()
    signed = preview.context["signed"]
    assert client.post(url("confirm", cast), {"rows": signed}).status_code == 302
    assert client.post(url("confirm", cast), {"rows": signed}).status_code == 302
    count = DoorCount.objects.get()
    assert (count.shop_id, count.occupancy) == (cast.shop.pk, 6.5)
    assert count.start == datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def test_a_preview_counts_for_its_own_shop_and_can_not_be_forged(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    upload = SimpleUploadedFile("door.csv", GOOD)
    signed = client_of(cast.shopkeeper).post(url("file", cast), {"file": upload}).context["signed"]
    other = reverse("calibration_confirm", args=[cast.shops[1].slug])
    assert client_of(cast.neighbour).post(other, {"rows": signed}).status_code == 404
    client_of(cast.shopkeeper).post(url("confirm", cast), {"rows": signed[:-2] + "xx"})
    assert not DoorCount.objects.exists()


def test_a_file_that_is_none_is_refused_with_a_sentence(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.shopkeeper)
    answer = client.post(
        url("file", cast), {"file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04\0\0")}, follow=True
    )
    assert "not a CSV file" in answer.content.decode()


def test_the_form_names_the_wrong_field(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    given = {"day": "2026-11-20", "begin": "15:00", "finish": "14:00", "occupancy": "5"}
    wrong = client.post(url("count", cast), given)
    assert wrong.status_code == 422
    assert list(wrong.context["form"].errors) == ["finish"]
    assert client.post(url("count", cast), {**given, "finish": "15:30"}).status_code == 302
    assert DoorCount.objects.get().source == "tally"


def test_a_tally_comes_in_seconds_ago(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    taps = json.dumps([[1200, 1], [600, 1], [60, -1]])
    sent = client.post(url("tally", cast), {"present": 3, "lasted_s": 1500, "taps": taps})
    assert sent.json() == {"next": url("shop", cast)}
    rows = list(DoorCount.objects.order_by("start"))
    assert abs(rows[-1].end - SATURDAY) < timedelta(minutes=2)
    assert sum(row.arrivals or 0 for row in rows) == 2
    assert all(3 <= (row.occupancy or 0) <= 5 for row in rows)


@pytest.mark.parametrize(
    "taps", ["nonsense", "[[1]]", "[[60, 5]]", "[[99999, 1]]", '[["x", 1]]', "7", "[[null,1]]"]
)
def test_a_broken_tally_is_refused_and_the_page_says_so(
    cast: builders.Cast, client_of: ClientOf, taps: str
) -> None:
    client = client_of(cast.shopkeeper)
    answer = client.post(url("tally", cast), {"present": 3, "lasted_s": 1500, "taps": taps})
    assert answer.status_code == 422
    assert answer.json()["problem"]
    assert not DoorCount.objects.exists()


def test_fitting_without_truth_says_what_to_do(cast: builders.Cast, client_of: ClientOf) -> None:
    answer = client_of(cast.shopkeeper).post(url("fit", cast), follow=True)
    assert "Not enough yet" in answer.content.decode()


def test_a_token_is_shown_once(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    page = client.post(url("new_token", cast), {"label": "Porte"})
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert secret not in client.get(url("shop", cast)).content.decode()
    pk = DoorToken.objects.get().pk
    other = reverse("calibration_revoke_token", args=[cast.shops[1].slug, pk])
    assert client_of(cast.neighbour).post(other).status_code == 404
    assert client.post(url("revoke_token", cast, pk)).status_code == 302
    assert DoorToken.objects.get().revoked_at is not None


def test_a_day_can_be_taken_back(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.shopkeeper)
    given = {"day": "2026-11-20", "begin": "15:00", "finish": "15:30", "occupancy": "5"}
    client.post(url("count", cast), given)
    assert client.post(url("forget_day", cast, "2026-11-19")).status_code == 302
    assert DoorCount.objects.exists()
    client.post(url("forget_day", cast, "2026-11-20"))
    assert not DoorCount.objects.exists()
    assert client.post(url("forget_day", cast, "nonsense")).status_code == 404


@pytest.mark.parametrize(
    "start",
    [
        "0001-01-01 00:00",
        "9999-12-31 23:59",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:00-10:00",
        "2026-03-29 02:30",
    ],
)
def test_a_time_that_is_none_is_named_by_its_line(
    cast: builders.Cast, client_of: ClientOf, start: str
) -> None:
    content = f"start,end,occupancy\n{start},2026-11-21 10:15,3\n".encode()
    upload = SimpleUploadedFile("door.csv", content)
    preview = client_of(cast.shopkeeper).post(url("file", cast), {"file": upload})
    assert [(bad.line, bad.field) for bad in preview.context["bad"]] == [(2, "start")]


@pytest.mark.parametrize(
    ("day", "begin"), [("2026-03-29", "02:30"), ("0001-01-01", "00:10"), ("9999-12-31", "23:10")]
)
def test_the_form_refuses_the_times_that_the_file_refuses(
    cast: builders.Cast, client_of: ClientOf, day: str, begin: str
) -> None:
    """On 29 March 2026 clocks in France went from 02:00 to 03:00."""
    given = {"day": day, "begin": begin, "finish": "23:50", "occupancy": "5"}
    wrong = client_of(cast.shopkeeper).post(url("count", cast), given)
    assert wrong.status_code == 422
    assert list(wrong.context["form"].errors) == ["begin"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "nonsense"])
def test_no_such_day_is_taken_back(cast: builders.Cast, client_of: ClientOf, day: str) -> None:
    assert client_of(cast.shopkeeper).post(url("forget_day", cast, day)).status_code == 404


def test_a_reloaded_preview_leads_back(cast: builders.Cast, client_of: ClientOf) -> None:
    answer = client_of(cast.shopkeeper).get("/calibration/shop-0/file/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/calibration/shop-0/"
