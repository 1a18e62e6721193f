"""The caps on messages to one member, over all shops and both channels (L12).

A place is taken in the transaction that claims the delivery, under the member's row lock: two
workers can't take one place, and a member who is at a till just then is tried again in seconds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q

from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import (
    Campaign,
    Channel,
    Delivery,
    Gateway,
    Member,
    MessageChoice,
    Permission,
    Pressure,
)
from chaland.hub.loyalty.outreach import pressure_rules as rules
from chaland.hub.loyalty.outreach.among import among
from chaland.hub.loyalty.outreach.pressure_rules import USUAL, Asking, Caps
from chaland.hub.loyalty.outreach.shapes import Held, Waiting

_State, _Reason = Delivery.State, Delivery.Reason
_BUSY = timedelta(seconds=5)
_PATIENCE = timedelta(days=1)
"""Who could have been sent for as long, and wasn't (its gateway is broken, its queue long), no
longer keeps others waiting."""
_COMPETES = (_Reason.NONE, _Reason.CAP, _Reason.OWN_CAP, _Reason.OTHERS_TURN)
"""What a delivery may wait for and still want a place with its member now."""
_FIELDS = ("member", "delivery", "controller", "at")


def lock(waiting: Sequence[Waiting], now: datetime) -> dict[int, Held]:
    """Lock the members of deliveries until the caller's transaction ends: what they say after it is
    said after it. Return those whose member's row is in use (an empty reason: nothing is decided).
    """
    free = _locked({one.member_id for one in waiting})
    return {one.id: Held(_Reason.NONE, now + _BUSY) for one in waiting if one.member_id not in free}


def reserve(waiting: Sequence[Waiting], now: datetime) -> dict[int, Held]:
    """Take a place for each delivery that may go, inside of the transaction that has locked their
    members (`lock`); return those that got none, with the reason and when to try again (never,
    where it would be out of date).

    A receipt that was asked for takes no place. Who has a place keeps it.
    """
    campaigns = Campaign.objects.in_bulk({one.campaign_id for one in waiting})
    counted = [one for one in waiting if promotional(campaigns[one.campaign_id])]
    held: dict[int, Held] = {}
    known = _Known.read({one.member_id for one in counted}, now)
    rows: list[tuple[int, int, int, datetime]] = []
    for member_id, mine in _by_member(counted).items():
        asking = [one for one in mine if one.id not in known.kept]
        got = known.places(member_id, asking, campaigns, now)
        for one in asking:
            if one.id in got:
                controller = campaigns[one.campaign_id].controller
                rows.append((member_id, one.id, controller, now))
        refused = [one for one in asking if one.id not in got]
        if refused:
            held |= known.refusals(member_id, refused, got, now)
    bulk.insert(Pressure, _FIELDS, rows)
    return held


def release(delivery_ids: Sequence[int]) -> int:
    """Give back the places of deliveries that were never handed over; how many."""
    return Pressure.objects.filter(delivery__in=delivery_ids).delete()[0]


def count(delivery_ids: Sequence[int], now: datetime) -> None:
    """Take the places of deliveries that left, as is known now, and have none: the database came
    back from a back-up. Whatever the caps say: it did leave."""
    left = Delivery.objects.filter(pk__in=delivery_ids, member__isnull=False).exclude(
        campaign__automatic=Campaign.Automatic.RECEIPT
    )
    rows = left.order_by("pk").values_list("member_id", "pk", "campaign__controller")
    bulk.insert_new(Pressure, _FIELDS, [(*row, now) for row in rows])


def prune(now: datetime) -> int:
    """Forget places that count no longer, neither for the caps nor for whose turn it is."""
    return Pressure.objects.filter(at__lte=now - rules.FAIR).delete()[0]


def promotional(campaign: Campaign) -> bool:
    """Say whether a campaign's messages count: all but the receipts that members asked for."""
    return campaign.automatic != Campaign.Automatic.RECEIPT


@dataclass(frozen=True, slots=True)
class Left:
    """Messages that a member may still get, and the caps as they hold."""

    week: int
    month: int
    caps: Caps


