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
        ({"amount.0": "a lot"}, "can’t be read"),
        ({"amount.0": "120"}, "between 1 and 99"),
        ({"how.0": "ladder", "amount.0": "2=60"}, "ladder"),
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


def test_texts_left_as_proposed_follow_the_day(town: Town, keeper: Client, coats: None) -> None:
    build_gateway(town.id, "sms")
    page = keeper.get("/sales/new/").context
    words = {
        f"{channel}.{language}.{part}": getattr(words, part)
        for channel, language, words in page["texts"]
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


def test_an_associations_day_needs_the_shops_answer(town: Town, coats: None) -> None:
    cast = town.loyalty.cast
    director, keeper = client_of(cast.director), client_of(cast.shopkeeper)
    asked = fields(do="save", shops=[town.shops[0], town.shops[1]], **{"what.0": ""})
    assert director.post("/sales/new/", asked).status_code == 302
    sale = PrivateSale.objects.get()
    assert sale.shop_id is None
    assert "asks you to take part" in keeper.get("/sales/").content.decode()
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
    assert keeper.get("/sales/prices/HAT/").status_code == 200
    neighbour = client_of(town.loyalty.cast.neighbour)
    assert neighbour.get("/sales/prices/HAT/").status_code == 404
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


class TestInvitation:
    """What whoever holds the address may do."""

    def test_it_names_nobody_and_looking_does_nothing(self, town: Town) -> None:
        sale = town.announced()
        [invitation] = town.invited(sale, 1)
        Member.objects.filter(pk=invitation.member_id).update(
            first_name="Zéphirine", last_name="Quincampoix"
        )
        answer = Client().get(codes.path_of(invitation.pk), headers={"Accept-Language": "en"})
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Zéphirine" not in page
        assert "Quincampoix" not in page
        assert codes.code_of(invitation.pk) in page
        assert "80,00" in page or "80.00" in page
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
        invitation.refresh_from_db()
        assert invitation.state == Invitation.State.OPEN

    def test_a_place_is_booked_waited_for_and_given_back(self, town: Town) -> None:
        sale = town.announced()
        slot = town.slot(sale, 1)
        first, second = town.invited(sale, 2)
        for one in (first, second):
            Client().post(codes.path_of(one.pk), {"do": "book", "slot": slot.pk})
            one.refresh_from_db()
        assert (first.state, second.state) == ("booked", "queued")
        Client().post(codes.path_of(first.pk), {"do": "decline"})
        second.refresh_from_db()
        assert second.state == "booked"
        Client().post(codes.path_of(second.pk), {"do": "book", "slot": "9" * 30})
        second.refresh_from_db()
        assert second.state == "booked"

    def test_wrong_codes_are_limited(self, town: Town) -> None:
        sale = town.announced()
        [invitation] = town.invited(sale, 1)
        for _ in range(codes.MISSES_AN_HOUR):
            assert Client().get("/i/AAAAA-AAAAA/").status_code == 404
        assert Client().get("/i/AAAAA-AAAAA/").status_code == 429
        assert Client().get(codes.path_of(invitation.pk)).status_code == 200

    def test_the_members_language_unless_another_is_chosen(self, town: Town) -> None:
        sale = town.announced()
        [invitation] = town.invited(sale, 1)
        for language, word in (("en", "Are you coming"), ("fr", "Venez-vous")):
            Member.objects.filter(pk=invitation.member_id).update(language=language)
            assert word in Client().get(codes.path_of(invitation.pk)).content.decode()

    @pytest.mark.parametrize(("state", "word"), [("cancelled", "annulée"), ("over", "terminée")])
    def test_what_is_off_says_so_and_takes_nothing(self, town: Town, state: str, word: str) -> None:
        sale = town.announced()
        [invitation] = town.invited(sale, 1)
        PrivateSale.objects.filter(pk=sale.pk).update(state=state)
        page = Client().get(codes.path_of(invitation.pk)).content.decode()
        assert word in page
        Client().post(codes.path_of(invitation.pk), {"do": "book"})
        invitation.refresh_from_db()
        assert invitation.state == Invitation.State.OPEN
