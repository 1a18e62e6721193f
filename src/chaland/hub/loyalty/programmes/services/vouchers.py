"""Vouchers: bought with a balance, named by a code, used once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.ledger.postings import KeyReusedErrorFinal
from chaland.hub.loyalty.models import Reward, Transfer, Voucher
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.voucher_codes import code_of, index_of

VALID_DAYS = 60
_State = Voucher.State


@dataclass(frozen=True)
class Used:
    """What a used voucher gives: its reward's name and cents off."""

    voucher_id: int
    name: str
    cents: int


def issue(association_id: int, reward: Reward, member_id: int | None, bought_by: Transfer) -> str:
    """Make the voucher that a transfer bought, once, and return its code."""
    code = code_of(bought_by.pk)
    days = timedelta(days=reward.valid_days or VALID_DAYS)
    Voucher.objects.get_or_create(
        issued_by=bought_by,
        defaults={
            "reward": reward,
            "member_id": member_id,
            "code_index": index_of(association_id, code),
            "issued_at": clock.now(),
            "expires_on": clock.today(_timezone(association_id)) + days,
        },
    )
    return code


def use(association_id: int, shop_id: int, typed: str, key: str) -> Used:
    """Use a voucher at a shop of its programme, once, however many ask at the same moment.

    The same key again answers the same. ProgrammeErrorFinal says why not; KeyReusedErrorFinal: the
    key used another voucher.
    """
    voucher = (
        Voucher.objects.filter(
            Q(reward__programme__shop_id=shop_id) | Q(reward__programme__shop_id__isnull=True),
            code_index=index_of(association_id, typed),
            reward__programme__association_id=association_id,
        )
        .select_related("reward")
        .first()
    )
    if voucher is None:
        raise ProgrammeErrorFinal("no-voucher")
    open_now = Voucher.objects.filter(
        pk=voucher.pk, state=_State.OPEN, expires_on__gt=clock.today(_timezone(association_id))
    )
    try:
        with transaction.atomic(using="loyalty"):
            used = open_now.update(
                state=_State.USED, used_at=clock.now(), used_shop_id=shop_id, used_key=key
            )
    except IntegrityError as error:
        raise KeyReusedErrorFinal("this key used another voucher") from error
    if not used:
        _refuse_unless_same(voucher, key)
    return Used(voucher.pk, voucher.reward.name, voucher.reward.value_cents)


def _refuse_unless_same(voucher: Voucher, key: str) -> None:
    voucher.refresh_from_db()
    if voucher.used_key == key:
        return
    if Voucher.objects.filter(used_key=key).exists():
        raise KeyReusedErrorFinal("this key used another voucher")
    refusals = {_State.USED: "voucher-used", _State.VOIDED: "voucher-voided"}
    raise ProgrammeErrorFinal(refusals.get(_State(voucher.state), "voucher-lapsed"))


def void(transfer_id: UUID) -> None:
    """Make worthless the open voucher that a transfer bought, if it bought one.

    ProgrammeErrorFinal: it was used already.
    """
    voucher = Voucher.objects.filter(issued_by=transfer_id).first()
    if voucher is None or voucher.state == _State.VOIDED:
        return
    open_still = Voucher.objects.filter(pk=voucher.pk).exclude(state=_State.USED)
    if not open_still.update(state=_State.VOIDED):
        raise ProgrammeErrorFinal("voucher-used")


def void_if_open(transfer_id: UUID) -> bool:
    """Make worthless the voucher that a transfer bought; say whether it could still be used (or
    was voided before): if not, nothing changes."""
    voucher = (
        Voucher.objects.filter(issued_by=transfer_id).select_related("reward__programme").first()
    )
    if voucher is None:
        return False
    today = clock.today(_timezone(voucher.reward.programme.association_id))
    usable = Voucher.objects.filter(pk=voucher.pk, state=_State.OPEN, expires_on__gt=today)
    return bool(usable.update(state=_State.VOIDED)) or voucher.state == _State.VOIDED


def lapse_vouchers(now: datetime) -> int:
    """Mark the vouchers that are out of date; return how many. They were worth nothing before."""
    done = 0
    associations = Voucher.objects.filter(
        state=_State.OPEN, expires_on__lte=now.date() + timedelta(days=1)
    ).values_list("reward__programme__association_id", flat=True)
    for association_id in sorted(set(associations)):
        today = clock.today(_timezone(association_id))
        done += Voucher.objects.filter(
            state=_State.OPEN,
            expires_on__lte=today,
            reward__programme__association_id=association_id,
        ).update(state=_State.LAPSED)
    return done


def _timezone(association_id: int) -> str:
    return Association.objects.values_list("timezone", flat=True).get(pk=association_id)
