"""What goes by itself says our sentences: no advertisement rides on a receipt or a reminder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Campaign, CampaignText
from chaland.hub.loyalty.outreach import against, campaigns
from chaland.hub.loyalty.outreach.automatic_texts import Fixed, fixed, greeting_of, offers_in
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from tests.outreach_builders import NOON

KINDS = ["points", "stamps", "birthday", "receipt"]


def begun(kind: str) -> Campaign:
    return campaigns.create(1, 7, name="M", created_by="user:1", now=NOON, automatic=kind)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_no_other_text_is_written(kind: str, channel: str) -> None:
    campaign = begun(kind)
    campaigns.write_automatic(campaign.pk, {})
    ours = fixed(kind, channel, "fr")
    offer = f"{ours.body}\n\nDemain -20 % sur tout !"
    for said in (
        Fixed(ours.subject, offer, ours.button),
        Fixed(ours.subject, "-20 % demain", ours.button),
        Fixed("Promo chez {shop}", ours.body, ours.button),
        Fixed(ours.subject, ours.body, "Profitez-en"),
        Fixed(ours.subject, fixed("points", channel, "en", "x").body, ours.button),
    ):
        with pytest.raises(CampaignErrorFinal):
            campaigns.write_text(
                campaign.pk, channel, "fr",
                subject=said.subject, body=said.body, button=said.button,
            )  # fmt: skip
    kept = CampaignText.objects.get(campaign=campaign, channel=channel, language="fr")
    assert Fixed(kept.subject, kept.body, kept.button) == ours


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_a_reminder_is_greeted_and_a_receipt_is_not(kind: str) -> None:
    campaign = begun(kind)
    if kind == "receipt":
        with pytest.raises(CampaignErrorFinal):
            campaigns.write_automatic(campaign.pk, {"fr": "À bientôt !"})
        return
    campaigns.write_automatic(campaign.pk, {"fr": "Toute l’équipe pense à vous !"})
    for text in CampaignText.objects.filter(campaign=campaign):
        greeting = greeting_of(kind, text.channel, text.language, text.body)
        assert greeting == ("Toute l’équipe pense à vous !" if text.language == "fr" else "")
    with pytest.raises(CampaignErrorFinal):
        campaigns.write_automatic(campaign.pk, {"fr": "Bonjour " * 11})


@pytest.mark.parametrize(
    "offer",
    [
        "-20 % demain", "Profitez de nos PROMOS", "Une réduction vous attend", "Soldes !",
        "Remise pour vous", "Nos offres", "Un cadeau offert", "Vingt pour cent", "5 €", "５％",
        "Everything on sale", "A discount for you", "Half price", "Voyez exemple.fr", "{code}",
        "P R O M O chez nous", "pr\u200bomo", "ｐｒｏｍｏ", "prоmo", "Moitié prix", "🎁 pour vous",
        "p.r.o.m.o", "ligne\nautre", "dix euros", "\u00bd tarif", "Achetez-en deux",
    ],
)  # fmt: skip
def test_what_offers_or_hides_an_offer_is_found(offer: str) -> None:
    assert offers_in(offer)


@pytest.mark.parametrize(
    "greeting",
    [
        "Bon anniversaire de toute l’équipe !", "À très bientôt, cœur de ville", "Merci d’être là.",
        "Joyeuses fêtes — l’équipe de la librairie", "See you soon; all the best!", "Bonne année !",
        "Il n’y a pas d’âge pour la lecture", "Tous vos commerçants pensent à vous !",
    ],
)  # fmt: skip
def test_a_plain_greeting_is_none(greeting: str) -> None:
    assert offers_in(greeting) == []


@given(
    st.text(max_size=90),
    st.sampled_from(KINDS),
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["fr", "en"]),
)
def test_a_text_is_ours_with_a_greeting_or_it_is_not_ours(
    text: str, kind: str, channel: str, language: str
) -> None:
    ours = fixed(kind, channel, language)
    for body in (
        text,
        ours.body + text,
        text + ours.body,
        fixed(kind, channel, language, text).body,
    ):
        greeting = greeting_of(kind, channel, language, body)
        assert greeting is None or fixed(kind, channel, language, greeting).body == body


@pytest.mark.django_db
def test_a_text_of_an_older_version_is_not_announced() -> None:
    campaign = begun("receipt")
    campaigns.write_automatic(campaign.pk, {})
    CampaignText.objects.filter(campaign=campaign, channel="sms").update(body="-20 % {link}")
    assert any("figé" in each or "fix" in each for each in against._against_automatic(campaign))
