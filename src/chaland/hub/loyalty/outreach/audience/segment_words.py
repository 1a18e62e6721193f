"""What a criterion says in plain words: to who chooses ("has bought from you within the last 90
days"), and to who was chosen ("you bought at Librairie du Pont within the last 90 days")."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from chaland.hub.association.models import Shop, Zone
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    ConsentEvent,
    Delivery,
    Permission,
    Tier,
)
from chaland.hub.loyalty.outreach import pressure, values
from chaland.hub.loyalty.outreach.audience import segments
from chaland.hub.loyalty.outreach.audience.segments import Criterion, SegmentErrorFinal

Says = Callable[[Mapping[str, Any]], str]
"""Takes a criterion's parameters, with ``where`` (who writes) and names for numbers."""


def sentence(criterion: Criterion, association_id: int, controller: int) -> str:
    """Say whom a criterion chooses, in the language that is active."""
    told = _told(criterion, association_id)
    own = controller != THE_ASSOCIATION
    where = _("from you") if own else _("from a shop of the association")
    return _CHOOSES[criterion.name]({**told, "where": where})


def sentences(campaign: Campaign) -> list[str]:
    """Say whom a campaign's criteria choose, each in a sentence; nothing: everybody who agreed."""
    try:
        parsed = segments.parse(campaign.criteria, campaign.controller)
    except SegmentErrorFinal as error:
        return [str(error)]
    return [sentence(each, campaign.association_id, campaign.controller) for each in parsed]


def why(delivery: Delivery) -> list[str]:
    """Say to the member why this message came (L16): what was agreed to, and by what the member
    was chosen, in the member's language. Empty where the member is gone."""
    campaign, member = delivery.campaign, delivery.member
    if member is None:
        return []
    names = values.names_of(campaign.association_id, [campaign.controller])
    who = names.get(campaign.controller, "")
    with override(member.language):
        said = [_agreed(campaign, delivery, who)]
        if campaign.automatic:
            kind = Campaign.Automatic(campaign.automatic).label
            said.append(_("You chose this automatic message: %(kind)s.") % {"kind": kind})
        for criterion in segments.parse(campaign.criteria, campaign.controller):
            told = _told(criterion, campaign.association_id)
            where = _("at a shop of %(who)s") if not campaign.controller else _("at %(who)s")
            said.append(_CHOSEN[criterion.name]({**told, "where": where % {"who": who}}))
        if not campaign.automatic and not campaign.criteria:
            said.append(_("It went to everybody who agreed; nobody was chosen."))
    return [line for line in said if line]


def _agreed(campaign: Campaign, delivery: Delivery, who: str) -> str:
    if not pressure.promotional(campaign):
        return _("You asked for your receipts by link.")
    asked = {
        "controller": campaign.controller,
        "purpose": campaign.purpose,
        "channel": delivery.channel,
    }
    told = {"who": who, "what": campaign.get_purpose_display()}
    told["how"] = delivery.get_channel_display()
    held = Permission.objects.filter(member=delivery.member, given=True, **asked).first()
    if held is None:
        text = _("When it was sent, you had agreed to %(what)s of %(who)s by %(how)s; no longer.")
        return text % told
    since = _agreed_by(delivery, asked, held.since)
    if since is None:
        return _("When it was sent, you had agreed to %(what)s of %(who)s by %(how)s.") % told
    told["day"] = date_format(since, "DATE_FORMAT")
    return _("You agreed on %(day)s to %(what)s of %(who)s by %(how)s.") % told


def _agreed_by(delivery: Delivery, asked: dict[str, Any], since: datetime) -> datetime | None:
    """Return when the consent was given on which a message rested, not a later one; ``since``: what
    holds now. None: it isn't in this member's own chain, but in a double's that was merged."""
    sent_at = delivery.sending_at or delivery.changed_at
    if since <= sent_at:
        return since
    if delivery.member is None:
        return None
    events = ConsentEvent.objects.filter(
        chain=delivery.member.chain, occurred_at__lte=sent_at, **asked
    )
    last = events.order_by("-position").first()
    return last.occurred_at if last and last.given else None


