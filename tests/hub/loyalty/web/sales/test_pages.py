"""Who sees which sale, and the one page from the idea to the button."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chaland.hub.association.models import User
from chaland.hub.loyalty.models import (
    ArticlePrice,
    Campaign,
    CampaignText,
    Invitation,
    Member,
    Offer,
    PrivateSale,
    Slot,
)
from chaland.hub.loyalty.outreach.audience import freezing
from chaland.hub.loyalty.outreach.results import debrief
from chaland.hub.loyalty.sales import codes, services
from tests.hub.loyalty.sales.conftest import Town
from tests.outreach_builders import build_gateway

pytestmark = pytest.mark.django_db
MONTHS_AGO = date(2026, 6, 1)


def client_of(user: User) -> Client:
    user.language = "en"
    user.save()
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def keeper(town: Town) -> Client:
    return client_of(town.loyalty.cast.shopkeeper)


@pytest.fixture
def coats(town: Town) -> None:
    town.asks("COAT", (12_000, MONTHS_AGO), (10_000, date(2026, 11, 10)), group="Coats")


def fields(**changed: Any) -> dict[str, Any]:
    """What the page sends."""
    return {
        "name": "Winter evening", "day": "2026-12-04", "begins": "18:00", "ends": "21:00",
        "slot": "60", "capacity": "20", "door": "1", "who": "all", "way": "email", "holdout": "10",
        "what.0": "group:Coats", "how.0": "percent", "amount.0": "20", "when": "now",
        "email.fr.subject": "Invitation", "email.fr.body": "Bonjour {first_name}",
        "email.fr.button": "Voir", "do": "check", **changed,
    }  # fmt: skip


def test_looking_shows_everything_and_keeps_nothing(
    town: Town, keeper: Client, coats: None
) -> None:
    assert keeper.get("/sales/new/").status_code == 200
    page = keeper.post("/sales/new/", fields()).content.decode()
    assert "€100.00" in page  # the lowest of thirty days, not the 120 of before
    assert "€80.00" in page
    assert "There is no gateway" in page
    for model in (PrivateSale, Offer, Slot, Campaign, CampaignText):
        assert not model.objects.exists(), model


def test_one_button_announces_and_writes(town: Town, keeper: Client, coats: None) -> None:
    build_gateway(town.id, "email")
    assert keeper.post("/sales/new/", fields(do="send")).status_code == 302
    sale, campaign = PrivateSale.objects.get(), Campaign.objects.get()
    assert (sale.state, sale.shop_id) == (PrivateSale.State.OPEN, town.shop)
    assert (campaign.state, campaign.sale_id, campaign.controller) == (
        Campaign.State.SCHEDULED, sale.pk, town.shop,
    )  # fmt: skip
    assert [s.capacity for s in sale.slots.all()] == [20, 20, 20]
    assert sale.offers.get().blocked == ""
    assert freezing.freeze(campaign, town.time.now) == 0  # nobody has agreed to anything


def test_without_a_proof_the_button_is_dead_and_says_the_way_out(
    town: Town, keeper: Client
) -> None:
    town.asks("COAT", (10_000, date(2026, 11, 18)), group="Coats")  # known for two days
    build_gateway(town.id, "email")
    answer = keeper.post("/sales/new/", fields(do="send"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "no price of Article COAT is known" in page.replace("No price", "no price")
    assert "/sales/prices/" in page
    assert not PrivateSale.objects.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "Grandes soldes"}, "soldes"),
        ({"email.fr.body": "Nos soldes {first_name}"}, "soldes"),
        ({"day": "2026-13-40"}, "Give the day"),
        ({"ends": "17:00"}, "ends after it begins"),
        ({"capacity": "many"}, "between 1 and 10,000"),
        ({"amount.0": "a lot"}, "no whole number"),
        ({"amount.0": "120"}, "between 1 and 99"),
        ({"amount.0": "12.5"}, "no whole number"),
        ({"how.0": "price", "amount.0": "79.905"}, "no price"),
        ({"how.0": "ladder", "count.0.0": "2", "off.0.0": "60"}, "ladder"),
        ({"how.0": "ladder", "count.0.0": "2", "off.0.0": "12.5"}, "no whole number"),
        ({"least.0": "a lot"}, "no price"),
        ({"slot": "9" * 15}, "how long a slot is"),
        ({"slot": "1"}, "how long a slot is"),
        ({"day": "9999-12-31", "ends": "23:59"}, "Give the day"),
        ({"day": "0001-01-01"}, "Give the day"),
        ({"last_day": "2026-12-06", "begins": "18:00", "ends": "10:00"}, "those of each day"),
        ({"last_day": "2027-01-03", "begins": "00:00", "ends": "23:59", "slot": "30"}, "200 slots"),
        ({"who": ""}, "who is invited"),
        ({"who": "kept"}, "who is invited"),
        ({"when": "later", "at": ""}, "day and the time"),
        ({"email.fr.body": "Bonjour {prenom}"}, "prenom"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    town: Town, keeper: Client, coats: None, changed: dict[str, str], said: str
) -> None:
    build_gateway(town.id, "email")
    answer = keeper.post("/sales/new/", fields(do="send", **changed))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PrivateSale.objects.exists()


def test_a_kept_sale_goes_on_where_it_was(town: Town, keeper: Client, coats: None) -> None:
    keeper.post("/sales/new/", fields(do="save", who="year", slot="none"))
    sale = PrivateSale.objects.get()
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert "Winter evening" in page
    assert '<option value="year" selected>' in page
    assert '<option value="group:Coats" selected>' in page
    keeper.post(f"/sales/{sale.pk}/prepare/", fields(do="save", **{"amount.0": "30"}))
    assert (sale.offers.get().percent, sale.slots.count()) == (30, 3)
    assert Campaign.objects.count() == 1
    assert keeper.post(f"/sales/{sale.pk}/prepare/", fields(do="announce")).status_code == 302
    assert keeper.get(f"/sales/{sale.pk}/prepare/").status_code == 302  # no more in preparation


def test_an_audience_narrowed_on_the_campaigns_page_stays(
    town: Town, keeper: Client, coats: None
) -> None:
    build_gateway(town.id, "email")
    keeper.post("/sales/new/", fields(do="save"))
    sale, campaign = PrivateSale.objects.get(), Campaign.objects.get()
    own = [{"name": "spent_at_least", "cents": 50_000, "days": 90}]
    Campaign.objects.update(criteria=own)
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert '<option value="kept" selected>' in page
    assert (
        keeper.post(f"/sales/{sale.pk}/prepare/", fields(do="save", who="kept")).status_code == 302
    )
    campaign.refresh_from_db()
    assert campaign.criteria == own


def test_slots_changed_one_by_one_stay_and_move_with_the_day(
    town: Town, keeper: Client, coats: None
) -> None:
    keeper.post("/sales/new/", fields(do="save"))
    sale = PrivateSale.objects.get()
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert '<option value="60" selected>' in page
    first = sale.slots.first()
    assert first is not None
    keeper.post(f"/sales/{sale.pk}/places/", {"slot": first.pk, "capacity": "7"})
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert '<option value="kept" selected>' in page
    keeper.post(f"/sales/{sale.pk}/prepare/", fields(do="save", slot="kept", day="2026-12-11"))
    assert [s.capacity for s in sale.slots.all()] == [7, 20, 20]
    assert {s.starts_at.date().isoformat() for s in sale.slots.all()} == {"2026-12-11"}


def test_a_quantity_and_conditions_are_typed_kept_and_printed(
    town: Town, keeper: Client, coats: None
) -> None:
    typed = {
        "how.0": "ladder", "count.0.0": "2", "off.0.0": "20", "count.0.2": "3", "off.0.2": "30",
        "least.0": "50,00", "once.0": "1", "stock.0": "1",
    }  # fmt: skip
    assert keeper.post("/sales/new/", fields(do="save", **typed)).status_code == 302
    sale, offer = PrivateSale.objects.get(), Offer.objects.get()
    assert (offer.ladder, offer.least_cents) == ([[2, 20], [3, 30]], 5_000)
    assert (offer.once, offer.while_stock) == (True, True)
    page = keeper.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert 'name="off.0.1" value="30"' in page
    services.open_sale(sale.pk)
    [invitation] = town.invited(sale, 1)
    Member.objects.update(language="en")
    printed = Client().get(codes.path_of(invitation)).content.decode()
    for said in (
        "from €50.00 of purchase, before the reduction", "with the first purchase in the sale",
        "while stock lasts", "as of 2, each", "as of 3, each",
    ):  # fmt: skip
        assert said in printed


def test_looking_counts_the_audience_after_the_write(
    town: Town, keeper: Client, coats: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite a transaction that writes keeps every till waiting."""
    inside = []
    count = freezing.estimate

    def counted(campaign: Campaign) -> freezing.Estimate:
        inside.append(PrivateSale.objects.exists())
        return count(campaign)

    monkeypatch.setattr(freezing, "estimate", counted)
    keeper.post("/sales/new/", fields())
    assert inside == [False]


