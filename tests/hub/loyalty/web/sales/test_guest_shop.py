"""A shop that the association asks: told where it looks, its offer kept with its yes, a way back;
and what others learn of a sale before it is announced."""

from datetime import timedelta

import pytest
from django.test import Client

from chaland.hub.loyalty.models import Campaign, Offer, PrivateSale
from chaland.hub.loyalty.sales import services
from tests.hub.loyalty.sales.conftest import Town
from tests.hub.loyalty.web.sales.test_pages import client_of, coats, fields, keeper

__all__ = ["coats", "keeper"]
pytestmark = pytest.mark.django_db
COATS = {"what.0": "group:Coats", "how.0": "percent", "amount.0": "30"}


@pytest.fixture
def asked(town: Town, coats: None) -> PrivateSale:
    sale = services.create(town.told(None), "user:1")
    for shop in town.shops[:2]:
        services.add_shop(sale.pk, shop)
    return sale


def agreed(sale: PrivateSale, town: Town) -> bool:
    return sale.shops.get(shop_id=town.shop).agreed_at is not None


def test_a_yes_keeps_what_is_typed(town: Town, keeper: Client, asked: PrivateSale) -> None:
    assert keeper.post(f"/sales/{asked.pk}/agree/", COATS).status_code == 302
    assert agreed(asked, town)
    assert asked.offers.get().percent == 30


def test_what_is_wrong_keeps_the_line_and_says_no_yes(
    town: Town, keeper: Client, asked: PrivateSale
) -> None:
    wrong = COATS | {"amount.0": "95,5", "least.0": "50"}
    for what in ("agree", "offer"):
        answer = keeper.post(f"/sales/{asked.pk}/{what}/", wrong)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "no whole number" in page
        assert 'value="95,5"' in page
        assert '<option value="group:Coats" selected>' in page
    assert not agreed(asked, town)
    assert not Offer.objects.exists()
    nothing = keeper.post(f"/sales/{asked.pk}/offer/", {"what.0": "", "amount.0": "20"})
    assert (nothing.status_code, Offer.objects.count()) == (422, 0)


def test_a_yes_to_an_announced_sale_needs_a_proof_or_nothing_is_kept(
    town: Town, keeper: Client, asked: PrivateSale
) -> None:
    PrivateSale.objects.update(state="open")
    dear = COATS | {"what.0": "group:Hats"}
    assert keeper.post(f"/sales/{asked.pk}/agree/", dear).status_code == 422
    assert not agreed(asked, town)
    assert not Offer.objects.exists()


def test_a_shop_that_reduces_nothing_is_told_and_can_withdraw(
    town: Town, keeper: Client, asked: PrivateSale
) -> None:
    nothing = "reduces nothing yet"
    assert nothing not in keeper.get(f"/sales/{asked.pk}/").content.decode()
    keeper.post(f"/sales/{asked.pk}/agree/", {"what.0": "", "amount.0": "20"})
    assert nothing in keeper.get(f"/sales/{asked.pk}/").content.decode()
    keeper.post(f"/sales/{asked.pk}/offer/", COATS)
    page = keeper.get(f"/sales/{asked.pk}/").content.decode()
    assert nothing not in page
    assert f"/sales/{asked.pk}/withdraw/" in page
    keeper.post(f"/sales/{asked.pk}/withdraw/")
    assert not agreed(asked, town)
    page = keeper.get(f"/sales/{asked.pk}/").content.decode()
    assert f"/sales/{asked.pk}/agree/" in page  # the question stands again
    keeper.post(f"/sales/{asked.pk}/agree/")
    services.open_sale(asked.pk)
    keeper.post(f"/sales/{asked.pk}/withdraw/")
    assert agreed(asked, town)  # members have been told
    assert f"/sales/{asked.pk}/withdraw/" not in keeper.get(f"/sales/{asked.pk}/").content.decode()


def test_the_proof_is_shown_while_it_is_typed(
    town: Town, keeper: Client, asked: PrivateSale
) -> None:
    shown = keeper.post(f"/sales/{asked.pk}/look/", COATS).content.decode()
    assert "€100.00" in shown
    assert "€70.00" in shown
    assert (
        "no whole number"
        in keeper.post(f"/sales/{asked.pk}/look/", COATS | {"amount.0": "x"}).content.decode()
    )
    assert not Offer.objects.exists()
    assert not agreed(asked, town)
    stranger = client_of(town.loyalty.cast.stranger)
    assert stranger.post(f"/sales/{asked.pk}/look/", COATS).status_code == 404


