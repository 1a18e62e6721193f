"""Campaigns: what is said twice, or too late, sends nothing twice; what is missing is named."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils.translation import override

from chaland.hub.loyalty.models import Campaign, CampaignText, Delivery, Gateway, Member
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db
_State = Campaign.State


@pytest.fixture
def draft(town: Town) -> Campaign:
    """A campaign by text message to everybody, written in French."""
    Delivery.objects.all().delete()
    Campaign.objects.all().delete()
    made = campaigns.create(
        town.association_id, 0, name="Noël", created_by="user:1", now=town.now,
        channels=["sms"], holdout_percent=0,
    )  # fmt: skip
    campaigns.write_text(made.pk, "sms", "fr", body="Bonjour {first_name}, à samedi !")
    return made


def against(campaign: Campaign, town: Town) -> str:
    """Return why it can't be announced."""
    with pytest.raises(CampaignErrorFinal) as told:
        campaigns.schedule(campaign.pk, town.now, town.now)
    assert Campaign.objects.get(pk=campaign.pk).state == _State.DRAFT
    return str(told.value)


def test_from_idea_to_sent(town: Town, draft: Campaign) -> None:
    for _ in range(2):
        campaigns.schedule(draft.pk, town.now + timedelta(hours=1), town.now)
    assert not run_once(town.now)
    done = run_once(town.later(hours=1))
    assert (done.other["started"], done.states["accepted"]) == (1, 12)
    assert Campaign.objects.get().state == _State.FINISHED
    assert len(town.sent()) == 12


def test_what_is_missing_is_named(town: Town, draft: Campaign) -> None:
    Gateway.objects.update(active=False)
    with override("en"):
        assert against(draft, town) == "There is no gateway for SMS yet."
    Gateway.objects.update(active=True, settings="{}")
    assert "STOP" in against(draft, town)
    Gateway.objects.update(settings='{"stop": "36105"}')
    Member.objects.filter(pk=town.members[0].pk).update(language="en")
    with override("en"):
        assert against(draft, town) == "SMS: no text in English."
    campaigns.write_text(draft.pk, "sms", "en", body="Hello {first_name}, see you on Saturday!")
    campaigns.schedule(draft.pk, town.now, town.now)


def test_the_word_soldes_is_refused_outside_of_its_days(town: Town, draft: Campaign) -> None:
    campaigns.write_text(draft.pk, "sms", "fr", body="Soldes chez nous samedi !")
    assert "soldes" in against(draft, town).lower()


def test_a_text_with_a_wrong_placeholder_is_not_kept(town: Town, draft: Campaign) -> None:
    with pytest.raises(CampaignErrorFinal):
        campaigns.write_text(draft.pk, "sms", "fr", body="Bonjour {prénom}")
    assert "first_name" in CampaignText.objects.get().body


def test_what_is_out_of_date_is_refused(town: Town, draft: Campaign) -> None:
    late = "It is out of date before it would be sent."
    with override("en"), pytest.raises(CampaignErrorFinal, match=f"^{late}$"):
        campaigns.schedule(draft.pk, town.now, town.now, expires_at=town.now)
    campaigns.schedule(draft.pk, town.now, town.now)
    run_once(town.later(hours=9))  # by night: drawn, nothing sent
    campaigns.pause(draft.pk)
    with pytest.raises(CampaignErrorFinal):
        campaigns.resume(draft.pk, town.later(days=4))
    run_once(town.now)
    assert town.states() == {"expired": 12}
    assert Campaign.objects.get().state == _State.FINISHED


def test_cancelled_is_for_good(town: Town, draft: Campaign) -> None:
    campaigns.schedule(draft.pk, town.now, town.now)
    run_once(town.later(hours=9))
    for _ in range(2):
        campaigns.cancel(draft.pk, town.now)
    assert town.states() == {"cancelled": 12}
    for again in (campaigns.pause, lambda pk: campaigns.resume(pk, town.now)):
        with pytest.raises(CampaignErrorFinal):
            again(draft.pk)
    run_once(town.later(hours=15))
    assert town.sent() == []


def test_what_a_worker_held_while_it_was_cancelled_is_not_sent(town: Town, draft: Campaign) -> None:
    campaigns.schedule(draft.pk, town.now, town.now)
    run_once(town.later(hours=9))
    ids = list(Delivery.objects.values_list("pk", flat=True)[:3])
    Delivery.objects.filter(pk__in=ids).update(
        state="claimed", lease="0" * 32, leased_until=town.now
    )
    campaigns.cancel(draft.pk, town.now)
    assert Campaign.objects.get().finished_at is None
    run_once(town.later(minutes=1))
    run_once(town.later(minutes=1))
    assert town.states() == {"cancelled": 12}
    assert Campaign.objects.get().finished_at


@pytest.mark.parametrize(
    "change",
    [
        lambda pk: campaigns.edit(pk, name="Autre"),
        lambda pk: campaigns.write_text(pk, "sms", "fr", body="Autre"),
        campaigns.take_back,
    ],
)
def test_what_is_being_sent_is_not_changed(
    town: Town, draft: Campaign, change: Callable[[int], object]
) -> None:
    campaigns.schedule(draft.pk, town.now, town.now)
    run_once(town.later(hours=9))
    with pytest.raises(CampaignErrorFinal):
        change(draft.pk)


def test_taken_back_it_can_be_changed_and_is_not_sent(town: Town, draft: Campaign) -> None:
    campaigns.schedule(draft.pk, town.now + timedelta(minutes=1), town.now)
    campaigns.take_back(draft.pk)
    campaigns.edit(draft.pk, name="Autre", holdout_percent=20)
    assert not run_once(town.later(hours=1))
    assert town.sent() == []


def test_what_a_campaign_can_not_have_is_refused(town: Town) -> None:
    with pytest.raises(CampaignErrorFinal) as told:
        campaigns.create(
            town.association_id, 0, name=" ", created_by="user:1", now=town.now,
            channels=["pigeon"], holdout_percent=90, criteria=[{"name": "religion"}],
        )  # fmt: skip
    assert len(told.value.reasons) == 4
