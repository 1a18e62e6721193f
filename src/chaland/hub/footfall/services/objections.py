"""The town's objection filter: what one sensor was asked to forget, all leave out.

A bit stands for 2^32 addresses. It expires so long after it was first asked for, and is not
renewed: so it tells one day on which somebody was there, and not each on which they came back. Each
sensor can set so many new ones a day, and so many may stand in its name, so that nobody with a
transmitter blinds the town; and who directs it is told when the filter fills. Filter and version
belong together: the version grows with each change and never falls, so that a sensor that has the
newest has the right one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from chaland.hub.association.models import Association
from chaland.hub.footfall import keeping
from chaland.hub.footfall.models import ObjectionBit, ObjectionDay, ObjectionFilter, Sensor
from chaland.wire.exchange import FILTER_BITS, FILTER_BYTES
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import local_day

NEW_A_DAY = DEFAULT_MECHANISM.objection.new_in_a_day
"""Per sensor; one that keeps to the mechanism tells no more."""
STANDING = 1_024
"""Per sensor, so of all sensors together a town of thirty can be blinded by half: see the alarm."""
_DATABASE = "footfall"


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a town's filter is. ``alarm``: fuller than people who object make it."""

    bits: int
    share: float
    alarm: bool


def fill(association_id: int, today: date) -> Fill:
    """Return how full the filter is: bits that are not older than they may be."""
    oldest = today - keeping.OBJECTIONS
    bits = ObjectionBit.objects.filter(
        association_id=association_id, first_asked_on__gt=oldest
    ).count()
    share = bits / FILTER_BITS
    return Fill(bits, share, share >= keeping.OBJECTIONS_ALARM_SHARE)


def take(sensor: Sensor, association_id: int, bits: Sequence[int], today: date) -> int:
    """Set the bits that a sensor was asked for; returns how many were over its limits.

    A bit that stands already costs nothing, and nothing is noted of it.
    """
    if not bits:
        return 0
    with transaction.atomic(using=_DATABASE):
        return _take(_locked(association_id), sensor, bits, today)


def _take(held: ObjectionFilter, sensor: Sensor, bits: Sequence[int], today: date) -> int:
    association_id = held.association_id
    asked = list(dict.fromkeys(bits))
    town = ObjectionBit.objects.filter(association_id=association_id)
    standing = set(town.filter(bit__in=asked).values_list("bit", flat=True))
    own = town.filter(sensor=sensor)
    room = min(NEW_A_DAY - own.filter(first_asked_on=today).count(), STANDING - own.count())
    new = [bit for bit in asked if bit not in standing]
    taken = new[: max(room, 0)]
    if taken:
        ObjectionBit.objects.bulk_create(
            ObjectionBit(
                association_id=association_id, bit=bit, sensor=sensor, first_asked_on=today
            )
            for bit in taken
        )
        _renew(held)
    _note(association_id, today)
    return len(new) - len(taken)


def filter_of(association_id: int, known: int) -> tuple[int, bytes]:
    """Return version and bytes of a town's filter; no bytes where ``known`` is its version."""
    town = ObjectionFilter.objects.filter(association_id=association_id)
    version = town.values_list("version", flat=True).first() or 0
    if version == known:
        return version, b""
    held = town.first()
    return (held.version, bytes(held.bits)) if held else (0, bytes(FILTER_BYTES))


def tend(now: datetime) -> int:
    """Forget objections that expired, and note how full each filter is; returns how many went."""
    gone = 0
    for town_id in list(ObjectionFilter.objects.values_list("association_id", flat=True)):
        today = _today(town_id, now)
        with transaction.atomic(using=_DATABASE):
            held = _locked(town_id)
            old = ObjectionBit.objects.filter(
                association_id=town_id, first_asked_on__lte=today - keeping.OBJECTIONS
            )
            number, _ = old.delete()
            if number:
                _renew(held)
            _note(town_id, today)
        gone += number
    return gone


def clear(association_id: int, now: datetime) -> int:
    """Forget all objections of a town, after an attack: who objects is asked to do so anew."""
    with transaction.atomic(using=_DATABASE):
        held = _locked(association_id)
        number, _ = ObjectionBit.objects.filter(association_id=association_id).delete()
        _renew(held)
        # The day keeps its highest fill: its figures were made with it.
        _note(association_id, _today(association_id, now))
    return number


def _today(association_id: int, now: datetime) -> date:
    name = Association.objects.filter(pk=association_id).values_list("timezone", flat=True).first()
    return local_day(now, ZoneInfo(name or "UTC"))


def _locked(association_id: int) -> ObjectionFilter:
    """Hold the town's filter until the transaction ends: changes come one after the other."""
    empty = ObjectionFilter(association_id=association_id, bits=bytes(FILTER_BYTES))
    ObjectionFilter.objects.bulk_create([empty], ignore_conflicts=True)
    return ObjectionFilter.objects.select_for_update().get(association_id=association_id)


def _renew(held: ObjectionFilter) -> None:
    """Make the filter's bytes out of its bits, under the next version."""
    bits = np.zeros(FILTER_BITS, np.uint8)
    town = ObjectionBit.objects.filter(association_id=held.association_id)
    bits[list(town.values_list("bit", flat=True))] = 1
    held.bits = np.packbits(bits, bitorder="little").tobytes()
    held.version += 1
    held.save(update_fields=["bits", "version"])


def _note(association_id: int, today: date) -> None:
    """Note the day's fill, the highest of the day: by it figures are corrected."""
    number = ObjectionBit.objects.filter(association_id=association_id).count()
    noted, new = ObjectionDay.objects.get_or_create(
        association_id=association_id, day=today, defaults={"bits": number}
    )
    if not new and noted.bits < number:
        noted.bits = number
        noted.save(update_fields=["bits"])
