"""The pages: who sees what of whom, what is hidden, and that files say the same."""

import csv
from io import StringIO

import pytest
from django.urls import reverse
from django.utils.html import escape

from chaland.hub.association.models import StaffRole
from chaland.hub.loyalty.figures import services
from chaland.hub.loyalty.models import Member, Receipt
from tests import builders
from tests.builders import Cast

from .conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db
READ = ("loyalty", "loyalty_csv", "loyalty_signals")


@pytest.fixture
def released(cast: Cast) -> Cast:
    services.release_due(SATURDAY)
    return cast


def test_the_director_reads_the_town_and_its_shops(released: Cast, client_of: ClientOf) -> None:
    page = client_of(released.director).get(reverse("loyalty")).content.decode()
    assert "October 2026" in page
    assert "November 2026" not in page  # not before it is over
    row = page.split(escape(released.shops[4].name))[1].split("</tr>")[0]
    assert "too few members to show" in row


def test_the_director_sees_no_person_and_no_seller(released: Cast, client_of: ClientOf) -> None:
    client = client_of(released.director)
    for name in READ:
        for query in ("", f"?shop={released.shop.slug}"):
            text = client.get(reverse(name) + query).content.decode()
            assert "Zoé" not in text
            assert "Martin" not in text
            assert "member no." not in text


def test_a_shopkeeper_reads_the_own_shop_live(released: Cast, client_of: ClientOf) -> None:
    client = client_of(released.shopkeeper)
    page = client.get(reverse("loyalty")).content.decode()
    assert "November 2026" in page
    assert "Zoé" in page
    assert "Caisse 2" in page
    for name in READ:
        text = client.get(reverse(name)).content.decode()
        for other in released.shops[1:]:
            assert other.name.replace("&", "&amp;") not in text


@pytest.mark.parametrize("name", READ)
def test_guessed_shops_show_the_own_one(released: Cast, client_of: ClientOf, name: str) -> None:
    text = client_of(released.shopkeeper).get(f"{reverse(name)}?shop=shop-1").content.decode()
    assert released.shops[1].name not in text


@pytest.mark.parametrize("query", ["month=2026-13", "month=2031-01", "shop=nowhere", "month=x"])
def test_odd_addresses_are_not_found(released: Cast, client_of: ClientOf, query: str) -> None:
    assert client_of(released.director).get(f"{reverse('loyalty')}?{query}").status_code == 404


def test_another_town_s_director_sees_nothing_of_this_one(
    released: Cast, client_of: ClientOf
) -> None:
    elsewhere = released.stranger.roles.get().association
    rival = builders.build_user("rival@example.org", "Rival")
    StaffRole.objects.create(user=rival, association=elsewhere, role=StaffRole.Role.DIRECTOR)
    client = client_of(rival)
    page = client.get(reverse("loyalty"))
    assert "No month to show yet" in page.content.decode()
    assert client.get(f"{reverse('loyalty')}?shop=shop-1").status_code == 404


def test_nobody_else_gets_in(released: Cast, client_of: ClientOf, client: builders.User) -> None:
    for name in READ:
        assert client.get(reverse(name)).status_code == 302  # type: ignore[attr-defined]
        assert client_of(builders.build_user(f"{name}@example.org", "X")).get(
            reverse(name)
        ).status_code in (302, 403)


def test_with_few_other_shops_a_shopkeeper_reads_no_town(
    released: Cast, client_of: ClientOf
) -> None:
    """The town less the own shop would be the two neighbours'."""
    client = client_of(released.shopkeeper)
    assert "In the town" in client.get(reverse("loyalty") + "?month=2026-10").content.decode()
    gone = [shop.pk for shop in released.shops[1:2]]
    services.MonthFigures.objects.all().delete()
    Receipt.objects.filter(shop_id__in=gone).update(shop_id=released.shops[4].pk, member=None)
    services.release_due(SATURDAY)
    assert "In the town" not in client.get(reverse("loyalty") + "?month=2026-10").content.decode()


