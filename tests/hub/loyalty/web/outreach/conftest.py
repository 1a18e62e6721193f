"""A town whose members agreed to messages of the association and of a shop, with both gateways."""

from dataclasses import dataclass, field

import pytest
from django.test import Client

from chaland.hub.association.models import Shop, User
from chaland.hub.loyalty.models import Campaign, Member, Permission, Purpose, ShopCustomer
from tests.builders import Cast, build_cast
from tests.outreach_builders import AGREED, NOON, build_gateway, build_reachable

CHANNELS = ("sms", "email")


@dataclass
class Outreach:
    """The cast, with who is signed in where."""

    cast: Cast
    members: list[Member] = field(default_factory=list)

    @property
    def town(self) -> int:
        return self.cast.association.pk

    @property
    def shop(self) -> Shop:
        return self.cast.shop

    def client(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    @property
    def keeper(self) -> Client:
        return self.client(self.cast.shopkeeper)

    @property
    def director(self) -> Client:
        return self.client(self.cast.director)

    def people(self, count: int, shop: Shop | None = None) -> list[Member]:
        """Make members who agreed to offers by both ways: of a shop, or of the association."""
        made = build_reachable(self.town, count, "email")
        shop_id = shop.pk if shop else 0
        Permission.objects.filter(member__in=made).delete()
        Permission.objects.bulk_create(
            Permission(
                member=member,
                controller=shop_id,
                purpose=Purpose.OFFERS,
                channel=channel,
                given=True,
                since=AGREED,
            )
            for member in made
            for channel in CHANNELS
        )
        if shop:
            ShopCustomer.objects.bulk_create(
                ShopCustomer(member=member, shop_id=shop.pk, since=AGREED) for member in made
            )
        self.members += made
        return made

    def campaign(self, shop: Shop | None = None, **more: object) -> Campaign:
        """Make a campaign in preparation."""
        return Campaign.objects.create(
            association_id=self.town,
            controller=shop.pk if shop else 0,
            **{
                "name": "Rentrée",
                "channels": ["email", "sms"],
                "seed": 7,
                "created_at": NOON,
                "created_by": "user:1",
                **more,
            },
        )


def typed(**more: str | list[str]) -> dict[str, str | list[str]]:
    """Return the page's fields as somebody fills them in."""
    return {
        "name": "Rentrée",
        "whom": "1",
        "way": "email,sms",
        "holdout": "10",
        "when": "now",
        "email.fr.subject": "La rentrée de {shop}",
        "email.fr.body": "Bonjour {first_name},\n\nvenez voir les nouveautés.",
        "email.fr.button": "Mon compte",
        "email.en.subject": "",
        "email.en.body": "",
        "email.en.button": "",
        "sms.fr.body": "Bonjour {first_name}, les nouveautés sont là. {link}",
        "sms.en.body": "",
        **more,
    }


@pytest.fixture
def outreach(db: None) -> Outreach:
    return built()


def built() -> Outreach:
    found = Outreach(build_cast(2, simulated=True))
    for channel in CHANNELS:
        build_gateway(found.town, channel)
    return found
