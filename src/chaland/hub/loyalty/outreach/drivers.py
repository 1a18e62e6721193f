"""By what messages leave: a closed list of drivers, opened when a worker needs one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from chaland.hub.loyalty.models import Campaign, Channel, Gateway
from chaland.hub.loyalty.outreach.mail.compose import Composer as MailComposer
from chaland.hub.loyalty.outreach.shapes import (
    Driver,
    GatewayErrorFinal,
    Mail,
    Reach,
    Sms,
    Waiting,
)
from chaland.hub.loyalty.outreach.sms.compose import Composer as SmsComposer


@dataclass(frozen=True, slots=True)
class Made:
    """A driver of the list: the module (of outreach) with its ``open_driver``, and its channels."""

    module: str
    channels: tuple[Channel, ...]


DRIVERS: Mapping[str, Made] = {
    "outbox": Made("outbox", (Channel.SMS, Channel.EMAIL)),
    "smtp": Made("mail.smtp", (Channel.EMAIL,)),
    "anymail": Made("mail.anymail", (Channel.EMAIL,)),
    "kannel": Made("sms.kannel", (Channel.SMS,)),
    "smpp": Made("sms.smpp", (Channel.SMS,)),
    "ovh": Made("sms.ovh", (Channel.SMS,)),
    "brevo": Made("sms.brevo", (Channel.SMS,)),
    "smsmode": Made("sms.smsmode", (Channel.SMS,)),
    "octopush": Made("sms.octopush", (Channel.SMS,)),
}


class Composer(Protocol):
    """Makes the messages of one campaign (``mail.compose``, ``sms.compose``)."""

    def message(self, delivery: Waiting, reach: Reach) -> Mail | Sms:
        """Make one message. KeyError: it can't be made."""
        ...


def open_gateway(gateway: Gateway) -> Driver:
    """Open a gateway's driver. GatewayErrorFinal: there is none of that name for its channel, or
    its settings are wrong."""
    made = DRIVERS.get(gateway.driver)
    if made is None or gateway.channel not in made.channels:
        raise GatewayErrorFinal(f"{gateway.channel}: no driver is called {gateway.driver!r}")
    module = import_module(f"chaland.hub.loyalty.outreach.{made.module}")
    return cast(Callable[[Gateway], Driver], module.open_driver)(gateway)


def composer(campaign: Campaign, gateway: Gateway) -> Composer:
    """Make what writes a campaign's messages. GatewayErrorFinal: wrong settings."""
    if gateway.channel == Channel.SMS:
        return SmsComposer(campaign, gateway)
    return MailComposer(campaign, gateway)
