"""No reduction without its proof (L20): what is announced, blocked and why, and asked."""

from datetime import date

import pytest

from chaland.hub.loyalty.models import Offer
from chaland.hub.loyalty.sales import offers, services
from chaland.hub.loyalty.sales.offers import NO_ARTICLES, NO_PRICE, NOT_LOWER, Priced
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from tests.hub.loyalty.sales.conftest import Town

pytestmark = pytest.mark.django_db
LONG_AGO = date(2026, 1, 1)


def test_without_a_price_on_record_it_is_blocked(town: Town) -> None:
    offer = town.offer(town.draft(), item_id="COAT", percent=20)
    assert offer.blocked == NO_ARTICLES
    assert "enter or import" in offers.why_blocked(offer)


def test_with_days_unknown_it_is_blocked_and_says_which(town: Town) -> None:
    town.asks("COAT", (10_000, date(2026, 11, 10)))
    offer = town.offer(town.draft(), item_id="COAT", percent=20)
    assert offer.blocked == NO_PRICE
    said = offers.why_blocked(offer)
    assert "Article COAT" in said
    assert "04/11/2026" in said.replace("11/04/2026", "04/11/2026")
    assert offer.proof[0]["missing"] == ["2026-11-04", "2026-11-09"]
    assert offer.proof[0]["cents"] is None, "nothing is shown that isn't proved"


def test_the_reference_is_the_lowest_of_thirty_days_with_who_recorded_it(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO), (7_000, date(2026, 11, 5)), (12_000, date(2026, 11, 15)))
    offer = town.offer(town.draft(), item_id="COAT", percent=20)
    (row,) = offer.proof
    assert offer.blocked == ""
    assert (row["cents"], row["since"], row["recorded_by"]) == (7_000, "2026-11-05", "user:1")
    assert (row["member_cents"], row["now_cents"]) == (5_600, 12_000)


def test_what_costs_no_less_is_no_reduction(town: Town) -> None:
    """Raised two weeks ago: the member price is under today's, and above the lowest."""
    town.asks("COAT", (7_000, LONG_AGO), (12_000, date(2026, 11, 15)))
    sale = town.draft()
    for cents, blocked in ((8_000, NOT_LOWER), (7_000, NOT_LOWER), (6_999, "")):
        offer = town.offer(sale, item_id="COAT", price_cents=cents)
        assert offer.blocked == blocked
    assert "70,00" in offers.why_blocked(town.offer(sale, item_id="COAT", price_cents=7_000))


def test_one_article_without_proof_blocks_its_group(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO), group="Manteaux")
    town.asks("CAPE", (10_000, date(2026, 11, 18)), group="Manteaux")
    town.asks("SOCK", (500, date(2026, 11, 18)), group="Pieds")
    sale = town.draft()
    offer = town.offer(sale, group="Manteaux", percent=30)
    assert offer.blocked == NO_PRICE
    assert "CAPE" in offers.why_blocked(offer)
    assert "SOCK" not in offers.why_blocked(offer)
    with pytest.raises(SaleErrorFinal) as refused:
        services.open_sale(sale.pk)
    assert (refused.value.code, refused.value.offer_id) == ("blocked", offer.pk)
    assert "Manteaux" in str(refused.value)
    assert "CAPE" in str(refused.value)
    town.asks("CAPE", (10_000, LONG_AGO), group="Manteaux")
    offer.refresh_from_db()
    assert offer.blocked == "", "the price that lacked was entered: looked at anew by itself"
    assert services.open_sale(sale.pk).state == "open"


def test_an_article_is_in_the_group_that_was_said_last(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO), group="Manteaux")
    town.asks("COAT", (9_000, date(2026, 11, 1)), group="Hiver")
    sale = town.draft()
    assert town.offer(sale, group="Manteaux", percent=10).blocked == NO_ARTICLES
    offer = town.offer(sale, group="Hiver", percent=10)
    assert [(row["cents"], row["missing"]) for row in offer.proof] == [(9_000, None)]


def test_many_lacking_articles_are_counted(town: Town) -> None:
    for n in range(5):
        town.asks(f"A{n}", (1_000, date(2026, 11, 18)))
    said = offers.why_blocked(town.offer(town.draft(), percent=10))
    assert said.count("Article A") == 3
    assert "2 more" in said


def test_goods_that_spoil_need_no_reference(town: Town) -> None:
    sale = town.draft()
    unknown = town.offer(sale, item_id="OYSTER", percent=30, exception="perishable")
    assert (unknown.blocked, unknown.proof) == ("", [])
    town.asks("FISH", (2_000, date(2026, 11, 19)))
    offer = town.offer(sale, item_id="FISH", percent=30, exception="perishable")
    assert offer.blocked == ""
    sold = offers.best(offers.standing(sale, town.shop)).get("FISH")
    assert sold == Priced(offer.pk, "FISH", "Article FISH", 1_400, None, 30)
    dearer = town.offer(sale, item_id="FISH", price_cents=2_000, exception="perishable")
    assert dearer.blocked == NOT_LOWER


