"""The page of figures: what it says, that its address holds its state, and what it costs."""

import csv
import io
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.association.models import Association, OpeningHours, Shop
from chaland.hub.common import clock
from chaland.hub.footfall.models import Cell, DayFigure, Sensor
from chaland.hub.footfall.rules import Unit
from chaland.hub.footfall.services import rebuild_figures
from chaland.hub.footfall.web import words
from chaland.hub.footfall.web.export import COLUMNS, safe
from tests import builders
from tests.hub.footfall.web.conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(reverse("figures_csv") + query)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_csv_has_the_pages_numbers(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.director)
    for query in ("", "?period=28d&zone=zone-0", "?shop=shop-1&compare=year"):
        page = client.get("/" + query).context["figures"]
        rows = rows_of(client, query)
        assert tuple(rows[0]) == COLUMNS
        total = next(row for row in rows if row["figure"] == "visits")
        shown, _decimals = words.shown(page.visits)  # rounded as on the page
        assert float(total["value"]) == pytest.approx(shown.value, abs=0.06)
        assert float(total["low_90"]) == pytest.approx(shown.low, abs=0.06)
        hours = [row for row in rows if "hour" in row["figure"] and row["figure"] != "busiest hour"]
        cells = [cell for row in page.heat.rows for cell in row.cells]
        assert len(hours) == len(cells)
        for row, cell in zip(hours, cells, strict=True):
            assert (row["value"] == "") == (cell.visits is None)
            assert row["value"] != "0.0"
        assert sum(row["figure"].startswith("shop ") for row in rows) == len(page.rows)


@given(st.sampled_from("=+-@\t\r"), st.text(max_size=20))
def test_no_text_becomes_a_formula(first: str, rest: str) -> None:
    assert not safe(first + rest).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert safe("  " + first + rest)[0] == "'"


def test_a_shop_named_like_a_formula_is_harmless(cast: builders.Cast, client_of: ClientOf) -> None:
    cast.shop.name = '=HYPERLINK("https://example.org")'
    cast.shop.save()
    places = {row["place"] for row in rows_of(client_of(cast.director))}
    assert "'" + cast.shop.name in places