def test_the_file_says_what_the_page_says(released: Cast, client_of: ClientOf) -> None:
    client = client_of(released.director)
    text = client.get(reverse("loyalty_csv")).content.decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(text)))
    whole = next(r for r in rows if r["figure"] == "receipts" and not r["by"])
    page = client.get(reverse("loyalty")).content.decode()
    assert f"of {int(whole['value']):,} receipts" in page
    small = [r for r in rows if r["place"] == released.shops[4].name]
    assert small
    assert all(r["value"] == "" and "too few members" in r["note"] for r in small)


def test_an_erased_member_leaves_the_figures_as_they_were(
    released: Cast, client_of: ClientOf
) -> None:
    before = client_of(released.director).get(reverse("loyalty_csv")).content
    Receipt.objects.update(member=None)
    Member.objects.all().delete()
    assert client_of(released.director).get(reverse("loyalty_csv")).content == before


def test_a_signal_names_the_member_to_the_shop_only(released: Cast, client_of: ClientOf) -> None:
    known = Receipt.objects.filter(shop_id=released.shop.pk, member__isnull=False)
    mine = list(known.order_by("-issued_at")[:5])
    first = mine[0]
    for receipt in mine:
        receipt.member_id, receipt.issued_at = first.member_id, first.issued_at
        receipt.save()
    own = client_of(released.shopkeeper).get(reverse("loyalty_signals")).content.decode()
    assert f"member no. {first.member_id}" in own
    assert "Many purchases within the hour" in own
    director = client_of(released.director).get(reverse("loyalty_signals")).content.decode()
    assert "Many purchases within the hour" in director
    assert "member no." not in director
    neighbour = client_of(released.neighbour).get(reverse("loyalty_signals")).content.decode()
    assert "Many purchases within the hour" not in neighbour


def _keep(shop_id: int, month: int, receipts: int) -> None:
    """Leave a shop so many receipts of a month of 2026."""
    mine = Receipt.objects.filter(shop_id=shop_id, issued_at__month=month)
    kept = mine.order_by("pk").values_list("pk", flat=True)[:receipts]
    mine.exclude(pk__in=list(kept)).delete()


def test_a_share_of_few_receipts_is_not_told(released: Cast, client_of: ClientOf) -> None:
    _keep(released.shop.pk, 11, 12)
    page = client_of(released.shopkeeper).get(reverse("loyalty"))
    text = page.content.decode()
    assert "12 receipts so far: not enough" in text
    assert "Of 100 receipts" not in text
    hours = page.context["hours_chart"]
    assert sum(hours["samples"]) == 12
    assert set(hours["series"][0]["values"]) == {None}
    assert not any(row["rate"].text for row in page.context["hours"])


def test_each_share_comes_with_its_sample_and_interval(released: Cast, client_of: ClientOf) -> None:
    page = client_of(released.director).get(reverse("loyalty"))
    attach = page.context["board"].attach
    told = page.context["figures"]["attach"]["rate"]
    assert told.sample == f"{attach.receipts:,}"
    assert float(told.low) <= 100 * attach.rate <= float(told.high)
    assert f"interval {told.range}" in page.content.decode()
    chart = page.context["trend_chart"]["series"][0]
    for low, value, high in zip(chart["low"], chart["values"], chart["high"], strict=True):
        assert low <= value <= high
    hours = page.context["hours_chart"]
    assert len(hours["samples"]) == len(hours["categories"])


def test_a_change_within_chance_is_none(released: Cast, client_of: ClientOf) -> None:
    client, shop = client_of(released.shopkeeper), released.shop.pk
    assert "no clear change" in client.get(reverse("loyalty")).content.decode()
    Receipt.objects.filter(shop_id=shop, issued_at__month=11).update(attached_at=None)
    assert "points against the month before" in client.get(reverse("loyalty")).content.decode()
