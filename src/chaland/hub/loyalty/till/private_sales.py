"""Private sales at the till: how a customer stands, what is reduced, who is checked in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.models import Invitation, Offer, PrivateSale, Till
from chaland.hub.loyalty.programmes.words import money
from chaland.hub.loyalty.sales import offers, selectors, services, town
from chaland.hub.loyalty.sales.selectors import Standing
from chaland.hub.loyalty.sales.services import Arrival
from chaland.hub.loyalty.till import devices

Json = dict[str, Any]
AHEAD = timedelta(days=1)
_PRICES_AT_MOST = 40
"""On a card; the whole list stands on the sale's page."""
_State = Invitation.State


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in, and what taking it back restores: state, slot and rank in the queue."""

    arrival: Arrival
    before: Sequence[Any]


def coming(shop_id: int, now: datetime) -> list[Json]:
    """List the sales that run at a shop, or begin within a day: a page without a network says then
    that nobody can be checked in."""
    found = PrivateSale.objects.filter(
        state=PrivateSale.State.OPEN,
        starts_at__lt=now + AHEAD,
        ends_at__gt=now,
        shops__shop_id=shop_id,
        shops__agreed_at__isnull=False,
    )
    return [
        {"from": sale.starts_at.isoformat(), "until": sale.ends_at.isoformat()} for sale in found
    ]


def standings_of(member_id: int, shop: Shop, now: datetime) -> list[Json]:
    """Say of each sale that runs at a shop how a member stands in it, and what it reduces."""
    found = selectors.standings(shop.pk, member_id, now)
    sales = PrivateSale.objects.in_bulk(one.sale_id for one in found)
    return [_shown(one, sales[one.sale_id], shop, member_id, now) for one in found]


def check_in(till: Till, sale_id: int, member_id: int) -> CheckedIn:
    """Check a member in, invited or joining at the door. SaleErrorFinal as `join_at_door`."""
    arrival = services.join_at_door(sale_id, member_id, till.shop_id, devices.actor_of(till))
    state, slot_id, asked_at = arrival.before
    asked = asked_at.isoformat() if asked_at else None
    return CheckedIn(arrival, [arrival.invitation_id, state, slot_id, asked])


def take_back(till: Till, before: Sequence[Any]) -> None:
    """Take a check-in of this till's shop back; ``before`` as `check_in` said it."""
    invitation_id, state, slot_id, asked = before
    asked_at = datetime.fromisoformat(asked) if asked else None
    services.undo_arrival(invitation_id, till.shop_id, state, slot_id, asked_at)


def arrived_text(at: datetime, shop_id: int | None, *, first: bool) -> str:
    """Say that somebody is checked in: now, or when and where it was done before."""
    if first:
        return _("Checked in.")
    return _("Checked in already: %(when)s, %(shop)s.") % _when_where(at, shop_id)


def _when_where(at: datetime, shop_id: int | None) -> dict[str, str]:
    shop = Shop.objects.filter(pk=shop_id or 0).first()
    when = date_format(localtime(at), "SHORT_DATETIME_FORMAT")
    return {"when": when, "shop": shop.name if shop else "–"}


def _shown(one: Standing, sale: PrivateSale, shop: Shop, member_id: int, now: datetime) -> Json:
    came = one.state == _State.ARRIVED
    used = offers.has_used(sale, shop.pk, member_id)
    stands = offers.standing(sale, shop.pk, used=used)
    everything = offers.on_everything(stands)
    act = "" if came or one.state == "not-invited" else "check_in"
    return {
        "sale": one.sale_id,
        "name": one.sale_name,
        "tone": "ok" if came else "",
        "text": _text(one, now),
        "act": "join_sale" if one.state == "may-join" else act,
        "full": "" if came or one.state == _State.BOOKED else _full(sale, now),
        "prices": list(_prices(stands)),
        "off": [
            {"percent": offer.percent, "least_cents": offer.least_cents or 0}
            for offer in everything
        ],
        "own_prices": len(stands) > len(everything),
        "used": _used(sale, shop.pk) if used else "",
    }


