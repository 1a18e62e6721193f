"""The relay of the town's key of the day: which one is current, who has it, sealed copies.

The hub sees public keys, names of keys, and boxes that it can't open. All that it decides is which
of several offered keys is the current one; a sensor checks every copy against the charter itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from chaland.hub.association.models import Association
from chaland.hub.footfall.models import DayKey, SealedCopy, Sensor, TownKey
from chaland.hub.footfall.services.drops import Drop
from chaland.wire import exchange as wire
from chaland.wire.exchange import Exchange
from chaland.wire.periods import local_day

HOLDER_HEARD_WITHIN = timedelta(minutes=10)
"""A key whose holders have all been silent for so long is lost: the next offer replaces it."""
_DATABASE = "footfall"


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a sensor learns of the day's keys, and what of its own was left out, by reason."""

    key: str = ""
    copy: wire.SealedCopy | None = None
    wanting: tuple[wire.DayKey, ...] = ()
    left_out: dict[Drop, int] = field(default_factory=dict)


def relay(
    sensor: Sensor, town_id: int, asked: Exchange, allowed: Sequence[Sensor], now: datetime
) -> Relayed:
    """Store what a sensor brings and return what waits for it. ``allowed`` take part, it too."""
    key, left_out = asked.day_key, {}
    if key and not wire.is_day_key(key, asked.day, bytes(sensor.public_key)):
        return Relayed(left_out={Drop.DAY_KEY_FORGED: 1})
    with transaction.atomic(using=_DATABASE):
        if key is None:  # its day's process does not run
            DayKey.objects.filter(sensor=sensor, day=asked.day).delete()
            SealedCopy.objects.filter(recipient=sensor, day=asked.day).delete()
            known = TownKey.objects.filter(association_id=town_id, day=asked.day).first()
            return Relayed(known.key if known else "")
        current = _elect(sensor, town_id, asked, allowed, now)
        has = bool(current) and current in (asked.holds, asked.offers)
        _note(sensor, asked.day, key, current if has else asked.holds, now)
        heard = _heard(asked.day, allowed, now)
        refused = _store(sensor, asked, current if has else "", heard)
        if refused:
            left_out[Drop.COPY_REFUSED] = refused
        if has:
            wanting = _wanting(asked.day, current, heard.values())
            return Relayed(current, None, wanting, left_out)
        return Relayed(
            current, _hand_over(sensor, asked.day, key.public_key, current), (), left_out
        )


def _elect(
    sensor: Sensor, town_id: int, asked: Exchange, allowed: Sequence[Sensor], now: datetime
) -> str:
    """Return the name of the day's current key, "" for none; its row stays locked.

    The first that is offered wins. One that nobody holds any more gives way to the next.
    """
    offered = asked.holds or asked.offers
    if offered:
        new = TownKey(
            association_id=town_id, day=asked.day, key=offered, maker=sensor, offered_at=now
        )
        TownKey.objects.bulk_create([new], ignore_conflicts=True)
    town = TownKey.objects.select_for_update().filter(association_id=town_id, day=asked.day)
    current = town.first()
    if current is None:
        return ""
    if offered and current.key not in (asked.holds, asked.offers):
        holders = DayKey.objects.filter(
            day=asked.day,
            sensor__in=allowed,
            holds=current.key,
            heard_at__gt=now - HOLDER_HEARD_WITHIN,
        ).exclude(sensor=sensor)
        if not holders.exists():
            current.key, current.maker, current.offered_at = offered, sensor, now
            current.save(update_fields=["key", "maker", "offered_at"])
            old = SealedCopy.objects.filter(day=asked.day, recipient__in=allowed)
            old.exclude(key=offered).delete()
    return current.key


def _note(sensor: Sensor, day: date, key: wire.DayKey, holds: str, now: datetime) -> None:
    DayKey.objects.update_or_create(
        sensor=sensor,
        day=day,
        defaults={
            "public_key": key.public_key,
            "signature": key.signature,
            "holds": holds,
            "heard_at": now,
        },
    )


def _heard(day: date, allowed: Sequence[Sensor], now: datetime) -> dict[str, DayKey]:
    """Return the day keys of sensors that were heard lately, by the sensor's name."""
    names = {sensor.pk: sensor.identifier for sensor in allowed}
    rows = DayKey.objects.filter(
        day=day, sensor__in=names, heard_at__gt=now - HOLDER_HEARD_WITHIN
    ).select_related("sensor")
    return {names[row.sensor_id]: row for row in rows}


def _store(sensor: Sensor, asked: Exchange, current: str, heard: dict[str, DayKey]) -> int:
    """Store the sealed copies that a holder of the current key made; returns how many it can't."""
    refused = 0
    for copy in asked.copies:
        recipient = heard.get(copy.recipient)
        if (
            recipient is None
            or copy.recipient == sensor.identifier
            or (copy.maker, copy.key) != (sensor.identifier, current)
            or copy.recipient_key != bytes(recipient.public_key)
            or not wire.is_copy(copy, asked.day, bytes(sensor.public_key))
        ):
            refused += 1
            continue
        SealedCopy.objects.update_or_create(
            recipient_id=recipient.sensor_id,
            day=asked.day,
            defaults={
                "recipient_key": copy.recipient_key,
                "maker": sensor,
                "key": copy.key,
                "box": copy.box,
                "signature": copy.signature,
            },
        )
    return refused


def _wanting(day: date, current: str, heard: Iterable[DayKey]) -> tuple[wire.DayKey, ...]:
    lacking = [row for row in heard if row.holds != current]
    copies = SealedCopy.objects.filter(
        day=day, key=current, recipient__in=[row.sensor_id for row in lacking]
    )
    waiting = {(row.recipient_id, bytes(row.recipient_key)) for row in copies}
    return tuple(
        wire.DayKey(row.sensor.identifier, bytes(row.public_key), row.signature)
        for row in lacking
        if (row.sensor_id, bytes(row.public_key)) not in waiting
    )[: wire.MAX_COPIES]


def _hand_over(
    sensor: Sensor, day: date, public_key: bytes, current: str
) -> wire.SealedCopy | None:
    """Return the copy that waits for a sensor, and delete it.

    A sensor that could not open it, or never got this answer, is then wanting again.
    """
    waiting = SealedCopy.objects.filter(recipient=sensor, day=day)
    found = waiting.select_related("maker").first()
    waiting.delete()
    if found is None or found.key != current or bytes(found.recipient_key) != public_key:
        return None
    return wire.SealedCopy(
        maker=found.maker.identifier,
        recipient=sensor.identifier,
        recipient_key=public_key,
        key=found.key,
        box=bytes(found.box),
        signature=found.signature,
    )


def prune(now: datetime) -> int:
    """Delete keys and copies of days that are over in their town; returns the number of rows."""
    gone = 0
    for town in Association.objects.all():
        # A day's process outlives its day by a cell: keep yesterday's until today is over.
        first = local_day(now, ZoneInfo(town.timezone)) - timedelta(days=1)
        shops = list(town.shops.values_list("pk", flat=True))
        sensors = list(Sensor.objects.filter(shop_id__in=shops).values_list("pk", flat=True))
        with transaction.atomic(using=_DATABASE):
            for rows in (
                SealedCopy.objects.filter(recipient__in=sensors, day__lt=first),
                DayKey.objects.filter(sensor__in=sensors, day__lt=first),
                TownKey.objects.filter(association_id=town.pk, day__lt=first),
            ):
                gone += rows.delete()[0]
    return gone