def test_the_rows_carry_the_name_of_what_they_are_about(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    def place(client: Client, query: str = "") -> str:
        return next(row["place"] for row in rows_of(client, query) if row["figure"] == "visits")

    assert place(client_of(cast.shopkeeper)) == cast.shop.name
    assert place(client_of(cast.shopkeeper), f"?zone={cast.shop.zone.slug}") == cast.shop.name
    director = client_of(cast.director)
    assert place(director) == cast.association.town
    assert place(director, "?zone=zone-1") == cast.shops[1].zone.name
    assert place(director, "?shop=shop-1") == cast.shops[1].name


def test_a_french_file_opens_in_a_french_spreadsheet(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.director)
    gone = SATURDAY.replace(minute=0) - timedelta(days=1)
    Cell.objects.filter(shop_id=cast.shop.pk, start=gone).delete()
    rebuild_figures([cast.shop.pk])
    english = rows_of(client)
    client.cookies["django_language"] = "fr"
    text = client.get(reverse("figures_csv")).content.decode()
    assert text.startswith("\ufeffchiffre;lieu;du;au;")
    french = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
    assert {len(row) for row in french} == {len(COLUMNS)}
    value = COLUMNS.index("value")
    for row, other in zip(french[1:], english, strict=True):
        assert row[value].replace(",", ".") == other["value"]
        assert "." not in row[value]
    assert any("," in row[COLUMNS.index("coverage_percent")] for row in french[1:])
    words_of_english = {"visits", "not enough people to show", "no data", "closed"}
    assert not words_of_english & {cell for row in french for cell in row}


def test_next_to_no_data_is_nothing_to_compare_with(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.director)
    compared = next(row for row in rows_of(client) if row["figure"] == "change")
    assert float(compared["compared_percent"]) > 90
    # Two weeks are known: of the 28 days before the last 28, there is nothing.
    query = "?period=28d"
    page = client.get("/" + query)
    assert page.context["figures"].change is None
    assert page.context["figures"].capture_compared is None
    assert page.context["figures"].typical_days == 0
    assert all(row["change"] is None for row in page.context["rows"])
    assert "nothing to compare with" in page.content.decode()
    change = next(row for row in rows_of(client, query) if row["figure"] == "change")
    assert (change["value"], change["note"]) == ("", "nothing to compare with")


def test_closed_days_are_closed_not_empty(cast: builders.Cast, client_of: ClientOf) -> None:
    for weekday in range(6):
        OpeningHours.objects.get_or_create(
            shop=cast.shop, weekday=weekday, defaults={"opens": time(9), "closes": time(19)}
        )
    OpeningHours.objects.filter(shop=cast.shop, weekday=6).delete()
    found = client_of(cast.director).get("/?shop=shop-0").context["figures"]
    states = {row.weekday: {cell.state for cell in row.cells} for row in found.heat.rows}
    assert states[6] <= {"closed", "shown"}
    assert "closed" in states[6]
    assert "few" in set.union(*(states[weekday] for weekday in range(6)))


def test_the_running_hour_is_incomplete_and_the_rest_ahead(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    heat = client_of(cast.director).get("/?period=today").context["figures"].heat
    cells = {cell.hour: cell for cell in heat.rows[0].cells}
    assert cells[16].incomplete  # it is 16:20 in Paris, and the hour is in the sum
    assert cells[16].state != "ahead"
    assert cells[17].state == "ahead"


def test_a_morning_before_opening_says_so(cast: builders.Cast, client_of: ClientOf) -> None:
    with time_machine.travel(SATURDAY.replace(hour=4, minute=30)):
        Cell.objects.filter(start__gte=SATURDAY.replace(hour=4, minute=30)).delete()
        rebuild_figures()
        page = client_of(cast.director).get("/?period=today")
    assert "only just begun" in page.content.decode()
    assert "Not enough people to draw" not in page.content.decode()


def test_how_long_ago_goes_by_the_hubs_clock(cast: builders.Cast, client_of: ClientOf) -> None:
    """The demo's town has its own time: days away from the server's."""
    clock.use(lambda: SATURDAY)
    try:
        with time_machine.travel(SATURDAY + timedelta(hours=21)):
            page = client_of(cast.director).get("/sensors/").content.decode()
    finally:
        clock.use(lambda: datetime.now(UTC))
    assert "21\N{NO-BREAK SPACE}hours" not in page
    assert "less than a minute ago" in page


def test_a_place_without_a_sensor_is_not_silent(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.director)
    Cell.objects.all().delete()
    Sensor.objects.update(revoked_at=SATURDAY)
    page = client.get("/now/").content.decode()
    assert "no sensor" in page
    assert "silent" not in page.replace("is-silent", "")
    assert "is-silent" in page  # the dot does not beat


def test_simulated_figures_say_so(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.director)
    assert b"Simulation" not in client.get("/").content
    Association.objects.update(simulated=True)
    assert client.get("/").content.lower().count(b"simulat") >= 3
    assert all("simulated" in row["note"] for row in rows_of(client))


def test_small_hours_are_hidden_and_totals_keep_them(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    found = client_of(cast.director).get("/?shop=shop-0").context["figures"]
    shown = sum(c.visits.value for r in found.heat.rows for c in r.cells if c.visits)
    assert any(cell.state == "few" for row in found.heat.rows for cell in row.cells)
    assert found.visits.value > shown


def test_shops_say_what_they_are(cast: builders.Cast, client_of: ClientOf) -> None:
    page = client_of(cast.director).get("/")
    rows = {row["shop"].pk: row for row in page.context["rows"]}
    good, _second, poor, uncalibrated, deaf = (rows[shop.pk] for shop in cast.shops)
    assert good["unit"] is Unit.VISITS
    assert good["held_out_error"] == pytest.approx(0.14)
    assert poor["unit"] is uncalibrated["unit"] is Unit.INDEX
    assert poor["visits"] is None
    assert poor["index"] is not None
    assert deaf["listening"].state == "deaf"
    assert page.context["figures"].shops_counted == 3
    Sensor.objects.filter(shop_id=cast.shop.pk).update(last_seen_at=SATURDAY - timedelta(hours=3))
    assert "no data for 3" in client_of(cast.director).get("/").content.decode()


def test_without_any_calibration_all_is_an_index(cast: builders.Cast, client_of: ClientOf) -> None:
    from chaland.hub.footfall.models import Calibration

    Calibration.objects.all().delete()
    rebuild_figures()
    page = client_of(cast.director).get("/")
    found = page.context["figures"]
    assert found.unit is Unit.INDEX
    assert found.visits is None
    assert found.index.value == pytest.approx(100, abs=40)
    assert "index, not people" in page.content.decode()
    assert page.context["live"].all.present is None


def test_a_gap_is_said_and_not_filled(cast: builders.Cast, client_of: ClientOf) -> None:
    from datetime import date

    from chaland.wire.periods import day_bounds

    client = client_of(cast.director)
    whole = client.get("/?shop=shop-0").context["figures"]
    begin, end = day_bounds(date(2026, 11, 18), builders.PARIS)
    gone = Cell.objects.filter(shop_id=cast.shop.pk, start__gte=begin, start__lt=end)
    gone.filter(start__gte=begin + timedelta(hours=9)).delete()
    rebuild_figures([cast.shop.pk])
    page = client.get("/?shop=shop-0")
    found = page.context["figures"]
    assert found.incomplete_days == [date(2026, 11, 18)]
    assert found.visits.value < 0.97 * whole.visits.value
    assert "Incomplete" in page.content.decode()
    assert any(c.state == "missing" for row in found.heat.rows for c in row.cells)
    assert found.coverage < 0.95


def test_today_is_running_not_incomplete(cast: builders.Cast, client_of: ClientOf) -> None:
    found = client_of(cast.director).get("/?period=today").context["figures"]
    assert found.incomplete_days == []
    assert any(cell.state == "ahead" for row in found.heat.rows for cell in row.cells)
    assert abs(found.change.percent.value) < 40


@pytest.mark.parametrize(
    "query",
    [
        "?period=custom&from=2026-11-02&to=2026-11-08",
        "?period=custom&from=2026-11-08&to=2026-11-02",
        "?period=custom&from=2026-02-31&to=x",
        "?period=custom",
        "?period=nonsense&compare=nonsense",
        "?period=custom&from=0001-01-01&to=9999-12-31",
        "?period=custom&from=2030-01-01&to=2030-01-02",
        "?period=custom&from=1999-01-01&to=1999-01-02",
        "?period=52w&compare=year",
        "?period=custom&from=2026-10-24&to=2026-10-25",
    ],
)
def test_any_address_gives_a_page(cast: builders.Cast, client_of: ClientOf, query: str) -> None:
    client = client_of(cast.director)
    assert client.get("/" + query).status_code == 200
    assert client.get("/now/" + query).status_code == 200
    assert rows_of(client, query)


def test_the_address_holds_the_state(cast: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(cast.director)
    query = "?period=custom&from=2026-11-02&to=2026-11-08&compare=year&zone=zone-1"
    asked = client.get("/" + query).context["question"]
    assert "?" + asked.query == query
    page = client.get("/" + query).content.decode()
    assert f"/figures.csv{query}".replace("&", "&amp;") in page
    assert f"/now/{query}".replace("&", "&amp;") in page


def test_an_empty_period_points_to_the_newest_data(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.director)
    page = client.get("/?period=custom&from=2026-01-05&to=2026-01-11")
    assert page.context["newest"]["day"] == SATURDAY.date()
    assert "No data in this period" in page.content.decode()
    DayFigure.objects.all().delete()
    assert "No sensor has sent anything yet" in client.get("/").content.decode()


def test_presence_now_moves_with_new_cells_and_says_silence(
    cast: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.director)
    before = client.get("/now/").context["live"]
    assert before.all.present.value > 0
    assert before.until == SATURDAY - timedelta(minutes=5)
    Cell.objects.filter(start__gte=SATURDAY - timedelta(hours=1)).update(fingerprints=0, scans=0)
    few = client.get("/now/")
    assert few.context["live"].all.present is None
    assert "Not enough people" in few.content.decode()
    Cell.objects.filter(start__gte=SATURDAY - timedelta(hours=2)).delete()
    silent = client.get("/now/")
    assert silent.context["live"].until is None
    assert "No sensor reports" in silent.content.decode()


def count_queries(client: Client, address: str) -> int:
    with (
        CaptureQueriesContext(connections["default"]) as association,
        CaptureQueriesContext(connections["footfall"]) as footfall,
    ):
        assert client.get(address).status_code == 200
    return len(association) + len(footfall)


@pytest.mark.parametrize("address", ["/", "/now/", "/figures.csv", "/calibration/", "/sensors/"])
def test_queries_do_not_grow_with_shops_or_days(
    cast: builders.Cast, client_of: ClientOf, address: str
) -> None:
    client = client_of(cast.director)
    client.get(address)
    few = count_queries(client, address)
    more = [
        Shop.objects.create(
            association=cast.association, zone=cast.shop.zone, name=f"New {i}", slug=f"new-{i}"
        )
        for i in range(6)
    ]
    for shop in more:
        builders.build_sensor(shop.pk, SATURDAY)
    assert count_queries(client, address) <= few
    assert few <= 22