def test_the_shop_types_its_cost_and_alone_reads_its_margin(
    town: Town, keeper: Client, coats: None
) -> None:
    sale = town.announced()
    keeper.post(f"/sales/{sale.pk}/cost/", {"cost": "a lot"})
    keeper.post(f"/sales/{sale.pk}/cost/", {"cost": "1 250,00"})
    sale.refresh_from_db()
    assert sale.cost_cents == 125_000
    director = client_of(town.loyalty.cast.director)
    assert director.post(f"/sales/{sale.pk}/cost/", {"cost": "1"}).status_code == 404


def test_texts_left_as_proposed_follow_the_day(town: Town, keeper: Client, coats: None) -> None:
    build_gateway(town.id, "sms")
    page = keeper.get("/sales/new/").context
    words = {
        f"{channel}.{language}.{part}": getattr(words, part)
        for channel, language, words, _sms in page["texts"]
        for part in ("subject", "body", "button")
    }
    own = fields(do="save", way="sms", proposed=page["proposed"], **{
        **words, "sms.en.body": "Come to {shop}: {link}",
    })  # fmt: skip
    assert keeper.post("/sales/new/", own).status_code == 302
    texts = {t.language: t.body for t in CampaignText.objects.filter(channel="sms")}
    assert "vendredi 4 décembre" in texts["fr"]
    assert texts["en"] == "Come to {shop}: {link}"


