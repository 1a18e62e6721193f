"""The member's page of messages: caps only lowered, kinds chosen, and why each message came."""

from datetime import timedelta

import pytest
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.models import Delivery, Member, MessageChoice
from tests.builders import build_cast
from tests.outreach_builders import NOON, build_campaign, build_deliveries, build_reachable

pytestmark = pytest.mark.django_db


@pytest.fixture
def members(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    monkeypatch.setattr(clock, "_read", lambda: NOON)
    return build_reachable(build_cast(2).association.pk, 2)


def _in(member: Member) -> Client:
    client = Client()
    client.post(links.account_link(member.pk, "till:1 seller:1"))
    return client


def test_caps_are_lowered_and_kinds_chosen(members: list[Member]) -> None:
    client = _in(members[0])
    client.post("/me/messages/", {"per_week": "1", "per_month": "4", "automatic": ["stamps"]})
    choice = MessageChoice.objects.get(member=members[0])
    assert (choice.per_week, choice.per_month, choice.automatic) == (1, None, ["stamps"])
    client.post("/me/messages/", {"per_week": "99", "automatic": ["stamps", "spam"]})
    choice.refresh_from_db()
    assert (choice.per_week, choice.automatic) == (1, ["stamps"])
    client.post("/me/messages/", {"per_week": "2", "per_month": "0"})
    choice.refresh_from_db()
    assert (choice.per_week, choice.per_month, choice.automatic) == (None, 0, [])
    for unreadable in ({"per_month": "-1"}, {"per_month": ""}, {"per_month": "²"}, {}):
        client.post("/me/messages/", {"per_week": "2", **unreadable})
        choice.refresh_from_db()
        assert choice.per_month == 0


def test_what_came_and_what_did_not_is_told_with_its_reason(members: list[Member]) -> None:
    sent = build_campaign(members[0].association_id, name="Vente d’hiver")
    missed = build_campaign(members[0].association_id)
    for campaign in (sent, missed):
        build_deliveries(campaign, members)
    mine = Delivery.objects.filter(member=members[0])
    mine.filter(campaign=sent).update(state="delivered", sending_at=NOON - timedelta(hours=1))
    mine.filter(campaign=missed).update(state="not_sent", reason="cap")
    text = _in(members[0]).get("/me/messages/").content.decode()
    assert "Pourquoi ai-je reçu ce message" in text
    assert "a reçu autant de messages que permis" in text
    assert "Les Vitrines de Port-Lin" in text
    assert members[1].first_name not in text


def test_it_needs_the_members_own_session(members: list[Member]) -> None:
    assert Client().get("/me/messages/").status_code == 403
    assert Client().post("/me/messages/", {"per_week": "0"}).status_code == 403
    assert not MessageChoice.objects.filter(per_week=0).exists()
