"""Few people: what a number hides, writing to them must not show; a shop knows its customers."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Channel, Delivery, Member, Permission, Purpose
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.hub.loyalty.web.outreach.conftest import Outreach, typed
from tests.outreach_builders import AGREED, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_read", lambda: NOON)


def _birthdays(outreach: Outreach, shop: Shop | None, number: int) -> Campaign:
    """Make a campaign to who has a birthday this month, of whom there are so many."""
    for member in outreach.people(number, shop):
        member.birth_month = NOON.month
        member.save(update_fields=["birth_month"])
    outreach.people(12, shop)
    return outreach.campaign(shop, criteria=[{"name": "birthday_month"}], holdout_percent=0)


@pytest.mark.parametrize("whose", ["shop", "association"])
def test_criteria_that_choose_fewer_than_ten_are_written_to_by_nobody(
    outreach: Outreach, whose: str
) -> None:
    shop = outreach.shop if whose == "shop" else None
    client = outreach.keeper if shop else outreach.director
    campaign = _birthdays(outreach, shop, 9)
    page = reverse("campaign_edit", args=[campaign.pk])
    told = typed(criteria="birthday_month", holdout="0")
    panel = client.post(page, told, headers={"HX-Request": "true"})
    assert "moins de 10 personnes" in panel.context["checks"].against[0].lower()
    answer = client.post(page, {**told, "do": "send"})
    assert answer.status_code == 422
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    everybody = client.post(page, {**typed(holdout="0"), "do": "send"})
    assert everybody.status_code == 302


def test_an_audience_that_has_shrunk_below_ten_since_is_not_drawn(outreach: Outreach) -> None:
    campaign = _birthdays(outreach, None, 10)
    page = reverse("campaign_edit", args=[campaign.pk])
    later = typed(criteria="birthday_month", holdout="0", when="later", at="2026-11-20T10:30")
    assert outreach.director.post(page, {**later, "do": "send"}).status_code == 302
    Member.objects.filter(pk=outreach.members[0].pk).update(birth_month=1)
    run_once(NOON + timedelta(days=4))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.PAUSED
    assert "10" in campaign.trouble
    assert not Delivery.objects.filter(campaign=campaign).exists()


def test_the_association_reads_of_nobody_why_they_were_chosen(outreach: Outreach) -> None:
    campaign = _birthdays(outreach, None, 13)
    page = reverse("campaign_edit", args=[campaign.pk])
    told = {**typed(criteria="birthday_month", holdout="0"), "do": "send"}
    director = outreach.director
    assert director.post(page, told).status_code == 302
    for _turn in range(3):
        run_once(NOON)
    row = Delivery.objects.filter(campaign=campaign).order_by("pk")[0]
    Delivery.objects.filter(pk=row.pk).update(state="failed", code="550 5.7.1")
    addresses = (
        reverse("campaign", args=[campaign.pk]),
        reverse("campaign_people", args=[campaign.pk]),
        reverse("campaign_people", args=[campaign.pk]) + "?which=sent",
        reverse("outreach"),
    )
    for address in addresses:
        text = director.get(address).content.decode()
        assert not re.search(r"\bAnn\b", text), address
        assert not re.search(r"(?<!\d)1[1-4](?!\d)(?! novembre|:)", _words(text)), address
    failed = director.get(addresses[1])
    assert "550 5.7.1" in failed.content.decode()
    assert len(failed.context["people"]) == 1


def _words(page: str) -> str:
    main = page[page.index("<main") :]
    return re.sub(r"<[^>]*>", " ", main)


def test_a_shop_reads_who_of_its_own_customers_was_chosen(outreach: Outreach) -> None:
    campaign = _birthdays(outreach, outreach.shop, 13)
    page = reverse("campaign_edit", args=[campaign.pk])
    outreach.keeper.post(page, {**typed(criteria="birthday_month", holdout="0"), "do": "send"})
    run_once(NOON)
    people = outreach.keeper.get(reverse("campaign_people", args=[campaign.pk]))
    assert len(people.context["people"]) == 13
    assert "Ann" in people.content.decode()


def test_who_lets_purchases_be_looked_at_is_told_where_few_are_chosen(outreach: Outreach) -> None:
    made = outreach.people(20, outreach.shop)
    Permission.objects.bulk_create(
        Permission(
            member=member, controller=outreach.shop.pk, purpose=Purpose.PORTRAIT,
            channel=Channel.NONE, given=True, since=AGREED,
        )
        for member in made[:12]
    )  # fmt: skip
    campaign = outreach.campaign(outreach.shop, criteria=[{"name": "bought_within", "days": 90}])
    address = reverse("campaign_edit", args=[campaign.pk])
    shown = outreach.keeper.get(address)
    assert shown.context["checks"].allowing == (10, 20)
    assert "10 de vos 20 clients" in shown.content.decode().replace("\xa0", " ")
    Permission.objects.filter(purpose=Purpose.PORTRAIT).delete()
    assert outreach.keeper.get(address).context["checks"].allowing == (None, 20)
