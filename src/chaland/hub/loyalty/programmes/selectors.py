"""What tills, pages and members ask of programmes: offers, advantages, tiers, vouchers."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Advantage, Programme, Reward, Voucher
from chaland.hub.loyalty.programmes import costs
from chaland.hub.loyalty.programmes.facts import MemberFacts
from chaland.hub.loyalty.programmes.terms import DatedRule, InForce, Terms
from chaland.hub.loyalty.programmes.voucher_codes import code_of

_WITHOUT_NETWORK = timedelta(days=30)
"""How far ahead a till knows the rules."""


@dataclass(frozen=True)
class Offer:
    """A reward that a shop honours, for a member: ``missing`` units are lacking (0: to be had).

    ``cents`` is what it takes off now (of an amount: at most), ``units`` what it costs for that.
    """

    reward_id: int
    kind: str
    name: str
    programme: str
    asset_id: int
    asset_kind: str
    units: int
    cents: int
    missing: int


@dataclass(frozen=True)
class Reached:
    """A member's tier in a programme, and what is lacking to the next (cents or shops)."""

    programme: str
    name: str
    percent: int
    next_name: str
    next_missing: int
    measure: str


@dataclass(frozen=True)
class Standing:
    """What a member has at a shop: balances that count there, rewards, tiers, advantages,
    vouchers to use."""

    balances: Sequence[Balance]
    offers: Sequence[Offer]
    tiers: Sequence[Reached]
    advantages: Sequence[costs.MemberPrice]
    vouchers: Sequence["OpenVoucher"]


@dataclass(frozen=True)
class OpenVoucher:
    """A voucher to use: ``shop_id`` None at any shop."""

    code: str
    name: str
    cents: int
    shop_id: int | None
    expires_on: date


def standing(association_id: int, shop_id: int, member_id: int, at: datetime) -> Standing:
    """Say what a member has at a shop at an instant."""
    in_force = InForce([association_id], [shop_id])
    local = in_force.local(association_id, at)
    terms = in_force.at(association_id, shop_id, local.date())
    tiers = reached(terms, member_id, at)
    mine = [b for b in balances(member_id) if b.shop_id in (None, shop_id)]
    tier_ids = [tier.id for tier in _steps(terms, member_id, at).values() if tier]
    return Standing(
        balances=mine,
        offers=offers(rewards_at(association_id, shop_id), mine),
        tiers=tiers,
        advantages=advantages(association_id, shop_id, local.date(), tier_ids),
        vouchers=[
            v for v in open_vouchers(member_id, local.date()) if v.shop_id in (None, shop_id)
        ],
    )


def rewards_at(association_id: int, shop_id: int) -> list[Reward]:
    """List the rewards that a shop honours, the cheapest of each programme first."""
    found = Reward.objects.filter(
        Q(programme__shop_id__isnull=True) | Q(programme__shop_id=shop_id),
        active=True,
        programme__active=True,
        programme__association_id=association_id,
    )
    return list(found.select_related("programme__asset").order_by("programme_id", "cost", "id"))


def offers(rewards: Iterable[Reward], mine: Iterable[Balance]) -> list[Offer]:
    """Say of each reward whether the balances pay for it."""
    spendable = {b.asset_id: b.balance - b.held - b.debt for b in mine}
    return [_offer(reward, spendable.get(reward.programme.asset_id, 0)) for reward in rewards]


def _offer(reward: Reward, spendable: int) -> Offer:
    cost = costs.reward_cost(
        partial=reward.kind == Reward.Kind.AMOUNT,
        cost=reward.cost,
        value_cents=reward.value_cents,
        balance=spendable,
    )
    return Offer(
        reward_id=reward.pk,
        kind=reward.kind,
        name=reward.name,
        programme=reward.programme.name,
        asset_id=reward.programme.asset_id,
        asset_kind=reward.programme.asset.kind,
        units=cost.units if cost else reward.cost,
        cents=cost.cents if cost else reward.value_cents,
        missing=0 if cost else max(1, reward.cost - spendable),
    )


def reached(terms: Sequence[Terms], member_id: int, at: datetime) -> list[Reached]:
    """List a member's tiers at an instant, with what is lacking to the next of each."""
    facts = MemberFacts.of_member(terms, member_id)
    found = []
    for each in terms:
        if not each.tiers:
            continue
        now = facts.tier(each, member_id, at)
        spent, shops = facts.bought(each, member_id, at)
        ahead = [
            (step.threshold - (shops if step.measure == "shops" else spent), step)
            for step in each.tiers
        ]
        missing, coming = min(
            ((lack, step) for lack, step in ahead if lack > 0),
            key=lambda pair: pair[0],
            default=(0, None),
        )
        found.append(
            Reached(
                programme=each.name,
                name=now.name if now else "",
                percent=now.percent if now else 100,
                next_name=coming.name if coming else "",
                next_missing=missing,
                measure=coming.measure if coming else "",
            )
        )
    return found


