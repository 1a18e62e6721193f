"""What a message says of whom it goes to, and of who sends it; for a batch, in few reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    Invitation,
    PrivateSale,
)
from chaland.hub.loyalty.outreach import stopping
from chaland.hub.loyalty.outreach.among import among
from chaland.hub.loyalty.outreach.choices import Chosen
from chaland.hub.loyalty.outreach.shapes import Waiting
from chaland.hub.loyalty.receipts import links
from chaland.hub.loyalty.sales import codes, town

RECEIPT = "receipt "
"""How the occasion of a receipt's message begins; then comes the receipt's number."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is read of a member who is about to be written to; ``addresses`` holds, by channel, the
    address and its blind index."""

    association_id: int
    state: str
    language: str
    first_name: str
    addresses: Mapping[str, tuple[str | None, bytes | None]]


@dataclass(frozen=True, slots=True)
class Known:
    """What a batch's members and campaigns say, read before."""

    members: Mapping[int, Person]
    campaigns: Mapping[int, Campaign]
    choices: Mapping[int, Chosen]


def of_waiting(
    waiting: Sequence[Waiting], known: Known, now: datetime
) -> dict[int, dict[str, str]]:
    """Return each delivery's own words: ``first_name``, ``code``, ``link``, ``unsubscribe``.

    The link leads to the invitation, to the receipt, or else to the member's account.
    """
    invited = _invitations(waiting, known.campaigns)
    found = {}
    for one in waiting:
        invitation = invited.get((known.campaigns[one.campaign_id].sale_id, one.member_id))
        found[one.id] = {
            "first_name": known.members[one.member_id].first_name,
            "code": codes.code_of(invitation) if invitation else "",
            "link": settings.PUBLIC_ORIGIN + _path(one, invitation, now),
            "unsubscribe": stopping.token(
                known.choices[one.member_id].token, one.campaign_id, one.channel
            ),
        }
    return found


def _invitations(
    waiting: Sequence[Waiting], campaigns: Mapping[int, Campaign]
) -> dict[tuple[int | None, int], codes.Coded]:
    sales = {c.sale_id for c in campaigns.values() if c.sale_id is not None}
    if not sales:
        return {}
    rows = Invitation.objects.filter(
        among("loyalty_invitation.member_id", {one.member_id for one in waiting}), sale__in=sales
    ).values_list("sale_id", "member_id", "pk", "coded_for", named=True)
    return {(row.sale_id, row.member_id): row for row in rows if row.member_id is not None}


def _path(one: Waiting, invitation: codes.Coded | None, now: datetime) -> str:
    if one.occasion.startswith(RECEIPT):
        token = links.made_for(int(one.occasion.removeprefix(RECEIPT)), one.key, now)
        return reverse("e-receipt", args=[token])
    return codes.path_of(invitation) if invitation else _account()


@cache
def _account() -> str:
    return reverse("account")


def of_campaign(campaign: Campaign, language: str) -> dict[str, str]:
    """Return what is one for a whole campaign: ``shop`` (who writes), ``association``, ``sale``,
    ``place`` (the shops that take part, or the town) and ``dates`` (of the sale)."""
    association = Association.objects.get(pk=campaign.association_id)
    shops = names_of(campaign.association_id, [campaign.controller])
    sale = campaign.sale
    with override(language):
        return {
            "shop": shops.get(campaign.controller, association.name),
            "association": association.name,
            "sale": sale.name if sale else "",
            "place": _place(sale) if sale else association.town,
            "dates": _dates(sale) if sale else "",
        }


def names_of(association_id: int, controllers: Collection[int]) -> dict[int, str]:
    """Return the names of shops, by id; the association's own, as it calls itself, at 0."""
    shops = Shop.objects.filter(association=association_id, pk__in=controllers)
    found = dict(shops.values_list("pk", "name"))
    if THE_ASSOCIATION in controllers:
        found[THE_ASSOCIATION] = Association.objects.get(pk=association_id).name
    return found


def _place(sale: PrivateSale) -> str:
    taking_part = sale.shops.exclude(agreed_at=None).values_list("shop_id", flat=True)
    names = names_of(sale.association_id, list(taking_part))
    return ", ".join(sorted(names.values()))


def _dates(sale: PrivateSale) -> str:
    zone = town.zone_of(sale.association_id)
    first, last = (at.astimezone(zone) for at in (sale.starts_at, sale.ends_at))
    told = {
        "first": date_format(first, "l j F"),
        "last": date_format(last, "l j F"),
        "from": date_format(first, "TIME_FORMAT"),
        "until": date_format(last, "TIME_FORMAT"),
    }
    if first.date() == last.date():
        return _("%(first)s, from %(from)s to %(until)s") % told
    return _("from %(first)s, %(from)s, to %(last)s, %(until)s") % told
