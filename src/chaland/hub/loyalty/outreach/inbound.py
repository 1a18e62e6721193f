"""What providers, mail servers and mailboxes tell: kept raw and sealed first, then read.

A report may come before the outcome of its call is written, or name the message by a number of the
provider's that is not written yet: it is kept unread and tried again for a day.
"""

import base64
import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import (
    Channel,
    Delivery,
    DeliveryEvent,
    Gateway,
    Inbound,
    Suppression,
)
from chaland.hub.loyalty.outreach import drivers, stopping
from chaland.hub.loyalty.outreach.mail.mailbox import empty_mailbox
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import (
    Driver,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Kind,
    Status,
)
from chaland.hub.loyalty.outreach.sms.answers import Answer, understood
from chaland.hub.loyalty.outreach.transitions import State, reported

_log = logging.getLogger(__name__)
_AT_ONCE = 500
_AGAIN = timedelta(seconds=10)
_TRIED_FOR = timedelta(days=1)
KEPT = timedelta(days=30)
_CAUSES = {
    Kind.BOUNCED_HARD: Suppression.Cause.BOUNCED,
    Kind.COMPLAINED: Suppression.Cause.COMPLAINED,
    Kind.UNSUBSCRIBED: Suppression.Cause.UNSUBSCRIBED,
}


def store(gateway: Gateway, hook: Hook) -> int:
    """Keep a provider's call as it came, sealed, before anything reads it; returns its number."""
    told = {
        "method": hook.method,
        "query": dict(hook.query),
        "headers": dict(hook.headers),
        "body": base64.b64encode(hook.body).decode(),
    }
    row = Inbound.objects.create(
        gateway=gateway, received_at=clock.now(), body=json.dumps(told, ensure_ascii=False)
    )
    return row.pk


def hook_of(body: str) -> Hook:
    """Return a call as it was kept."""
    told = json.loads(body)
    return Hook(told["method"], told["query"], told["headers"], base64.b64decode(told["body"]))


def read_due(now: datetime) -> int:
    """Read what came in and was not read, or named a message that wasn't known; how many."""
    done = 0
    rows = Inbound.objects.filter(read_at__isnull=True, received_at__lte=now)
    due = rows.filter(Q(again_at__isnull=True) | Q(again_at__lte=now)).order_by("received_at", "pk")
    ways: dict[int, Driver] = {}
    try:
        for row in due.select_related("gateway")[:_AT_ONCE]:
            done += _read(row, ways, now)
    finally:
        for driver in ways.values():
            driver.close()
    return done


def _read(row: Inbound, ways: dict[int, Driver], now: datetime) -> bool:
    """Read one call; whether it is done with. What it names and isn't known is tried again."""
    try:
        driver = ways.get(row.gateway_id) or drivers.open_gateway(row.gateway)
        ways[row.gateway_id] = driver
        told = list(driver.read(hook_of(row.body)))
    except (ValueError, GatewayErrorFinal) as error:
        return _close(row, now, str(error) or type(error).__name__)
    except Exception as error:  # noqa: BLE001 (anybody may write to us: no mail may stop the worker)
        return _close(row, now, type(error).__name__)
    try:
        missing = _taken(row.gateway, told, now)
    except ValueError as error:  # a key that is none
        return _close(row, now, str(error) or type(error).__name__)
    if not missing:
        return _close(row, now, "")
    if now - row.received_at >= _TRIED_FOR:
        return _close(row, now, _("It names a message that this hub does not know."))
    Inbound.objects.filter(pk=row.pk).update(again_at=now + _AGAIN)
    return False


def _taken(gateway: Gateway, told: Iterable[Status | Heard], now: datetime) -> int:
    """Take what a call says; how many of its reports name a delivery that isn't known."""
    missing = 0
    for one in told:
        if isinstance(one, Heard):
            hear(gateway, one)
        elif not report(gateway, one, now):
            missing += 1
    return missing


