"""A sale from idea to announced, called off, and closed: what is refused, and in which words."""

from datetime import date, timedelta

import pytest

from chaland.hub.association.models import Association
from chaland.hub.loyalty.due import run_due
from chaland.hub.loyalty.models import Invitation, Offer, PrivateSale
from chaland.hub.loyalty.sales import selectors, services
from chaland.hub.loyalty.sales.legal import Rule
from chaland.hub.loyalty.sales.refusals import REASONS, SaleErrorFinal
from tests.hub.loyalty.sales.conftest import BEGINS, NOW, Town
from tests.loyalty_builders import build_members

pytestmark = pytest.mark.django_db
LONG_AGO = date(2026, 1, 1)


def refusal(work: object, *args: object, **more: object) -> str:
    with pytest.raises(SaleErrorFinal) as refused:
        work(*args, **more)  # type: ignore[operator]
    assert str(refused.value)
    assert "{" not in str(refused.value)
    return refused.value.code


def test_a_shops_sale_from_draft_to_over(town: Town) -> None:
    sale = town.announced()
    assert (sale.state, sale.shop_id) == ("open", town.shop)
    assert refusal(services.edit, sale.pk, town.told(town.shop)) == "not-draft"
    assert refusal(services.open_sale, sale.pk) == "not-draft"
    assert services.close_due(sale.ends_at - timedelta(seconds=1)) == 0
    town.time.now = sale.ends_at
    assert run_due(sale.ends_at)["private sales closed"] == 1
    sale.refresh_from_db()
    assert (sale.state, sale.closed_at) == ("over", sale.ends_at)
    assert refusal(services.cancel_sale, sale.pk) == "over"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 81}, "name"),
        ({"ends_at": BEGINS}, "days"), ({"ends_at": BEGINS + timedelta(days=32)}, "days"),
        ({"starts_at": NOW - timedelta(days=2), "ends_at": NOW}, "past"),
    ],
)  # fmt: skip
def test_a_sale_without_sense_is_refused(town: Town, changed: dict[str, object], code: str) -> None:
    assert refusal(town.draft, **changed) == code
    sale = town.draft()
    assert refusal(services.edit, sale.pk, town.told(town.shop, **changed)) == code


def test_nothing_to_announce_is_not_announced(town: Town) -> None:
    sale = town.draft()
    assert refusal(services.open_sale, sale.pk) == "no-offers"
    days = services.create(town.told(), "user:1")
    assert {stop.code for stop in services.stops(days)} == {"no-shops", "no-offers"}
    assert refusal(services.open_sale, 10**6) == "no-sale"


def test_the_word_soldes_keeps_a_sale_closed_wherever_it_stands(town: Town) -> None:
    town.asks("COAT", (10_000, LONG_AGO))
    sale = town.draft(name="Soldes privées")
    offer = town.offer(sale, item_id="COAT", percent=20, name="Manteaux soldés")
    assert [str(stop) for stop in services.stops(sale)] == [
        str(SaleErrorFinal("soldes-word", word=word)) for word in ("Soldes", "soldés")
    ]
    services.edit(sale.pk, town.told(town.shop))
    services.remove_offer(sale.pk, town.shop, offer.pk)
    town.offer(sale, item_id="COAT", percent=20)
    assert refusal(services.open_sale, sale.pk, ["Venez aux soldes !"]) == "soldes-word"
    assert services.open_sale(sale.pk, ["Venez nombreux !"]).state == "open"


def test_in_the_towns_own_period_the_word_is_free_and_the_sale_warned_of(town: Town) -> None:
    begins = BEGINS.replace(year=2027, month=1, day=4)
    town.asks("COAT", (10_000, LONG_AGO))
    sale = town.draft(name="Soldes privées", starts_at=begins, ends_at=begins + timedelta(hours=9))
    town.offer(sale, item_id="COAT", percent=20)
    assert refusal(services.open_sale, sale.pk) == "soldes-word"
    Association.objects.filter(pk=town.id).update(department="57")
    assert services.open_sale(sale.pk).state == "open"
    assert selectors.warnings(sale) == [Rule.IN_SOLDES]


def test_private_sales_too_often_are_warned_of(town: Town) -> None:
    for weeks in range(7):
        starts = BEGINS - timedelta(weeks=5 * weeks)
        town.time.now = starts - timedelta(days=1)
        sale = town.draft(starts_at=starts, ends_at=starts + timedelta(days=6, hours=10))
        PrivateSale.objects.filter(pk=sale.pk).update(state="over")
    assert selectors.warnings(PrivateSale.objects.earliest("pk")) == [Rule.OFTEN]
    assert selectors.warnings(PrivateSale.objects.latest("pk")) == []


def test_an_association_day_is_of_the_shops_that_agree(town: Town) -> None:
    first, second, third = town.shops
    for shop in town.shops:
        town.asks("COAT", (10_000, LONG_AGO), shop=shop)
    sale = services.create(town.told(), "user:9")
    for shop in (first, second):
        services.add_shop(sale.pk, shop)
        town.offer(sale, shop, item_id="COAT", percent=20)
    assert refusal(town.offer, sale, third, item_id="COAT", percent=20) == "no-shop"
    assert refusal(services.agree, sale.pk, third, "user:3") == "no-shop"
    bad = town.offer(sale, second, item_id="HAT", percent=20)
    services.agree(sale.pk, first, "user:1")
    assert services.open_sale(sale.pk).state == "open", "who didn't agree keeps nobody waiting"
    assert [s.pk for s in selectors.running(first, BEGINS)] == [sale.pk]
    assert selectors.running(second, BEGINS) == []
    assert refusal(services.agree, sale.pk, second, "user:2") == "blocked"
    assert selectors.running(second, BEGINS) == []
    Offer.objects.filter(pk=bad.pk).delete()
    services.agree(sale.pk, second, "user:2")
    assert [s.pk for s in selectors.running(second, BEGINS)] == [sale.pk]
    assert refusal(services.remove_shop, sale.pk, second) == "not-draft"