def _text(one: Standing, now: datetime) -> str:
    if one.arrived_at is not None:
        return _("Came: %(when)s, %(shop)s.") % _when_where(one.arrived_at, one.arrived_shop_id)
    slot = _slot_text(one.slot_starts_at, now)
    booked = _("Has a place: %(slot)s.") % {"slot": slot}
    return {
        _State.OPEN: _("Invited."),
        _State.BOOKED: booked if slot else _("Has said to come."),
        _State.QUEUED: _("Waits for a place: %(slot)s.") % {"slot": slot},
        _State.DECLINED: _("Invited; had said not to come."),
        "may-join": _("Not invited: may join here at the door."),
        "not-invited": _("Not invited, and this sale lets nobody join at the door."),
    }[one.state]


def _slot_text(starts_at: datetime | None, now: datetime) -> str:
    """Say when a slot begins; with its day, if that isn't today."""
    if starts_at is None:
        return ""
    at = localtime(starts_at)
    hour = date_format(at, "TIME_FORMAT")
    return hour if at.date() == localtime(now).date() else f"{date_format(at, 'l j F')}, {hour}"


def _full(sale: PrivateSale, now: datetime) -> str:
    """Say that all places of this moment are taken, by who booked or who is there; it is for the
    shop to let one more in."""
    slot = sale.slots.filter(starts_at__lte=now, ends_at__gt=now).first()
    if slot is None:
        return ""
    early = town.EARLY if slot.starts_at == sale.starts_at else timedelta(0)
    others = sale.invitations.filter(
        state=_State.ARRIVED, arrived_at__gte=slot.starts_at - early, arrived_at__lt=slot.ends_at
    ).exclude(slot=slot)
    if slot.taken + others.count() < slot.capacity:
        return ""
    told = {"n": slot.capacity, "time": date_format(localtime(slot.ends_at), "TIME_FORMAT")}
    said = _("All %(n)d places until %(time)s are taken.") % told
    queue = sale.invitations.filter(state=_State.QUEUED, slot=slot).count()
    waiting = ngettext("%(n)d guest waits for one.", "%(n)d guests wait for one.", queue)
    return f"{said} {waiting % {'n': queue}}" if queue else said


def _used(sale: PrivateSale, shop_id: int) -> str:
    """Name the offers for a first purchase, to a member who has bought in this sale."""
    gone = [offer.name for offer in offers.standing(sale, shop_id) if offer.once]
    told = {"names": ", ".join(gone)}
    return _("Has bought in this sale: no longer for %(names)s.") % told if gone else ""


def _prices(stands: Sequence[Offer]) -> Iterable[Json]:
    """Yield what a cashier asks: each article once, at its best price; by its terms a ladder, an
    offer of too many articles, or one that asks for a least purchase."""
    left, best = _PRICES_AT_MOST, offers.best(stands)
    for offer in stands:
        if offer.ladder or offer.least_cents or not 0 < offer.articles <= left:
            yield {"name": offer.name, "text": terms(offer), "reference_cents": None}
            continue
        left -= offer.articles
        for one in (best.get(row["item_id"]) for row in offer.proof):
            if one is not None and one.offer_id == offer.pk:
                yield {
                    "name": one.item_name,
                    "text": " · ".join([money(one.member_cents), *conditions(offer)]),
                    "reference_cents": one.reference_cents,
                }


def terms(offer: Offer) -> str:
    """Say an offer in signs: −20 %, 79,00 €, or a ladder's steps; with its conditions."""
    return " · ".join([_off(offer), *conditions(offer)])


def conditions(offer: Offer) -> list[str]:
    """Say what an offer asks for, as the invitation prints it."""
    least = offer.least_cents
    found = [
        _("from %(amount)s of purchase, before the reduction") % {"amount": money(least)}
        if least
        else "",
        _("with the first purchase in the sale") if offer.once else "",
        _("while stock lasts") if offer.while_stock else "",
    ]
    return [text for text in found if text]


def _off(offer: Offer) -> str:
    if offer.percent is not None:
        return f"−{offer.percent}\u202f%"
    if offer.price_cents is not None:
        return money(offer.price_cents)
    return ", ".join(
        _("%(n)d articles −%(percent)d %%") % {"n": count, "percent": percent}
        for count, percent in offer.ladder or ()
    )
