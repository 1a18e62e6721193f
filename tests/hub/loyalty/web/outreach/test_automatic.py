"""Automatic messages, the outbox, and what the association sees of all shops."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.urls import reverse

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery, MonthFigures, Suppression
from chaland.hub.loyalty.models.figures import THE_TOWN
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.hub.loyalty.web.outreach.conftest import Outreach, typed
from tests.outreach_builders import NOON, build_deliveries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(clock, "_read", lambda: NOON)
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)


@pytest.mark.parametrize("kind", ["points", "stamps", "birthday", "receipt"])
def test_each_kind_is_prepared_switched_on_and_off(outreach: Outreach, kind: str) -> None:
    keeper = outreach.keeper
    prepared = keeper.post(reverse("automatic_begin", args=[kind]))
    campaign = Campaign.objects.get(automatic=kind)
    assert campaign.texts.count() == 4
    page = keeper.get(prepared["Location"])
    assert page.context["checks"].against == []
    draft = page.context["draft"]
    told = {"way": draft.way, "do": "send"}
    for (channel, language), words in draft.words.items():
        name = f"{channel}.{language}"
        told |= {f"{name}.subject": words.subject, f"{name}.body": words.body}
        told |= {f"{name}.button": words.button}
    keeper.post(prepared["Location"], told)
    run_once(NOON)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.RUNNING
    assert campaign.expires_at is None
    keeper.post(reverse("automatic_off", args=[kind]))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    again = keeper.post(reverse("automatic_begin", args=[kind]))
    assert again["Location"] == prepared["Location"]
    assert Campaign.objects.count() == 1


def test_a_neighbour_switches_nothing_off(outreach: Outreach) -> None:
    outreach.campaign(outreach.shop, automatic="birthday", state="running")
    neighbour = outreach.client(outreach.cast.neighbour)
    assert neighbour.post(reverse("automatic_off", args=["birthday"])).status_code == 404
    assert neighbour.post(reverse("automatic_begin", args=["never"])).status_code == 404


def test_the_outbox_shows_ones_own_messages_as_they_are_read(outreach: Outreach) -> None:
    members = outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop, holdout_percent=0)
    told = typed(holdout="0", way="email", do="send")
    outreach.keeper.post(reverse("campaign_edit", args=[campaign.pk]), told)
    for _turn in range(3):
        run_once(NOON)
    listed = outreach.keeper.get(reverse("outbox"))
    assert len(listed.context["rows"]) == len(members)
    text = listed.content.decode()
    assert not any(member.email and member.email in text for member in members)
    row = Delivery.objects.filter(member=members[0]).get()
    shown = outreach.keeper.get(reverse("outbox_message", args=[row.pk]))
    assert f"Bonjour {members[0].first_name}" in shown.content.decode()
    mail = outreach.keeper.get(reverse("outbox_html", args=[row.pk]))
    assert f"Bonjour {members[0].first_name}" in mail.content.decode()
    assert "sandbox" in mail["Content-Security-Policy"]
    for user in (outreach.cast.neighbour, outreach.cast.director, outreach.cast.stranger):
        client = outreach.client(user)
        for name in ("outbox_message", "outbox_html"):
            assert client.get(reverse(name, args=[row.pk])).status_code == 404


def test_there_is_no_outbox_where_messages_really_leave(outreach: Outreach) -> None:
    stranger = outreach.client(outreach.cast.stranger)
    assert stranger.get(reverse("outbox"))["Location"] == reverse("outreach")
    assert reverse("outbox") not in stranger.get(reverse("outreach")).content.decode()


def test_whose_messages_tire_people_stands_first(outreach: Outreach) -> None:
    shops = outreach.cast.shops
    for number, (shop, stops) in enumerate(((shops[0], 0), (shops[1], 3))):
        members = outreach.people(60, shop)
        campaign = outreach.campaign(
            shop, seed=number, send_at=NOON, state="finished", expires_at=NOON
        )
        build_deliveries(campaign, members, "email")
        rows = Delivery.objects.filter(campaign=campaign)
        rows.update(state="delivered", sending_at=NOON - timedelta(days=1))
        for row in rows[:stops]:
            Suppression.objects.create(
                association_id=outreach.town,
                channel="email",
                index=row.key.bytes,
                cause="stop",
                at=NOON - timedelta(hours=1),
                delivery=row,
            )
    page = outreach.director.get(reverse("outreach_overview"))
    assert [row.name for row in page.context["rows"]] == [shops[1].name, shops[0].name]
    assert [row.tires for row in page.context["rows"]] == [True, False]
    assert page.context["members"].messages == 120


def test_the_association_sees_who_joins_and_what_is_attached_month_by_month(
    outreach: Outreach,
) -> None:
    attach = {
        "receipts": 400, "attached": 120, "attached_24h": 100, "cents": 1, "attached_cents": 1
    }  # fmt: skip
    for month, joined in ((9, 15), (10, None)):
        MonthFigures.objects.create(
            association_id=outreach.town,
            shop_id=THE_TOWN,
            month=date(2026, month, 1),
            content={"attach": attach, "joined": joined},
            released_at=NOON,
        )
    campaign = outreach.campaign(send_at=NOON, state="finished", expires_at=NOON)
    build_deliveries(campaign, outreach.people(12), "email")
    at = datetime(2026, 9, 30, 22, 30, tzinfo=UTC)  # October already, in the town
    Delivery.objects.update(state="delivered", sending_at=at)
    page = outreach.director.get(reverse("outreach_overview"))
    told = [(row.month.month, row.messages, row.joined) for row in page.context["months"]]
    assert told == [(10, 12, None), (9, 0, 15)]
    assert page.context["months"][0].attach.text[:2] == "30"
    assert page.context["months"][0].attach.text in page.content.decode()
