"""The finished text message: filled, cheap if wished, with its STOP line, which is counted too."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach import values as known
from chaland.hub.loyalty.outreach.placeholders import fill
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Reach, Sms, Waiting
from chaland.hub.loyalty.outreach.sms.encoding import is_gsm, transliterated

SENDER_AT_MOST = 11
_STOP_WORDS = {"fr": "STOP au {}", "en": "STOP to {}"}


class Composer:
    """Makes the text messages of one campaign. Keep it as long as its texts may not change: a
    batch. Settings of the gateway that it reads: ``stop`` (the short number for STOP, or the whole
    words that the provider wants) and ``transliterate`` (true if nothing is said)."""

    def __init__(self, campaign: Campaign, gateway: Gateway) -> None:
        """Read the texts. GatewayErrorFinal: no STOP line for promotion, or a bad sender."""
        self._campaign = campaign
        self._settings: dict[str, Any] = json.loads(gateway.settings)
        try:
            self._sender = checked_sender(gateway.sender)
        except ValidationError as error:
            raise GatewayErrorFinal(error.messages[0]) from error
        texts = CampaignText.objects.filter(campaign=campaign, channel=Channel.SMS)
        self._texts = {text.language: text for text in texts.order_by("-language")}
        self._common: dict[str, dict[str, str]] = {}

    def message(self, delivery: Waiting, reach: Reach) -> Sms:
        """Make one message. KeyError: a value is missing, or the campaign has no text at all."""
        text = self._texts.get(reach.language) or self._first()
        common = self._common.get(text.language)
        if common is None:
            common = self._common[text.language] = known.of_campaign(self._campaign, text.language)
        whole = written(
            text.body,
            {**common, **reach.values},
            stop_line(self._settings, self._campaign, text.language),
            cheap=self._settings.get("transliterate", True),
        )
        return Sms(delivery.key.hex, reach.to, whole, self._sender, delivery.expires_at)

    def _first(self) -> CampaignText:
        for text in self._texts.values():
            return text
        raise KeyError("The campaign has no SMS text.")


def written(body: str, values: Mapping[str, str], stop: str, *, cheap: bool) -> str:
    """Return the whole text as it leaves and is counted (`encoding.looked`).

    ``cheap`` transliterates, unless a character without an equal makes it UCS-2 all the same: then
    nothing is won by spoiling the others.
    """
    whole = "\n".join(filter(None, (fill(body, values).strip(), stop)))
    plain = transliterated(whole) if cheap else whole
    return plain if is_gsm(plain) else whole


def stop_line(settings: Mapping[str, Any], campaign: Campaign, language: str) -> str:
    """Return the line that says how to stop (L8); "" for a receipt that the member asked for.

    GatewayErrorFinal: the gateway has none, and promotion must not leave without.
    """
    if campaign.automatic == Campaign.Automatic.RECEIPT:
        return ""
    stop = str(settings.get("stop", "")).strip()
    if not stop:
        raise GatewayErrorFinal(
            _("The gateway’s setting “stop” is missing: say to which number STOP goes (36105).")
        )
    return _STOP_WORDS.get(language, _STOP_WORDS["fr"]).format(stop) if stop.isdecimal() else stop


def checked_sender(sender: str) -> str:
    """Return a sender's name that operators in France let pass (L7), else ValidationError."""
    if not re.fullmatch(r"[A-Za-z0-9]+", sender) or len(sender) > SENDER_AT_MOST:
        told = _("The sender’s name has at most %(most)s letters and digits, no accent, no space.")
        raise ValidationError(told % {"most": SENDER_AT_MOST}, "sender")
    if sender.isdecimal() or sender.startswith(("06", "07")):
        raise ValidationError(
            _("The sender’s name needs a letter and does not begin with 06 or 07."), "sender"
        )
    return sender
