"""What is typed into a campaign has bounds, and says at once where it passes them."""

import pytest
from django.urls import reverse

from chaland.hub.loyalty.models import CampaignText
from tests.hub.loyalty.web.outreach.conftest import Outreach, typed

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("euro", ["1e400", "1e999999", "-5", "9" * 4_000, "1,234", "٣"])
def test_an_amount_that_is_none_is_told_at_once(outreach: Outreach, euro: str) -> None:
    """``int(Decimal("1e300000") * 100)`` stands still for ten seconds, and all threads with it."""
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    fields = {"spent_at_least.cents": euro, "spent_at_least.days": "30"}
    answer = outreach.keeper.post(page, typed(criteria=["spent_at_least"] * 9, **fields))
    assert answer.status_code == 422
    assert "de 1 à 100" in answer.context["faults"][0].replace("\u00a0", " ")


@pytest.mark.parametrize("part", ["email.fr.subject", "email.fr.button", "email.fr.body"])
def test_no_part_of_a_mail_leaves_open_what_isn_t_known(outreach: Outreach, part: str) -> None:
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    for wrong in ("Hé {fist_name}", "Stop {unsubscribe}", "Chez {shop"):
        answer = outreach.keeper.post(page, typed(**{part: wrong}))
        assert answer.status_code == 422, wrong
    assert not CampaignText.objects.filter(campaign=campaign, channel="email").exists()


def test_a_text_has_an_end(outreach: Outreach) -> None:
    """Each part of an SMS is paid for; a mail of a megabyte is compiled at each key."""
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    for part in ("sms.fr.body", "email.fr.body"):
        assert outreach.keeper.post(page, typed(**{part: "a\n" * 10_000})).status_code == 422
    outreach.keeper.post(page, typed(**{"sms.fr.body": "Samedi 🎉 " + "à samedi ! " * 40}))
    panel = outreach.keeper.post(page, typed(**{"sms.fr.body": "Samedi 🎉 " + "à samedi ! " * 40}))
    sent = outreach.keeper.post(
        page, typed(**{"sms.fr.body": "Samedi 🎉 " + "à samedi ! " * 40, "do": "send"})
    )
    assert panel.status_code == 302
    assert sent.status_code == 422
    assert any("6 SMS" in each.replace("\u00a0", " ") for each in sent.context["faults"])


def test_a_hold_out_is_of_the_list(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    for odd in ("99", "-5", "", "x"):
        assert outreach.keeper.post(page, typed(holdout=odd)).status_code == 422
    campaign.refresh_from_db()
    assert campaign.holdout_percent == 10


def test_a_nul_in_a_field_is_a_bad_request(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    assert outreach.keeper.post(page, typed(name="x\x00y")).status_code == 400
    assert outreach.keeper.get(reverse("outreach"), {"page": "\x00"}).status_code == 400


@pytest.mark.parametrize("at", ["2027-03-28T02:30", "2027-03-28T02:00"])
def test_an_hour_that_the_clocks_skip_is_no_time(outreach: Outreach, at: str) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    answer = outreach.keeper.post(page, typed(when="later", at=at, do="send"))
    assert answer.status_code == 422
    assert "Départ" in answer.context["faults"][0]


def test_what_is_due_is_told_as_due_and_not_for_a_time_that_is_past(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    assert "</svg>prénom</button>" in outreach.keeper.get(page).content.decode()
    outreach.keeper.post(page, typed(do="send"))
    text = outreach.keeper.get(reverse("campaign", args=[campaign.pk])).content.decode()
    assert "d’ici quelques secondes" in text
    assert "sera arrêtée le" not in text
