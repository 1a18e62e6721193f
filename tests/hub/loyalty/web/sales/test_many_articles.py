"""A shop of very many articles: they are searched for, and looked at before anything is locked."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from chaland.hub.loyalty.models import ArticlePrice, Offer, PrivateSale
from chaland.hub.loyalty.sales import offers, prices, services
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from tests.hub.loyalty.sales.conftest import TODAY, Town
from tests.hub.loyalty.web.sales.test_pages import client_of, fields
from tests.outreach_builders import build_gateway

MONTHS_AGO = date(2026, 6, 1)
MANY = offers._MANY + 100


def record(town: Town, *, count: int = MANY) -> None:
    told = [
        PriceIn(f"B{n:04}", f"Livre {n}", 2_000, MONTHS_AGO, f"Rayon {n % 9}") for n in range(count)
    ]
    services.take_prices(town.id, town.shop, told, "user:1", today=TODAY)


@pytest.fixture
def keeper(town: Town) -> Client:
    return client_of(town.loyalty.cast.shopkeeper)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Of each time that a shop's prices were looked through: was it within a transaction?"""
    inside: list[bool] = []
    look = offers._looked

    def noted(*told: Any) -> offers.Checked:
        inside.append(connections["loyalty"].in_atomic_block)
        return look(*told)

    monkeypatch.setattr(offers, "_looked", noted)
    yield inside
    offers._kept.clear()


@pytest.mark.django_db(transaction=True, databases=["default", "loyalty"])
def test_everything_is_looked_at_once_and_before_the_lock(
    town: Town, keeper: Client, looked: list[bool]
) -> None:
    record(town)
    build_gateway(town.id, "email")
    everything = fields(**{"what.0": "all"})
    for name in ("A", "An evening", "An evening of books"):  # as one types
        page = keeper.post("/sales/new/", everything | {"name": name}).content.decode()
        assert "€16.00" in page
    keeper.post("/sales/new/", everything | {"do": "send"})
    assert looked == [False]
    sale, offer = PrivateSale.objects.get(), Offer.objects.get()
    assert (sale.state, offer.blocked, offer.articles) == (PrivateSale.State.OPEN, "", MANY)
    assert len(offer.proof) == offers.PROVED_AT_MOST
    town.asks("NEW", (1_500, TODAY))  # the state of the prices is another
    offer.refresh_from_db()
    assert (offer.blocked, looked) == (offers.NO_PRICE, [False, True])


@pytest.mark.django_db
def test_the_pages_hold_some_dozens_of_articles(town: Town, keeper: Client) -> None:
    record(town)
    town.draft()
    for path in ("/sales/new/", f"/sales/{PrivateSale.objects.get().pk}/prepare/"):
        page = keeper.get(path).content.decode()
        assert page.count("<option") < 200
        assert "Livre 7" not in page
        assert "group:Rayon 8" in page
    first = keeper.get("/sales/prices/").content.decode()
    assert first.count("/sales/prices/article/?item=") == 50
    last = keeper.get("/sales/prices/?page=22").content.decode()
    assert f"B{MANY - 1:04}" in last
    found = keeper.get("/sales/prices/find/?article.2=livre 77").content.decode()
    assert 'value="B0077 · Livre 77"' in found
    assert found.count("<option") == 11  # 77, 770 to 779
    assert keeper.get("/sales/prices/find/?q=").content.decode().count("<option") == 30


@pytest.mark.django_db
def test_those_at_fault_are_kept_first_and_all_are_counted(town: Town) -> None:
    record(town, count=offers.PROVED_AT_MOST + 20)
    for n in (50, 210, 215, 219):
        town.asks(f"Z{n}", (1_000, TODAY))
    offer = town.offer(town.draft(), percent=10)
    assert (offer.blocked, offer.at_fault) == (offers.NO_PRICE, 4)
    assert {f"Z{n}" for n in (50, 210, 215, 219)} < {row["item_id"] for row in offer.proof}
    assert "1 more" in offers.why_blocked(offer)


@pytest.mark.django_db
def test_the_best_price_reckons_with_what_no_proof_tells(town: Town) -> None:
    """−30 % off everything holds for an article whose row lies beyond those that are kept."""
    record(town, count=offers.PROVED_AT_MOST + 20)
    sale = town.draft()
    last = f"B{offers.PROVED_AT_MOST + 19:04}"
    town.offer(sale, item_id=last, percent=10)
    every = town.offer(sale, percent=30)
    assert last not in {row["item_id"] for row in every.proof}
    best = offers.best(offers.standing(sale, town.shop))[last]
    assert (best.offer_id, best.member_cents) == (every.pk, 1_400)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("M-1", "M-1"), ("M-1 · Écharpe · bleue", "M-1"), ("écharpe · bleue", None),
        ("Écharpe · bleue", "M-1"), ("BONNET", None), ("Bonnet", None), ("", None),
        ("M", "M"), ("M · 2 · Gant", "M · 2"),
    ],
)  # fmt: skip
def test_an_article_is_meant_by_number_list_or_only_name(
    town: Town, typed: str, found: str | None
) -> None:
    for number, name in (
        ("M-1", "Écharpe · bleue"), ("M-2", "Bonnet"), ("M-3", "Bonnet"), ("M", "Moufle"),
        ("M · 2", "Gant"),
    ):  # fmt: skip
        told = [PriceIn(number, name, 1_000, MONTHS_AGO)]
        services.take_prices(town.id, town.shop, told, "user:1", today=TODAY)
    meant = prices.meant(town.shop, typed)
    if connections["loyalty"].vendor == "postgresql" and typed == "écharpe · bleue":
        found = "M-1"  # which knows É of é
    assert (meant.item_id if meant else None) == found
    assert typed != "écharpe · bleue" or "M-1" in prices.numbers(town.shop, "écharpe")


@pytest.mark.django_db
def test_an_article_is_chosen_kept_and_shown_again(town: Town, keeper: Client) -> None:
    town.asks("COAT", (10_000, MONTHS_AGO))
    chosen = {"what.0": "item", "article.0": "COAT · Article COAT"}
    assert keeper.post("/sales/new/", fields(do="save", **chosen)).status_code == 302
    sale, offer = PrivateSale.objects.get(), Offer.objects.get()
    assert (offer.item_id, offer.name, offer.blocked) == ("COAT", "Article COAT", "")
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert 'value="COAT · Article COAT"' in page
    wrong = keeper.post("/sales/new/", fields(do="save", **chosen | {"article.0": "COA"}))
    assert (wrong.status_code, PrivateSale.objects.count()) == (422, 1)
    assert "choose one of the list" in wrong.content.decode()


@pytest.mark.django_db
def test_no_sign_breaks_the_pages(town: Town, keeper: Client) -> None:
    """A line break, once typed, made the list of prices an error for ever."""
    told = {"name": "Hat\r\nred", "group": "Hats\n", "price": "39,90", "since": "2026-10-01"}
    assert keeper.post("/sales/prices/", told | {"item": "H\nAT"}).status_code == 302
    row = ArticlePrice.objects.get()
    assert (row.item_id, row.item_name, row.group) == ("H AT", "Hat red", "Hats")
    ArticlePrice.objects.update(item_id="H\nAT/..")  # as it was kept before
    page = keeper.get("/sales/prices/").content.decode()
    assert "?item=H%0AAT%2F.." in page
    assert keeper.get("/sales/prices/article/?item=H%0AAT%2F..").status_code == 200
    assert keeper.get("/sales/prices/article/").status_code == 404
    with pytest.raises(SaleErrorFinal):
        town.asks("A\nB", (1_000, MONTHS_AGO))