def _told(criterion: Criterion, association_id: int) -> dict[str, Any]:
    told = dict(criterion.parameters)
    if "cents" in told:
        _whole, rest = divmod(told["cents"], 100)
        told["euros"] = f"{number_format(told['cents'] / 100, 2 if rest else 0)}\u00a0€"
    if "tier" in told:
        found = Tier.objects.filter(pk=told["tier"]).first()
        told["name"] = found.name if found else ""
    for key, model in (("shops", Shop), ("zones", Zone)):
        if isinstance(told.get(key), list):
            rows = model._default_manager.filter(association=association_id, pk__in=told[key])
            told["names"] = ", ".join(rows.order_by("name").values_list("name", flat=True))
    return _filled(told)


def _filled(told: dict[str, Any]) -> dict[str, Any]:
    days = told.get("days")
    if isinstance(days, int):
        past = ngettext("within the last day", "within the last %(days)d days", days)
        soon = ngettext("by tomorrow", "within %(days)d days", days)
        told |= {"period": past % {"days": days}, "soon": soon % {"days": days}}
    return told


def _language(told: Mapping[str, Any]) -> str:
    return _("French") if told["language"] == "fr" else _("English")


_CHOOSES: Mapping[str, Says] = {
    "bought_within": lambda t: _("has bought %(where)s %(period)s") % t,
    "not_bought_within": lambda t: _("has not bought %(where)s %(period)s") % t,
    "spent_at_least": lambda t: _("has spent at least %(euros)s %(period)s") % t,
    "receipts_at_least": lambda t: (
        ngettext(
            "has bought at least once %(period)s",
            "has bought at least %(receipts)d times %(period)s",
            t["receipts"],
        )
        % t
    ),
    "group_bought": lambda t: _("has bought “%(group)s” %(period)s") % t,
    "tier": lambda t: _("has reached the tier “%(name)s”") % t,
    "shops_at_least": lambda t: _("has bought in at least %(shops)d shops %(period)s") % t,
    "shops_bought": lambda t: _("has bought at one of %(names)s %(period)s") % t,
    "zones_bought": lambda t: _("has bought in %(names)s %(period)s") % t,
    "stamps_left": lambda t: (
        ngettext(
            "lacks one stamp on a card", "lacks at most %(stamps)d stamps on a card", t["stamps"]
        )
        % t
    ),
    "points_lapse": lambda t: _("has points or a purse that lapse %(soon)s") % t,
    "enrolled_within": lambda t: _("has joined %(period)s") % t,
    "birthday_month": lambda _t: _("has a birthday this month"),
    "language": lambda t: _("reads %(name)s") % {"name": _language(t)},
}
_CHOSEN: Mapping[str, Says] = {
    "bought_within": lambda t: _("You have bought %(where)s %(period)s.") % t,
    "not_bought_within": lambda t: _("You have not bought %(where)s %(period)s.") % t,
    "spent_at_least": lambda t: _("You have spent at least %(euros)s %(where)s %(period)s.") % t,
    "receipts_at_least": lambda t: (
        ngettext(
            "You have bought at least once %(where)s %(period)s.",
            "You have bought at least %(receipts)d times %(where)s %(period)s.",
            t["receipts"],
        )
        % t
    ),
    "group_bought": lambda t: _("You have bought “%(group)s” %(where)s %(period)s.") % t,
    "tier": lambda t: _("You have reached the tier “%(name)s”.") % t,
    "shops_at_least": lambda t: _("You have bought in at least %(shops)d shops %(period)s.") % t,
    "shops_bought": lambda t: _("You have bought at one of %(names)s %(period)s.") % t,
    "zones_bought": lambda t: _("You have bought in %(names)s %(period)s.") % t,
    "stamps_left": lambda _t: _("Your stamp card was nearly full."),
    "points_lapse": lambda t: _("You had points or a purse that lapse %(soon)s.") % t,
    "enrolled_within": lambda t: _("You have joined %(period)s.") % t,
    "birthday_month": lambda _t: _("It was the month of your birthday."),
    "language": lambda t: _("You read %(name)s.") % {"name": _language(t)},
}
