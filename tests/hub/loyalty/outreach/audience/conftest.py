"""Members who agreed to something, campaigns that rest on it, and the queue's view of both."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision, Recording
from chaland.hub.loyalty.members.services import set_contacts
from chaland.hub.loyalty.models import Campaign, Delivery, Member, Receipt, ReceiptLine
from chaland.hub.loyalty.outreach.shapes import Waiting
from tests import builders
from tests.builders import Cast
from tests.loyalty_builders import build_members

NOW = datetime(2026, 11, 18, 11, tzinfo=UTC)
"""A Wednesday, at noon in Paris."""
AGREED = NOW - timedelta(days=60)
SMS, EMAIL, PORTRAIT = ("offers", "sms"), ("offers", "email"), ("portrait", "none")
Buy = Callable[..., Receipt]
SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set the hub's clock; it begins at `NOW`."""

    def use(moment: datetime) -> None:
        monkeypatch.setattr(clock, "_read", lambda: moment)

    use(NOW)
    return use


@pytest.fixture
def cast(db: None, set_clock: SetClock) -> Cast:
    return builders.build_cast(3)


@pytest.fixture
def shop(cast: Cast) -> int:
    return cast.shops[0].pk


def give(members: Sequence[Member], controller: int, *boxes: tuple[str, str]) -> None:
    """Let members agree to boxes (purpose, channel) of a controller, as at a till."""
    texts = {
        (w.purpose, w.channel): w.pk for w in wordings.current(members[0].association_id, "fr")
    }
    decisions = [Decision(controller, *box, True, texts[box]) for box in boxes]
    consent.record_many([Recording(m, decisions, "till", AGREED) for m in members])


def people(
    cast: Cast,
    count: int,
    *boxes: tuple[str, str],
    controller: int | None = None,
    shop_ids: Sequence[int] = (),
) -> list[Member]:
    """Make customers (of shop 0) with number and address, who agreed to boxes of the shop, or of
    ``controller``."""
    members = build_members(cast, count, shop_ids)
    for member in members:
        set_contacts(member, f"+3363998{member.pk:04}", f"m{member.pk}@example.org")
        member.save()
    if boxes:
        give(members, cast.shops[0].pk if controller is None else controller, *boxes)
    return members


def campaign_of(cast: Cast, controller: int, *criteria: dict[str, Any], **fields: Any) -> Campaign:
    """Make a campaign that is being sent, to everybody of ``controller`` who agreed."""
    fields = {
        "channels": ["sms", "email"],
        "holdout_percent": 0,
        "seed": Campaign.objects.count() + 7,
        "state": Campaign.State.RUNNING,
        "send_at": NOW,
        "expires_at": NOW + timedelta(days=20),
        **fields,
    }
    return Campaign.objects.create(
        association_id=cast.association.pk,
        controller=controller,
        name="Vente privée",
        criteria=list(criteria),
        created_at=NOW,
        created_by="user:1",
        **fields,
    )


def waiting(deliveries: Sequence[Delivery]) -> list[Waiting]:
    """Return deliveries as the queue hands them to us."""
    return [
        Waiting(d.pk, d.key, d.campaign_id, d.member_id or 0, d.channel, d.occasion, d.expires_at)
        for d in deliveries
    ]


def planned(campaign: Campaign, members: Sequence[Member], channel: str = "sms") -> list[Waiting]:
    """Make deliveries that wait, one for each member."""
    return waiting(
        [
            Delivery.objects.create(
                campaign=campaign,
                member=member,
                channel=channel,
                not_before=NOW,
                expires_at=campaign.expires_at or NOW,
                changed_at=NOW,
            )
            for member in members
        ]
    )


@pytest.fixture
def buy(cast: Cast) -> Buy:
    """Let a member have bought ``days`` ago."""

    def bought(
        member: Member, cents: int = 2_000, days: int = 5, shop: int = 0, group: str = ""
    ) -> Receipt:
        number = f"R{Receipt.objects.count()}"
        receipt = Receipt.objects.create(
            association_id=member.association_id,
            shop_id=cast.shops[shop].pk,
            source="api",
            external_id=number,
            content_digest=number,
            code=number,
            issued_at=NOW - timedelta(days=days),
            recorded_at=NOW,
            gross_cents=cents,
            member=member,
            attached_at=NOW,
            attached_how="till",
        )
        ReceiptLine.objects.create(receipt=receipt, number=1, gross_cents=cents, group=group)
        return receipt

    return bought
