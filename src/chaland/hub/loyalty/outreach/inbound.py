"""What providers, mail servers and mailboxes tell: kept raw and sealed first, then read.

What is read is emptied. A report may come before the outcome of its call is written, or name the
message by a number of the provider's that is not written yet: it is kept and tried again for a day.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
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
from chaland.hub.loyalty.outreach import drivers, pressure, stopping
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
from chaland.hub.loyalty.outreach.transitions import LEFT, State, reported

_log = logging.getLogger(__name__)
_AT_ONCE = 500
_AGAIN = timedelta(seconds=10)
_TRIED_FOR = timedelta(days=1)
KEPT = timedelta(days=30)
_STOPS_AT_ONCE = 100
"""Each costs the provider a call, and others' messages a part of a second."""
_WAITING = "waiting"
_OF_THE_DATABASE = (OperationalError, InterfaceError)
"""No provider's fault: the worker ends, and begins anew."""
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
    rows = Inbound.objects.filter(read_at__isnull=True, received_at__lte=now)
    due = rows.filter(Q(again_at__isnull=True) | Q(again_at__lte=now)).order_by("received_at", "pk")
    return _read_all(due.select_related("gateway")[:_AT_ONCE], now)


def _read_all(rows: Iterable[Inbound], now: datetime) -> int:
    done = 0
    ways: dict[int, Driver] = {}
    try:
        for row in rows:
            done += _read(row, ways, now)
    finally:
        for driver in ways.values():
            driver.close()
    return done


def _read(row: Inbound, ways: dict[int, Driver], now: datetime) -> bool:
    """Read one call; whether it is done with. What it names and isn't known is tried again."""
    try:
        told = _told(row, ways)
    except GatewayErrorFinal as error:  # its settings are wrong just now
        row.trouble = str(error)[:200]
        return _later(row, row.body, row.trouble, now)
    except ValueError as error:
        return _close(row, now, str(error) or type(error).__name__)
    except Exception as error:  # noqa: BLE001 (anybody may write to us: no mail may stop the worker)
        return _close(row, now, type(error).__name__)
    missing, trouble = _taken(row, told, now)
    row.trouble = trouble or row.trouble
    if not missing:
        return _close(row, now, row.trouble)
    why = row.trouble or _("It names a message that this hub does not know.")
    return _later(row, _waiting(missing), why, now)


def _told(row: Inbound, ways: dict[int, Driver]) -> list[Status | Heard]:
    """Return what a call says; where it was read before, what of it is still waiting."""
    kept = json.loads(row.body)
    if _WAITING in kept:
        return [
            Status(Kind(kind), datetime.fromisoformat(at), *rest)
            for kind, at, *rest in kept[_WAITING]
        ]
    driver = ways.get(row.gateway_id) or drivers.open_gateway(row.gateway)
    ways[row.gateway_id] = driver
    row.trouble = ""
    return driver.read(hook_of(row.body))


def _waiting(missing: Iterable[Status]) -> str:
    """Return what is kept of a call until its deliveries are known: reports, and nobody's name."""
    rows = [(one.kind, one.at.isoformat(), one.key, one.provider_id, one.code) for one in missing]
    return json.dumps({_WAITING: rows})


def _taken(row: Inbound, told: Iterable[Status | Heard], now: datetime) -> tuple[list[Status], str]:
    """Take what a call says; return the reports that name a delivery that isn't known, and what
    was wrong with others: one that can't be taken keeps none of its pack back."""
    missing: list[Status] = []
    trouble = ""
    for one in told:
        try:
            # Whenever it is read: it was said when it came in, at the latest.
            said = replace(one, at=min(one.at, row.received_at))
            if isinstance(said, Heard):
                hear(row.gateway, said)
            elif not report(row.gateway, said, now):
                missing.append(said)
        except _OF_THE_DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 (a provider's odd answer stops nobody)
            trouble = type(error).__name__
    return missing, trouble


def _later(row: Inbound, body: str, why: str, now: datetime) -> bool:
    """Try a call again, at first soon, then more and more rarely; after a day no more."""
    age = now - row.received_at
    if age >= _TRIED_FOR:
        return _close(row, now, why)
    again_at = now + max(_AGAIN, age / 10)
    Inbound.objects.filter(pk=row.pk).update(again_at=again_at, body=body, trouble=row.trouble)
    return False


def _close(row: Inbound, now: datetime, trouble: str) -> bool:
    """Have done with a call, and keep nothing of what it said."""
    Inbound.objects.filter(pk=row.pk).update(
        read_at=now, again_at=None, trouble=trouble[:200], body=""
    )
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
            if row.state not in LEFT:  # a back-up came back: what left takes its place again
                pressure.count([delivery_id], status.at)
        cause = _CAUSES.get(status.kind)
        if new and cause:  # both or none: a report that is on record is not heard again
            stopping.suppress_delivery(delivery_id, cause, status.at)
    return str(state)


def fetch() -> int:
    """Fetch what came back into the mailboxes of mail gateways; how many mails."""
    return _of_each(Channel.EMAIL, _mailbox)


def fetch_stops() -> int:
    """Ask providers that keep STOPs to themselves who said it; how many they named anew."""
    return _of_each(Channel.SMS, _stop_list)


def _of_each(channel: Channel, ask: Callable[[Gateway], int]) -> int:
    """Ask each gateway; one that answers oddly is told to its association, and stops nobody."""
    done = 0
    for gateway in Gateway.objects.filter(active=True, channel=channel).exclude(driver="outbox"):
        why = ""
        try:
            done += ask(gateway)
        except _OF_THE_DATABASE:
            raise
        except (GatewayErrorTemporary, GatewayErrorFinal) as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 (as above; its text may hold an address)
            why = type(error).__name__
        if why:
            _log.warning("what came back by gateway %d can’t be fetched: %s", gateway.pk, why)
        if why[:200] != gateway.deaf:
            Gateway.objects.filter(pk=gateway.pk).update(deaf=why[:200])
    return done


def _mailbox(gateway: Gateway) -> int:
    settings = MailSettings.of(json.loads(gateway.settings), gateway.sender)
    return empty_mailbox(settings, partial(_store_mail, gateway))


def _stop_list(gateway: Gateway) -> int:
    named = 0
    driver = drivers.open_gateway(gateway)
    try:
        if (stops := getattr(driver, "stops", None)) is not None:
            for heard in stops(partial(_unheard, gateway)):
                named += hear(gateway, heard)
    finally:
        driver.close()
    return named


def _unheard(gateway: Gateway, numbers: Sequence[str]) -> list[str]:
    found = stopping.unheard(gateway.association_id, gateway.channel, numbers)
    return found[:_STOPS_AT_ONCE]


def _store_mail(gateway: Gateway, raw: bytes) -> None:
    store(gateway, Hook("MAIL", {}, {}, raw))


def forget(association_id: int, now: datetime) -> None:
    """Read all that wasn't read yet: sealed as it is, a member who is being erased may be named in
    it. What is read keeps nothing that names anybody."""
    rows = Inbound.objects.filter(
        Q(again_at__isnull=True) | ~Q(trouble=""),  # others wait as reports, which name nobody
        gateway__association_id=association_id,
        read_at__isnull=True,
    )
    _read_all(rows.select_related("gateway").order_by("received_at", "pk"), now)


def prune(now: datetime) -> int:
    """Delete what came in more than a month ago; how many."""
    return Inbound.objects.filter(received_at__lt=now - KEPT).delete()[0]
