"""What came of a private sale: worked out when it closes, and again each day until it settles.

The exact figures are kept with the sale, as its receipts are; what of them may leave a shop is told
by ``figures.sales``. What a campaign for it brought, against who was kept apart, is in that
campaign's ``results``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from django.db.models import Count, Q

from chaland.hub.loyalty.models import Campaign, Delivery, Invitation, PrivateSale
from chaland.hub.loyalty.outreach.results import measuring, takings
from chaland.hub.loyalty.outreach.transitions import LEFT
from chaland.hub.loyalty.sales import selectors as sales

_AGAIN = timedelta(days=1)
_AT = "at"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a shop (or all shops together) took in the sale's hours, net of returns, in cents.

    ``guests`` are invited members and those who joined at the door.
    """

    came: int = 0
    """Checked in there."""
    recruited: int | None = 0
    """None: too few to be told (``figures.sales``)."""
    bought: int = 0
    """Guests who bought, and kept something."""
    receipts: int = 0
    """Of guests."""
    cents: int = 0
    """Of guests."""
    all_receipts: int = 0
    all_attached: int = 0
    all_cents: int = 0


@dataclass(frozen=True, slots=True)
class Debrief:
    """A sale's figures."""

    at: datetime
    final: bool
    """Nothing changes any more."""
    invited: int
    declined: int
    at_door: int
    meant: int
    """Drawn by the campaigns for the sale, held-out members not among them."""
    sent: int
    """Handed over to a gateway, or perhaps."""
    delivered: int
    held_out: int
    whole: Taken
    shops: Mapping[int, Taken]


def work_out(sale: PrivateSale, now: datetime) -> Debrief:
    """Work a sale's figures out, now; nothing is stored. Reads grow with the shops' receipts since
    the sale began."""
    counts = sales.counts(sale)
    messages = Delivery.objects.filter(campaign__sale=sale).aggregate(
        meant=Count("pk", filter=~Q(reason=Delivery.Reason.HELD_OUT)),
        sent=Count("pk", filter=Q(state__in=LEFT)),
        delivered=Count("pk", filter=Q(state=Delivery.State.DELIVERED)),
        held_out=Count("pk", filter=Q(reason=Delivery.Reason.HELD_OUT)),
    )
    taken = _taken(sale)
    return Debrief(
        at=now,
        final=now >= sale.ends_at + measuring.SETTLES,
        invited=counts.invited or 0,
        declined=counts.declined or 0,
        at_door=counts.at_door or 0,
        whole=taken.pop(None),
        shops={shop: part for shop, part in taken.items() if shop is not None},
        **messages,
    )


def store(sale: PrivateSale, now: datetime) -> Debrief:
    """Work a sale's figures out and keep them; those of its campaigns' effect, too."""
    found = work_out(sale, now)
    for campaign in finished_campaigns(sale):
        measuring.store(campaign, now)
    content = asdict(found) | {_AT: found.at.isoformat()}
    content["shops"] = {str(shop): part for shop, part in content["shops"].items()}
    PrivateSale.objects.filter(pk=sale.pk).update(debrief=content)
    sale.debrief = content
    return found


def of(sale: PrivateSale) -> Debrief | None:
    """Return what is kept of a sale's figures; None before it closed."""
    if not sale.debrief:
        return None
    known = {each.name for each in fields(Debrief)}  # an older version may have kept more
    content = {name: value for name, value in sale.debrief.items() if name in known}
    content[_AT] = datetime.fromisoformat(content[_AT])
    content["whole"] = Taken(**content["whole"])
    content["shops"] = {int(shop): Taken(**part) for shop, part in content["shops"].items()}
    return Debrief(**content)


def finished_campaigns(sale: PrivateSale) -> list[Campaign]:
    """List the campaigns that a sale's effect is read from."""
    return list(
        sale.campaigns.filter(
            state=Campaign.State.FINISHED, automatic="", frozen_at__isnull=False
        ).order_by("pk")
    )


