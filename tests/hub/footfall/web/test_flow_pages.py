"""The pages of flows: what is asked is answered, sorted, exported; and who sees what."""

import csv
import io
import re
from datetime import date

import pytest
from django.test import Client

from chaland.hub.association.models import Zone
from chaland.hub.footfall.models import FlowDay
from tests import builders, flow_builders
from tests.hub.footfall.web.conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db

PAGES = ("/flows/", "/flows/flows.csv", "/flows/stays/", "/flows/stays/stays.csv")
FIRST = date(2026, 11, 2)


@pytest.fixture
def town(saturday: None) -> builders.Cast:
    """Twelve shops in three zones with three weeks of flows, no other figure."""
    made = builders.build_cast(12, simulated=True)
    flow_builders.build_flow_days(made.shops, FIRST, 19, visitors=2500)
    return made


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    text = client.get(address).content.decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_every_question_has_an_answer(town: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(town.director)
    for query in (
        "",
        "?between=shops",
        "?span=day",
        "?span=month&place=zone-1",
        "?sort=share&all=1",
    ):
        page = client.get("/flows/" + query)
        assert page.status_code == 200
        assert page.context["pairs"], query
    page = client.get("/flows/?between=shops&span=day")  # a day of shops is asked by the week
    assert page.context["question"].period.days == 7
    assert "Simulation" in page.content.decode()
    assert "simulated" in {row["note"].split(" · ")[0] for row in rows_of(client, PAGES[1])}


def test_the_address_is_the_state(town: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(town.director)
    query = "between=shops&span=month&day=2026-11-01&place=shop-3&sort=share&all=1"
    question = client.get(f"/flows/?{query}").context["question"]
    assert set(question.query.split("&")) <= set(query.split("&"))
    again = client.get(f"/flows/?{question.query}").context["question"]
    assert (again.period, again.place, again.sort) == (
        question.period,
        question.place,
        question.sort,
    )
    assert client.get("/flows/").context["question"].query == ""


def test_odd_addresses(town: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(town.director)
    for query in ("?day=yesterday", "?day=2226-01-01", "?day=1999-01-01", "?day=10000-01-01"):
        page = client.get("/flows/" + query)
        assert page.context["question"].problems
        assert page.context["question"].period.first == date(2026, 11, 16)
    assert client.get("/flows/?between=cats&span=hour&sort=size").status_code == 200
    assert client.get("/flows/?place=shop-1").status_code == 404  # a shop is no zone
    assert client.get("/flows/?between=shops&place=nowhere").status_code == 404
    assert client.post("/flows/").status_code == 405


def test_sorting(town: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(town.director)

    def pairs(query: str) -> list[builders.Cast]:
        return list(client.get(f"/flows/?between=shops&span=month&all=1&{query}").context["pairs"])

    clear = [pair for pair in pairs("") if pair.separable]
    assert [p.both.value for p in clear] == sorted((p.both.value for p in clear), reverse=True)
    assert all(not pair.separable for pair in pairs("")[len(clear) :])
    shares = [pair.of_a.value for pair in pairs("sort=share") if pair.separable and pair.of_a]
    assert shares == sorted(shares, reverse=True)
    names = [(pair.a.name, pair.b.name) for pair in pairs("sort=name")]
    assert names == sorted(names)
    only = pairs("place=shop-3")
    assert len(only) == 11
    assert {pair.a.slug for pair in only} == {"shop-3"}


def test_pairs_that_are_not_clear_say_why_and_show_no_number(
    town: builders.Cast, client_of: ClientOf
) -> None:
    """Page and file use the same words, and these agree with the interval beside them."""
    FlowDay.objects.all().delete()
    flow_builders.build_flow_days(town.shops, FIRST, 19, visitors=300)
    client = client_of(town.director)
    page = client.get("/flows/?between=shops&all=1")
    blurred = [pair for pair in page.context["pairs"] if not pair.separable]
    text = page.content.decode()
    rows = {
        (row["place"], row["other_place"]): row
        for row in rows_of(client, "/flows/flows.csv?between=shops")
        if row["figure"] == "followable visitors of both"
    }
    reasons = []
    for pair in blurred:
        row = rows[pair.a.name, pair.b.name]
        low, high = float(row["low_90"]), float(row["high_90"])
        reasons.append(row["note"].split(" · ")[-1])
        assert row["value"] == ""
        assert reasons[-1] == ("could be none" if low == 0 else "too uncertain")
        assert (f"at most {high:.0f}" if low == 0 else f"between {low:.0f} and {high:.0f}") in text
    assert set(reasons) == {"could be none", "too uncertain"}
    for reason in set(reasons):
        badge = f'<span class="badge is-quiet">{reason}</span>'
        assert text.count(badge) == reasons.count(reason)
    drawn = {(link["source"], link["target"]) for link in page.context["chart"]["links"]}
    assert not drawn & {(pair.a.name, pair.b.name) for pair in blurred}


def test_before_anything_has_come(saturday: None, client_of: ClientOf) -> None:
    made = builders.build_cast(2)
    client = client_of(made.director)
    assert "No flows yet" in client.get("/flows/").content.decode()
    assert "No flows yet" in client_of(made.shopkeeper).get("/flows/").content.decode()
    for page in PAGES:
        assert client.get(page).status_code == 200
    made.shops[1].delete()
    assert "Flows need two shops" in client.get("/flows/").content.decode()


def test_an_empty_period_leads_to_the_newest(town: builders.Cast, client_of: ClientOf) -> None:
    page = client_of(town.director).get("/flows/?day=2026-08-12").content.decode()
    assert "No flows in this period" in page


def test_the_file_says_what_the_page_says(town: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(town.director)
    page = client.get("/flows/?span=month&all=1").context
    rows = rows_of(client, "/flows/flows.csv?span=month")
    both = [row for row in rows if row["figure"] == "followable visitors of both"]
    assert len(both) == len(page["pairs"])
    assert {(row["place"], row["other_place"]) for row in both} == {
        (pair.a.name, pair.b.name) for pair in page["pairs"]
    }
    for row in rows:
        if row["value"]:
            assert "could be none" not in row["note"]
            assert float(row["low_90"]) <= float(row["value"]) <= float(row["high_90"])
    french = client_of(town.director)
    french.cookies["django_language"] = "fr"
    assert french.get(PAGES[1]).content.decode().startswith("\ufeffchiffre;lieu;autre_lieu;")


class TestRoles:
    def test_a_shopkeeper_sees_the_own_shop_against_zones(
        self, town: builders.Cast, client_of: ClientOf
    ) -> None:
        found = client_of(town.shopkeeper).get("/flows/?span=month").context["flows"]
        assert found.shop.pk == town.shop.pk
        assert [zone.shops for zone in found.zones] == [3, 4, 4]
        assert all(zone.share for zone in found.zones)

    @pytest.mark.parametrize(
        "query",
        ["", "?span=month", "?between=shops&place=shop-1", "?place=zone-1", "?shop=shop-1&all=1"],
    )
    def test_no_rival_is_named_whatever_the_address(
        self, town: builders.Cast, client_of: ClientOf, query: str
    ) -> None:
        client = client_of(town.shopkeeper)
        for page in PAGES:
            text = client.get(page + query).content.decode()
            for rival in town.shops[1:]:
                assert rival.name.replace("&", "&amp;") not in text
                # around it, forms of language and display hand the address on as it was asked
                assert rival.slug not in text.split("<main")[-1].split("</main>")[0]

    def test_a_zone_of_few_other_shops_is_not_told(
        self, town: builders.Cast, client_of: ClientOf
    ) -> None:
        """Two other shops of the own zone: one of them could tell the other's visitors."""
        FlowDay.objects.all().delete()
        small = [shop for shop in town.shops if shop.zone_id != town.shop.zone_id]
        own = [shop for shop in town.shops if shop.zone_id == town.shop.zone_id][:3]
        kept = sorted([*own, *small], key=lambda shop: shop.pk)
        flow_builders.build_flow_days(kept, FIRST, 19, visitors=2500)
        client = client_of(town.shopkeeper)
        zones = client.get("/flows/?span=month").context["flows"].zones
        hidden = next(zone for zone in zones if zone.zone.pk == town.shop.zone_id)
        assert (hidden.share, hidden.both, hidden.shops) == (None, None, 2)
        rows = rows_of(client, "/flows/flows.csv?span=month")
        own_zone = Zone.objects.get(pk=town.shop.zone_id).name
        values = [row["value"] for row in rows if row["other_place"] == own_zone]
        assert values == [""]

    def test_another_towns_people_see_none_of_it(
        self, town: builders.Cast, client_of: ClientOf
    ) -> None:
        client = client_of(town.stranger)
        for page in PAGES:
            text = client.get(page).content.decode()
            assert all(shop.name not in text for shop in town.shops[1:])
        for page in PAGES:
            assert Client().get(page).status_code == 302


def test_sentences_say_that_they_are_about_followable_visitors(
    town: builders.Cast, client_of: ClientOf
) -> None:
    for person in (town.director, town.shopkeeper):
        client = client_of(person)
        text = client.get("/flows/?span=month").content.decode()
        finding = text.split('<p class="finding">')[1].split("</p>")[0]
        assert "visitors who can be followed (" in finding
        assert " of 100 " in finding
        for head in re.findall(r"<th scope=\"col\".*?</th>", text):
            assert "visitors" not in head.lower() or "followable" in head.lower()
        rows = rows_of(client, "/flows/flows.csv?span=month")
        assert all("followable" in row["figure"] for row in rows if "visit" in row["figure"])


def test_what_a_direction_takes(town: builders.Cast, client_of: ClientOf) -> None:
    page = client_of(town.director).get("/flows/?span=month")
    found = page.context["flows"].directions
    assert (found.days, found.asked) == (19, 6)
    assert found.needed > found.needed_in_season > 0
    if not found.clear:
        assert f"it takes about {found.needed:.0f} followable visitors a day" in (
            page.content.decode()
        )


def test_stays_and_presence(cast: builders.Cast, client_of: ClientOf) -> None:
    """Five shops: 0, 1 and 4 show visits and people, 2 is too poorly counted, 3 not at all."""
    found = client_of(cast.director).get("/flows/stays/?day=2026-11-13").context["stays"]
    assert (found.all.shops, found.all.counted, found.all.timed) == (5, 3, 3)
    assert found.all.stay_s is not None
    assert found.all.stay_s.low <= 900 <= found.all.stay_s.high  # as builders counted it
    assert found.all.followed_s is not None
    peak = found.all.peak
    assert peak is not None
    assert peak.hour in (15, 16, 17)
    whole = {hour.hour: hour.present.value for hour in found.all.hours if hour.present}
    parts = [
        {hour.hour: hour.present.value for hour in zone.hours if hour.present}
        for zone in found.zones
    ]
    told = [hour for hour in whole if all(hour in part for part in parts if part)]
    assert told
    for hour in told:  # zones add up to the town
        assert sum(part.get(hour, 0.0) for part in parts) == pytest.approx(whole[hour], rel=0.01)
    own = client_of(cast.shopkeeper).get("/flows/stays/?day=2026-11-13").context["stays"]
    assert (own.all.name, own.zones) == (cast.shop.name, [])
    assert SATURDAY.date() >= own.period.last