def test_a_shop_of_another_town_cannot_be_asked(town: Town) -> None:
    elsewhere = town.loyalty.cast.stranger.roles.get().shop_id
    sale = services.create(town.told(), "user:9")
    assert refusal(services.add_shop, sale.pk, elsewhere) == "no-shop"
    assert refusal(services.create, town.told(elsewhere), "user:9") == "no-shop"
    assert not PrivateSale.objects.filter(shop_id=elsewhere).exists(), "nothing half-written"
    assert refusal(services.add_shop, town.draft().pk, town.shops[1]) == "no-shop"


def test_an_offer_added_late_is_fit_or_not_there(town: Town) -> None:
    sale = town.announced()
    assert refusal(town.offer, sale, item_id="HAT", percent=20) == "blocked"
    assert refusal(town.offer, sale, item_id="COAT", percent=5, name="En solde") == "soldes-word"
    assert sale.offers.count() == 1
    town.offer(sale, item_id="COAT", percent=30)
    assert sale.offers.count() == 2


def test_days_moved_look_at_the_prices_anew(town: Town) -> None:
    town.asks("COAT", (10_000, date(2026, 11, 5)))
    sale = town.draft()
    offer = town.offer(sale, item_id="COAT", percent=20)
    assert offer.blocked
    later = BEGINS + timedelta(days=3)
    services.edit(
        sale.pk, town.told(town.shop, starts_at=later, ends_at=later + timedelta(hours=9))
    )
    offer.refresh_from_db()
    assert offer.blocked == ""


def test_slots_lie_within_the_sale(town: Town) -> None:
    sale = town.draft()
    slot = town.slot(sale, 5)
    early = sale.starts_at - timedelta(minutes=1)
    for times, code in (
        ((early, sale.ends_at, 5), "slot-times"),
        ((sale.ends_at, sale.ends_at, 5), "slot-times"),
        ((sale.starts_at, sale.ends_at, 0), "capacity"),
        ((sale.starts_at, sale.ends_at, 10_001), "capacity"),
    ):
        assert refusal(services.set_slot, sale.pk, *times) == code
    shorter = town.told(town.shop, ends_at=sale.starts_at + timedelta(minutes=30))
    assert refusal(services.edit, sale.pk, shorter) == "slot-times"
    services.remove_slot(sale.pk, slot.pk)
    services.edit(sale.pk, shorter)


def test_called_off_nobody_is_invited_books_or_comes_in(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    services.cancel_sale(sale.pk)
    services.cancel_sale(sale.pk)
    town.time.now = BEGINS
    assert refusal(services.invite, sale.pk, [1]) == "not-open"
    assert refusal(services.book, invitation.pk) == "not-open"
    assert refusal(services.arrive, invitation.pk, town.shop, "till:1") == "not-open"
    assert refusal(services.open_sale, sale.pk) == "not-draft"
    assert selectors.running(town.shop, BEGINS) == []


def test_inviting_again_changes_nothing_and_strangers_are_left_out(town: Town) -> None:
    sale = town.announced()
    members = build_members(town.loyalty.cast, 40)
    members[3].state = "paused"
    members[3].save()
    members[4].association_id = town.id + 1
    members[4].save()
    ids = [member.pk for member in members] + [10**9]
    assert services.invite(sale.pk, iter(ids)) == 38
    assert services.invite(sale.pk, ids) == 0
    assert Invitation.objects.filter(sale=sale, state="open", how="invited").count() == 38
    assert services.invite(sale.pk, []) == 0
    assert Invitation.objects.first().created_at == NOW  # type: ignore[union-attr]


def test_the_calendar_shows_what_is_announced_and_ones_own_drafts(town: Town) -> None:
    announced = town.announced()
    own_draft = town.draft()
    day = services.create(town.told(), "user:9")
    services.add_shop(day.pk, town.shops[1])
    window = (BEGINS - timedelta(days=1), BEGINS + timedelta(days=1))

    def seen(shop: int | None) -> set[int]:
        return {each.sale_id for each in selectors.calendar(town.id, *window, shop)}

    assert seen(town.shop) == {announced.pk, own_draft.pk}
    assert seen(town.shops[1]) == {announced.pk, day.pk}
    assert seen(town.shops[2]) == {announced.pk}
    assert seen(None) == {announced.pk, day.pk}
    assert selectors.calendar(town.id + 1, *window) == []
    for shop, visible in ((town.shop, 2), (town.shops[1], 1), (town.shops[2], 0)):
        found = [selectors.sale_of(town.id, s.pk, shop) for s in (announced, own_draft, day)]
        assert sum(each is not None for each in found) == visible
    assert selectors.sale_of(town.id + 1, announced.pk) is None


def test_every_refusal_has_words() -> None:
    for code in REASONS:
        assert str(SaleErrorFinal(code, offer="x", word="y"))
