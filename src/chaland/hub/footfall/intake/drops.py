"""Counting what intake refused: in aggregate, so that junk can't fill the database."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from chaland.hub.association.models import Shop
from chaland.hub.footfall.models import DropCount, Sensor
from chaland.wire.periods import local_day

GAP = "gap"
"""Accepted, but numbers before it never came. Everything else counted is a wire answer's code."""
FIGURES_STALE = "figures-stale"
"""Accepted and stored, but the figures could not be renewed; rebuilding them heals it."""
ENROLMENT_PREFIX = "enrol-"


def count(reason: str, now: datetime, sensor: Sensor | None = None) -> None:
    """Add one to a reason's count of the (local) day: one row per sensor, day and reason."""
    shop = sensor and Shop.objects.select_related("association").filter(pk=sensor.shop_id).first()
    day = local_day(now, ZoneInfo(shop.association.timezone if shop else "UTC"))
    with transaction.atomic(using="footfall"):
        DropCount.objects.update_or_create(
            sensor=sensor,
            day=day,
            reason=reason,
            defaults={"count": F("count") + 1},
            create_defaults={"count": 1},
        )