def test_a_reduction_that_grows_counts_from_before_its_beginning(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO), (8_000, date(2026, 11, 16)))
    sale = town.draft()
    plain = town.offer(sale, item_id="COAT", percent=30)
    grows = town.offer(sale, item_id="COAT", percent=30, exception="progressive")
    assert (plain.proof[0]["cents"], grows.proof[0]["cents"]) == (8_000, 10_000)
    assert grows.proof[0]["member_cents"] == 7_000
    too_little = town.offer(sale, item_id="COAT", percent=20, exception="progressive")
    assert too_little.blocked == NOT_LOWER, "all pay 80 now"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (dict(percent=0), "percent"), (dict(percent=100), "percent"), (dict(), "offer-how"),
        (dict(percent=10, price_cents=5), "offer-how"), (dict(price_cents=500), "price"),
        (dict(price_cents=0, item_id="A"), "price"), (dict(ladder=[[1, 51]]), "ladder"),
        (dict(percent=5, item_id="A", group="B"), "offer-what"),
        (dict(percent=5, name=" "), "name"), (dict(percent=5, least_cents=0), "least"),
    ],
)  # fmt: skip
def test_offers_without_sense_are_refused(town: Town, told: dict[str, object], code: str) -> None:
    with pytest.raises(SaleErrorFinal) as refused:
        town.offer(town.draft(), **told)
    assert refused.value.code == code
    assert str(refused.value)
    assert not Offer.objects.exists()


def test_more_than_half_off_only_warns(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO))
    sale = town.draft()
    assert offers.is_deep(town.offer(sale, item_id="COAT", percent=60))
    assert offers.is_deep(town.offer(sale, item_id="COAT", price_cents=4_999))
    assert not offers.is_deep(town.offer(sale, item_id="COAT", percent=50))
    assert not offers.is_deep(town.offer(sale, item_id="COAT", price_cents=5_000))
    assert services.open_sale(sale.pk).state == "open"


def test_a_ladder_counts_the_articles_and_the_best_offer_wins(town: Town) -> None:
    town.asks("COAT", (9_999, LONG_AGO), group="Manteaux")
    town.asks("SOCK", (500, LONG_AGO))
    sale = town.draft()
    ladder = town.offer(sale, group="Manteaux", ladder=[[2, 20], [3, 50]])
    assert offers.best(offers.standing(sale, town.shop)) == {}
    step, top = offers.priced(ladder)  # whoever takes two doesn't pay as for three
    assert step == Priced(ladder.pk, "COAT", "Article COAT", 7_999, 9_999, 20, 2)
    assert top == Priced(ladder.pk, "COAT", "Article COAT", 4_999, 9_999, 50, 3)
    every = town.offer(sale, percent=30)
    best = offers.best(offers.standing(sale, town.shop)).get("COAT")
    assert best is not None
    assert (best.offer_id, best.member_cents) == (every.pk, 6_999)
    assert offers.best(offers.standing(sale, town.shop)).get("HAT") is None
    listed = offers.standing(sale, town.shop)
    assert [(o.pk, [p.item_id for p in offers.priced(o)]) for o in listed] == [
        (ladder.pk, ["COAT", "COAT"]), (every.pk, ["COAT", "SOCK"]),
    ]  # fmt: skip


def test_a_price_lowered_before_the_sale_begins_is_the_reference_then(town: Town) -> None:
    sale = town.announced()
    town.asks("COAT", (8_000, date(2026, 11, 20)))
    sold = offers.best(offers.standing(sale, town.shop)).get("COAT")
    assert sold is not None
    assert (sold.reference_cents, sold.member_cents) == (8_000, 6_400)


def test_once_it_began_the_proof_stands(town: Town) -> None:
    sale = town.announced()
    town.time.now = sale.starts_at
    town.asks("COAT", (3_000, date(2026, 11, 20)))
    sold = offers.best(offers.standing(sale, town.shop)).get("COAT")
    assert sold is not None
    assert sold.reference_cents == 10_000


def test_conditions_hold_where_the_price_is_made(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO))
    sale = town.draft()
    large = town.offer(sale, percent=30, least_cents=15_000, while_stock=True)
    first = town.offer(sale, item_id="COAT", percent=20, once=True)
    services.open_sale(sale.pk)
    stands = offers.standing(sale, town.shop)
    best = offers.best(stands).get("COAT")
    assert best is not None
    assert best.offer_id == first.pk  # the other asks for more than one coat
    again = offers.standing(sale, town.shop, used=True)
    assert again == [large]
    assert offers.best(again).get("COAT") is None
    assert offers.on_everything(stands) == [large]
