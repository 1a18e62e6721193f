"""A town of three shops on a winter morning, with articles whose prices are known for months."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import translation

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Invitation, Member, Offer, PrivateSale, Slot
from chaland.hub.loyalty.sales import services
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.services import SaleIn
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty, build_members

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = NOW.date()
BEGINS = datetime(2026, 12, 4, 8, tzinfo=UTC)


class Time:
    """What the hub's clock says; a test moves it."""

    now: datetime = NOW


@pytest.fixture
def time() -> Iterator[Time]:
    before, moved = clock._read, Time()
    clock.use(lambda: moved.now)
    yield moved
    clock.use(before)


@dataclass
class Town:
    """Short words for what happens in a private sale."""

    loyalty: Loyalty
    time: Time
    members: list[Member] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.loyalty.cast.association.pk

    @property
    def shop(self) -> int:
        return self.shops[0]

    @property
    def shops(self) -> list[int]:
        return [shop.pk for shop in self.loyalty.cast.shops]

    def asks(
        self, item: str, *prices: tuple[int, date], group: str = "", shop: int | None = None
    ) -> int:
        """Record (cents, since) of an article."""
        told = [PriceIn(item, f"Article {item}", cents, since, group) for cents, since in prices]
        return services.take_prices(self.id, shop or self.shop, told, "user:1", today=TODAY)

    def told(self, shop: int | None = None, **changed: object) -> SaleIn:
        values = dict(
            association_id=self.id, shop_id=shop, name="Vente privée d’hiver",
            starts_at=BEGINS, ends_at=BEGINS + timedelta(hours=10),
        )  # fmt: skip
        return SaleIn(**(values | changed))  # type: ignore[arg-type]

    def draft(self, **changed: object) -> PrivateSale:
        return services.create(self.told(self.shop, **changed), "user:1")

    def offer(self, sale: PrivateSale, shop: int | None = None, **told: object) -> Offer:
        told = {"name": "Manteaux", **told}
        return services.set_offer(sale.pk, shop or self.shop, OfferIn(**told))  # type: ignore[arg-type]

    def announced(self, **changed: object) -> PrivateSale:
        """An announced sale of shop 0: a coat at 20 % off."""
        self.asks("COAT", (10_000, date(2026, 6, 1)))
        sale = self.draft(**changed)
        self.offer(sale, item_id="COAT", percent=20)
        return services.open_sale(sale.pk)

    def slot(self, sale: PrivateSale, capacity: int, hour: int = 0) -> Slot:
        begins = sale.starts_at + timedelta(hours=hour)
        return services.set_slot(sale.pk, begins, begins + timedelta(hours=1), capacity)

    def invited(self, sale: PrivateSale, count: int) -> list[Invitation]:
        """Invite so many new members; their invitations, in order."""
        members = build_members(self.loyalty.cast, count)
        self.members += members
        assert services.invite(sale.pk, [member.pk for member in members]) == count
        return list(Invitation.objects.filter(member__in=members).order_by("member"))


@pytest.fixture
def town(db: None, time: Time) -> Iterator[Town]:
    cache.clear()
    loyalty = build_loyalty(build_cast(), members=0)
    with translation.override("en"):
        yield Town(loyalty, time)
