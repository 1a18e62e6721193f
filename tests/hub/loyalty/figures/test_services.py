"""Releases: closed months only, once and for good; small shops stay out of them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.loyalty.figures import selectors, services
from chaland.hub.loyalty.models import MonthFigures, Receipt
from chaland.hub.loyalty.models.figures import THE_TOWN
from tests.builders import Cast

from .conftest import SATURDAY

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)


def test_closed_months_are_released_and_the_running_one_is_not(cast: Cast) -> None:
    assert services.release_due(SATURDAY) > 0
    months = set(MonthFigures.objects.values_list("month", flat=True))
    assert OCTOBER in months
    assert max(months) == OCTOBER


def test_nothing_is_released_within_the_days_of_grace(cast: Cast) -> None:
    services.release_due(datetime(2026, 11, 2, 22, 0, tzinfo=UTC))  # 23:00 of the 2nd in Paris
    assert not MonthFigures.objects.filter(month=OCTOBER).exists()
    services.release_due(datetime(2026, 11, 2, 23, 1, tzinfo=UTC))
    assert MonthFigures.objects.filter(month=OCTOBER).exists()


def test_what_is_released_never_changes(cast: Cast) -> None:
    """A receipt that comes late, released anew, would be the difference of the two releases."""
    services.release_due(SATURDAY)
    before = list(MonthFigures.objects.order_by("pk").values_list("pk", "content"))
    late = Receipt.objects.filter(issued_at__month=9, member__isnull=False)[0]
    Receipt.objects.create(
        association_id=late.association_id, shop_id=late.shop_id, source="simulated",
        external_id="late", content_digest="", code="LATE0001", issued_at=late.issued_at,
        recorded_at=SATURDAY, gross_cents=999, member_id=late.member_id,
        attached_at=late.issued_at,
    )  # fmt: skip
    assert services.release_due(SATURDAY + timedelta(hours=1)) == 0
    services.release_due(SATURDAY + timedelta(days=14))  # November
    after = dict(MonthFigures.objects.values_list("pk", "content"))
    assert all(after[pk] == content for pk, content in before)


def test_a_shop_of_six_members_is_nowhere_in_it(cast: Cast) -> None:
    services.release_due(SATURDAY)
    small = cast.shops[4].pk
    assert not MonthFigures.objects.filter(shop_id=small).exists()
    for row in MonthFigures.objects.filter(shop_id=THE_TOWN):
        assert small not in row.content["shops"]
        shown = Receipt.objects.filter(
            shop_id__in=row.content["shops"],
            issued_at__gte=selectors.month_bounds(row.month, services.ZoneInfo("Europe/Paris"))[0],
            issued_at__lt=selectors.month_bounds(row.month, services.ZoneInfo("Europe/Paris"))[1],
        )
        assert row.content["attach"]["receipts"] == shown.count()


def test_a_shop_that_joins_later_comes_in_with_its_past(cast: Cast) -> None:
    services.release_due(SATURDAY)
    town = MonthFigures.objects.get(shop_id=THE_TOWN, month=OCTOBER).content
    Receipt.objects.filter(shop_id=cast.shops[0].pk, member__isnull=False).update(
        shop_id=cast.shops[4].pk
    )  # a file with all its customers
    services.release_due(SATURDAY + timedelta(days=14))
    assert MonthFigures.objects.filter(shop_id=cast.shops[4].pk, month=OCTOBER).exists()
    assert MonthFigures.objects.get(shop_id=THE_TOWN, month=OCTOBER).content == town


def test_own_months_are_the_receipts_themselves(cast: Cast) -> None:
    zone = services.ZoneInfo("Europe/Paris")
    found = selectors.own_month(cast.shop.pk, date(2026, 11, 1), zone)
    mine = Receipt.objects.filter(shop_id=cast.shop.pk, issued_at__gte="2026-10-31T23:00Z")
    assert found.whole.receipts == mine.count()
    assert found.whole.attached == mine.filter(member__isnull=False).count()
    assert found.members == mine.exclude(member=None).values("member").distinct().count()
    for parts in (found.tills, found.sellers, found.hours):
        assert sum(part.cents for part in parts.values()) == found.whole.cents
    months = [date(2026, 9, 1), OCTOBER, date(2026, 11, 1)]
    trend = selectors.own_trend(cast.shop.pk, months, zone)
    assert trend[months[2]].receipts == found.whole.receipts
    assert trend[months[2]].attached_cents == found.whole.attached_cents


def test_a_town_that_is_too_small_is_not_read_again_each_minute(cast: Cast) -> None:
    Receipt.objects.update(member=None, attached_at=None)
    MonthFigures.objects.all().delete()
    Receipt.objects.exclude(pk__in=Receipt.objects.order_by("pk")[:5]).delete()
    assert services.release_due(SATURDAY) == 0
    with CaptureQueriesContext(connections["loyalty"]) as asked:
        assert services.release_due(SATURDAY + timedelta(minutes=1)) == 0
    assert not any("loyalty_receipt" in query["sql"] for query in asked.captured_queries)
