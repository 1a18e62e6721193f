"""Counting what the hub refused, in aggregate: one row per sensor, local day and reason."""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from chaland.hub.association.models import Shop
from chaland.hub.footfall.models import DropCount, Sensor
from chaland.wire.periods import local_day

ENROLMENT_PREFIX = "enrol-"
EXCHANGE_PREFIX = "exchange-"
"""Before the code with which a whole request was refused; a summary's code stands alone."""


class Drop(StrEnum):
    """What is counted besides refused requests: a part that was left out, or a note."""

    GAP = "gap"
    """Accepted, but numbers before it never came."""
    FIGURES_STALE = "figures-stale"
    """Accepted and stored, but the figures could not be renewed; rebuilding them heals it."""
    SKETCH_LATE = "sketch-late"
    """It came when the day was estimated already, or more than a day after its end."""
    SKETCH_REPEATED = "sketch-repeated"
    """The shop has its sketches of that day."""
    SKETCH_FOREIGN_MECHANISM = "sketch-foreign-mechanism"
    SKETCH_OTHER_KEY = "sketch-other-key"
    """Another key of the day than most sensors': it can't be compared with theirs."""
    SKETCH_UNESTIMATED = "sketch-unestimated"
    """The estimate failed until the sketch was too old to be kept."""
    EXCHANGE_NOT_AGREED = "exchange-not-agreed"
    """Keys or objections of a sensor that may not take part."""
    DAY_KEY_FORGED = "day-key-forged"
    """A key of the day that the sensor's identity key did not sign."""
    COPY_REFUSED = "copy-refused"
    """A sealed copy not by a holder, not of the town's key, or for nobody who wants it."""
    OBJECTION_OVER_LIMIT = "objection-over-limit"


def count(reason: str, now: datetime, sensor: Sensor | None = None, number: int = 1) -> None:
    """Add to a reason's count of the sensor's local day."""
    write(sensor.pk if sensor else None, day_of(now, sensor), reason, number)


def day_of(now: datetime, sensor: Sensor | None) -> date:
    """Return the local day under which something is counted; UTC where no sensor is known."""
    shop = sensor and Shop.objects.select_related("association").filter(pk=sensor.shop_id).first()
    return local_day(now, ZoneInfo(shop.association.timezone if shop else "UTC"))


def write(sensor_pk: int | None, day: date, reason: str, number: int) -> None:
    """Add to one row of the counts."""
    with transaction.atomic(using="footfall"):
        # A sensor deleted since it was counted leaves its counts to nobody.
        sensor = Sensor.objects.filter(pk=sensor_pk).first() if sensor_pk else None
        DropCount.objects.update_or_create(
            sensor=sensor,
            day=day,
            reason=reason,
            defaults={"count": F("count") + number},
            create_defaults={"count": number},
        )
