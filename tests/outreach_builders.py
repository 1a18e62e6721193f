"""Members who agreed to be written to, a gateway, and a campaign with its deliveries: made in bulk,
as their services would leave them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    CampaignText,
    Delivery,
    Gateway,
    Member,
    Permission,
    Purpose,
)
from chaland.hub.loyalty.outreach import keys

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)
"""A Wednesday, noon in Paris: messages may go."""
AGREED = NOON - timedelta(days=60)


def build_reachable(association_id: int, count: int, channel: str = "sms") -> list[Member]:
    """Make members with number and address, who agreed to the association's offers."""
    first = Member.objects.count()
    members = Member.objects.bulk_create(
        (_member(association_id, number) for number in range(first, first + count)),
        batch_size=1_000,
    )
    Permission.objects.bulk_create(
        (
            Permission(
                member=member,
                controller=THE_ASSOCIATION,
                purpose=Purpose.OFFERS,
                channel=channel,
                given=True,
                since=AGREED,
            )
            for member in members
        ),
        batch_size=1_000,
    )
    return members


def _member(association_id: int, number: int) -> Member:
    phone, email = f"+33639{number:06}", f"m{number}@example.org"
    return Member(
        association_id=association_id,
        first_name=f"Anna{number}",
        phone=phone,
        phone_index=contacts.blind("phone", association_id, phone),
        email=email,
        email_index=contacts.blind("email", association_id, email),
        chain_salt=number.to_bytes(32),
        enrolled_at=AGREED,
        enrolled_by="system:tests",
        last_active_on=AGREED.date(),
    )


def build_gateway(
    association_id: int,
    channel: str = "sms",
    driver: str = "outbox",
    settings: str = "",
    **more: int,
) -> Gateway:
    """Make a gateway without a limit of its own; for text messages it has a number for STOP."""
    usual = '{"stop": "36105"}' if channel == "sms" else '{"offline": true}'
    return Gateway.objects.create(
        association_id=association_id,
        channel=channel,
        driver=driver,
        settings=settings or usual,
        sender="Vitrines" if channel == "sms" else "bonjour@vitrines.example",
        hook=f"hook-{association_id}-{channel}",
        hook_hash=f"{association_id}-{channel}",
        created_at=AGREED,
        **{"rate_per_s": 0, **more},
    )


def build_campaign(association_id: int, channel: str = "sms", **fields: object) -> Campaign:
    """Make a campaign that is being sent, to all who agreed to the association's offers."""
    campaign = Campaign.objects.create(
        association_id=association_id,
        **{
            "controller": THE_ASSOCIATION,
            "name": "Vente privée",
            "channels": [channel],
            "seed": 1 + Campaign.objects.count(),
            "state": Campaign.State.RUNNING,
            "send_at": NOON,
            "started_at": NOON,
            "frozen_at": NOON,
            "expires_at": NOON + timedelta(days=2),
            "created_at": AGREED,
            "created_by": "user:1",
            **fields,
        },
    )
    CampaignText.objects.create(
        campaign=campaign,
        channel=channel,
        language="fr",
        subject="Vente privée",
        body="Bonjour {first_name}, à samedi !",
    )
    return campaign


def build_deliveries(campaign: Campaign, members: Sequence[Member], channel: str = "sms") -> None:
    """Plan one delivery for each member, as drawing the audience does."""
    salted = keys.salt(campaign.seed, channel)
    Delivery.objects.bulk_create(
        (
            Delivery(
                key=keys.delivery_key(salted, member.pk),
                campaign=campaign,
                member=member,
                channel=channel,
                not_before=campaign.send_at,
                expires_at=campaign.expires_at,
                changed_at=NOON,
            )
            for member in members
        ),
        batch_size=1_000,
    )
