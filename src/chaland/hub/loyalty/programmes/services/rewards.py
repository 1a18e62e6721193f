"""What a balance buys: reserved, then confirmed (perhaps in part) or cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Reservation, Reversal, Spending
from chaland.hub.loyalty.models import Hold, Member, Reward, Transfer
from chaland.hub.loyalty.programmes import costs
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.services.vouchers import issue, void

TTL_S = 600
_ANY_BALANCE = 10**15
"""What a reward costs doesn't depend on the balance: the ledger refuses what isn't there."""


@dataclass(frozen=True)
class Ask:
    """Who asks for a reward, where; ``key`` is unique for good, ``actor`` as in the ledger."""

    association_id: int
    shop_id: int
    key: str
    actor: str


@dataclass(frozen=True)
class Reserved:
    """A reservation: so many units are kept, for so many cents off, until then."""

    hold_id: UUID
    units: int
    cents: int
    expires_at: datetime


@dataclass(frozen=True)
class Redeemed:
    """What was spent, and what it gave: cents off now, or a voucher's code."""

    transfer_id: UUID
    units: int
    cents: int
    voucher_code: str = ""


def reserve(
    ask: Ask, reward_id: int, member_id: int, *, wanted_cents: int | None = None, ttl_s: int = TTL_S
) -> Reserved:
    """Keep what a reward costs for ``ttl_s`` seconds. An amount off needs ``wanted_cents``.

    ProgrammeErrorFinal: no such reward or member here. NotEnoughErrorFinal: too little is there.
    """
    reward = _reward(ask, reward_id)
    _check_member(ask, member_id)
    cost = _cost(reward, wanted_cents)
    hold = ledger.reserve(
        Reservation(
            key=ask.key,
            association_id=ask.association_id,
            shop_id=ask.shop_id,
            occurred_at=clock.now(),
            actor=ask.actor,
            asset_id=reward.programme.asset_id,
            member_id=member_id,
            amount=cost.units,
            ttl_s=ttl_s,
            reward_id=reward.pk,
        )
    )
    return Reserved(hold.pk, hold.amount, cost.cents, hold.expires_at)


def confirm(
    ask: Ask, hold_id: UUID, *, receipt_id: int | None = None, wanted_cents: int | None = None
) -> Redeemed:
    """Spend a reservation; with ``wanted_cents`` only as much of it, the rest is free again.

    HoldOverErrorFinal: it was spent, cancelled, or ran out of time.
    """
    hold = _hold(ask, hold_id)
    _check_member(ask, hold.account.member_id)
    reward = Reward.objects.select_related("programme__asset").get(pk=hold.reward_id or 0)
    cost = _cost(reward, wanted_cents) if wanted_cents is not None else None
    with transaction.atomic(using="loyalty"):
        done = ledger.confirm(
            hold_id,
            ask.key,
            amount=cost.units if cost else None,
            receipt_id=receipt_id,
            occurred_at=clock.now(),
            actor=ask.actor,
        )
        units = cost.units if cost else hold.amount
        return _given(ask, reward, hold.account.member_id, done, units)


def cancel(ask: Ask, hold_id: UUID) -> None:
    """Give a reservation up; the same again changes nothing. HoldOverErrorFinal: it was spent."""
    ledger.cancel(_hold(ask, hold_id).pk)


def redeem(
    ask: Ask,
    reward_id: int,
    member_id: int,
    *,
    wanted_cents: int | None = None,
    receipt_id: int | None = None,
) -> Redeemed:
    """Spend at once what a reward costs. Errors as for ``reserve``."""
    reward = _reward(ask, reward_id)
    _check_member(ask, member_id)
    cost = _cost(reward, wanted_cents)
    with transaction.atomic(using="loyalty"):
        done = ledger.redeem(
            Spending(
                key=ask.key,
                association_id=ask.association_id,
                shop_id=ask.shop_id,
                occurred_at=clock.now(),
                actor=ask.actor,
                asset_id=reward.programme.asset_id,
                member_id=member_id,
                amount=cost.units,
                receipt_id=receipt_id,
                why=_why(reward),
            )
        )
        return _given(ask, reward, member_id, done, cost.units)


def undo(ask: Ask, transfer_id: UUID) -> None:
    """Undo a redemption of this shop; its voucher is void. A used voucher can't be taken back."""
    with transaction.atomic(using="loyalty"):
        done = Transfer.objects.filter(
            pk=transfer_id, kind=Transfer.Kind.REDEEM, shop_id=ask.shop_id
        ).first()
        if done is None:
            raise ProgrammeErrorFinal("no-hold")
        void(done.pk)
        ledger.reverse(
            Reversal(
                key=ask.key,
                association_id=ask.association_id,
                shop_id=ask.shop_id,
                occurred_at=clock.now(),
                actor=ask.actor,
                transfer_id=done.pk,
                amounts=None,
                undo=True,
            )
        )


def _reward(ask: Ask, reward_id: int) -> Reward:
    found = (
        Reward.objects.filter(
            Q(programme__shop_id__isnull=True) | Q(programme__shop_id=ask.shop_id),
            pk=reward_id,
            active=True,
            programme__active=True,
            programme__association_id=ask.association_id,
        )
        .select_related("programme__asset")
        .first()
    )
    if found is None:
        raise ProgrammeErrorFinal("no-reward")
    return found


def _check_member(ask: Ask, member_id: int | None) -> None:
    states = Member.objects.filter(pk=member_id or 0, association_id=ask.association_id)
    state = states.values_list("state", flat=True).first()
    if state is None or state == Member.State.MERGED:
        raise ProgrammeErrorFinal("no-member")
    if state == Member.State.PAUSED:
        raise ProgrammeErrorFinal("paused")


def _cost(reward: Reward, wanted_cents: int | None) -> costs.Cost:
    partial = reward.kind == Reward.Kind.AMOUNT
    if partial and (wanted_cents is None or wanted_cents <= 0):
        raise ProgrammeErrorFinal("no-amount")
    cost = costs.reward_cost(
        partial=partial,
        cost=reward.cost,
        value_cents=reward.value_cents,
        balance=_ANY_BALANCE,
        wanted_cents=wanted_cents if partial else None,
    )
    if cost is None:
        raise ProgrammeErrorFinal("no-amount")
    return cost


def _hold(ask: Ask, hold_id: UUID) -> Hold:
    hold = (
        Hold.objects.filter(
            pk=hold_id,
            shop_id=ask.shop_id,
            account__asset__association_id=ask.association_id,
            reward_id__isnull=False,
        )
        .select_related("account")
        .first()
    )
    if hold is None:
        raise ProgrammeErrorFinal("no-hold")
    return hold


def _why(reward: Reward) -> Mapping[str, object]:
    return {"reward": reward.pk, "name": reward.name}


def _given(ask: Ask, reward: Reward, member_id: int | None, done: Transfer, units: int) -> Redeemed:
    if reward.kind == Reward.Kind.VOUCHER:
        return Redeemed(done.pk, units, 0, issue(ask.association_id, reward, member_id, done))
    cents = units * reward.value_cents // reward.cost
    return Redeemed(done.pk, units, cents)
