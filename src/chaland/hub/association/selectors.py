"""What pages and other parts read about towns, shops and staff."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from chaland.hub.association.models import Association, Invitation, OpeningHours, Shop, StaffRole
from chaland.hub.association.rules import Opening, Week, join_at_midnight
from chaland.hub.association.shop_csv import ShopRow


def is_set_up() -> bool:
    """Say whether an association exists; until then the first-run guide is open to its token."""
    return Association.objects.exists()


def week_of(shop: Shop) -> Week:
    """Return a shop's opening hours, nights joined."""
    return weeks_of([shop])[shop.pk]


def weeks_of(shops: list[Shop]) -> dict[int, Week]:
    """Return the opening hours of several shops by shop id, in one query."""
    stored: dict[int, list[tuple[int, Opening]]] = {shop.pk: [] for shop in shops}
    for row in OpeningHours.objects.filter(shop__in=shops):
        stored[row.shop_id].append((row.weekday, Opening(row.opens, row.closes)))
    return {shop_id: join_at_midnight(rows) for shop_id, rows in stored.items()}


def shop_rows(association: Association) -> list[ShopRow]:
    """Return a town's shops as the rows of the CSV file."""
    shops = list(association.shops.select_related("zone"))
    weeks = weeks_of(shops)
    return [
        ShopRow(
            row=0,
            name=shop.name,
            slug=shop.slug,
            zone=shop.zone.name,
            trade=shop.trade,
            week=weeks[shop.pk],
            latitude=shop.latitude,
            longitude=shop.longitude,
        )
        for shop in shops
    ]


def token_hash(token: str) -> str:
    """Return what is stored of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_invitation(token: str, now: datetime) -> Invitation | None:
    """Return the invitation that a link opens; None where it is unknown, used or too old."""
    return (
        Invitation.objects.select_related("association", "shop")
        .filter(token_hash=token_hash(token), accepted_at__isnull=True, expires_at__gt=now)
        .first()
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an association's set-up is."""

    zones: int
    shops: int
    shops_with_hours: int
    staff: int
    invitations: int


def progress_of(association: Association) -> Progress:
    """Count what the guide has asked for so far."""
    shops = association.shops.annotate(openings=Count("opening_hours"))
    openings = list(shops.values_list("openings", flat=True))
    return Progress(
        zones=association.zones.count(),
        shops=len(openings),
        shops_with_hours=sum(1 for count in openings if count),
        staff=association.staff.count(),
        invitations=association.invitations.filter(accepted_at__isnull=True).count(),
    )


def directors(association: Association) -> int:
    """Count the directors who can still sign in."""
    return association.staff.filter(role=StaffRole.Role.DIRECTOR, user__is_active=True).count()