def test_each_sees_what_is_theirs(town: Town, coats: None) -> None:
    cast = town.loyalty.cast
    sale = town.announced()
    draft = town.draft(name="Secret idea")
    own = (f"/sales/{sale.pk}/", f"/sales/{draft.pk}/", f"/sales/{draft.pk}/prepare/")
    for path in own:
        assert client_of(cast.shopkeeper).get(path).status_code == 200
        assert client_of(cast.neighbour).get(path).status_code == 404
        assert client_of(cast.stranger).get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert client_of(cast.director).get(own[0]).status_code == 200
    assert client_of(cast.director).get(own[2]).status_code == 404
    for who in (cast.neighbour, cast.stranger, cast.director):
        for what in ("cancel", "places", "drop", "offer", "agree"):
            client_of(who).post(f"/sales/{sale.pk}/{what}/", {"slot": 1, "offer": 1})
    sale.refresh_from_db()
    assert (sale.state, sale.offers.count()) == (PrivateSale.State.OPEN, 1)
    listed = client_of(cast.neighbour).get("/sales/").content.decode()
    assert sale.name in listed  # announced ones are in the town's calendar
    assert "Secret idea" not in listed
    assert sale.name not in client_of(cast.stranger).get("/sales/").content.decode()


def test_a_director_learns_nothing_of_few_people(town: Town, coats: None) -> None:
    sale = town.announced()
    town.invited(sale, 4)
    director = client_of(town.loyalty.cast.director).get(f"/sales/{sale.pk}/")
    assert director.context["counts"].invited is None
    keeper = client_of(town.loyalty.cast.shopkeeper).get(f"/sales/{sale.pk}/")
    assert keeper.context["counts"].invited == 4


def test_a_guest_shop_learns_no_others_few_and_before_it_agreed_nothing(town: Town) -> None:
    cast = town.loyalty.cast
    sale = services.create(town.told(None), "user:1")
    for shop in town.shops[:2]:
        services.add_shop(sale.pk, shop)
    services.agree(sale.pk, town.shops[0], "user:1")
    town.asks("COAT", (10_000, date(2026, 6, 1)))
    town.offer(sale, item_id="COAT", percent=20)
    services.open_sale(sale.pk)
    for number, invitation in enumerate(town.invited(sale, 27)):
        if number < 14:
            Invitation.objects.filter(pk=invitation.pk).update(
                state="arrived", arrived_shop_id=town.shops[number >= 12]
            )
    guest = client_of(cast.shopkeeper).get(f"/sales/{sale.pk}/").context
    assert (guest["counts"].invited, guest["counts"].came, guest["part"].came) == (25, None, 12)
    asked = client_of(cast.neighbour).get(f"/sales/{sale.pk}/")
    assert not asked.context["counted"]
    assert "Invited" not in asked.content.decode()
    PrivateSale.objects.update(state="over")
    debrief.store(PrivateSale.objects.get(), town.time.now)
    over = [client_of(who).get(f"/sales/{sale.pk}/").context["debrief"] for who in
            (cast.shopkeeper, cast.neighbour)]  # fmt: skip
    assert (over[0] is None, over[1]) == (False, None)
    director = client_of(cast.director).get(f"/sales/{sale.pk}/").context
    assert (director["counts"].invited, director["counts"].came) == (25, 10)


