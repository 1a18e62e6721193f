"""Which of the keys that sensors offer is the town's of a day: the first, as long as it spreads.

A key gives way to the next that is offered when it is lost (nobody has it any more, or all who had
it stay silent while others ask for WANTED_IN_VAIN), or when it is kept back: those who have asked
for it in vain for WANTED_IN_VAIN are no fewer than those who hold it. So one broken or hostile
sensor holds up no town, and it takes half of the sensors to take a key away that the others share.
Whoever kept one back comes last for the rest of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chaland.hub.footfall.models import DayKey, SealedCopy, Sensor, TownKey
from chaland.wire.exchange import Exchange

HEARD_WITHIN = timedelta(minutes=10)
"""Who was silent for so long is gone: as a holder, and as one that wants the key."""
WANTED_IN_VAIN = timedelta(minutes=10)
"""A healthy town hands a key on within two exchanges, which come each minute."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a town's key of the day gets about: of ``heard`` sensors, ``lacking`` ask in vain.

    ``kept_back``: sensors that held a key of the day which reached nobody.
    """

    heard: int
    lacking: int
    kept_back: tuple[Sensor, ...]


def elect(
    sensor: Sensor, town_id: int, asked: Exchange, allowed: Sequence[Sensor], now: datetime
) -> str:
    """Note what a sensor has or wants; return the name of the day's current key, "" for none.

    It must bring its own key of the day (else ValueError). Call this in a transaction: the town's
    row stays locked until its end.
    """
    offered = asked.holds or asked.offers
    if offered:
        new = TownKey(
            association_id=town_id, day=asked.day, key=offered, maker=sensor, offered_at=now
        )
        TownKey.objects.bulk_create([new], ignore_conflicts=True)
    rows = TownKey.objects.select_for_update().filter(association_id=town_id, day=asked.day)
    town = rows.first()
    own = _note(sensor, asked, town.key if town else "", now)
    if town is None or own.wanting_since is None:
        return town.key if town else ""
    heard = heard_of(asked.day, allowed, now)
    holders = [row.sensor_id for row in heard if row.holds == town.key]
    if _gives_way(town, own, heard, allowed, now) and not _comes_last(sensor, town, heard):
        _replace(town, offered, sensor, holders, now)
        SealedCopy.objects.filter(day=asked.day, recipient__in=allowed).delete()
        everyone = DayKey.objects.filter(day=asked.day, sensor__in=allowed)
        everyone.update(wanting_since=None)  # they have not wanted the new one yet
        DayKey.objects.filter(pk=own.pk).update(holds=offered)
    return town.key


def _gives_way(
    town: TownKey, own: DayKey, heard: Sequence[DayKey], allowed: Sequence[Sensor], now: datetime
) -> bool:
    """Tell whether a sensor without the key may replace it.

    At once where nobody has it any more. Silence alone proves nothing: after an outage of the hub
    everybody was silent, and who holds the key may ask last. So whoever has waited in vain counts.
    """
    everyone = DayKey.objects.filter(day=town.day, sensor__in=allowed)
    if not everyone.filter(holds=town.key).exists():
        return True
    in_vain = _in_vain(heard, now)
    holding = [row for row in heard if row.holds == town.key]
    return own.pk in {row.pk for row in in_vain} and len(in_vain) >= len(holding)


def _note(sensor: Sensor, asked: Exchange, current: str, now: datetime) -> DayKey:
    key = asked.day_key
    if key is None:
        raise ValueError("who takes part brings a key of the day")
    has = bool(current) and current in (asked.holds, asked.offers)
    wants = bool(current and (asked.holds or asked.offers)) and not has
    before = DayKey.objects.filter(sensor=sensor, day=asked.day).first()
    goes_on = (
        before is not None
        and bytes(before.public_key) == key.public_key
        and before.heard_at > now - HEARD_WITHIN
    )
    since = before.wanting_since if before and goes_on else None
    row, _ = DayKey.objects.update_or_create(
        sensor=sensor,
        day=asked.day,
        defaults={
            "public_key": key.public_key,
            "signature": key.signature,
            "holds": current if has else asked.holds,
            "heard_at": now,
            "wanting_since": (since or now) if wants else None,
        },
    )
    return row


def heard_of(day: date, sensors: Sequence[Sensor], now: datetime) -> list[DayKey]:
    """Return the rows of those sensors that were heard lately, with a key of that day."""
    rows = DayKey.objects.filter(day=day, sensor__in=sensors, heard_at__gt=now - HEARD_WITHIN)
    return list(rows.select_related("sensor").order_by("sensor"))


def _in_vain(heard: Sequence[DayKey], now: datetime) -> list[DayKey]:
    begin = now - WANTED_IN_VAIN
    return [row for row in heard if row.wanting_since and row.wanting_since <= begin]


def _comes_last(sensor: Sensor, town: TownKey, heard: Sequence[DayKey]) -> bool:
    """Tell whether somebody with a better name has a key to offer: it asks within a minute."""
    others = (row.sensor_id for row in heard if row.wanting_since and row.sensor_id != sensor.pk)
    return sensor.pk in town.passed_over and any(pk not in town.passed_over for pk in others)


def _replace(
    town: TownKey, offered: str, sensor: Sensor, holders: Sequence[int], now: datetime
) -> None:
    town.key, town.maker, town.offered_at = offered, sensor, now
    town.passed_over = sorted({*town.passed_over, *holders})
    town.save(update_fields=["key", "maker", "offered_at", "passed_over"])


def spread(town_id: int, today: date, allowed: Sequence[Sensor], now: datetime) -> Spread:
    """Return how today's key gets about, for who directs the town."""
    heard = heard_of(today, allowed, now)
    town = TownKey.objects.filter(association_id=town_id, day=today).first()
    passed_over = set(town.passed_over) if town else set()
    kept_back = tuple(each for each in allowed if each.pk in passed_over)
    return Spread(len(heard), len(_in_vain(heard, now)), kept_back)
