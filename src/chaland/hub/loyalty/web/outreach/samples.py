"""Texts as they will be read, with invented readers: the usual one, and those who break layouts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach import values
from chaland.hub.loyalty.outreach.placeholders import fill, one_line
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal
from chaland.hub.loyalty.outreach.sms import compose
from chaland.hub.loyalty.outreach.sms.encoding import Looked, looked
from chaland.hub.loyalty.web.outreach.gateway_settings import settings_of

_CODE = "7K3QD-M9XPA"
_NO_TOKEN = "x" * 44
_NAMES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "usual": ("Camille", lambda: _("a usual reader")),
    "none": ("", lambda: _("gave no first name")),
    "long": ("Marie-Antoinette-Élisabeth", lambda: _("a long first name")),
    "marks": ("<Zoë & Cº>", lambda: _("a first name with signs")),
}


def cases() -> list[tuple[str, str]]:
    """List the readers that a preview can be asked for, with what is special about each."""
    return [(name, label()) for name, (_first, label) in _NAMES.items()]


def sample_values(campaign: Campaign, language: str, case: str = "usual") -> dict[str, str]:
    """Return all that a text may leave open, for an invented reader."""
    path = f"/i/{_CODE}/" if campaign.sale_id else reverse("account")
    first_name, _label = _NAMES.get(case, _NAMES["usual"])
    return {
        **values.of_campaign(campaign, language),
        "first_name": first_name,
        "code": _CODE if campaign.sale_id else "",
        "link": settings.PUBLIC_ORIGIN + path,
        "unsubscribe": _NO_TOKEN,
        "postal": str(_settings(campaign, Channel.EMAIL).get("postal", "")),
        "origin": settings.PUBLIC_ORIGIN,
    }


def mail_html(text: CampaignText, campaign: Campaign, case: str) -> str:
    """Return a mail's HTML as this reader gets it."""
    return fill(text.html, sample_values(campaign, text.language, case), as_html=True)


def mail_subject(text: CampaignText, campaign: Campaign, case: str) -> str:
    """Return the subject as this reader gets it."""
    return one_line(fill(text.subject, sample_values(campaign, text.language, case)))


@dataclass(frozen=True, slots=True)
class SmsFrame:
    """What the editor needs to count a text as it leaves: what goes round it, and its price."""

    stop: str
    cheap: bool
    segment_microcents: int
    values: dict[str, str]


def sms_frame(campaign: Campaign, language: str, case: str = "long") -> SmsFrame:
    """Return an SMS's frame, with the longest values: it never costs more than is said."""
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
        sample_values(campaign, language, case),
    )


def sms_text(body: str, frame: SmsFrame) -> str:
    """Return an SMS whole, as it leaves."""
    return compose.written(body, frame.values, frame.stop, cheap=frame.cheap)


def sms_looked(text: CampaignText, campaign: Campaign) -> tuple[Looked, SmsFrame]:
    """Count an SMS at its longest."""
    frame = sms_frame(campaign, text.language)
    return looked(sms_text(text.body, frame)), frame


def _settings(campaign: Campaign, channel: str) -> dict[str, Any]:
    gateway = Gateway.objects.filter(
        association_id=campaign.association_id, channel=channel, active=True
    ).first()
    return settings_of(gateway) if gateway else {}
