"""Reads: a shop's own customers, a member within its association, look-ups as the member sees."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from chaland.hub.loyalty.members.names import readings
from chaland.hub.loyalty.models import DuplicateProposal, LookupHit, Member, ShopCustomer


def customers_of(shop_id: int, name: str = "") -> QuerySet[ShopCustomer]:
    """Return a shop's own customers, the newest first; by a name's beginning (three letters)
    in order of names. Read slices of it. MemberErrorFinal under three letters."""
    rows = ShopCustomer.objects.filter(
        shop_id=shop_id, member__state__in=(Member.State.ACTIVE, Member.State.PAUSED)
    ).select_related("member")
    if not name:
        return rows.order_by("-since", "-pk")
    fits = Q()
    for _column, reading in readings(name, "member__"):
        fits |= reading
    return rows.filter(fits).order_by("member__name_key", "pk")


def customer_of(shop_id: int, member_id: int) -> ShopCustomer | None:
    """Return a shop's own customer, or None: another shop's is nobody here."""
    return (
        ShopCustomer.objects.select_related("member")
        .filter(shop_id=shop_id, member=member_id)
        .exclude(member__state=Member.State.MERGED)
        .first()
    )


def member_in(association_id: int, member_id: int) -> Member | None:
    """Return a member who isn't merged into another, within the association."""
    found = Member.objects.filter(association_id=association_id, pk=member_id)
    return found.exclude(state=Member.State.MERGED).first()


@dataclass(frozen=True, slots=True)
class Seen:
    """One look-up in which a member was shown: when, how, at which shop (None: the association)."""

    at: datetime
    kind: str
    shop_id: int | None
    actor: str


def lookups_of(member: Member, at_most: int = 200) -> list[Seen]:
    """List the look-ups in which a member was shown, the newest first (L22)."""
    hits = LookupHit.objects.filter(member=member).select_related("lookup")
    return [
        Seen(h.lookup.at, h.lookup.get_kind_display(), h.lookup.shop_id, h.lookup.actor)
        for h in hits.order_by("-lookup__at", "-pk")[:at_most]
    ]


def open_duplicates(association_id: int, shop_id: int | None) -> QuerySet[DuplicateProposal]:
    """Return pairs to decide: with a shop those of two who are its customers and no other's; with
    None all of the association's."""
    rows = DuplicateProposal.objects.filter(
        state=DuplicateProposal.State.OPEN,
        member__association_id=association_id,
        other__association_id=association_id,
    ).select_related("member", "other")
    if shop_id is not None:
        for side in ("member", "other"):
            of = ShopCustomer.objects.filter(member=OuterRef(side))
            here = Exists(of.filter(shop_id=shop_id))
            rows = rows.filter(here, ~Exists(of.exclude(shop_id=shop_id)))
    return rows.order_by("pk")
