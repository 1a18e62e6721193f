"""Gateways: set up, tried with a message to oneself, stopped. At most one is active a channel."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings as site
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import THE_ASSOCIATION, Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach import drivers, outbox, values
from chaland.hub.loyalty.outreach.mail.compose import Form
from chaland.hub.loyalty.outreach.mail.settings import MailSettings, ascii_address
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Mail, Outcome, Sms
from chaland.hub.loyalty.outreach.sms.compose import checked_sender

_LIVES = timedelta(hours=1)


def active(association_id: int, channel: str) -> Gateway | None:
    """Return the gateway by which an association's messages of a channel leave, if there is one."""
    return Gateway.objects.filter(
        association_id=association_id, channel=channel, active=True
    ).first()


def save(
    association_id: int,
    channel: str,
    *,
    driver: str,
    sender: str,
    settings: Mapping[str, Any],
    rate_per_s: int,
    first_hour: int,
    now: datetime,
) -> Gateway:
    """Set a channel's gateway up. Another driver makes a new one, and the old one only still hears
    reports; GatewayErrorFinal, ValidationError: what is wrong with the settings or the sender."""
    told = {
        "sender": checked_sender(sender) if channel == Channel.SMS else sender,
        "settings": json.dumps(settings),
        "rate_per_s": rate_per_s,
        "first_hour": first_hour,
        "trouble": "",
        "deaf": "",
    }
    drivers.open_gateway(
        Gateway(association_id=association_id, channel=channel, driver=driver, hook="", **told)
    ).close()
    if channel == Channel.EMAIL:
        MailSettings.of(settings, sender)
    with transaction.atomic(using="loyalty"):
        now_active = active(association_id, channel)
        if now_active is not None and now_active.driver == driver:
            for name, value in told.items():
                setattr(now_active, name, value)
            now_active.save()
            return now_active
        stop(association_id, channel)
        hook = secrets.token_urlsafe(24)
        return Gateway.objects.create(
            association_id=association_id,
            channel=channel,
            driver=driver,
            hook=hook,
            hook_hash=hashlib.sha256(hook.encode()).hexdigest(),
            created_at=now,
            **told,
        )


def stop(association_id: int, channel: str) -> None:
    """Let nothing more leave by a channel; what comes in is still heard."""
    Gateway.objects.filter(association_id=association_id, channel=channel).update(active=False)


def try_out(gateway: Gateway, to: str, now: datetime) -> Outcome:
    """Send a test to an address that the caller vouches for; it is no member's, and isn't kept.

    GatewayErrorTemporary, GatewayErrorFinal: it surely did not leave, and why.
    """
    message = (
        _mail(gateway, to, now) if gateway.channel == Channel.EMAIL else _sms(gateway, to, now)
    )
    driver = drivers.open_gateway(gateway)
    try:
        batch: Any = [message]
        for outcome in driver.send(batch):
            return outcome
    finally:
        driver.close()
    raise GatewayErrorFinal(_("The gateway said nothing of the message."))


def _words() -> str:
    return _("This is a test of your gateway. If you read it, messages leave.")


def _sms(gateway: Gateway, to: str, now: datetime) -> Sms:
    return Sms(outbox.test_key(), to, _words(), gateway.sender, now + _LIVES)


def _mail(gateway: Gateway, to: str, now: datetime) -> Mail:
    campaign = Campaign(
        pk=0, association_id=gateway.association_id, controller=THE_ASSOCIATION, name="test"
    )
    language = (get_language() or "fr")[:2]
    text = CampaignText(
        campaign=campaign,
        channel=Channel.EMAIL,
        language=language,
        subject=_("Test of your gateway"),
        body=_words(),
    )
    told = MailSettings.of(json.loads(gateway.settings), gateway.sender)
    common = values.of_campaign(campaign, language)
    common |= {"postal": told.postal, "origin": site.PUBLIC_ORIGIN}
    key, address = outbox.test_key(), ascii_address(to)
    own = {"first_name": "", "code": "", "link": site.PUBLIC_ORIGIN, "unsubscribe": "test"}
    data = Form(text, campaign, told, common).spliced(key, address, now, own)
    return Mail(key, address, told.return_path(key), data)