def _steps(
    terms: Sequence[Terms], member_id: int, at: datetime
) -> dict[int, costs.TierStep | None]:
    facts = MemberFacts.of_member(terms, member_id)
    return {each.programme_id: facts.tier(each, member_id, at) for each in terms}


def advantages(
    association_id: int, shop_id: int, day: date, tier_ids: Sequence[int]
) -> list[costs.MemberPrice]:
    """List what comes off at a shop on a day for a member of some tiers, all year long."""
    found = _advantages_on(association_id, shop_id, day).filter(
        Q(tier__isnull=True) | Q(tier_id__in=tier_ids)
    )
    return [member_price(advantage) for advantage in found]


def _advantages_on(association_id: int, shop_id: int, day: date) -> QuerySet[Advantage]:
    return Advantage.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=day),
        association_id=association_id,
        shop_id=shop_id,
        starts_on__lte=day,
    ).order_by("id")


def member_price(advantage: Advantage) -> costs.MemberPrice:
    """Return a stored advantage as the engine takes it."""
    return costs.MemberPrice(
        advantage.pk,
        advantage.name,
        advantage.percent,
        advantage.price_cents,
        advantage.item_id,
        advantage.group,
    )


def open_vouchers(member_id: int, today: date) -> list[OpenVoucher]:
    """List a member's vouchers to use, the first to lapse first."""
    found = (
        Voucher.objects.filter(
            member=member_id, state=Voucher.State.OPEN, expires_on__gt=today,
            issued_by__isnull=False,
        )
        .annotate(shop=F("reward__programme__shop_id"))
        .select_related("reward")
        .order_by("expires_on", "id")
    )  # fmt: skip
    return [
        OpenVoucher(code_of(v.issued_by_id), v.reward.name, v.reward.value_cents, v.shop,
                    v.expires_on)
        for v in found
        if v.issued_by_id is not None
    ]  # fmt: skip


def for_till(association_id: int, shop_id: int, at: datetime) -> dict[str, Any]:
    """Return what ``rules.js`` needs to compute at a till without the server, as plain data.

    Nothing of any member is in it. Rules that begin or end within a month are there with their
    times (``ends_at`` is the first instant without it), which the till keeps.
    ``minute`` and ``weekday`` of a basket are local to ``zone``.
    """
    in_force = InForce([association_id], [shop_id])
    local = in_force.local(association_id, at)
    programmes = [
        {
            "id": terms.programme_id,
            "asset_id": terms.asset_id,
            "kind": terms.asset_kind,
            "name": terms.name,
            "rules": [_dated(dated) for dated in terms.rules if _earns_soon(dated, at)],
            "tiers": [asdict(tier) for tier in terms.tiers],
        }
        for terms in in_force.at(association_id, shop_id, local.date())
    ]
    rewards = [
        {
            "id": reward.pk,
            "kind": reward.kind,
            "name": reward.name,
            "asset_id": reward.programme.asset_id,
            "partial": reward.kind == Reward.Kind.AMOUNT,
            "cost": reward.cost,
            "value_cents": reward.value_cents,
        }
        for reward in rewards_at(association_id, shop_id)
    ]
    prices = [
        {**asdict(member_price(advantage)), "tier_id": advantage.tier_id}
        for advantage in _advantages_on(association_id, shop_id, local.date())
    ]
    zone = in_force.zone(association_id)
    return {"zone": zone, "programmes": programmes, "rewards": rewards, "advantages": prices}


def _earns_soon(dated: DatedRule, at: datetime) -> bool:
    over = dated.ends_at is not None and dated.ends_at <= at
    return dated.starts_at <= at + _WITHOUT_NETWORK and not over


def _dated(dated: DatedRule) -> dict[str, Any]:
    ends_at = dated.ends_at.isoformat() if dated.ends_at else None
    return {**asdict(dated.rule), "starts_at": dated.starts_at.isoformat(), "ends_at": ends_at}


def programmes_of(association_id: int, shop_id: int | None) -> QuerySet[Programme]:
    """Return the coalition's programmes (``shop_id`` None) or one shop's own, the oldest first."""
    found = Programme.objects.filter(association_id=association_id, shop_id=shop_id)
    return found.select_related("asset").order_by("id")
