"""Answering a sensor's exchange: who it is, what it may pass on, and what waits for it."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from chaland.hub.association.models import Association
from chaland.hub.footfall import charters
from chaland.hub.footfall.intake import checks
from chaland.hub.footfall.intake import drops as unsigned
from chaland.hub.footfall.intake.checks import RefusedFinal
from chaland.hub.footfall.intake.services import claimed_sensor
from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services import covisits, drops, objections, town_keys
from chaland.hub.footfall.services.drops import EXCHANGE_PREFIX, Drop
from chaland.hub.footfall.services.town_keys import Relayed
from chaland.wire.answers import Answer, Code
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import MAX_BYTES, Exchange, Exchanged, decode
from chaland.wire.periods import local_day
from chaland.wire.signature import Envelope

DAYS_APART = 1
"""A day's process outlives its day by a cell, and a box's clock may be ahead."""


@dataclass
class _Taken:
    relayed: Relayed = field(default_factory=Relayed)
    left_out: dict[Drop, int] = field(default_factory=dict)


def relay(body: bytes, envelope: Envelope, now: datetime) -> Exchanged | Answer:
    """Pass on what a sensor brings, and return what waits for it; or why it is refused.

    Only sensors that may count take part in keys and objections; every sensor that is enrolled gets
    the charter and the filter. Whatever is refused or left out is counted.
    """
    covisits.expire(now)
    claimed = claimed_sensor(envelope)
    try:
        sensor = checks.authentic(body, envelope, claimed, MAX_BYTES)
    except RefusedFinal as refused:
        unsigned.strangers.count(EXCHANGE_PREFIX + refused.code, now, claimed)
        return Answer(refused.code, refused.message)
    try:
        signed_at = checks.timely(envelope, now)
        town = checks.town_of(sensor)
        asked = _readable(body, envelope, town, now)
        fresh = _in_order(sensor, signed_at)
        _not_withdrawn(sensor, town, asked)
    except RefusedFinal as refused:
        drops.count(EXCHANGE_PREFIX + refused.code, now, sensor)
        return Answer(refused.code, refused.message, sensor.last_sequence)
    taken = _take(sensor, town, asked, now, fresh)
    for reason, number in taken.left_out.items():
        drops.count(reason, now, sensor, number)
    return _answer(town, asked, taken.relayed)


def _readable(body: bytes, envelope: Envelope, town: Association, now: datetime) -> Exchange:
    try:
        asked = decode(body)
        if asked.sensor != envelope.sensor:
            raise WireErrorFinal("sensor", "is not the one that signed")
        today = local_day(now, ZoneInfo(town.timezone))
        if abs((asked.day - today).days) > DAYS_APART:
            raise WireErrorFinal("day", f"is not about {today}")
    except WireErrorFinal as error:
        message = f"{error}. Check the box's clock, and update its software."
        raise RefusedFinal(Code.MALFORMED, message) from None
    return asked


def _in_order(sensor: Sensor, signed_at: datetime) -> bool:
    """Note when an exchange was signed; tell whether it is later than all before it.

    Raises RefusedFinal for an older one: somebody sends again what the sensor sent once. Times have
    seconds, and a sensor may speak twice in one: the second time it gets no copy (a replay would
    take it away), until the next minute.
    """
    own = Sensor.objects.filter(pk=sensor.pk)
    never = Q(last_exchange_at=None)
    if own.filter(never | Q(last_exchange_at__lt=signed_at)).update(last_exchange_at=signed_at):
        return True
    if own.filter(last_exchange_at=signed_at).exists():
        return False
    raise RefusedFinal(
        Code.SEQUENCE_REPLAYED,
        f"A later exchange than that of {signed_at:%Y-%m-%dT%H:%M:%SZ} was taken. If the box's "
        "clock was set back, wait until it has caught up (ten minutes at most).",
    )


def _not_withdrawn(sensor: Sensor, town: Association, asked: Exchange) -> None:
    """Tell a sensor to stop at once when its shop has withdrawn, before the next charter says so.

    One that has not seen the newest charter gets that first. Raises RefusedFinal.
    """
    charter = charters.current(town.pk)
    if charter is None or charter.version > asked.charter_version:
        return
    if charter.sensor(sensor.identifier) and charters.withdrawn_shops([sensor.shop_id]):
        raise RefusedFinal(
            Code.NOT_AGREED,
            "The shop has withdrawn its agreement: this sensor must not listen. If it agrees "
            "again, the association signs a new charter.",
        )


def _take(sensor: Sensor, town: Association, asked: Exchange, now: datetime, fresh: bool) -> _Taken:
    today = local_day(now, ZoneInfo(town.timezone))
    allowed = charters.taking_part(charters.current(town.pk), today)
    if sensor.identifier not in allowed:
        brings = asked.day_key or asked.copies or asked.objected
        return _Taken(left_out={Drop.EXCHANGE_NOT_AGREED: 1} if brings else {})
    relayed = town_keys.relay(sensor, town.pk, asked, list(allowed.values()), now, fresh=fresh)
    over = objections.take(sensor, town.pk, asked.objected, today)
    counted = {**relayed.left_out, Drop.OBJECTION_OVER_LIMIT: over}
    return _Taken(relayed, {reason: number for reason, number in counted.items() if number})


def _answer(town: Association, asked: Exchange, relayed: Relayed) -> Exchanged:
    stored = charters.newest(town.pk)
    newer = stored is not None and stored.version > asked.charter_version
    version, bits = objections.filter_of(town.pk, asked.filter_version)
    return Exchanged(
        day=asked.day,
        key=relayed.key,
        copy=relayed.copy,
        wanting=relayed.wanting,
        charter=stored.document if stored is not None and newer else "",
        filter_version=version,
        filter=bits,
    )
