"""Private sales as pages show them: what of a debrief may leave a shop, receipts hour by hour, and
attaching and recruiting in the weeks around.

A shop sees its own sale, and its own part of another's, as they are. Whatever else anybody sees
stands on `rules.MEMBERS_MIN` guests or more, also by subtraction.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Case, Count, IntegerField, Q, Sum, Value, When

from chaland.hub.loyalty.figures import rules
from chaland.hub.loyalty.figures.measures import Attach
from chaland.hub.loyalty.models import Member, PrivateSale, Receipt
from chaland.hub.loyalty.outreach.results import debrief
from chaland.hub.loyalty.outreach.results.debrief import Debrief, Taken
from chaland.hub.loyalty.sales import selectors

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
WEEKS_AROUND = 4


@dataclass(frozen=True, slots=True)
class Told:
    """A debrief as one may see it. None: too few people, or not theirs to know."""

    at: datetime
    final: bool
    invited: int | None
    declined: int | None
    at_door: int | None
    meant: int | None
    sent: int | None
    delivered: int | None
    held_out: int | None
    whole: Taken | None
    shops: Mapping[int, Taken | None]
    margin_cents: int | None
    """What the guests paid less what the goods had cost, both with VAT; the shop's own, if told."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sale at one of its shops: when, and what a viewer may know of it."""

    sale_id: int
    name: str
    shop_id: int
    starts_at: datetime
    ends_at: datetime
    own: bool
    """The viewer keeps this shop: its receipts are told as they are, hour by hour."""


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days around a sale's beginning: 0 begins with it. None: too few members to tell."""

    number: int
    attach: Attach | None
    recruited: int | None


def told(sale: PrivateSale, shop_id: int | None) -> Told | None:
    """Return a sale's debrief for a shop (None: the association); None before the sale closed."""
    exact = debrief.of(sale)
    if exact is None:
        return None
    own = shop_id is not None and sale.shop_id == shop_id

    def few(people: int) -> int | None:
        return people if own else rules.fives(people) if rules.enough(people) else None

    return Told(
        exact.at,
        exact.final,
        few(exact.invited),
        few(exact.declined),
        few(exact.at_door),
        few(exact.meant),
        few(exact.sent),
        few(exact.delivered),
        few(exact.held_out),
        exact.whole if own else _whole(exact, shop_id),
        dict(exact.shops) if own else _shops(exact, shop_id),
        exact.whole.cents - sale.cost_cents if own and sale.cost_cents is not None else None,
    )


def places(association_id: int, sale_id: int, shop_id: int | None) -> list[Place]:
    """List the shops of a sale whose hours a shop (None: the association) may look at; none where
    the sale isn't theirs to see, or was never announced."""
    sale = selectors.sale_of(association_id, sale_id, shop_id)
    if sale is None or sale.state not in (PrivateSale.State.OPEN, PrivateSale.State.OVER):
        return []
    agreed = sale.shops.filter(agreed_at__isnull=False).order_by("shop_id")
    return [
        Place(sale.pk, sale.name, shop, sale.starts_at, sale.ends_at, own=shop == shop_id)
        for shop in agreed.values_list("shop_id", flat=True)
        if shop_id is None or shop == shop_id
    ]


@dataclass(frozen=True, slots=True)
class HourlyReceipts:
    """Purchases in clock hours (by their beginning), and how many members are among the buyers."""

    each: Mapping[datetime, int]
    members: int

    @property
    def total(self) -> int:
        return sum(self.each.values())

    @property
    def told(self) -> int | None:
        """Return the purchases as others than the shop may know them: in fives, of enough
        members; None otherwise."""
        return rules.fives(self.total) if rules.enough(self.members) else None


def receipts(shop_id: int, hours: Sequence[datetime]) -> HourlyReceipts:
    """Count a shop's purchases in clock hours, given by their beginnings: one query."""
    within = Q(pk__in=())
    for begin, end in _joined(hours):
        within |= Q(issued_at__gte=begin, issued_at__lt=end)
    rows = Receipt.objects.filter(within, shop_id=shop_id, returns=None, gross_cents__gte=0)
    counted = dict.fromkeys(sorted(hours), 0)
    begins = list(counted)
    members = set()
    for issued, member in rows.values_list("issued_at", "member_id").iterator(chunk_size=2_000):
        counted[begins[bisect_right(begins, issued) - 1]] += 1
        members.add(member)
    return HourlyReceipts(counted, len(members - {None}))