def left(member_id: int, now: datetime) -> Left:
    """Return what is left of a member's week and month."""
    known = _Known.read([member_id], now)
    caps, taken = known.caps(member_id), known.taken[member_id]
    return Left(
        max(0, caps.week - sum(at > now - rules.WEEK for at in taken)),
        max(0, caps.month - sum(at > now - rules.MONTH for at in taken)),
        caps,
    )


def _locked(member_ids: set[int]) -> set[int]:
    """Lock members, in order of their ids, but those that another transaction holds (PostgreSQL;
    SQLite has one writer at a time). The weaker lock: receipts may still name them."""
    rows = Member.objects.select_for_update(skip_locked=True, no_key=True)
    return set(
        rows.filter(among("loyalty_member.id", member_ids))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def _by_member(asking: Sequence[Waiting]) -> dict[int, list[Waiting]]:
    found: defaultdict[int, list[Waiting]] = defaultdict(list)
    for one in asking:
        found[one.member_id].append(one)
    return found


@dataclass(frozen=True)
class _Known:
    """What decides, of some members: choices, places taken, and who else waits."""

    choices: Mapping[int, tuple[int | None, int | None]]
    kept: Collection[int]
    taken: Mapping[int, list[datetime]]
    had: Mapping[int, Counter[int]]
    others: Mapping[int, list[Asking]]

    @classmethod
    def read(cls, member_ids: Collection[int], now: datetime) -> "_Known":
        chosen = MessageChoice.objects.filter(
            among("loyalty_messagechoice.member_id", member_ids)
        ).exclude(per_week=None, per_month=None)
        kept: set[int] = set()
        taken: defaultdict[int, list[datetime]] = defaultdict(list)
        had: defaultdict[int, Counter[int]] = defaultdict(Counter)
        past = Pressure.objects.filter(
            among("loyalty_pressure.member_id", member_ids), at__gt=now - rules.FAIR
        )
        for member, delivery, controller, at in past.values_list(
            "member_id", "delivery_id", "controller", "at"
        ):
            kept.add(delivery)
            had[member][controller] += 1
            if at > now - rules.MONTH:
                taken[member].append(at)
        return cls(
            {m: (w, n) for m, w, n in chosen.values_list("member_id", "per_week", "per_month")},
            kept,
            taken,
            had,
            _competitors(member_ids, now),
        )

    def caps(self, member_id: int) -> Caps:
        return USUAL.lowered(*self.choices.get(member_id, (None, None)))

    def places(
        self,
        member_id: int,
        mine: Sequence[Waiting],
        campaigns: Mapping[int, Campaign],
        now: datetime,
    ) -> set[int]:
        """Return which of a member's deliveries get a place now, others' claims considered."""
        free = rules.places(self.taken[member_id], now, self.caps(member_id))
        asking = {one.id: _asking(one.id, member_id, campaigns[one.campaign_id]) for one in mine}
        asking |= {other.delivery_id: other for other in self.others.get(member_id, ())}
        won = rules.winners(list(asking.values()), self.had[member_id], free)
        return {one.delivery_id for one in won} & {one.id for one in mine}

    def refusals(
        self, member_id: int, refused: Sequence[Waiting], got: set[int], now: datetime
    ) -> dict[int, Held]:
        """Return why and until when each of a member's other deliveries waits."""
        caps = self.caps(member_id)
        free = rules.places(self.taken[member_id], now, caps) - len(got)
        taken = [*self.taken[member_id], *(now for _ in got)]
        until: datetime | None
        if free > 0:
            reason, until = _Reason.OTHERS_TURN, now + timedelta(hours=1)
        else:
            own = rules.places(taken, now, USUAL) > 0
            reason = _Reason.OWN_CAP if own else _Reason.CAP
            until = rules.next_place(taken, now, caps)
        return {
            one.id: Held(reason, until if until and until < one.expires_at else None)
            for one in refused
        }


def _asking(delivery_id: int, member_id: int, campaign: Campaign) -> Asking:
    lot = rules.lot(member_id, campaign.pk, campaign.seed)
    return Asking(delivery_id, campaign.controller, lot)


def _competitors(member_ids: Collection[int], now: datetime) -> dict[int, list[Asking]]:
    """Return the deliveries that wait for a place with these members, as far as they could go:
    their campaign can be written, and their gateway is in no trouble."""
    away = Gateway.objects.filter(
        association_id=OuterRef("campaign__association_id"),
        channel=OuterRef("channel"),
        active=True,
    ).exclude(trouble="")
    rows = Delivery.objects.filter(
        among("loyalty_delivery.member_id", member_ids),
        state__in=(_State.PLANNED, _State.READY, _State.HELD),
        reason__in=_COMPETES,
        expires_at__gt=now,
        not_before__gt=now - _PATIENCE,
        not_before__lte=now + _PATIENCE,
        campaign__state=Campaign.State.RUNNING,
        campaign__trouble="",
    ).exclude(Exists(away) | Q(campaign__automatic=Campaign.Automatic.RECEIPT))
    found: defaultdict[int, list[Asking]] = defaultdict(list)
    columns = ("pk", "member_id", "campaign_id", "campaign__controller", "campaign__seed")
    for pk, member_id, campaign_id, controller, seed in rows.values_list(*columns):
        if member_id is not None:
            lot = rules.lot(member_id, campaign_id, seed)
            found[member_id].append(Asking(pk, controller, lot))
    return found


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign in the calendar that all shops share: when, whose, and how it goes."""

    campaign_id: int
    at: datetime
    controller: int
    channels: tuple[str, ...]
    state: str
    people: int
    """To how many, as was counted when it was announced or drawn: told as a band only."""


def planned(association_id: int, first: datetime, until: datetime) -> list[Planned]:
    """Return what shops see of each other: campaigns from ``first`` until before ``until``;
    nobody's name, text or audience."""
    rows = Campaign.objects.filter(
        association_id=association_id,
        send_at__gte=first,
        send_at__lt=until,
        automatic=Campaign.Automatic.NO,
    ).exclude(state__in=(Campaign.State.DRAFT, Campaign.State.CANCELLED))
    return [
        Planned(
            row.pk,
            row.send_at,
            row.controller,
            tuple(row.channels),
            row.state,
            sum(row.counted.get(channel, 0) for channel in row.channels),
        )
        for row in rows.order_by("send_at", "pk")
        if row.send_at is not None
    ]


def members_left(association_id: int, now: datetime) -> dict[int, int | None]:
    """Return how many of all who agreed to any message may still get 0, 1, 2… in the week from now
    on; None: fewer than ten, or to be found from the others. It counts the whole town: seconds,
    where that is large."""
    agreed = Permission.objects.filter(
        member=OuterRef("pk"), given=True, channel__in=(Channel.SMS, Channel.EMAIL)
    )
    caps = ("message_choice__per_week", "message_choice__per_month")
    members = (
        Member.objects.filter(
            Exists(agreed), association_id=association_id, state=Member.State.ACTIVE
        )
        .annotate(
            recent=FilteredRelation("pressure", condition=Q(pressure__at__gt=now - rules.MONTH))
        )
        .annotate(
            week=Count("recent", filter=Q(recent__at__gt=now - rules.WEEK)),
            month=Count("recent"),
            per_week=F(caps[0]),
            per_month=F(caps[1]),
        )
        .values_list("week", "month", "per_week", "per_month")
    )
    sql, params = members.query.get_compiler("loyalty").as_sql()
    found: Counter[int] = Counter(dict.fromkeys(range(USUAL.week + 1), 0))
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(
            "SELECT week, month, per_week, per_month, COUNT(*)"  # noqa: S608  # the ORM's own
            f" FROM ({sql}) counted GROUP BY week, month, per_week, per_month",
            params,
        )
        for week, month, per_week, per_month, people in cursor.fetchall():
            own = USUAL.lowered(per_week, per_month)
            found[max(0, min(own.week - week, own.month - month))] += people
    return rules.told(found)
