"""Messages of which nothing is known: asked for at the provider, sent again where that is safe."""

import json
import logging
from collections import Counter
from datetime import datetime, timedelta

from chaland.hub.loyalty.models import Channel, Delivery
from chaland.hub.loyalty.outreach import inbound, queue
from chaland.hub.loyalty.outreach.engine.sending import Way
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, GatewayErrorTemporary

_log = logging.getLogger(__name__)
_State = Delivery.State
_WAIT = timedelta(minutes=1)
"""A report or an answer on its way may still come by itself."""
_AT_ONCE = 50
_ASKED_FOR = timedelta(days=3)


def settle(way: Way, now: datetime) -> Counter[str]:
    """Ask what became of a gateway's unknown messages, the oldest first; how many of each state."""
    counted: Counter[str] = Counter()
    if not way.driver.capabilities.looks_up:
        return counted
    rows = queue.unknown().filter(
        gateway=way.gateway, sending_at__gt=now - _ASKED_FOR, changed_at__lte=now - _WAIT
    )
    for number, key, provider_id in list(
        rows.order_by("sending_at").values_list("pk", "key", "provider_id")[:_AT_ONCE]
    ):
        Delivery.objects.filter(pk=number, state=_State.UNKNOWN).update(changed_at=now)
        try:
            status = way.driver.look_up(key.hex, provider_id)
        except (GatewayErrorTemporary, GatewayErrorFinal):
            break
        except Exception as error:  # noqa: BLE001 (an odd answer about one message stops no other)
            _log.warning("%s, asked for one message: %s", way.gateway, type(error).__name__)
            continue
        if status is not None and (state := inbound.take(number, status, now)):
            counted[state] += 1
    return counted


def tries(way: Way) -> int:
    """Return how often a message may be handed over with one key, where its outcome is unknown."""
    if way.driver.capabilities.idempotent:
        return 5
    again = json.loads(way.gateway.settings or "{}").get("again", False)
    return 2 if again and way.gateway.channel == Channel.EMAIL else 1
