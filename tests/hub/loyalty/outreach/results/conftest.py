"""A town whose campaign was sent, and receipts of its members: rows as the parts leave them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Invitation,
    Member,
    PrivateSale,
    Receipt,
    SaleShop,
)
from tests.builders import Cast, build_cast
from tests.loyalty_builders import build_members

BEGAN = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""A Monday morning."""


@dataclass
class Town:
    """Short words for what members were sent and bought."""

    cast: Cast
    members: list[Member] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.cast.association.pk

    def shop(self, place: int) -> int:
        return self.cast.shops[place].pk

    def campaign(
        self, treated: int, held_out: int, controller: int = 0, **fields: object
    ) -> Campaign:
        """Make a campaign that is sent, and its audience: the first ones are treated."""
        values = dict(
            association_id=self.id, controller=controller, name="Lettre", seed=1,
            state=Campaign.State.FINISHED, send_at=BEGAN, started_at=BEGAN, frozen_at=BEGAN,
            finished_at=BEGAN + timedelta(hours=1), created_at=BEGAN, created_by="user:1",
        )  # fmt: skip
        campaign = Campaign.objects.create(**values | fields)
        self.members = build_members(self.cast, treated + held_out)
        for number, member in enumerate(self.members):
            held = number >= treated
            Delivery.objects.create(
                campaign=campaign, member=member, channel="sms",
                state="not_sent" if held or number == 0 else "delivered",
                reason="held_out" if held else "no_contact" if number == 0 else "",
                not_before=BEGAN, expires_at=BEGAN, changed_at=BEGAN,
            )  # fmt: skip
        return campaign

    def buys(
        self,
        member: Member | None,
        cents: int,
        *,
        hours: float = 24,
        shop: int = 0,
        returns: Receipt | None = None,
    ) -> Receipt:
        """Store a receipt ``hours`` after `BEGAN`."""
        number = f"R{Receipt.objects.count()}"
        at = BEGAN + timedelta(hours=hours)
        return Receipt.objects.create(
            association_id=self.id, shop_id=self.shop(shop), source="api", external_id=number,
            content_digest=number, code=number, issued_at=at, recorded_at=at, gross_cents=cents,
            member=member, attached_at=at if member else None,
            attached_how="till" if member else "", returns=returns,
        )  # fmt: skip

    def others_buy(self, *, hours: float = 24, shop: int = 0) -> None:
        """Let ten of each group buy for an euro, as many as an effect needs to be read: the tenth
        to twentieth addressed, and all but the last of the last eleven, who are held out."""
        for member in (*self.members[10:20], *self.members[-11:-1]):
            self.buys(member, 100, hours=hours, shop=shop)

    def sale(self, shop: int | None = 0, shops: tuple[int, ...] = (0,)) -> PrivateSale:
        """Make a sale that is over, from the evening of the second day, for three hours."""
        begin = BEGAN + timedelta(hours=32)
        sale = PrivateSale.objects.create(
            association_id=self.id, shop_id=None if shop is None else self.shop(shop),
            name="Soirée", starts_at=begin, ends_at=begin + timedelta(hours=3),
            state=PrivateSale.State.OVER, created_at=BEGAN, created_by="user:1",
        )  # fmt: skip
        for place in shops:
            SaleShop.objects.create(
                sale=sale, shop_id=self.shop(place), agreed_at=BEGAN, agreed_by="user:1"
            )
        return sale

    def invites(
        self, sale: PrivateSale, member: Member, came: int | None = None, **fields: object
    ) -> None:
        """Invite a member, who came to the shop at a place."""
        state = Invitation.State.OPEN if came is None else Invitation.State.ARRIVED
        shop = None if came is None else self.shop(came)
        values = dict(how="invited", state=state, arrived_shop_id=shop, created_at=BEGAN)
        Invitation.objects.create(sale=sale, member=member, **values | fields)


@pytest.fixture
def town(db: None) -> Iterator[Town]:
    with translation.override("en"):
        yield Town(build_cast(3))