def test_an_associations_day_needs_the_shops_answer(town: Town, coats: None) -> None:
    cast = town.loyalty.cast
    director, keeper = client_of(cast.director), client_of(cast.shopkeeper)
    asked = fields(do="save", shops=[town.shops[0], town.shops[1]], **{"what.0": ""})
    assert director.post("/sales/new/", asked).status_code == 302
    sale = PrivateSale.objects.get()
    assert sale.shop_id is None
    assert "asks you to take part" in keeper.get("/sales/").content.decode()
    shops = town.loyalty.cast.shops
    page = director.get(f"/sales/{sale.pk}/prepare/").content.decode()
    assert f"unless they agree: {', '.join(sorted(s.name for s in shops[:2]))}." in page
    offer = {"what.0": "group:Coats", "how.0": "percent", "amount.0": "25"}
    keeper.post(f"/sales/{sale.pk}/offer/", offer)
    keeper.post(f"/sales/{sale.pk}/agree/")
    client_of(cast.neighbour).post(f"/sales/{sale.pk}/refuse/")
    assert [s.shop_id for s in sale.shops.all()] == [town.shops[0]]
    still = fields(do="announce", shops=[town.shops[0]], **{"what.0": ""})
    assert director.post(f"/sales/{sale.pk}/prepare/", still).status_code == 302
    sale.refresh_from_db()
    assert sale.state == PrivateSale.State.OPEN
    assert sale.offers.get().percent == 25  # the director's page left it alone


def test_cancelling_stops_the_messages_too(town: Town, keeper: Client, coats: None) -> None:
    build_gateway(town.id, "email")
    keeper.post("/sales/new/", fields(do="send"))
    sale = PrivateSale.objects.get()
    keeper.post(f"/sales/{sale.pk}/cancel/")
    assert Campaign.objects.get().state == Campaign.State.CANCELLED
    sale.refresh_from_db()
    assert sale.state == PrivateSale.State.CANCELLED


def test_more_places_move_the_queue_up(town: Town, keeper: Client, coats: None) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    for invitation in town.invited(sale, 2):
        services.book(invitation.pk, slot.pk)
    keeper.post(f"/sales/{sale.pk}/places/", {"slot": slot.pk, "capacity": "2"})
    assert not Invitation.objects.filter(state="queued").exists()
    keeper.post(f"/sales/{sale.pk}/places/", {"slot": slot.pk, "capacity": "1"})
    slot.refresh_from_db()
    assert slot.capacity == 2  # both have a place
    live = keeper.get(f"/sales/{sale.pk}/", headers={"HX-Request": "true"})
    assert live.content.decode().lstrip().startswith('<div id="live"')


def test_prices_are_entered_looked_over_and_taken_in(town: Town, keeper: Client) -> None:
    told = {"item": "HAT", "name": "Hat", "group": "", "price": "39,90", "since": "2026-10-01"}
    assert keeper.post("/sales/prices/", told).status_code == 302
    assert ArticlePrice.objects.get().cents == 3_990
    assert keeper.post("/sales/prices/", told | {"price": "1.234"}).status_code == 422
    assert keeper.post("/sales/prices/", told | {"since": "2027-01-01"}).status_code == 422
    file = SimpleUploadedFile(
        "prix.csv",
        (
            "référence;désignation;prix;depuis le\nHAT;Hat;39,90;01/10/2026\n"
            "CAP;Cap;12,00;01/10/2026\nX;X;abc;1/1/2026\n"
        ).encode(),
    )
    page = keeper.post("/sales/prices/file/", {"file": file})
    assert page.status_code == 200
    assert ArticlePrice.objects.count() == 1  # nothing before the button
    assert "abc" in page.content.decode()
    keeper.post("/sales/prices/file/", {"looked": page.context["looked"]})
    assert ArticlePrice.objects.count() == 2
    assert keeper.get("/sales/prices/article/?item=HAT").status_code == 200
    neighbour = client_of(town.loyalty.cast.neighbour)
    assert neighbour.get("/sales/prices/article/?item=HAT").status_code == 404
    neighbour.post("/sales/prices/file/", {"looked": page.context["looked"]})
    assert ArticlePrice.objects.count() == 2
    assert client_of(town.loyalty.cast.director).get("/sales/prices/").status_code == 403


def test_over_a_thousand_numbers_hold_no_space(town: Town, keeper: Client, coats: None) -> None:
    PrivateSale.objects.create(
        pk=12_345, association_id=town.id, shop_id=town.shop, name="Big",
        starts_at=town.time.now, ends_at=town.time.now + timedelta(days=1),
        created_at=town.time.now,
    )  # fmt: skip
    sale = PrivateSale.objects.get()
    Slot.objects.create(
        pk=23_456, sale=sale, starts_at=sale.starts_at, ends_at=sale.ends_at, capacity=1_500
    )
    page = keeper.get(f"/sales/{sale.pk}/").content.decode()
    for sign in ("12,345", "23,456", 'value="1,500"'):
        assert sign not in page
