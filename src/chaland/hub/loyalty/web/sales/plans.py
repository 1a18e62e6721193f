"""A private sale in preparation, as its one page shows and sends it: texts, until they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Campaign, Gateway, Offer, PrivateSale
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.web.outreach import drafts
from chaland.hub.loyalty.web.outreach.drafts import Draft, Words
from chaland.hub.loyalty.web.outreach.scope import Scope
from chaland.hub.loyalty.web.sales import proposals

OFFERS = 5
SLOT_MINUTES = (0, 30, 60, 120)
"""0: one slot for the whole day."""
AUDIENCES: Mapping[str, list[dict[str, object]]] = {
    "all": [],
    "year": [{"name": "bought_within", "days": 365}],
    "away": [{"name": "not_bought_within", "days": 180}],
    "best": [{"name": "spent_at_least", "cents": 10_000, "days": 365}],
}
_AHEAD = timedelta(days=10)
_THURSDAY = 3
PERCENT, PRICE, LADDER = "percent", "price", "ladder"


@dataclass(frozen=True, slots=True)
class OfferRow:
    """A line of the page: ``what`` is ``all``, ``group:…`` or ``item:…``; empty: not used."""

    what: str = ""
    how: str = PERCENT
    amount: str = "20"
    exception: str = ""

    def told(self, names: Mapping[str, str]) -> OfferIn:
        """Return the offer; ValueError, in words, where the amount is none."""
        kind, _sep, which = self.what.partition(":")
        common = {
            "name": names.get(self.what, which)[:80],
            "item_id": which if kind == "item" else "",
            "group": which if kind == "group" else "",
            "exception": self.exception if self.exception in Offer.Excepted.values else "",
        }
        return OfferIn(**common, **self._off())  # type: ignore[arg-type]

    def _off(self) -> dict[str, object]:
        try:
            if self.how == LADDER:
                return {"ladder": [_step(each) for each in self.amount.split(",")]}
            number = Decimal(self.amount.strip().replace(",", "."))
            return (
                {"price_cents": int(number * 100)}
                if self.how == PRICE
                else {"percent": int(number)}
            )
        except (InvalidOperation, ValueError, OverflowError):
            text = _("“%(amount)s” can’t be read: 20 for percent, 79.90 for a price, 2=10, 3=20 for a ladder.")  # fmt: skip  # noqa: E501
            raise ValueError(text % {"amount": self.amount[:40]}) from None


@dataclass(frozen=True)
class Plan:
    """All fields of the page, as typed."""

    name: str
    day: str
    last_day: str
    begins: str
    ends: str
    slot: str
    capacity: str
    door: bool
    offers: Sequence[OfferRow]
    shops: Sequence[str]
    who: str
    way: str
    holdout: str
    at: str | None
    words: Mapping[tuple[str, str], Words] = field(default_factory=dict)

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when it begins and ends; ValueError where a day or an hour can't be read."""
        first, last = (
            datetime.strptime(f"{day} {hour}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
            for day, hour in ((self.day, self.begins), (self.last_day or self.day, self.ends))
        )
        return first, last

    def slots(self, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """Cut the days into slots; the same hours on each of several days."""
        first, last = self.times(zone)
        length = timedelta(minutes=int(self.slot))
        found: list[tuple[datetime, datetime]] = []
        day = first
        while day.date() <= last.date() and len(found) < 200:
            end = datetime.combine(day.date(), last.timetz())
            step = length or end - day
            begins = day
            while step > timedelta(0) and begins < end:
                found.append((begins, min(begins + step, end)))
                begins += step
            day += timedelta(days=1)
        return found

    def draft(self) -> Draft:
        """Return the campaign's part."""
        criteria = AUDIENCES.get(self.who, AUDIENCES["all"])
        return Draft(self.name, self.way, self.holdout, list(criteria), self.at, self.words)


def fresh(scope: Scope, now: datetime) -> Plan:
    """Return what the page proposes: a Thursday evening from ten days on."""
    day = now.astimezone(scope.zone).date() + _AHEAD
    day += timedelta(days=(_THURSDAY - day.weekday()) % 7)
    plan = Plan(
        _("Private sale"), day.isoformat(), "", "18:00", "21:00", "60", "20", True,
        [OfferRow() for _n in range(OFFERS)], [], "all", usual_way(scope), "10", None,
    )  # fmt: skip
    return replace(plan, words=proposals.texts(*plan.times(scope.zone)))


def usual_way(scope: Scope) -> str:
    """Return the ways that the association has gateways for."""
    found = Gateway.objects.filter(association_id=scope.association.pk, active=True)
    way = ",".join(sorted(set(found.values_list("channel", flat=True))))
    return way if way in drafts.WAYS else "email,sms"


def of(scope: Scope, sale: PrivateSale, campaign: Campaign | None, now: datetime) -> Plan:
    """Return the page of a sale in preparation, as it was kept."""
    first, last = (at.astimezone(scope.zone) for at in (sale.starts_at, sale.ends_at))
    slots = list(sale.slots.all())
    length = int((slots[0].ends_at - slots[0].starts_at).total_seconds() // 60) if slots else 0
    draft = drafts.of(campaign, scope.zone, now) if campaign else None
    criteria = campaign.criteria if campaign else []
    rows = [_row(offer) for offer in sale.offers.filter(shop_id=scope.shop_id or 0).order_by("pk")]
    return Plan(
        sale.name,
        first.date().isoformat(),
        "" if first.date() == last.date() else last.date().isoformat(),
        f"{first:%H:%M}",
        f"{last:%H:%M}",
        str(length if length in SLOT_MINUTES else 0) if slots else "none",
        str(slots[0].capacity) if slots else "20",
        sale.door_open,
        [*rows, *(OfferRow() for _n in range(OFFERS - len(rows)))],
        [str(pk) for pk in sale.shops.values_list("shop_id", flat=True)],
        next((who for who, told in AUDIENCES.items() if told == criteria), "all"),
        draft.way if draft else usual_way(scope),
        draft.holdout if draft else "10",
        draft.at if draft else None,
        draft.words if draft else proposals.texts(first, last),
    )


def posted(data: QueryDict, zone: ZoneInfo) -> Plan:
    """Return the page as it was sent. A text that is still the proposal follows the sale's day."""
    draft = drafts.posted(data)
    plan = Plan(
        draft.name,
        data.get("day", ""),
        data.get("last_day", ""),
        data.get("begins", ""),
        data.get("ends", ""),
        data.get("slot", "none"),
        data.get("capacity", ""),
        "door" in data,
        rows_posted(data),
        data.getlist("shops"),
        data.get("who", "all"),
        draft.way,
        draft.holdout,
        draft.at,
        draft.words,
    )
    try:
        was = [datetime.fromisoformat(text) for text in data.get("proposed", "").split()]
        old, new = proposals.texts(was[0], was[1]), proposals.texts(*plan.times(zone))
    except (ValueError, IndexError):
        return plan
    kept = {pair: new[pair] if words == old[pair] else words for pair, words in plan.words.items()}
    return replace(plan, words=kept)


def rows_posted(data: QueryDict) -> list[OfferRow]:
    """Return the lines of offers as they were sent."""
    return [
        OfferRow(
            data.get(f"what.{n}", ""),
            data.get(f"how.{n}", PERCENT),
            data.get(f"amount.{n}", ""),
            data.get(f"exception.{n}", ""),
        )
        for n in range(OFFERS)
    ]


def _row(offer: Offer) -> OfferRow:
    what = (
        f"item:{offer.item_id}"
        if offer.item_id
        else f"group:{offer.group}"
        if offer.group
        else "all"
    )
    if offer.price_cents is not None:
        return OfferRow(what, PRICE, f"{offer.price_cents / 100:.2f}", offer.exception)
    if offer.ladder:
        steps = ", ".join(f"{count}={percent}" for count, percent in offer.ladder)
        return OfferRow(what, LADDER, steps, offer.exception)
    return OfferRow(what, PERCENT, str(offer.percent), offer.exception)


def _step(text: str) -> list[int]:
    count, percent = text.split("=")
    return [int(count), int(percent)]
