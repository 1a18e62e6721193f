"""What a member chose: fewer messages than are allowed, and which automatic ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import Campaign, Delivery, MessageChoice, Pressure
from chaland.hub.loyalty.outreach.among import among
from chaland.hub.loyalty.outreach.pressure_rules import USUAL

AUTOMATIC = tuple(kind for kind in Campaign.Automatic.values if kind)
"""Automatic messages that a member may choose; none is chosen for anybody."""
_State, _Reason = Delivery.State, Delivery.Reason
_WAITS = (_State.PLANNED, _State.HELD, _State.READY)


class ChoiceErrorFinal(ValueError):
    """What was chosen can't be: caps are only lowered, automatic messages are of the list."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What links are signed with, and which automatic messages a member wants."""

    token: UUID
    automatic: Sequence[str]


def of_members(member_ids: Collection[int]) -> dict[int, Chosen]:
    """Return members' choices, with a row made for who had none yet."""
    rows = MessageChoice.objects.filter(among("loyalty_messagechoice.member_id", member_ids))
    found = _read(rows)
    missing = sorted(set(member_ids) - found.keys())
    if missing:
        fields = ("member", "automatic", "token")
        bulk.insert_new(MessageChoice, fields, [(pk, "[]", uuid4()) for pk in missing])
        found = _read(rows)
    return found


def _read(rows: QuerySet[MessageChoice]) -> dict[int, Chosen]:
    told = rows.values_list("member_id", "token", "automatic")
    return {member: Chosen(token, automatic) for member, token, automatic in told}


def choice_of(member_id: int) -> MessageChoice:
    """Return a member's choice, made if there was none."""
    return MessageChoice.objects.get_or_create(member_id=member_id)[0]


def choose(
    member_id: int,
    *,
    per_week: int | None,
    per_month: int | None,
    automatic: Collection[str],
) -> MessageChoice:
    """Keep what a member chose; None is as many as are allowed, 0 is none.

    Choosing is no consent: without one nothing is sent, whatever stands here (but for receipts,
    which are asked for by choosing them). ChoiceErrorFinal on more than allowed, or an unknown
    kind.
    """
    for chosen, most in ((per_week, USUAL.week), (per_month, USUAL.month)):
        if chosen is not None and not 0 <= chosen <= most:
            raise ChoiceErrorFinal(_("Choose a number from 0 to %(most)d.") % {"most": most})
    if not set(automatic) <= set(AUTOMATIC):
        raise ChoiceErrorFinal(_("There is no such automatic message."))
    choice = choice_of(member_id)
    choice.per_week, choice.per_month = per_week, per_month
    choice.automatic = [kind for kind in AUTOMATIC if kind in automatic]
    choice.save(update_fields=["per_week", "per_month", "automatic"])
    return choice


def adopt(gone_id: int, keep_id: int, now: datetime) -> None:
    """Bring a merged double's messages to the member that stays: the lower caps hold, all pressure
    counts, and what both waited for goes once. Automatic messages are those that the member that
    stays chose. Call it within the merging transaction, both members locked.

    The double's row stays: links in messages that it got still stop (`stopping.of_token`).
    """
    with transaction.atomic(using="loyalty"):
        theirs = MessageChoice.objects.filter(member=gone_id).first()
        if theirs is not None and (theirs.per_week, theirs.per_month) != (None, None):
            ours = choice_of(keep_id)
            ours.per_week = _lower(ours.per_week, theirs.per_week)
            ours.per_month = _lower(ours.per_month, theirs.per_month)
            ours.save(update_fields=["per_week", "per_month"])
        Pressure.objects.filter(member=gone_id).update(member=keep_id)
        _deliveries(gone_id, keep_id, now)


def _lower(ours: int | None, theirs: int | None) -> int | None:
    told = [number for number in (ours, theirs) if number is not None]
    return min(told, default=None)


def _deliveries(gone_id: int, keep_id: int, now: datetime) -> None:
    both = Delivery.objects.filter(member__in=(gone_id, keep_id))
    had = set(both.filter(member=keep_id).values_list("campaign_id", "occasion"))
    theirs = list(both.filter(member=gone_id).only("campaign_id", "occasion", "state"))
    twice = [row.pk for row in theirs if (row.campaign_id, row.occasion) in had]
    Delivery.objects.filter(pk__in=twice, state__in=_WAITS).update(
        state=_State.NOT_SENT, reason=_Reason.GONE, changed_at=now
    )
    moved = [row.pk for row in theirs if row.pk not in twice]
    Delivery.objects.filter(pk__in=moved).update(member=keep_id)