def debrief_due(now: datetime) -> int:
    """Work out sales that closed, each day until nothing changes any more; return how many."""
    closed = PrivateSale.objects.filter(
        state=PrivateSale.State.OVER, ends_at__gt=now - 2 * measuring.SETTLES
    )
    due = [sale for sale in closed if _is_due(of(sale), now)]
    for sale in due:
        store(sale, now)
    return len(due)


def _is_due(last: Debrief | None, now: datetime) -> bool:
    return last is None or (not last.final and last.at <= now - _AGAIN)


def _taken(sale: PrivateSale) -> dict[int | None, Taken]:
    """Return what each shop that took part took, and (None) all of them together."""
    shops = sorted(sale.shops.filter(agreed_at__isnull=False).values_list("shop_id", flat=True))
    parts: dict[int | None, dict[str, int]] = {shop: {} for shop in shops}
    whole: dict[str, int] = {}
    for shop, came, recruited in _arrivals(sale):
        parts.setdefault(shop, {}).update(came=came, recruited=recruited)
        whole["came"] = whole.get("came", 0) + came
        whole["recruited"] = whole.get("recruited", 0) + recruited
    for shop, bought, *sums in _bought(sale, shops):
        named = dict(zip(_SUMS, map(int, sums), strict=True))
        parts[shop].update(named, bought=bought)
        for name, value in named.items():
            whole[name] = whole.get(name, 0) + value
    whole["bought"] = _buyers(sale, shops)
    return {shop: Taken(**part) for shop, part in parts.items()} | {None: Taken(**whole)}


_SUMS = ("receipts", "cents", "all_receipts", "all_attached", "all_cents")


def _arrivals(sale: PrivateSale) -> list[tuple[int | None, int, int]]:
    came = Invitation.objects.filter(sale=sale, state=Invitation.State.ARRIVED)
    return list(
        came.values("arrived_shop_id")
        .annotate(came=Count("pk"), recruited=Count("pk", filter=Q(recruited=True)))
        .values_list("arrived_shop_id", "came", "recruited")
    )


def _bought(sale: PrivateSale, shops: list[int]) -> list[tuple[int, ...]]:
    """Return of each shop: guests who bought, and the sums of `_SUMS`."""
    sql, params = takings.receipts(shops, sale.starts_at, sale.ends_at)
    guest = "i.id IS NOT NULL"
    return takings.rows(
        "SELECT shop_id, SUM(CASE WHEN guest = 1 AND cents > 0 THEN 1 ELSE 0 END),"  # noqa: S608  # our own names
        " SUM(guest * purchases), SUM(guest * cents),"
        " SUM(purchases), SUM(attached), SUM(cents)"
        " FROM (SELECT t.shop_id, t.member_id,"
        f" CASE WHEN {guest} THEN 1 ELSE 0 END AS guest, SUM(t.cents) AS cents,"
        " SUM(t.purchase) AS purchases, SUM(t.attached * t.purchase) AS attached"
        f" FROM ({sql}) t LEFT JOIN {Invitation._meta.db_table} i"
        " ON i.member_id = t.member_id AND i.sale_id = %s"
        f" GROUP BY t.shop_id, t.member_id, CASE WHEN {guest} THEN 1 ELSE 0 END) each_one"
        " GROUP BY shop_id ORDER BY shop_id",
        [*params, sale.pk],
    )


def _buyers(sale: PrivateSale, shops: list[int]) -> int:
    """Count the guests who bought at any of the shops."""
    sql, params = takings.receipts(shops, sale.starts_at, sale.ends_at)
    (found,) = takings.rows(
        "SELECT COUNT(*) FROM (SELECT t.member_id"  # noqa: S608  # our own names
        f" FROM ({sql}) t JOIN {Invitation._meta.db_table} i"
        " ON i.member_id = t.member_id AND i.sale_id = %s"
        " GROUP BY t.member_id HAVING SUM(t.cents) > 0) buyers",
        [*params, sale.pk],
    )
    return int(found[0])
