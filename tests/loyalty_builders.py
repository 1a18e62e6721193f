"""A small loyalty plane for tests: the programmes of a fixed town, and its members.

Grown from `builders.Cast`. Programmes and members are written as their services would leave them;
whoever tests a service calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from chaland.hub.loyalty.models import Asset, Member, Programme, Reward, Rule, ShopCustomer
from tests.builders import Cast

BEGAN = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When everything here began; far enough in the past of whatever a test does."""
_NAMES = ("Anna", "Bilal", "Chloé", "Dimitri", "Esther", "Farid", "Gaëlle", "Hugo", "Inès", "Jules")


@dataclass(frozen=True)
class Loyalty:
    """The coalition's purse (1 % of what is spent), shop 0's points and shop 1's stamp card."""

    cast: Cast
    purse: Programme
    points: Programme
    stamps: Programme
    members: list[Member]

    @property
    def member(self) -> Member:
        return self.members[0]


def build_loyalty(cast: Cast, members: int = 3) -> Loyalty:
    """Make the three programmes with a rule and a reward each, and members enrolled at shop 0."""
    shops = cast.shops
    purse = build_programme(cast, Asset.Kind.PURSE, None, "spend", {"per_cents": 100, "units": 1})
    build_reward(purse, Reward.Kind.AMOUNT, "Cagnotte", cost=1, value_cents=1)
    points = build_programme(
        cast, Asset.Kind.POINTS, shops[0].pk, "spend", {"per_cents": 100, "units": 1}
    )
    build_reward(points, Reward.Kind.VOUCHER, "5 €", cost=100, value_cents=500, valid_days=60)
    keeper = shops[1 % len(shops)]
    stamps = build_programme(
        cast, Asset.Kind.STAMPS, keeper.pk, "purchase", {"min_cents": 500, "units": 1}
    )
    build_reward(stamps, Reward.Kind.STAMP, "Un fromage", cost=10)
    built = build_members(cast, members)
    return Loyalty(cast, purse, points, stamps, built)


def build_programme(
    cast: Cast,
    kind: str,
    shop_id: int | None,
    rule: str = "",
    parameters: dict[str, object] | None = None,
) -> Programme:
    """Make an asset and its programme, with one rule if ``rule`` names its kind."""
    association_id = cast.association.pk
    asset = Asset.objects.create(
        association_id=association_id, kind=kind, shop_id=shop_id, name=f"{kind} {shop_id or ''}"
    )
    programme = Programme.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        asset=asset,
        name=asset.name,
        expires_after_months=24,
        starts_on=date(2026, 1, 1),
    )
    if rule:
        Rule.objects.create(
            programme=programme,
            name=rule,
            kind=rule,
            parameters=parameters or {},
            starts_at=BEGAN,
            created_at=BEGAN,
            created_by="user:1",
        )
    return programme


def build_reward(programme: Programme, kind: str, name: str, **values: int) -> Reward:
    return Reward.objects.create(programme=programme, kind=kind, name=name, **values)


def build_members(cast: Cast, count: int, shop_ids: Sequence[int] = ()) -> list[Member]:
    """Make members without contacts (see `members.services.enrol` for those): customers of
    ``shop_ids``, of shop 0 if none is named."""
    customers_of = shop_ids or [cast.shops[0].pk]
    first = Member.objects.count()
    members = [
        Member.objects.create(
            association_id=cast.association.pk,
            first_name=_NAMES[i % len(_NAMES)],
            last_name=f"Martin{i}",
            name_key=f"MARTIN{i} {_NAMES[i % len(_NAMES)].upper()}",
            given_key=f"{_NAMES[i % len(_NAMES)].upper()} MARTIN{i}",
            chain_salt=i.to_bytes(32),
            enrolled_at=BEGAN,
            enrolled_shop_id=customers_of[0],
            enrolled_by="system:tests",
            over_15_on=BEGAN.date(),
            last_active_on=BEGAN.date(),
        )
        for i in range(first, first + count)
    ]
    ShopCustomer.objects.bulk_create(
        ShopCustomer(member=member, shop_id=shop_id, since=BEGAN, how=ShopCustomer.How.ENROLLED)
        for member in members
        for shop_id in customers_of
    )
    return members
