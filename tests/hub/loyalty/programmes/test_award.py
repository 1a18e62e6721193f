"""What attached receipts earn, and why."""

import dataclasses
from datetime import date, timedelta

import pytest

from chaland.hub.loyalty.models import Entry, Lot, Member, Receipt, Sponsor, Tier, Transfer
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.services import award, quote
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.hub.loyalty.programmes.building import (
    TUESDAY,
    WEDNESDAY,
    add_rule,
    buy,
    fund,
    has,
    receipt,
)
from tests.loyalty_builders import Loyalty, build_programme

pytestmark = pytest.mark.django_db


def test_one_purchase_earns_in_each_programme_that_counts_it(town: Loyalty) -> None:
    made = receipt(town, [1_250, 1_120])
    earned = award([made])[made.pk]
    assert {e.asset_id: e.amount for e in earned} == {
        town.purse.asset_id: 23,
        town.points.asset_id: 23,
    }
    assert (has(town, town.purse), has(town, town.points)) == ((23, 0), (23, 0))
    assert has(town, town.stamps) == (0, 0), "another shop's card"
    assert [e.why for e in earned] == [
        "23,70\xa0€ × 1\xa0% = 0,23\xa0€ (arrondi)",
        "23,70\xa0€ = 23 points (arrondi)",
    ]


def test_why_these_points_is_one_printable_line_in_the_members_language(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "mardi double", percent=200, weekdays=[1])
    made = receipt(town, [2_300], at=TUESDAY)
    assert award([made])[made.pk][1].why == "23,00\xa0€ × 2 (mardi double) = 46 points"
    town.member.language = "en"
    other = receipt(town, [2_300], at=TUESDAY)
    assert award([other])[other.pk][1].why == "€23.00 × 2 (mardi double) = 46 points"
    stamped = receipt(town, [900], shop=1)
    assert [e.why for e in award([stamped])[stamped.pk]][1] == "1 purchase = 1 stamp"


def test_a_bonus_on_a_part_of_the_basket_is_said_as_a_sum_that_adds_up(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "vins", percent=300, groups=["vins"])
    add_rule(town.points, "product", "pain du jour", units=5, items=["pain"])
    made = receipt(
        town,
        [{"gross_cents": 1_000, "group": "Vins"}, {"gross_cents": 500, "item_id": "pain"}],
    )
    assert award([made])[made.pk][1].why == (
        "15,00\xa0€ = 15 + 20 (vins) + 5 (pain du jour) = 40 points"
    )


def test_local_time_decides_not_utc(town: Loyalty) -> None:
    """23:30 UTC on Monday is Tuesday in Paris."""
    add_rule(town.points, "multiplier", "mardi", percent=200, weekdays=[1])
    buy(town, 1_000, at=TUESDAY.replace(day=9, hour=23, minute=30))
    assert has(town, town.points) == (20, 0)


def test_the_same_batch_again_changes_nothing_an_attachment_anew_earns(town: Loyalty) -> None:
    """OCA/pos#185: a second sync doubled the points."""
    made = receipt(town, [1_000])
    assert award([made]) == award([made])
    assert has(town, town.points) == (10, 0)
    made.attached_times = 2
    award([made])
    assert has(town, town.points) == (20, 0)


def test_returns_paused_members_and_receipts_of_nobody_earn_nothing(town: Loyalty) -> None:
    purchase = buy(town, 1_000)
    back = receipt(town, [-1_000], returns=purchase)
    paused = town.members[1]
    paused.state = Member.State.PAUSED
    paused.save()
    sleeping = receipt(town, [1_000], member=paused)
    nobodys = receipt(town, [1_000])
    nobodys.member = None
    nothing = award([back, sleeping, nobodys])
    assert nothing == {back.pk: [], sleeping.pk: [], nobodys.pk: []}


def test_the_first_purchase_is_first_once_in_whatever_order_receipts_come(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "bienvenue", percent=300, first_purchase=True)
    later = receipt(town, [1_000], at=WEDNESDAY)
    award([later])
    earlier = receipt(town, [1_000], at=WEDNESDAY - timedelta(days=30))
    award([earlier])
    assert has(town, town.points) == (30 + 10, 0)


