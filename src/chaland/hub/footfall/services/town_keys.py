"""The relay of the town's key of the day: who has it, who wants it, sealed copies.

The hub sees public keys, names of keys, and boxes that it can't open. All that it decides is which
of several offered keys is the current one (``election``); a sensor checks every copy against the
charter itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from chaland.hub.association.models import Association
from chaland.hub.footfall.models import DayKey, SealedCopy, Sensor, TownKey
from chaland.hub.footfall.services.drops import Drop
from chaland.hub.footfall.services.election import elect, heard_of
from chaland.wire import exchange as wire
from chaland.wire.exchange import Exchange
from chaland.wire.periods import local_day

_DATABASE = "footfall"


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a sensor learns of the day's keys, and what of its own was left out, by reason."""

    key: str = ""
    copy: wire.SealedCopy | None = None
    wanting: tuple[wire.DayKey, ...] = ()
    left_out: dict[Drop, int] = field(default_factory=dict)


def relay(
    sensor: Sensor,
    town_id: int,
    asked: Exchange,
    allowed: Sequence[Sensor],
    now: datetime,
    *,
    fresh: bool = True,
) -> Relayed:
    """Store what a sensor brings and return what waits for it. ``allowed`` take part, it too.

    Copies are handed over to a ``fresh`` request only: one that can't be a replay.
    """
    key, left_out = asked.day_key, {}
    if key and not wire.is_day_key(key, asked.day, bytes(sensor.public_key)):
        return Relayed(left_out={Drop.DAY_KEY_FORGED: 1})
    with transaction.atomic(using=_DATABASE):
        if key is None:  # its day's process does not run
            DayKey.objects.filter(sensor=sensor, day=asked.day).delete()
            SealedCopy.objects.filter(recipient=sensor, day=asked.day).delete()
            known = TownKey.objects.filter(association_id=town_id, day=asked.day).first()
            return Relayed(known.key if known else "")
        current = elect(sensor, town_id, asked, allowed, now)
        has = bool(current) and current in (asked.holds, asked.offers)
        heard = heard_of(asked.day, allowed, now)
        refused = _store(sensor, asked, current if has else "", heard)
        if refused:
            left_out[Drop.COPY_REFUSED] = refused
        if not has:
            copy = _hand_over(sensor, asked.day, key.public_key, current) if fresh else None
            return Relayed(current, copy, (), left_out)
        SealedCopy.objects.filter(recipient=sensor, day=asked.day).delete()
        return Relayed(current, None, _wanting(sensor, asked.day, current, heard), left_out)


def _store(sensor: Sensor, asked: Exchange, current: str, heard: Sequence[DayKey]) -> int:
    """Store the sealed copies that a holder of the current key made; returns how many it can't.

    One for a sensor that got the key meanwhile is right, and not needed any more.
    """
    by_name = {row.sensor.identifier: row for row in heard}
    made, refused = [], 0
    for copy in asked.copies:
        recipient = by_name.get(copy.recipient)
        if (
            recipient is None
            or copy.recipient == sensor.identifier
            or (copy.maker, copy.key) != (sensor.identifier, current)
            or copy.recipient_key != bytes(recipient.public_key)
            or not wire.is_copy(copy, asked.day, bytes(sensor.public_key))
        ):
            refused += 1
        elif recipient.holds != current:
            made.append(_row(sensor, recipient, copy))
    _delete_outdated(sensor, asked.day, current, heard)
    SealedCopy.objects.bulk_create(made, ignore_conflicts=True)  # its first for a recipient stays
    return refused


def _row(maker: Sensor, recipient: DayKey, copy: wire.SealedCopy) -> SealedCopy:
    return SealedCopy(
        recipient_id=recipient.sensor_id,
        day=recipient.day,
        recipient_key=copy.recipient_key,
        maker=maker,
        key=copy.key,
        box=copy.box,
        signature=copy.signature,
    )


def _delete_outdated(maker: Sensor, day: date, current: str, heard: Sequence[DayKey]) -> None:
    """Make room for copies: of the current key, for the key of the day that a sensor has now."""
    public_keys = {row.sensor_id: bytes(row.public_key) for row in heard}
    for copy in SealedCopy.objects.filter(maker=maker, day=day):
        known = public_keys.get(copy.recipient_id)
        if copy.key != current or (known and known != bytes(copy.recipient_key)):
            copy.delete()


def _wanting(
    maker: Sensor, day: date, current: str, heard: Sequence[DayKey]
) -> tuple[wire.DayKey, ...]:
    """Return the keys of sensors that lack the current one, and for which this one made no copy."""
    copies = SealedCopy.objects.filter(maker=maker, day=day, key=current)
    waiting = {(row.recipient_id, bytes(row.recipient_key)) for row in copies}
    return tuple(
        wire.DayKey(row.sensor.identifier, bytes(row.public_key), row.signature)
        for row in heard
        if row.holds != current and (row.sensor_id, bytes(row.public_key)) not in waiting
    )[: wire.MAX_COPIES]


def _hand_over(
    sensor: Sensor, day: date, public_key: bytes, current: str
) -> wire.SealedCopy | None:
    """Return the copy that has waited longest for a sensor, and delete it.

    A sensor that could not open it, or never got this answer, is then wanting again; the copies of
    other makers wait their turn before one that its maker makes anew.
    """
    waiting = SealedCopy.objects.filter(recipient=sensor, day=day)
    for found in waiting.select_related("maker").order_by("pk"):
        found.delete()
        if found.key == current and bytes(found.recipient_key) == public_key:
            return wire.SealedCopy(
                maker=found.maker.identifier,
                recipient=sensor.identifier,
                recipient_key=public_key,
                key=found.key,
                box=bytes(found.box),
                signature=found.signature,
            )
    return None


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
