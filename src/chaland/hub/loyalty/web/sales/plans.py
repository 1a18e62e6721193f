"""A private sale in preparation, as its one page shows and sends it: texts, until they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Gateway, PrivateSale, Slot
from chaland.hub.loyalty.web.outreach import drafts
from chaland.hub.loyalty.web.outreach.drafts import Draft, Words
from chaland.hub.loyalty.web.outreach.scope import Scope
from chaland.hub.loyalty.web.sales import offer_rows, proposals
from chaland.hub.loyalty.web.sales.offer_rows import OFFERS, OfferRow

SLOT_MINUTES = (0, 30, 60, 120)
"""0: one slot for the whole day."""
NO_SLOTS, KEPT = "none", "kept"
"""``KEPT``: the slots, or the audience, stay as they were changed elsewhere than on this page."""
SLOTS_AT_MOST = 200
AUDIENCES: Mapping[str, list[dict[str, object]]] = {
    "all": [],
    "year": [{"name": "bought_within", "days": 365}],
    "away": [{"name": "not_bought_within", "days": 180}],
    "best": [{"name": "spent_at_least", "cents": 10_000, "days": 365}],
}
_AHEAD = timedelta(days=10)
_YEARS = 2
_THURSDAY = 3


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
        """Return when it begins and ends; ValueError where a day or an hour can't be read, or is
        not of these years."""
        first, last = (
            datetime.strptime(f"{day} {hour}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
            for day, hour in ((self.day, self.begins), (self.last_day or self.day, self.ends))
        )
        this_year = clock.now().year
        if any(abs(at.year - this_year) > _YEARS for at in (first, last)):
            raise ValueError("no year of ours")
        return first, last

    def slots(self, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        """Cut the days into slots, the same hours on each of several days. ValueError, in words:
        the hours or the length make none, or too many."""
        if self.slot not in map(str, SLOT_MINUTES):
            raise ValueError(_("Choose how long a slot is."))
        first, last = self.times(zone)
        length = timedelta(minutes=int(self.slot))
        found: list[tuple[datetime, datetime]] = []
        day = first
        while day.date() <= last.date() and len(found) <= SLOTS_AT_MOST:
            end = datetime.combine(day.date(), last.timetz())
            step = length or end - day
            begins = day
            while step > timedelta(0) and begins < end:
                found.append((begins, min(begins + step, end)))
                begins += step
            day += timedelta(days=1)
        if not found:
            raise ValueError(
                _("With slots the hours are those of each day: the end comes after the beginning.")
            )
        if len(found) > SLOTS_AT_MOST:
            told = {"n": SLOTS_AT_MOST}
            raise ValueError(_("These are more than %(n)d slots: make them longer.") % told)
        return found

    def draft(self) -> Draft:
        """Return the campaign's part; whom it chooses stays where it was chosen on its page."""
        chosen = AUDIENCES.get(self.who)
        criteria = None if chosen is None else list(chosen)
        return Draft(self.name, self.way, self.holdout, criteria, self.at, self.words)


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
    draft = drafts.of(campaign, scope.zone, now) if campaign else None
    criteria = draft.criteria if draft else []
    offers = sale.offers.filter(shop_id=scope.shop_id or 0).order_by("pk")
    rows = [offer_rows.of(offer) for offer in offers]
    plan = Plan(
        sale.name,
        first.date().isoformat(),
        "" if first.date() == last.date() else last.date().isoformat(),
        f"{first:%H:%M}",
        f"{last:%H:%M}",
        NO_SLOTS,
        "20",
        sale.door_open,
        [*rows, *(OfferRow() for _n in range(OFFERS - len(rows)))],
        [str(pk) for pk in sale.shops.values_list("shop_id", flat=True)],
        next((who for who, told in AUDIENCES.items() if told == criteria), KEPT),
        draft.way if draft else usual_way(scope),
        draft.holdout if draft else "10",
        draft.at if draft else None,
        draft.words if draft else proposals.texts(first, last),
    )
    return _with_slots(plan, list(sale.slots.all()), scope.zone)


def _with_slots(plan: Plan, slots: Sequence[Slot], zone: ZoneInfo) -> Plan:
    """Return a plan with the length and the places that make these very slots; ``KEPT``: no length
    does, or their places differ."""
    if not slots:
        return plan
    there = [(slot.starts_at, slot.ends_at) for slot in slots]
    plan = replace(plan, capacity=str(slots[0].capacity))
    if len({slot.capacity for slot in slots}) == 1:
        for minutes in SLOT_MINUTES:
            made = replace(plan, slot=str(minutes))
            try:
                if made.slots(zone) == there:
                    return made
            except ValueError:
                continue  # this length makes none, or too many
    return replace(plan, slot=KEPT)


def posted(data: QueryDict, zone: ZoneInfo) -> Plan:
    """Return the page as it was sent. A text that is still the proposal follows the sale's day."""
    draft = drafts.posted(data)
    plan = Plan(
        draft.name,
        data.get("day", ""),
        data.get("last_day", ""),
        data.get("begins", ""),
        data.get("ends", ""),
        data.get("slot", NO_SLOTS),
        data.get("capacity", ""),
        "door" in data,
        offer_rows.posted(data),
        data.getlist("shops"),
        data.get("who", ""),
        draft.way,
        draft.holdout,
        draft.at,
        draft.words,
    )
    try:
        was = [datetime.fromisoformat(text) for text in data.get("proposed", "").split()]
        old, new = proposals.texts(was[0], was[1]), proposals.texts(*plan.times(zone))
    except (ValueError, IndexError, OverflowError):
        return plan
    kept = {pair: new[pair] if words == old[pair] else words for pair, words in plan.words.items()}
    return replace(plan, words=kept)