def test_in_one_batch_the_first_of_a_member_is_first(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "bienvenue", percent=300, first_purchase=True)
    elsewhere = receipt(town, [1_000], shop=2)
    one, two = receipt(town, [1_000]), receipt(town, [1_000])
    other = receipt(town, [1_000], member=town.members[1])
    earned = award([elsewhere, one, two, other])
    of_points = {
        pk: e.amount for pk, found in earned.items() for e in found
        if e.asset_id == town.points.asset_id
    }  # fmt: skip
    assert of_points == {one.pk: 30, two.pk: 10, other.pk: 30}


def test_birthday_month_counts_in_its_month_only(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "anniversaire", percent=200, birthday_month=True)
    Member.objects.filter(pk=town.member.pk).update(birth_day=1, birth_month=3)
    town.member.refresh_from_db()
    buy(town, 1_000)
    buy(town, 1_000, member=town.members[1])
    assert (has(town, town.points)[0], has(town, town.points, town.members[1])[0]) == (20, 10)


def test_a_tier_by_the_number_of_different_shops(town: Loyalty) -> None:
    """Loyal to the town: from three shops in twelve months the purse fills half as fast again."""
    Tier.objects.create(
        programme=town.purse, name="Flâneur", measure="shops", threshold=3, multiplier_percent=150
    )
    old = WEDNESDAY - timedelta(days=366)
    receipt(town, [5_000], shop=2, at=old)
    for shop in (0, 1):
        receipt(town, [5_000], shop=shop, at=WEDNESDAY - timedelta(days=9))
    buy(town, 10_000, shop=0)
    assert has(town, town.purse) == (100, 0), "the third shop is more than a year ago"
    receipt(town, [100], shop=2, at=WEDNESDAY - timedelta(days=1))
    buy(town, 10_000, shop=0)
    assert has(town, town.purse) == (100 + 150, 0)


def test_a_tier_by_what_was_spent_takes_returns_off(town: Loyalty) -> None:
    Tier.objects.create(
        programme=town.points, name="Or", measure="spent", threshold=10_000, multiplier_percent=200
    )
    earlier = WEDNESDAY - timedelta(days=3)
    bought = receipt(town, [12_000], at=earlier)
    receipt(town, [-3_000], at=earlier, returns=bought)
    buy(town, 1_000)
    assert has(town, town.points) == (10, 0)


def test_a_sponsor_pays_its_bonus_and_no_more_than_its_budget(town: Loyalty) -> None:
    brand = Sponsor.objects.create(association_id=town.cast.association.pk, name="La Laiterie")
    fund(town, brand, 30)
    add_rule(town.purse, "multiplier", "triple", percent=300, sponsor=brand)
    one = receipt(town, [1_000])
    assert award([one])[one.pk][0].amount == 30
    two = receipt(town, [1_000])
    assert award([two])[two.pk][0].amount == 20, "of 20 more the sponsor had 10 left"
    paid = dict(
        Entry.objects.filter(transfer__kind="earn", account__asset=town.purse.asset)
        .exclude(account__role="member")
        .values_list("account__role", "amount")
        .distinct()
    )
    assert paid["shop"] == -10
    assert has(town, town.purse) == (50, 0)


def test_every_lot_lapses_by_its_programme_whatever_it_is_called(town: Loyalty) -> None:
    """ecommerce-laravel#1056: points under another label never lapsed."""
    add_rule(town.points, "product", "autre nom", units=5, items=["x"])
    buy(town, {"gross_cents": 1_000, "item_id": "x"}, at=WEDNESDAY)
    assert set(Lot.objects.values_list("expires_on", flat=True)) == {date(2028, 3, 11)}


@pytest.mark.parametrize(
    ("day", "months", "lapses"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
    ],
)
def test_months_of_unequal_length(town: Loyalty, day: date, months: int, lapses: date) -> None:
    from chaland.hub.loyalty.programmes.terms import terms_of

    terms = dataclasses.replace(terms_of(town.purse), lapses_after_months=months)
    assert terms.lapses_on(day) == lapses


