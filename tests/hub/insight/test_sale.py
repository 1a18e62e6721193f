"""A sale's visits are those that footfall publishes, its receipts those of the same hours; and
nobody reads here what either plane's own pages hide."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from chaland.hub.association.models import User
from chaland.hub.footfall.figures import beside, heatmap
from chaland.hub.footfall.selectors import read_cube
from chaland.hub.insight.sale import shop_hours
from chaland.hub.loyalty.figures import sales
from chaland.hub.loyalty.models import PrivateSale, Receipt, SaleShop
from tests import builders
from tests.builders import PARIS, Cast
from tests.loyalty_builders import build_members

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 14, 19, 30, tzinfo=UTC)
"""A Saturday evening."""
BEGINS, ENDS = datetime(2026, 11, 14, 13, 30, tzinfo=UTC), datetime(2026, 11, 14, 17, tzinfo=UTC)
"""14:30 to 18:00 in Paris: three whole hours from 15."""
HOURS = [datetime(2026, 11, 14, hour, tzinfo=UTC) for hour in (14, 15, 16)]


@pytest.fixture(scope="module")
def built(kept: None) -> Cast:
    cast = builders.build_cast(4)
    builders.build_town(cast, NOW, weeks=9)
    members = build_members(cast, 12)
    rows = []
    for week in range(9):
        for place, shop in enumerate(cast.shops):
            for number in range(30 if place == 0 else 12):
                at = BEGINS - week * timedelta(days=7) + timedelta(minutes=7 * number)
                member = members[number % (12 if place != 1 else 9)]
                rows.append(
                    Receipt(
                        association_id=cast.association.pk, shop_id=shop.pk, source="api",
                        external_id=f"{week}-{number}", content_digest="",
                        code=f"{week}{place}{number}", issued_at=at, recorded_at=at,
                        gross_cents=1_000, member=member, attached_at=at,
                    )
                )  # fmt: skip
    Receipt.objects.bulk_create(rows)
    return cast


@pytest.fixture
def cast(built: Cast) -> Iterator[Cast]:
    with time_machine.travel(NOW):
        yield copy.deepcopy(built)


def build_sale(cast: Cast, *shops: int, state: str = "over") -> PrivateSale:
    sale = PrivateSale.objects.create(
        association_id=cast.association.pk, name="Soirée", starts_at=BEGINS, ends_at=ENDS,
        state=state, created_at=BEGINS, created_by="user:1",
        shop_id=cast.shops[shops[0]].pk if len(shops) == 1 else None,
    )  # fmt: skip
    SaleShop.objects.bulk_create(
        SaleShop(sale=sale, shop_id=cast.shops[place].pk, agreed_at=BEGINS) for place in shops
    )
    return sale


def read(user: User, sale: PrivateSale) -> tuple[int, str]:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(user)
    client.cookies["django_language"] = "en"
    response = client.get(f"/insight/sales/{sale.pk}/")
    return response.status_code, response.content.decode()


def test_visits_are_the_published_ones_and_receipts_those_of_the_same_hours(cast: Cast) -> None:
    sale, shop = build_sale(cast, 0), cast.shop.pk
    (place,) = sales.places(cast.association.pk, sale.pk, shop)
    found = shop_hours(place, PARIS, NOW)
    day = HOURS[0].date()
    cube = read_cube([shop], day, day)
    cells = {cell.hour: cell for cell in heatmap.heatmap(cube, None).rows[0].cells}
    assert [seen.start for seen, _n in found.rows] == HOURS
    for seen, receipts in found.rows:
        published = cells[seen.start.astimezone(PARIS).hour]
        assert (seen.visits is not None) == (published.state is heatmap.CellState.SHOWN)
        issued = Receipt.objects.filter(shop_id=shop, issued_at__gte=seen.start)
        assert receipts == issued.filter(issued_at__lt=seen.start + timedelta(hours=1)).count()
        if seen.visits and published.visits:
            assert seen.visits.low <= published.visits.value <= seen.visits.high
    counted = sum(n for seen, n in found.rows if seen.visits)
    assert found.during.receipts == counted > 0
    assert found.during.conversion is not None
    assert found.during.visits.total is not None
    value = found.during.conversion.value
    assert value == pytest.approx(100 * counted / found.during.visits.total.value)
    assert found.before.hours > 3 * 4
    assert found.cut
    assert found.change == 0, "each week had the same receipts"


def test_while_it_runs_only_the_shop_reads_its_purchases(cast: Cast) -> None:
    sale = build_sale(cast, 0, 1, state="open")
    (place, _second) = sales.places(cast.association.pk, sale.pk, None)
    during = ENDS - timedelta(minutes=1)
    assert shop_hours(place, PARIS, during).during.receipts is None
    over = shop_hours(place, PARIS, NOW).during.receipts
    assert over is not None
    assert over % 5 == 0
    (own,) = sales.places(cast.association.pk, sale.pk, cast.shop.pk)
    assert shop_hours(own, PARIS, during).during.receipts is not None


def test_hours_before_are_those_of_the_same_clock_when_it_was_set_back() -> None:
    # Clocks went back on 25 October: 15:00 in Paris was 13:00 UTC before, 14:00 after.
    local = datetime(2026, 10, 31, 15, tzinfo=PARIS)
    assert (local - beside.WEEK).astimezone(UTC).hour == 13
    hours = beside.clock_hours(BEGINS, ENDS, PARIS)
    assert hours == HOURS
    assert beside.clock_hours(BEGINS, BEGINS + timedelta(minutes=80), PARIS) == []


def test_the_keeper_reads_hour_by_hour_the_director_sums(cast: Cast) -> None:
    sale = build_sale(cast, 0)
    status, keepers = read(cast.shopkeeper, sale)
    assert status == 200
    assert "purchases per 100 visits" in keepers
    assert "Hour by hour" in keepers
    status, directors = read(cast.director, sale)
    assert status == 200
    assert "purchases per 100 visits" in directors
    assert "Hour by hour" not in directors


def test_shops_that_can_t_be_read_say_why(cast: Cast) -> None:
    _status, page = read(cast.director, build_sale(cast, 0, 1, 2, 3))
    assert page.count("purchases per 100 visits") == 1
    assert "too few members to show" in page, "nine members at shop 1"
    assert page.count("only an index is published") == 2, "shops 2 and 3"


def test_nobody_else_reads_a_sale(cast: Cast) -> None:
    sale = build_sale(cast, 0)
    assert read(cast.neighbour, sale)[0] == 404
    assert read(cast.stranger, sale)[0] == 404
    both = build_sale(cast, 0, 1)
    status, page = read(cast.neighbour, both)
    assert status == 200
    assert cast.shops[1].name in page
    assert cast.shops[0].name not in page
    assert read(cast.director, build_sale(cast, 0, state="draft"))[0] == 404


def test_a_running_sale_shows_the_hours_that_are_over(cast: Cast) -> None:
    sale = build_sale(cast, 0, state="open")
    (place,) = sales.places(cast.association.pk, sale.pk, cast.shop.pk)
    found = shop_hours(place, PARIS, HOURS[1] + timedelta(minutes=30))
    assert [seen.start for seen, _n in found.rows] == HOURS[:1]
    status, _page = read(cast.shopkeeper, sale)
    assert status == 200


def test_a_sale_to_come_is_said_to_come(cast: Cast) -> None:
    sale = build_sale(cast, 0, state="open")
    with time_machine.travel(BEGINS - timedelta(days=3)):
        status, page = read(cast.shopkeeper, sale)
    assert status == 200
    assert "the sale is still to come" in page
    assert "has enough people" not in page
    assert "14:30 – 18:00" in page
