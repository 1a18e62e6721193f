"""What pages and tills read of private sales: the calendar, who is where, and counts.

A shop sees its own sale's counts as they are, and what came to itself. Whatever else anybody sees
(the association, or a shop that takes part in another's sale) is told by `told`: nothing of fewer
than ten people, nor of fewer than ten others than one's own, and in fives: by looking again each
minute nobody sees a single one arrive elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Invitation, PrivateSale, SaleShop
from chaland.hub.loyalty.sales import legal, town

_AT_A_SHOP = ("came", "at_door", "recruited")
_State = Invitation.State
_SALE = PrivateSale.State
_ANNOUNCED = (_SALE.OPEN, _SALE.OVER)


@dataclass(frozen=True, slots=True)
class Planned:
    """A sale in the town's calendar; its name only where it is announced or one's own."""

    sale_id: int
    name: str
    shop_ids: tuple[int, ...]
    starts_at: datetime
    ends_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's standing in a sale that runs at a shop, for the till's card.

    ``state``: one of ``Invitation.State``; ``may-join`` (not invited, and the door is open) or
    ``not-invited``.
    """

    sale_id: int
    sale_name: str
    ends_at: datetime
    state: str
    invitation_id: int | None = None
    slot_starts_at: datetime | None = None
    arrived_at: datetime | None = None
    arrived_shop_id: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """A sale's invitations. None: too few to be told (`told`)."""

    invited: int | None
    """By the audience, not at the door."""
    booked: int | None
    """With a place, whether they have come or not."""
    queued: int | None
    declined: int | None
    came: int | None
    at_door: int | None
    """Came, and weren't invited before."""
    recruited: int | None


def sale_of(association_id: int, sale_id: int, shop_id: int | None = None) -> PrivateSale | None:
    """Return a sale of an association; for a shop only one of its own or that asked it."""
    return visible(association_id, shop_id).filter(pk=sale_id).first()


def visible(association_id: int, shop_id: int | None = None) -> QuerySet[PrivateSale]:
    """Return the sales that a shop (None: the association) may open: its own, those that ask it;
    and for the association what its shops have announced."""
    may = Q(shop_id=shop_id)
    if shop_id is None:
        may |= Q(state__in=_ANNOUNCED)
    else:
        may |= Q(pk__in=SaleShop.objects.filter(shop_id=shop_id).values("sale_id"))
    return PrivateSale.objects.filter(may, association_id=association_id).order_by(
        "-starts_at", "pk"
    )


def unanswered(association_id: int, shop_id: int, now: datetime) -> list[PrivateSale]:
    """List the association's sales, not over, that wait for a shop's answer."""
    there = SaleShop.objects.filter(shop_id=shop_id, agreed_at__isnull=True)
    return list(
        PrivateSale.objects.filter(
            association_id=association_id, shop_id__isnull=True, ends_at__gt=now,
            state__in=(_SALE.DRAFT, _SALE.OPEN), pk__in=there.values("sale_id"),
        ).order_by("starts_at", "pk")
    )  # fmt: skip


def calendar(
    association_id: int, since: datetime, until: datetime, shop_id: int | None = None
) -> list[Planned]:
    """List a town's sales between two instants, in order of time.

    Announced, running and past ones are everybody's to see; those in preparation only their own
    shop's (``shop_id``) or, None, the association's own.
    """
    own = Q(shop_id=shop_id)
    if shop_id is not None:
        own |= Q(shop_id__isnull=True, shops__shop_id=shop_id)
    sales = (
        PrivateSale.objects.filter(
            association_id=association_id, starts_at__lt=until, ends_at__gt=since
        )
        .filter(Q(state__in=_ANNOUNCED) | own & Q(state=_SALE.DRAFT))
        .distinct()
        .prefetch_related("shops")
    )
    return [
        Planned(
            sale.pk,
            sale.name,
            tuple(sorted(s.shop_id for s in sale.shops.all() if s.agreed_at is not None)),
            sale.starts_at,
            sale.ends_at,
            sale.state,
        )
        for sale in sales.order_by("starts_at", "pk")
    ]


def running(shop_id: int, now: datetime, *, early: bool = False) -> list[PrivateSale]:
    """List the announced sales that run at a shop at a moment (``early``: or begin within half an
    hour, so that guests at the door can be checked in)."""
    begun = now + town.EARLY if early else now
    return list(
        PrivateSale.objects.filter(
            state=_SALE.OPEN,
            starts_at__lte=begun,
            ends_at__gt=now,
            shops__shop_id=shop_id,
            shops__agreed_at__isnull=False,
        ).order_by("starts_at", "pk")
    )