def test_a_rule_earns_from_its_first_instant_to_its_last(town: Loyalty) -> None:
    rule = add_rule(town.points, "multiplier", "mars", percent=200)
    rule.starts_at, rule.ends_at = WEDNESDAY, WEDNESDAY + timedelta(hours=1)
    rule.save()
    for minutes, points in ((-1, 10), (0, 20), (59, 20), (60, 10)):
        made = receipt(town, [1_000], at=WEDNESDAY + timedelta(minutes=minutes))
        assert award([made])[made.pk][1].amount == points


def test_a_programme_that_is_over_or_stopped_earns_nothing(town: Loyalty) -> None:
    town.points.ends_on = WEDNESDAY.date() - timedelta(days=1)
    town.points.save()
    town.purse.active = False
    town.purse.save()
    made = receipt(town, [1_000])
    assert award([made]) == {made.pk: []}


def test_all_kinds_of_receipts_earn_in_the_same_asset(town: Loyalty) -> None:
    """erpnext#59050: earned on one document type, spent on another, for ever."""
    for source in ("till", "api", "csv", "hiboutik", "odoo", "sumup"):
        made = receipt(town, [1_000])
        Receipt.objects.filter(pk=made.pk).update(source=source)
        made.refresh_from_db()
        award([made])
    assert has(town, town.points) == (60, 0)
    assert Transfer.objects.filter(kind="earn").values("idempotency_key").distinct().count() == 12


def test_a_batch_reads_no_more_for_a_hundred_receipts_than_for_one(
    town: Loyalty, django_assert_max_num_queries: object
) -> None:
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    def reads(many: int) -> int:
        made = [receipt(town, [1_000], member=town.members[i % 3]) for i in range(many)]
        chosen = Receipt.objects.filter(pk__in=[r.pk for r in made])
        batch = list(chosen.select_related("member").prefetch_related("lines").order_by("pk"))
        with CaptureQueriesContext(connections["loyalty"]) as queries:
            award(batch)
        return sum(q["sql"].startswith("SELECT") for q in queries.captured_queries)

    reads(3)
    assert reads(60) <= reads(6) + 2


def _asked(town: Loyalty, *cents: int) -> ReceiptIn:
    return ReceiptIn(
        association_id=town.cast.association.pk,
        shop_id=town.cast.shops[0].pk,
        source="till",
        external_id="dry",
        issued_at=WEDNESDAY,
        gross_cents=sum(cents),
        lines=[LineIn(n, c) for n, c in enumerate(cents, 1)],
    )


def test_a_quote_says_what_an_award_then_does_and_writes_nothing(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "bienvenue", percent=300, first_purchase=True)
    before = Transfer.objects.count(), Entry.objects.count()
    quoted = quote(_asked(town, 1_250, 1_120), town.member.pk)
    assert (Transfer.objects.count(), Entry.objects.count()) == before
    made = receipt(town, [1_250, 1_120])
    assert list(quoted.earned) == award([made])[made.pk]
    assert [offer.missing for offer in quoted.offers] == [1, 100]


def test_a_quote_for_somebody_who_joins_now_counts_the_first_purchase(town: Loyalty) -> None:
    add_rule(town.points, "multiplier", "bienvenue", percent=300, first_purchase=True)
    assert [e.amount for e in quote(_asked(town, 1_000), None).earned] == [10, 30]


def test_a_quote_for_another_associations_member_is_refused(town: Loyalty) -> None:
    Member.objects.filter(pk=town.member.pk).update(association_id=99_999)
    with pytest.raises(ProgrammeErrorFinal, match=r"no such member|pas de membre"):
        quote(_asked(town, 1_000), town.member.pk)


def test_points_of_one_shop_are_not_earned_at_another(town: Loyalty) -> None:
    elsewhere = build_programme(
        town.cast, "points", town.cast.shops[2].pk, "spend", {"units": 1, "per_cents": 100}
    )
    buy(town, 1_000, shop=2)
    assert (has(town, elsewhere), has(town, town.points)) == ((10, 0), (0, 0))
