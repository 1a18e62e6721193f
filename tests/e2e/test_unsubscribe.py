"""The page behind a mail's link to unsubscribe, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from chaland.hub.common import clock
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import Campaign, Member, MessageChoice
from chaland.hub.loyalty.outreach import stopping
from tests import builders
from tests.loyalty_builders import build_members

from .conftest import Site


@pytest.fixture
def link(transactional_db: None) -> str:
    cast = builders.build_cast(2)
    shop, member = cast.shops[0], build_members(cast, 1)[0]
    texts = {(w.purpose, w.channel): w.pk for w in wordings.current(cast.association.pk, "fr")}
    yes = Decision(shop.pk, "offers", "email", True, texts["offers", "email"])
    consent.record(member, [yes], place="till", occurred_at=clock.now())
    Member.objects.filter(pk=member.pk).update(language="fr")
    campaign = Campaign.objects.create(
        association_id=cast.association.pk, controller=shop.pk, name="Vente privée", seed=1,
        created_at=clock.now(), created_by="user:1",
    )  # fmt: skip
    choice = MessageChoice.objects.get_or_create(member=member)[0]
    return f"/u/{stopping.token(choice.token, campaign.pk, 'email')}/"


def test_out_with_one_press_and_back_with_another(site: Site, link: str) -> None:
    site.open(link)
    site.check_everywhere("unsubscribe")
    title = site.page.get_by_role("heading", level=1)
    site.page.get_by_role("button", name="Se désinscrire").click()
    expect(title).to_have_text(re.compile("désinscription enregistrée"))
    site.check_everywhere("unsubscribed")
    site.page.get_by_role("button", name="Annuler").click()
    expect(title).to_have_text("Vous recevez de nouveau des messages")
    site.open("/u/x/")
    expect(title).to_have_text("Ce lien ne désigne personne")
    site.check_everywhere("unsubscribe-nobody")