def test_a_shop_that_is_asked_is_told_wherever_it_looks(
    town: Town, keeper: Client, asked: PrivateSale
) -> None:
    said, link = "asks you to take part", f'href="/sales/{asked.pk}/"'
    for path in ("/outreach/", "/sales/", "/sales/asked/"):
        page = keeper.get(path).content.decode()
        assert said in page, path
        assert link in page, path
        assert "4 December" in page or "December 4" in page, path
    assert 'hx-get="/sales/asked/"' in keeper.get("/").content.decode()
    listed = keeper.get("/sales/").content.decode()
    assert "Answer<" in listed
    assert "Go on<" not in listed
    director = client_of(town.loyalty.cast.director)
    assert said not in director.get("/sales/asked/").content.decode()
    keeper.post(f"/sales/{asked.pk}/agree/", COATS)
    assert said not in keeper.get("/outreach/").content.decode()


def test_a_director_reads_a_shops_sale_once_it_is_announced(town: Town, coats: None) -> None:
    director, draft = client_of(town.loyalty.cast.director), town.draft(name="Secret idea")
    town.offer(draft, group="Coats", percent=20)
    for path in (f"/sales/{draft.pk}/", f"/insight/sales/{draft.pk}/"):
        assert director.get(path).status_code == 404
    services.open_sale(draft.pk)
    assert director.get(f"/sales/{draft.pk}/").status_code == 200


def test_nothing_is_said_to_be_removed_that_isnt(town: Town, keeper: Client, coats: None) -> None:
    sale = town.draft()
    offer = town.offer(sale, group="Coats", percent=20)
    PrivateSale.objects.update(state="open")
    director = client_of(town.loyalty.cast.director)
    said = director.post(f"/sales/{sale.pk}/drop/", {"offer": offer.pk}, follow=True)
    assert "Removed." not in said.content.decode()
    PrivateSale.objects.update(state="draft")
    said = keeper.post(f"/sales/{sale.pk}/drop/", {"offer": 999_999}, follow=True)
    assert "Removed." not in said.content.decode()
    said = keeper.post(f"/sales/{sale.pk}/drop/", {"offer": offer.pk}, follow=True)
    assert "Removed." in said.content.decode()


def test_a_cancelled_sale_says_who_isnt_told_and_is_copied(
    town: Town, keeper: Client, coats: None
) -> None:
    keeper.post("/sales/new/", fields(do="save", who="year"))
    sale = PrivateSale.objects.get()
    Campaign.objects.update(criteria=[{"name": "spent_at_least", "cents": 50_000, "days": 90}])
    first = sale.slots.first()
    assert first is not None
    services.set_slot(sale.pk, first.starts_at, first.ends_at, 7, first.pk)
    services.open_sale(sale.pk)
    town.invited(sale, 3)
    keeper.post(f"/sales/{sale.pk}/cancel/")
    page = keeper.get(f"/sales/{sale.pk}/").content.decode()
    assert "nobody is written to" in page
    done = keeper.post(f"/sales/{sale.pk}/copy/")
    new = PrivateSale.objects.exclude(pk=sale.pk).get()
    assert done.headers["Location"] == f"/sales/{new.pk}/prepare/"
    assert (new.state, new.name, new.starts_at) == ("draft", sale.name, sale.starts_at)
    assert (new.offers.get().percent, [s.capacity for s in new.slots.all()]) == (20, [7, 20, 20])
    assert new.campaigns.get().criteria == sale.campaigns.get().criteria
    assert not new.invitations.exists()
    director = client_of(town.loyalty.cast.director)
    assert director.post(f"/sales/{sale.pk}/copy/").status_code == 404


def test_a_past_sale_is_copied_to_days_to_come(town: Town, keeper: Client, coats: None) -> None:
    keeper.post("/sales/new/", fields(do="save"))
    sale = PrivateSale.objects.get()
    town.time.now = sale.ends_at + timedelta(days=30)
    PrivateSale.objects.update(state="over")
    keeper.post(f"/sales/{sale.pk}/copy/")
    new = PrivateSale.objects.exclude(pk=sale.pk).get()
    assert new.starts_at > town.time.now
    assert (new.starts_at - sale.starts_at).days % 7 == 0
    assert new.slots.count() == sale.slots.count()


def test_what_is_looked_over_while_a_button_is_pressed_does_nothing(
    town: Town, keeper: Client, coats: None
) -> None:
    """htmx sends the pressed button along: the sale would be announced twice."""
    for do in ("save", "announce"):
        shown = keeper.post("/sales/new/", fields(do=do), headers={"HX-Request": "true"})
        assert shown.status_code == 200
        assert not PrivateSale.objects.exists()