def standings(shop_id: int, member_id: int, now: datetime) -> list[Standing]:
    """Say how a member stands in each sale that runs at a shop now, or begins in half an hour."""
    sales = running(shop_id, now, early=True)
    mine = {
        invitation.sale_id: invitation
        for invitation in Invitation.objects.filter(
            sale__in=sales, member=member_id
        ).select_related("slot")
    }
    return [_standing(sale, mine.get(sale.pk)) for sale in sales]


def moved_up(member_id: int, now: datetime) -> list[Invitation]:
    """List a member's places, still to come, that the queue gave: nobody writes to the member."""
    found = Invitation.objects.filter(
        member=member_id, state=_State.BOOKED, moved_up_at__isnull=False,
        sale__state=_SALE.OPEN, slot__ends_at__gt=now,
    )  # fmt: skip
    return list(found.select_related("sale", "slot").order_by("slot__starts_at", "pk"))


def counts(sale: PrivateSale, shop_id: int | None = None) -> Counts:
    """Count a sale's invitations; with ``shop_id``, those checked in at one of its shops (who was
    invited is the whole sale's)."""
    rows = Invitation.objects.filter(sale=sale)
    came = Q(state=_State.ARRIVED)
    if shop_id is not None:
        came &= Q(arrived_shop_id=shop_id)
    door = Q(how=Invitation.How.DOOR)
    found = rows.aggregate(
        invited=Count("pk", filter=~door),
        booked=Count(
            "pk", filter=Q(state=_State.BOOKED) | Q(state=_State.ARRIVED, asked_at__isnull=False)
        ),
        queued=Count("pk", filter=Q(state=_State.QUEUED)),
        declined=Count("pk", filter=Q(state=_State.DECLINED)),
        came=Count("pk", filter=came),
        at_door=Count("pk", filter=came & door),
        recruited=Count("pk", filter=came & Q(recruited=True)),
    )
    return Counts(**found)


def told(whole: Counts, own: Counts | None = None) -> Counts:
    """Return what of a sale's counts may leave its shops; ``own`` are those of the shop that asks,
    which it knows: what is left without them are the others', and as few may not be told."""
    values = {field.name: getattr(whole, field.name) for field in fields(whole)}
    known = {name: getattr(own, name) for name in _AT_A_SHOP} if own else {}
    return Counts(**{name: _told(n, known.get(name) or 0) for name, n in values.items()})


def _told(people: int, own: int) -> int | None:
    return few.told(people) if people - own >= few.FROM else None


def warnings(sale: PrivateSale) -> list[legal.Rule]:
    """Say what of a sale isn't short, occasional and outside the sale periods (L21): the worst of
    its shops counts. None of it keeps the sale from being announced."""
    first, last = town.days_of(sale)
    department = town.department_of(sale.association_id)
    found: set[legal.Rule] = set()
    for shop_id in sale.shops.values_list("shop_id", flat=True):
        others = _other_days(sale, shop_id, last - timedelta(days=366))
        found |= set(legal.warnings(first, last, others, department))
    return sorted(found or legal.warnings(first, last, (), department))


def _other_days(sale: PrivateSale, shop_id: int, since: date) -> Iterable[tuple[date, date]]:
    others = PrivateSale.objects.filter(
        shops__shop_id=shop_id,
        shops__agreed_at__isnull=False,
        state__in=_ANNOUNCED,
        ends_at__date__gte=since,
    )
    zone = town.zone_of(sale.association_id)
    times = others.exclude(pk=sale.pk).values_list("starts_at", "ends_at")
    return [town.days_between(starts, ends, zone) for starts, ends in times]


def _standing(sale: PrivateSale, invitation: Invitation | None) -> Standing:
    if invitation is None:
        state = "may-join" if sale.door_open else "not-invited"
        return Standing(sale.pk, sale.name, sale.ends_at, state)
    return Standing(
        sale.pk,
        sale.name,
        sale.ends_at,
        invitation.state,
        invitation.pk,
        invitation.slot.starts_at if invitation.slot else None,
        invitation.arrived_at,
        invitation.arrived_shop_id,
    )