def _close(row: Inbound, now: datetime, trouble: str) -> bool:
    Inbound.objects.filter(pk=row.pk).update(read_at=now, again_at=None, trouble=trouble[:200])
    if trouble:
        _log.warning("what came in as %d can’t be read", row.pk)
    return True


def hear(gateway: Gateway, heard: Heard) -> bool:
    """Take what a member wrote to us: STOP stops, for every shop; whether it did."""
    if gateway.channel == Channel.SMS and understood(heard.text) != Answer.STOP:
        return False
    cause = Suppression.Cause.STOP
    try:
        return stopping.stop(gateway.association_id, gateway.channel, heard.sender, cause, heard.at)
    except MemberErrorFinal:  # who wrote has a number or an address that no member can have
        return False


def report(gateway: Gateway, status: Status, now: datetime) -> bool:
    """Take a report; False where its delivery isn't known (yet)."""
    rows = Delivery.objects.filter(campaign__association_id=gateway.association_id)
    if status.key:
        rows = rows.filter(key=UUID(status.key))
    elif status.provider_id:
        rows = rows.filter(gateway=gateway, provider_id=status.provider_id)
    else:
        return False
    number = rows.values_list("pk", flat=True).first()
    if number is None:
        return False
    take(number, status, now)
    return True


@contention.anew
def take(delivery_id: int, status: Status, now: datetime) -> str:
    """Write a report down and let the delivery rise to it; return the state it is in now.

    An address that doesn't exist, a complaint and a provider's own stop list stop the address, too,
    once: the same report again changes nothing.
    """
    with transaction.atomic(using="loyalty"):
        row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
        _event, new = DeliveryEvent.objects.get_or_create(
            delivery=row, kind=status.kind, code=status.code[:80], defaults={"at": status.at}
        )
        state = reported(State(row.state), status.kind)
        if state != row.state:
            Delivery.objects.filter(pk=delivery_id).update(
                state=state,
                reason=Delivery.Reason.NONE,
                code=status.code[:80] or row.code,
                provider_id=row.provider_id or status.provider_id[:120],
                leased_until=None,
                sending_at=row.sending_at or status.at,
                changed_at=now,
            )
    cause = _CAUSES.get(status.kind)
    if new and cause:
        stopping.suppress_delivery(delivery_id, cause, status.at)
    return str(state)


def fetch() -> int:
    """Fetch what came back into the mailboxes of mail gateways; how many mails."""
    fetched = 0
    for gateway in Gateway.objects.filter(active=True, channel=Channel.EMAIL):
        if gateway.driver == "outbox":
            continue
        keep = partial(_store_mail, gateway)
        try:
            settings = MailSettings.of(json.loads(gateway.settings), gateway.sender)
            fetched += empty_mailbox(settings, keep)
        except (GatewayErrorTemporary, GatewayErrorFinal) as error:
            _log.warning("the mailbox of gateway %d: %s", gateway.pk, error)
    return fetched


def fetch_stops() -> int:
    """Ask providers that keep STOPs to themselves who said it; how many they named."""
    named = 0
    for gateway in Gateway.objects.filter(active=True, channel=Channel.SMS):
        try:
            driver = drivers.open_gateway(gateway)
            stops = getattr(driver, "stops", None)
            heard = stops() if stops else []
            driver.close()
        except (GatewayErrorTemporary, GatewayErrorFinal) as error:
            _log.warning("the stop list of gateway %d: %s", gateway.pk, error)
            continue
        named += len(heard)
        for one in heard:
            hear(gateway, one)
    return named


def _store_mail(gateway: Gateway, raw: bytes) -> None:
    store(gateway, Hook("MAIL", {}, {}, raw))


def forget(association_id: int) -> None:
    """Empty what was read: sealed as it is, a member who is being erased may be named in it."""
    read = Inbound.objects.filter(gateway__association_id=association_id, read_at__isnull=False)
    read.update(body="")


def prune(now: datetime) -> int:
    """Delete what came in more than a month ago; how many."""
    return Inbound.objects.filter(received_at__lt=now - KEPT).delete()[0]
