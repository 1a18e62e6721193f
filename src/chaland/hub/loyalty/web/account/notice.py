"""What members are told of their data (GDPR, Art. 13 and 26): open to all, without a session."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account import leaving, links
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Channel, Gateway
from chaland.hub.loyalty.outreach import inbound, pressure_rules
from chaland.hub.loyalty.outreach.engine import journal, recovering
from chaland.hub.loyalty.receipts import links as receipt_links
from chaland.hub.loyalty.web.account.guard import cookie_name


@cache_control(no_store=True, private=True)
@require_safe
def notice(request: HttpRequest) -> HttpResponse:
    """Say who answers for the data, what for, on what ground, how long, and what rights there are.

    ``?shop=`` names the shop that hands it out; a session names its association."""
    member = links.member_of(request.COOKIES.get(cookie_name(), ""))
    shop = _shop(request.GET.get("shop", ""))
    towns = Association.objects.order_by("name")
    if member is not None:
        towns = towns.filter(pk=member.association_id)
        shop = shop if shop and shop.association_id == member.association_id else None
    elif shop is not None:
        towns = towns.filter(pk=shop.association_id)
    context = {
        "controllers": [(town, *_contact(town)) for town in towns],
        "shop": shop,
        "kept": kept(),
        "known": member is not None,
    }
    return render(request, "loyalty/account/notice.html", context)


def kept() -> list[tuple[str, str]]:
    """List what is kept, and how long: each period as the code holds it."""
    periods: dict[str, Any] = {
        "years": erasure.KEPT_YEARS,
        "undo": leaving.UNDO_FOR.days,
        "looks": members.LOOKUPS_KEPT.days,
        "inbound": inbound.KEPT.days,
        "counted": pressure_rules.FAIR.days,
        "link": receipt_links.LIVES.days,
        "contact": receipt_links.CONTACT_LIVES.days,
        "journal": (recovering.KEPT + journal.KEPT).days,
    }
    member = _(
        "As long as you are a member. Erased %(undo)d days after you leave, or %(years)d years "
        "after you were last in touch."
    )
    rows = [
        (_("Your name, number, e-mail address, birthday, card and choices"), member),
        (
            _("Your purchases and what you have on your account"),
            _("As long as you are a member. Then the shops keep the amounts, which name nobody."),
        ),
        (
            _("What you agreed to, and when"),
            _("As long as you are a member. Then a sealed proof stays, which names nobody."),
        ),
        (_("Who looked you up"), _("%(looks)d days.")),
        (
            _("Messages and invitations meant for you"),
            _("%(years)d years. Then only how many there were, which names nobody."),
        ),
        (_("How many messages you got lately"), _("%(counted)d days.")),
        (_("Answers and bounces, as they came"), _("%(inbound)d days.")),
        (
            _("That you said stop"),
            _(
                "For good, as a code computed from your number or address: without it you could "
                "be written to again by mistake."
            ),
        ),
        (
            _("A receipt by link"),
            _(
                "%(link)d days. The number or address that you gave for it alone is wiped once "
                "sent, after %(contact)d days at most."
            ),
        ),
        (
            _("What has left already, on the machine that sends"),
            _(
                "The message’s own code, no address, at most %(journal)d days longer than the "
                "message may be sent."
            ),
        ),
    ]
    return [(label, text % periods) for label, text in rows]


def _shop(number: str) -> Shop | None:
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        return None
    return Shop.objects.filter(pk=int(number)).first()


def _contact(town: Association) -> tuple[str, str]:
    """Return the postal address and the e-mail address that an association's mails give, if any."""
    gateway = Gateway.objects.filter(
        association_id=town.pk, channel=Channel.EMAIL, active=True
    ).first()
    if gateway is None:
        return "", ""
    return str(json.loads(gateway.settings).get("postal", "")), gateway.sender
