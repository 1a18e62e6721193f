"""Texts as they will be read, with invented readers: the usual one, and those who break layouts."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach import values
from chaland.hub.loyalty.outreach.mail.preview import Previewed, previews
from chaland.hub.loyalty.outreach.mail.templates import Letter
from chaland.hub.loyalty.outreach.placeholders import WRITTEN
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal
from chaland.hub.loyalty.outreach.sms import compose
from chaland.hub.loyalty.web.outreach.gateway_settings import settings_of

_CODE = "7K3QD-M9XPA"
_LONG_NAME = "Marie-Antoinette-Élisabeth"


def placeholders() -> list[tuple[str, str]]:
    """List what a text may use (`placeholders.WRITTEN`), each with its name for people."""
    names = {
        "first_name": _("first name"),
        "shop": _("who writes"),
        "sale": _("private sale"),
        "code": _("code of the invitation"),
        "link": _("link"),
        "place": _("place"),
    }
    return [(f"{{{name}}}", names[name]) for name in WRITTEN]


def cases(campaign: Campaign) -> list[tuple[str, str]]:
    """List the readers that a preview can be asked for, with what is special about each."""
    found = previews(Letter("fr", "", ""), _common(campaign, "fr"))
    return [(str(number), each.whose) for number, each in enumerate(found)]


def mail(text: CampaignText, campaign: Campaign, case: str) -> Previewed:
    """Return a mail as this reader gets it; the usual one where there is no such case."""
    found = previews(Letter.of(text, campaign), _common(campaign, text.language))
    return found[int(case) if case in map(str, range(len(found))) else 0]


def _common(campaign: Campaign, language: str) -> dict[str, str]:
    return {
        **values.of_campaign(campaign, language),
        "postal": str(_settings(campaign, Channel.EMAIL).get("postal", "")),
        "origin": settings.PUBLIC_ORIGIN,
    }


def _sms_values(campaign: Campaign, language: str) -> dict[str, str]:
    """Return all that an SMS may leave open, for a reader with a long name."""
    path = f"/i/{_CODE}/" if campaign.sale_id else reverse("account")
    return {
        **values.of_campaign(campaign, language),
        "first_name": _LONG_NAME,
        "code": _CODE if campaign.sale_id else "",
        "link": settings.PUBLIC_ORIGIN + path,
    }


@dataclass(frozen=True, slots=True)
class SmsFrame:
    """What the editor needs to count a text as it leaves: what goes round it, and its price."""

    stop: str
    cheap: bool
    segment_microcents: int
    values: dict[str, str]


def sms_frame(campaign: Campaign, language: str) -> SmsFrame:
    """Return an SMS's frame, with a long name: hardly anybody's costs more than is said."""
    told = _settings(campaign, Channel.SMS)
    try:
        stop = compose.stop_line(told, campaign, language)
    except GatewayErrorFinal:
        stop = "STOP 36105"  # a gateway that lacks it is complained of beside the button
    price = str(told.get("segment_microcents", 0))
    return SmsFrame(
        stop,
        bool(told.get("transliterate", True)),
        int(price) if price.isdecimal() else 0,
        _sms_values(campaign, language),
    )


def sms_text(body: str, frame: SmsFrame) -> str:
    """Return an SMS whole, as it leaves."""
    return compose.written(body, frame.values, frame.stop, cheap=frame.cheap)


def _settings(campaign: Campaign, channel: str) -> dict[str, Any]:
    gateway = Gateway.objects.filter(
        association_id=campaign.association_id, channel=channel, active=True
    ).first()
    return settings_of(gateway) if gateway else {}
