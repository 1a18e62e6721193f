"""A campaign of mails, and what sends them, without a database."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from chaland.hub.loyalty.models import Campaign, CampaignText, Channel
from chaland.hub.loyalty.outreach.mail.compose import Form
from chaland.hub.loyalty.outreach.mail.settings import MailSettings

KEY = UUID(int=0x0123456789ABCDEF0123456789ABCDEF).hex
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
COMMON = {
    "shop": "Café des Halles & « Fils »",
    "association": "Les Vitrines de Port-Lin",
    "sale": "Nuit d’été",
    "place": "Café des Halles & « Fils »",
    "dates": "du vendredi 3 au samedi 4 juillet 2026",
    "postal": "3 rue du Port, 29000 Port-Lin",
    "origin": "https://fidelite.port-lin.example",
}
OWN = {
    "first_name": "Zoé",
    "code": "AB12-CD34",
    "link": "https://fidelite.port-lin.example/i/AB12CD34/",
    "unsubscribe": "k7Qw" * 10 + "Zz",
}
BODY = """Bonjour {first_name},

Ça y est : {shop} vous invite à {sale}. Des prix jusqu’à -30 %, rien que pour vous, {first_name}.
.Un point au début d’une ligne, et une seconde ligne = la suite.

À bientôt à {place} !"""
SETTINGS = MailSettings.of(
    {"bounces": "retours@port-lin.example", "postal": COMMON["postal"]}, "bonjour@port-lin.example"
)


def written(
    body: str = BODY,
    subject: str = "{first_name}, votre vente privée à {shop}",
    language: str = "fr",
) -> tuple[CampaignText, Campaign]:
    campaign = Campaign(pk=7, association_id=1, controller=3, sale_id=4, seed=1)
    text = CampaignText(
        campaign=campaign, channel=Channel.EMAIL, language=language, subject=subject, body=body,
        button="Réserver ma place",
    )  # fmt: skip
    return text, campaign


@pytest.fixture
def form() -> Form:
    return Form(*written(), SETTINGS, COMMON)