def around(sale: PrivateSale, shop_id: int | None, now: datetime) -> list[Week]:
    """Tell attaching and recruiting in the weeks around a sale: at one shop as they are, for the
    association at all the shops that took part. Weeks that aren't over are left out."""
    shops = list(sale.shops.filter(agreed_at__isnull=False).values_list("shop_id", flat=True))
    if shop_id is not None:
        shops = [shop for shop in shops if shop == shop_id]
    begins = {
        number: sale.starts_at + number * WEEK
        for number in range(-WEEKS_AROUND, WEEKS_AROUND + 1)
        if sale.starts_at + (number + 1) * WEEK <= now
    }
    if not begins:
        return []
    own = shop_id is not None
    attached, recruited = _attached(shops, begins), _recruited(shops, begins)
    weeks = []
    for number in begins:
        attach, members = attached.get(number, (Attach(0, 0, 0, 0, 0), 0))
        new = recruited.get(number, 0)
        weeks.append(
            Week(
                number,
                attach if own or attach.receipts == 0 or rules.enough(members) else None,
                new if own or new == 0 or rules.enough(new) else None,
            )
        )
    return weeks


_STANDS_ON: tuple[Callable[[Taken], int], ...] = (lambda t: t.came, lambda t: t.bought)
"""What a part's figures stand on: who came, and for the money who bought."""


def _newcomers(part: Taken) -> int:
    return part.recruited or 0


def _whole(exact: Debrief, shop_id: int | None) -> Taken | None:
    """Return all shops' figures; None where too few are behind them, or behind the others'."""
    others = [part for shop, part in exact.shops.items() if shop != shop_id]

    def enough(people: Callable[[Taken], int]) -> bool:
        behind = (people(exact.whole), sum(map(people, others)))
        return all(n == 0 or rules.enough(n) for n in behind)

    if not all(map(enough, _STANDS_ON)):
        return None
    return exact.whole if enough(_newcomers) else replace(exact.whole, recruited=None)


def _shops(exact: Debrief, shop_id: int | None) -> dict[int, Taken | None]:
    """Return the shops' parts: to a shop its own, to the association those that may be told."""
    if shop_id is not None:
        return {shop: part for shop, part in exact.shops.items() if shop == shop_id}
    parts = list(exact.shops.values())
    came, bought = (rules.told([people(part) for part in parts]) for people in _STANDS_ON)
    new = rules.told([_newcomers(part) for part in parts])
    return {
        shop: (part if new[i] else replace(part, recruited=None)) if came[i] and bought[i] else None
        for i, (shop, part) in enumerate(exact.shops.items())
    }


def _joined(hours: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Return hours as stretches, those that touch as one."""
    stretches: list[tuple[datetime, datetime]] = []
    for hour in sorted(hours):
        if stretches and stretches[-1][1] == hour:
            stretches[-1] = (stretches[-1][0], hour + HOUR)
        else:
            stretches.append((hour, hour + HOUR))
    return stretches


def _bucket(field: str, begins: Mapping[int, datetime]) -> Case:
    newest_first = sorted(begins.items(), reverse=True)
    return Case(
        *(When(**{f"{field}__gte": begin}, then=Value(number)) for number, begin in newest_first),
        output_field=IntegerField(),
    )


def _attached(
    shops: Sequence[int], begins: Mapping[int, datetime]
) -> dict[int, tuple[Attach, int]]:
    """Return of each week its receipts (not how soon attached), and the members among them."""
    found = Q(attached_at__isnull=False)
    rows = (
        Receipt.objects.filter(
            shop_id__in=shops, issued_at__gte=min(begins.values()),
            issued_at__lt=max(begins.values()) + WEEK, returns=None, gross_cents__gte=0,
        )
        .annotate(week=_bucket("issued_at", begins))
        .values("week")
        .annotate(
            receipts=Count("pk"),
            attached=Count("pk", filter=found),
            cents=Sum("gross_cents"),
            attached_cents=Sum("gross_cents", filter=found, default=0),
            members=Count("member", distinct=True),
        )
    )  # fmt: skip
    return {
        row["week"]: (
            Attach(row["receipts"], row["attached"], 0, row["cents"], row["attached_cents"]),
            row["members"],
        )
        for row in rows
    }


def _recruited(shops: Sequence[int], begins: Mapping[int, datetime]) -> dict[int, int]:
    rows = (
        Member.objects.filter(
            enrolled_shop_id__in=shops,
            enrolled_at__gte=min(begins.values()),
            enrolled_at__lt=max(begins.values()) + WEEK,
        )
        .annotate(week=_bucket("enrolled_at", begins))
        .values_list("week")
        .annotate(n=Count("pk"))
    )
    return dict(rows)
