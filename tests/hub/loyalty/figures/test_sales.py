"""What of a private sale may be told to whom: nobody learns of few guests, not by subtraction."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.figures import rules, sales
from chaland.hub.loyalty.models import Member, PrivateSale, Receipt, SaleShop
from chaland.hub.loyalty.outreach.results import debrief
from chaland.hub.loyalty.outreach.results.debrief import Debrief, Taken
from tests.builders import Cast, build_cast
from tests.loyalty_builders import build_members

AT = datetime(2026, 12, 4, 8, tzinfo=UTC)
BLANK = Debrief(AT, True, 0, 0, 0, 0, 0, 0, 0, Taken(), {})


def sale_with(shops: dict[int, Taken], own: int | None = None) -> PrivateSale:
    whole = Taken(
        came=sum(t.came for t in shops.values()),
        bought=sum(t.bought for t in shops.values()),
        recruited=sum(t.recruited or 0 for t in shops.values()),
    )
    exact = replace(BLANK, invited=40, declined=3, whole=whole, shops=shops)
    content = {
        **{name: getattr(exact, name) for name in exact.__slots__},
        "at": AT.isoformat(),
        "whole": asdict(whole),
        "shops": {str(shop): asdict(part) for shop, part in shops.items()},
    }
    sale = PrivateSale(shop_id=own, debrief=content)
    assert debrief.of(sale) == exact
    return sale


def test_its_own_shop_reads_all_others_nothing_of_few() -> None:
    sale = sale_with({7: Taken(4, bought=9)}, own=7)
    keepers = sales.told(sale, 7)
    assert keepers is not None
    assert (keepers.declined, keepers.whole) == (3, Taken(4, bought=9))
    town = sales.told(sale, None)
    assert town is not None
    assert (town.invited, town.declined, town.whole) == (40, None, None)
    assert town.shops == {7: None}
    assert (keepers.margin_cents, town.margin_cents) == (None, None)
    sale.cost_cents = 1_000
    exact = replace(Taken(4, bought=9), cents=3_500)
    sale.debrief["whole"] = asdict(exact)
    keepers, town = sales.told(sale, 7), sales.told(sale, None)
    assert keepers is not None
    assert town is not None
    assert (keepers.margin_cents, town.margin_cents) == (2_500, None)
    assert sales.told(PrivateSale(debrief={}), None) is None


PARTS = st.builds(Taken, came=st.integers(0, 30), bought=st.integers(0, 30))


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_nothing_that_can_be_found_by_subtraction_stands_on_few(parts: list[Taken]) -> None:
    shops = dict(enumerate(parts))
    sale = sale_with(shops)
    town = sales.told(sale, None)
    assert town is not None
    for people in (attrgetter("came"), attrgetter("bought")):
        told = [people(part) for part in town.shops.values() if part is not None]
        hidden = sum(map(people, parts)) - sum(told)
        sums = [*told, hidden] if town.whole else told
        assert all(n == 0 or n >= rules.MEMBERS_MIN for n in sums)
    for shop, part in shops.items():
        keepers = sales.told(sale, shop)
        assert keepers is not None
        assert keepers.shops == {shop: part}
        if keepers.whole is not None:
            rest = keepers.whole.came - part.came, keepers.whole.bought - part.bought
            assert all(n == 0 or n >= rules.MEMBERS_MIN for n in rest)


def test_few_newcomers_are_hidden_where_the_rest_is_told() -> None:
    exact = Taken(came=20, bought=20, recruited=3)
    shops = {1: exact, 2: replace(exact, recruited=30), 3: replace(exact, recruited=12)}
    town = sales.told(sale_with(shops), None)
    assert town is not None
    told = {shop: part and part.recruited for shop, part in town.shops.items()}
    assert told == {1: None, 2: 30, 3: None}, "the second would give the first away"
    assert town.whole is not None
    assert town.whole.recruited == 45


@pytest.fixture
def cast(db: None) -> Cast:
    return build_cast(2)


def announced(cast: Cast) -> PrivateSale:
    sale = PrivateSale.objects.create(
        association_id=cast.association.pk, name="Soirée", starts_at=AT, state="over",
        ends_at=AT + timedelta(hours=5), created_at=AT, created_by="user:1",
    )  # fmt: skip
    for shop in cast.shops:
        SaleShop.objects.create(sale=sale, shop_id=shop.pk, agreed_at=AT)
    return sale


def bought(cast: Cast, at: datetime, member: Member | None, cents: int = 500) -> Receipt:
    number = f"R{Receipt.objects.count()}"
    return Receipt.objects.create(
        association_id=cast.association.pk, shop_id=cast.shop.pk, source="api", external_id=number,
        content_digest="", code=number, issued_at=at, recorded_at=at, gross_cents=cents,
        member=member, attached_at=at if member else None,
    )  # fmt: skip


@pytest.mark.django_db
def test_weeks_around_a_sale_are_told_to_the_town_where_enough_members_stand(cast: Cast) -> None:
    sale = announced(cast)
    members = build_members(cast, 11)
    Member.objects.update(enrolled_at=AT + timedelta(days=1))
    Member.objects.filter(pk=members[0].pk).update(enrolled_at=AT - timedelta(days=8))
    for member in members:
        bought(cast, AT + timedelta(days=6), member)
    bought(cast, AT + timedelta(days=6), None)
    bought(cast, AT - timedelta(days=1), members[0])
    bought(cast, AT + timedelta(days=6), members[0], cents=-500)  # a return
    now = AT + timedelta(days=15)
    weeks = {week.number: week for week in sales.around(sale, cast.shop.pk, now)}
    assert list(weeks) == [-4, -3, -2, -1, 0, 1], "the third isn't over"
    assert weeks[0].attach is not None
    assert (weeks[0].attach.receipts, weeks[0].attach.attached) == (12, 11)
    assert weeks[-1].attach is not None
    assert weeks[-1].attach.receipts == 1
    assert [week.recruited for week in weeks.values()] == [0, 0, 1, 0, 10, 0]
    town = {week.number: week for week in sales.around(sale, None, now)}
    assert town[0] == weeks[0]
    assert town[-1].attach is None
    assert town[-2].recruited is None
    assert sales.around(sale, None, AT - timedelta(days=60)) == []


@pytest.mark.django_db
def test_receipts_fall_into_their_hours(cast: Cast) -> None:
    (member,) = build_members(cast, 1)
    for minutes in (0, 59, 60, 125, 180, -1):
        bought(cast, AT + timedelta(minutes=minutes), member)
    hours = [AT, AT + timedelta(hours=1), AT + timedelta(hours=2)]
    found = sales.receipts(cast.shop.pk, hours)
    assert list(found.each.values()) == [2, 1, 1]
    assert (found.total, found.members, found.told) == (4, 1, None)
    assert sales.receipts(cast.shop.pk, []).total == 0
