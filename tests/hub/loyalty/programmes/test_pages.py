"""Pages of programmes: whose they are, what they refuse, what they change."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Account, Advantage, Programme, Reward, Rule, Sponsor, Tier
from chaland.hub.loyalty.programmes import services
from tests.builders import build_cast
from tests.hub.loyalty.programmes.building import receipt
from tests.loyalty_builders import Loyalty, build_loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(db: None) -> Loyalty:
    return build_loyalty(build_cast(3), members=11)


def _as(user: AbstractBaseUser) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def keeper(town: Loyalty) -> Client:
    return _as(town.cast.shopkeeper)


@pytest.fixture
def director(town: Loyalty) -> Client:
    return _as(town.cast.director)


_DOUBLE = {"name": "Mardi double", "factor": "2", "weekdays": ["1"]}


def test_each_sees_and_changes_its_own(town: Loyalty, keeper: Client, director: Client) -> None:
    points, purse, stamps = (p.pk for p in (town.points, town.purse, town.stamps))
    neighbour, stranger = _as(town.cast.neighbour), _as(town.cast.stranger)
    may = {(keeper, points), (director, purse), (neighbour, stamps)}
    everybody = (keeper, director, neighbour, stranger)
    for client in everybody:
        for pk in (points, purse, stamps):
            paths = [
                f"/programmes/{pk}/",
                f"/programmes/{pk}/rules/multiplier/",
                f"/programmes/{pk}/rules/{Programme.objects.get(pk=pk).rules.get().pk}/",
            ]
            for path in paths:
                assert client.get(path).status_code == (200 if (client, pk) in may else 404)
            if (client, pk) not in may:
                rule = Programme.objects.get(pk=pk).rules.get()
                assert client.post(f"/programmes/{pk}/rules/{rule.pk}/end/").status_code == 404
    assert Client().get(f"/programmes/{points}/").status_code == 302


def test_anothers_rule_reward_or_tier_is_not_reached_through_ones_own_programme(
    town: Loyalty, keeper: Client
) -> None:
    other = town.stamps.rules.get().pk, town.stamps.rewards.get().pk
    base = f"/programmes/{town.points.pk}"
    assert keeper.post(f"{base}/rules/{other[0]}/end/").status_code == 404
    assert keeper.get(f"{base}/rules/{other[0]}/").status_code == 404
    assert keeper.post(f"{base}/rewards/{other[1]}/stop/").status_code == 404


def test_the_index_speaks_plain_words(town: Loyalty, keeper: Client, director: Client) -> None:
    page = keeper.get("/programmes/").content.decode()
    assert "1 point par tranche de 1,00\xa0€ d’achat" in page
    assert "5,00\xa0€" in page
    assert "1\xa0% de chaque achat" in page, "the town's purse, to read"
    assert f"/programmes/{town.purse.pk}/" not in page
    assert "Financeurs" in director.get("/programmes/").content.decode()


def test_programmes_begin_once_each_for_whom_they_are(town: Loyalty, keeper: Client) -> None:
    for _ in range(2):
        assert keeper.post("/programmes/start/", {"kind": "stamps"}).status_code == 302
    made = Programme.objects.get(shop_id=town.cast.shops[0].pk, asset__kind="stamps")
    assert (made.rules.get().kind, made.rewards.get().cost) == ("purchase", 10)
    assert keeper.post("/programmes/start/", {"kind": "purse"}).status_code == 404


def test_a_rule_is_tried_then_let_count(town: Loyalty, keeper: Client) -> None:
    now = clock.now()
    for member in town.members:
        receipt(town, [1_000], member=member, at=now - timedelta(days=2))
    url = f"/programmes/{town.points.pk}/rules/multiplier/"
    every_day = {"name": "Tout double", "factor": "2"}
    page = keeper.post(url, {**every_day, "simulate": "4"}).content.decode()
    assert "110 points" in page
    assert "11 sur 11" in page
    assert town.points.rules.count() == 1, "trying books nothing"
    assert keeper.post(url, {**_DOUBLE, "save": "1"}).status_code == 302
    rule = town.points.rules.latest("id")
    assert rule.parameters == {"percent": 200, "weekdays": [1]}
    assert rule.created_by == f"user:{town.cast.shopkeeper.pk}"


def test_too_few_members_are_not_shown(town: Loyalty, keeper: Client) -> None:
    receipt(town, [1_000], at=clock.now() - timedelta(days=2))
    url = f"/programmes/{town.points.pk}/rules/multiplier/"
    page = keeper.post(url, {"name": "Tout double", "factor": "2", "simulate": "4"})
    assert "Pas assez de personnes" in page.content.decode()


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("multiplier", {"name": "x", "factor": "1"}),
        ("multiplier", {"name": "", "factor": "2"}),
        ("multiplier", {"name": "x", "factor": "2", "begin": "17:00", "finish": "15:00"}),
        ("multiplier", {"name": "x", "factor": "2", "weekdays": ["9"]}),
        ("spend", {"name": "x", "units": "0", "per": "1"}),
        ("spend", {"name": "x", "units": "1", "per": "0"}),
        ("product", {"name": "x", "units": "5"}),
        ("purchase", {"name": "x", "units": "1", "least": "-1"}),
        (
            "spend",
            {
                "name": "x",
                "units": "1",
                "per": "1",
                "starts_on": "2030-02-02",
                "ends_on": "2030-02-01",
            },
        ),
    ],
)
def test_what_is_no_rule_is_refused_beside_its_field(
    town: Loyalty, keeper: Client, kind: str, given: dict[str, object]
) -> None:
    answer = keeper.post(f"/programmes/{town.points.pk}/rules/{kind}/", {**given, "save": "1"})
    assert answer.status_code == 422
    assert 'class="errors"' in answer.content.decode() or "errors" in answer.content.decode()
    assert town.points.rules.count() == 1
    assert keeper.get(f"/programmes/{town.points.pk}/rules/lottery/").status_code == 404


def test_a_changed_rule_is_another_and_what_was_earned_stays(town: Loyalty, keeper: Client) -> None:
    old = town.points.rules.get()
    form = keeper.get(f"/programmes/{town.points.pk}/rules/{old.pk}/").content.decode()
    assert 'name="per" value="1"' in form
    keeper.post(
        f"/programmes/{town.points.pk}/rules/{old.pk}/",
        {"name": "2 par euro", "units": "2", "per": "1", "save": "1"},
    )
    old.refresh_from_db()
    new = town.points.rules.latest("id")
    assert (old.parameters["units"], new.parameters["units"]) == (1, 2)
    assert old.ends_at == new.starts_at
    assert new.replaces_id == old.pk
    keeper.post(f"/programmes/{town.points.pk}/rules/{new.pk}/end/")
    ended = Rule.objects.get(pk=new.pk).ends_at
    keeper.post(f"/programmes/{town.points.pk}/rules/{new.pk}/end/")
    assert Rule.objects.get(pk=new.pk).ends_at == ended


def test_rewards_suit_their_programme(town: Loyalty, keeper: Client, director: Client) -> None:
    base = f"/programmes/{town.points.pk}/rewards/"
    gift = {"kind": "gift", "name": "Un café", "cost": "50"}
    assert keeper.post(base, gift).status_code == 302
    assert keeper.post(base, {**gift, "kind": "stamp"}).status_code == 422
    assert keeper.post(base, {**gift, "kind": "voucher"}).status_code == 422, "worth what?"
    assert keeper.post(base, {**gift, "cost": "0"}).status_code == 422
    purse = f"/programmes/{town.purse.pk}/rewards/"
    answer = director.post(purse, {"kind": "voucher", "name": "x", "cost": "100", "value": "1"})
    assert answer.status_code == 422, (
        "a voucher of the coalition would be cleared at the wrong shop"
    )
    reward = Reward.objects.get(name="Un café")
    assert (reward.cost, reward.value_cents) == (50, 0)
    keeper.post(f"{base}{reward.pk}/stop/")
    assert not Reward.objects.get(pk=reward.pk).active


def test_tiers_by_shops_are_the_coalitions(town: Loyalty, keeper: Client, director: Client) -> None:
    tier = {"name": "Flâneur", "measure": "shops", "threshold": "3", "factor": "1.5"}
    assert keeper.post(f"/programmes/{town.points.pk}/tiers/", tier).status_code == 422
    url = f"/programmes/{town.purse.pk}/tiers/"
    assert director.post(url, tier).status_code == 302
    assert director.post(url, tier).status_code == 422
    spent = {"name": "Or", "measure": "spent", "threshold": "500", "factor": "1.2"}
    keeper.post(f"/programmes/{town.points.pk}/tiers/", spent)
    made = Tier.objects.get(name="Or")
    assert (made.threshold, made.multiplier_percent) == (50_000, 120)
    keeper.post(f"/programmes/{town.points.pk}/tiers/{made.pk}/remove/")
    assert not Tier.objects.filter(name="Or").exists()


def test_advantages_are_one_thing_each_and_the_shops_own(town: Loyalty, keeper: Client) -> None:
    url = "/programmes/advantages/"
    assert keeper.post(url, {"name": "Membres", "percent": "5"}).status_code == 302
    assert keeper.post(url, {"name": "Les deux", "percent": "5", "price": "3"}).status_code == 422
    assert keeper.post(url, {"name": "Rien"}).status_code == 422
    assert keeper.post(url, {"name": "Prix", "price": "3"}).status_code == 422, "of what?"
    priced = {"name": "Prix", "price": "2.50", "item_id": "A1"}
    assert keeper.post(url, priced).status_code == 302
    made = Advantage.objects.get(name="Prix")
    assert (made.price_cents, made.shop_id) == (250, town.cast.shops[0].pk)
    assert _as(town.cast.neighbour).post(f"{url}{made.pk}/end/").status_code == 404
    assert _as(town.cast.director).post(url, priced).status_code == 404
    keeper.post(f"{url}{made.pk}/end/")
    assert not Advantage.objects.filter(name="Prix").exists()


def test_a_sponsors_payment_is_entered_once_however_often_one_clicks(
    town: Loyalty, director: Client, keeper: Client
) -> None:
    director.post("/programmes/sponsors/", {"name": "La Laiterie"})
    sponsor = Sponsor.objects.get()
    paid = {"amount": "250.50", "key": str(uuid.uuid4())}
    for _ in range(3):
        director.post(f"/programmes/sponsors/{sponsor.pk}/fund/", paid)
    assert Account.objects.get(sponsor=sponsor).balance == 25_050
    assert "250,50\xa0€" in director.get("/programmes/sponsors/").content.decode()
    assert keeper.get("/programmes/sponsors/").status_code == 403
    assert keeper.post(f"/programmes/sponsors/{sponsor.pk}/fund/", paid).status_code == 403
    rule = {"name": "Lait", "factor": "3", "groups": "Crèmerie, FROMAGES", "sponsor": sponsor.pk}
    director.post(f"/programmes/{town.purse.pk}/rules/multiplier/", {**rule, "save": "1"})
    made = town.purse.rules.latest("id")
    assert made.sponsor_id == sponsor.pk
    assert made.parameters == {"percent": 300, "groups": ["crèmerie", "fromages"]}


def test_settings_are_saved_and_the_balance_is_called_alike(town: Loyalty, keeper: Client) -> None:
    given = {
        "name": "Mes points",
        "active": "on",
        "expires_after_months": "6",
        "returns": "balance",
    }
    assert keeper.post(f"/programmes/{town.points.pk}/", given).status_code == 302
    town.points.refresh_from_db()
    assert (town.points.expires_after_months, town.points.asset.name) == (6, "Mes points")
    assert keeper.post(f"/programmes/{town.points.pk}/", {**given, "name": ""}).status_code == 422


def test_a_rule_never_begins_in_the_past(town: Loyalty) -> None:
    before = clock.now() - timedelta(days=9)
    rule = services.add_rule(
        town.points, "spend", {"units": 1, "per_cents": 100}, "x", "user:1", starts_at=before
    )
    assert rule.starts_at > before + timedelta(days=8)
